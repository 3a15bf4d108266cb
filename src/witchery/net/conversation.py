"""Retries and redirects, decided without sending anything.

`converse` is a generator: it yields what should happen next, a `Request` to send once or a `Wait`, and is
sent what came of a request, a `Response` or a `Failure`. It returns the final answer. Whoever drives it does
the I/O.
"""

from collections.abc import Callable, Generator

from witchery.errors import FormatError, NetworkError
from witchery.http import Request, Response, Url, retry_after
from witchery.net.settings import Policy
from witchery.value import frozen, replace

_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
_UNPROCESSED = frozenset({425, 429, 503})  # the server says that it did nothing
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@frozen(kw_only=True)
class Failure:
    """A request that got no answer, or not all of it.

    Attributes:
        reason: What happened, in words that complete "... failed: ".
        transient: True where the next attempt may succeed.
        unsent: True where the server cannot have seen the request.
        hint: What the user can do, or an empty string.
    """

    reason: str
    transient: bool = True
    unsent: bool = False
    hint: str = ""


@frozen
class Wait:
    """Do nothing for some seconds, because of `reason`, before asking `url` again."""

    seconds: float
    reason: str
    url: Url


Conversation = Generator[Request | Wait, Response | Failure | None, Response]


def converse(request: Request, policy: Policy, now: Callable[[], float]) -> Conversation:
    """Sends `request` until there is a final answer.

    An answer with an error status is final when the attempts are used up, and is returned like any other.

    Raises:
        NetworkError: if no attempt brings an answer, or redirects lead nowhere good.
    """
    hops = 0
    total = 0
    while True:
        response, attempts = yield from _attempts(request, policy, now)
        total += attempts
        location = response.headers.get("Location")
        if not (request.follow and response.status in _REDIRECTS and location):
            return replace(response, attempts=total)
        response.close()
        hops += 1
        if hops > policy.redirects:
            raise NetworkError(f"more than {policy.redirects} redirects: `{request.url.shown}`")
        request = _redirected(request, response, location, policy)


def _attempts(
    request: Request, policy: Policy, now: Callable[[], float]
) -> Generator[Request | Wait, Response | Failure | None, tuple[Response, int]]:
    """One URL, until it answers or the attempts are used up."""
    attempt = 0
    while True:
        outcome = yield request
        attempt += 1
        last = attempt > len(policy.delays)
        match outcome:
            case Response():
                if last or not _worth_repeating(request, outcome):
                    return outcome, attempt
                asked = retry_after(outcome.headers.get("Retry-After"), now=now()) or 0.0
                outcome.close()
                delay = max(policy.delays[attempt - 1], min(asked, policy.retry_after_limit))
                yield Wait(delay, f"the server answered {outcome.status}", request.url)
            case Failure():
                if last or not outcome.transient or not (outcome.unsent or request.may_repeat):
                    raise gave_up(request.url, outcome, attempt)
                yield Wait(policy.delays[attempt - 1], outcome.reason, request.url)
            case None:
                raise TypeError("a request was not answered")


def _worth_repeating(request: Request, response: Response) -> bool:
    return response.status in (_TRANSIENT if request.may_repeat else _UNPROCESSED)


def gave_up(url: Url, failure: Failure, attempts: int) -> NetworkError:
    """The error for a request that failed `attempts` times."""
    tries = "" if attempts == 1 else f" (tried {attempts} times)"
    return NetworkError(f"{failure.reason}{tries}: `{url.shown}`", hint=failure.hint or ())


def _redirected(request: Request, response: Response, location: str, policy: Policy) -> Request:
    try:
        target = response.url.join(location)
    except (FormatError, ValueError):
        raise NetworkError(
            f"the server redirects to something that is not an http or https URL: `{request.url.shown}`"
        ) from None
    if request.url.scheme == "https" and target.scheme == "http" and not policy.downgrade:
        raise NetworkError(
            f"the server redirects from https to http, to `{target.shown}`: `{request.url.shown}`",
            hint="use the `http://` URL itself if that is what you want; packages are verified either way",
        )
    return request.redirected(response.status, target)
