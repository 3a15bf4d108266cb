"""Uploading one blob, decided without sending anything.

`upload` is a generator: it yields what should happen next, a `Request` to send or a `Pause`, and is sent what
came of a request: a `Response`, or the `NetworkError` that stands for none. It returns what was done.

A blob goes in one request, which every registry takes and which costs least. Where that breaks off the
registry is asked how much it has, and the rest follows in parts, each of which counts once it is there.
"""

from collections.abc import Generator, Iterator
from typing import Final

from witchery.errors import NetworkError
from witchery.http import Request, Response, Url
from witchery.oci.descriptor import Descriptor
from witchery.registry import blobs
from witchery.registry.place import Repository
from witchery.registry.refusal import Refusal
from witchery.rootfs.content import Content
from witchery.value import frozen

_PIECE: Final = 1 << 18  # a piece is sent within the time limit of one write, on a slow line too
_PROGRESS: Final = 1 << 16  # so many bytes more at the registry count as progress, so that every upload ends
_TRANSIENT: Final = frozenset({408, 425, 429, 499, 500, 502, 503, 504})
_GONE: Final = frozenset({404, 410})
_OUT_OF_ORDER: Final = 416
_TOO_LARGE: Final = 413
_BAD: Final = 400


@frozen(kw_only=True)
class Effort:
    """How hard an upload is tried.

    Attributes:
        chunk: Bytes of one part, once the blob did not go in one request.
        whole: True to try one request for the whole blob first.
        delays: Seconds to wait after the first failure without any progress, the second, and so on; no more
            failures than that.
    """

    chunk: int = 16 << 20
    whole: bool = True
    delays: tuple[float, ...] = (0.0, 0.5, 1.0, 2.0, 4.0)


USUAL = Effort()
"""How hard an upload is tried, unless it is said otherwise."""


@frozen
class Pause:
    """Do nothing for some seconds, because of `reason`."""

    seconds: float
    reason: str


@frozen(kw_only=True)
class Uploaded:
    """What became of a blob.

    Attributes:
        mounted: The repository that it was taken over from, or an empty string.
        breaks: How often the upload broke.
    """

    mounted: str = ""
    breaks: int = 0


@frozen(kw_only=True)
class Part:
    """A part of a content, to be sent; the last one reads it to its end, where it proves itself.

    Attributes:
        content: The whole.
        first: The first byte.
        size: The number of bytes.
    """

    content: Content
    first: int
    size: int

    def chunks(self) -> Iterator[bytes]:
        """The bytes, in pieces that are not large."""
        skip, left = self.first, self.size
        for chunk in self.content.chunks():
            if skip >= len(chunk):
                skip -= len(chunk)
                continue
            end = min(len(chunk), skip + left)
            for at in range(skip, end, _PIECE):
                yield chunk[at : min(at + _PIECE, end)]
            left -= end - skip
            skip = 0
            if not left and self.first + self.size < self.content.size:
                return


Conversation = Generator[Request | Pause, Response | NetworkError | None, Uploaded]
_Asking = Generator[Request | Pause, Response | NetworkError | None, Response | NetworkError]


class RefusedError(Exception):
    """The registry does not take the blob.

    Attributes:
        refusal: What it said.
    """

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.status)
        self.refusal = refusal


def upload(
    repository: Repository,
    blob: Descriptor,
    content: Content,
    *,
    sources: tuple[str, ...] = (),
    effort: Effort = USUAL,
) -> Conversation:
    """Brings a blob into a repository that does not have it.

    Args:
        repository: The repository.
        blob: The blob.
        content: Its bytes.
        sources: Other repositories of the registry that may have it.
        effort: How hard to try.

    Raises:
        RefusedError: if the registry does not take it.
        NetworkError: if it cannot be reached for too long.
    """
    for source in sources:
        answer = yield from _ask(blobs.mount(repository, blob.digest, source))
        if isinstance(answer, Response):
            answer.close()
            if answer.status == 201:
                return Uploaded(mounted=source)
            if answer.status == 202:
                return (yield from _Upload(repository, blob, content, effort).go(blobs.location(answer)))
    return (yield from _Upload(repository, blob, content, effort).go(None))


def _ask(request: Request) -> _Asking:
    answer = yield request
    if answer is None:
        raise TypeError("a request was not answered")
    return answer


class _Upload:
    """The state of one upload."""

    def __init__(self, repository: Repository, blob: Descriptor, content: Content, effort: Effort) -> None:
        self._repository = repository
        self._blob = blob
        self._content = content
        self._effort = effort
        self._whole = effort.whole
        self._least = 0
        self._sent = 0
        self._most = 0
        self._failures = 0
        self._breaks = 0

    def go(self, place: Url | None) -> Conversation:
        """Uploads, from where the registry said that it may begin, or from the start."""
        while True:
            if place is None:
                place, self._sent = (yield from self._begin()), 0
            answer = yield from _ask(self._next(place))
            if isinstance(answer, Response) and answer.status in {201, 202, 204}:
                answer.close()
                if answer.status != 202 and self._is_finishing:
                    return Uploaded(breaks=self._breaks)
                place = self._advanced(answer)
                continue
            place = yield from self._recovered(place, answer)
            if place is None and (yield from self._is_there()):
                return Uploaded(breaks=self._breaks)

    @property
    def _is_finishing(self) -> bool:
        return self._sent == self._blob.size or (self._whole and not self._sent)

    def _next(self, place: Url) -> Request:
        """The next part of the blob, or the end."""
        left = self._blob.size - self._sent
        if self._is_finishing:
            part = Part(content=self._content, first=0, size=left) if left else None
            return blobs.finish(place, self._blob.digest, part)
        size = min(left, max(self._effort.chunk, self._least))
        return blobs.chunk(place, Part(content=self._content, first=self._sent, size=size), self._sent)

    def _advanced(self, answer: Response) -> Url:
        """Where to go on after a part was taken."""
        if self._sent == self._blob.size:
            raise RefusedError(Refusal(status=answer.status, text="it does not end the upload"))
        if self._is_finishing:  # it took the whole, and yet wants it to be ended
            self._whole = False
            self._sent = self._blob.size
            return blobs.location(answer)
        expected = min(self._blob.size, self._sent + max(self._effort.chunk, self._least))
        has = blobs.received(answer)
        self._note(has if 0 < has <= expected else expected)
        if self._failures > len(self._effort.delays):
            raise RefusedError(Refusal(status=answer.status, text="it does not take what is sent"))
        return blobs.location(answer)

    def _note(self, has: int) -> None:
        """The registry has so many bytes; counts a failure where these are no more than before."""
        self._sent = has
        if has > self._most and has >= min(self._most + _PROGRESS, self._blob.size):
            self._most = has
            self._failures = 0
        else:
            self._failures += 1

    def _begin(self) -> Generator[Request | Pause, Response | NetworkError | None, Url]:
        answer = yield from _ask(blobs.begin(self._repository))
        if isinstance(answer, NetworkError):
            raise answer
        if answer.status != 202:
            raise RefusedError(Refusal.of(answer))
        answer.close()
        self._least = blobs.least_chunk(answer)
        return blobs.location(answer)

    def _recovered(
        self, place: Url, answer: Response | NetworkError
    ) -> Generator[Request | Pause, Response | NetworkError | None, Url | None]:
        """Where to go on after a failure; None to begin anew."""
        refusal = Refusal.of(answer) if isinstance(answer, Response) else None
        if refusal is not None and not self._is_worth_more(refusal):
            raise RefusedError(refusal)
        self._breaks += 1
        if self._failures >= len(self._effort.delays):
            raise answer if isinstance(answer, NetworkError) else RefusedError(refusal or Refusal(status=0))
        seconds = self._effort.delays[self._failures]
        self._failures += 1
        before = self._failures
        if seconds:
            reason = answer.message if isinstance(answer, NetworkError) else f"status {answer.status}"
            yield Pause(seconds, reason)
        self._whole = False
        if refusal is not None and refusal.status in {_BAD, *_GONE, _TOO_LARGE}:
            return None  # what the registry has is not what was meant, or it has forgotten
        asked = yield from _ask(blobs.status(place))
        if isinstance(asked, NetworkError):
            return place if self._sent else None
        has = blobs.received(asked)
        asked.close()
        if asked.status not in {200, 202, 204} or not 0 < has <= self._blob.size:
            return None
        self._note(has)
        self._failures = min(self._failures, before)
        return blobs.location(asked) if asked.headers.get("Location") else place

    def _is_worth_more(self, refusal: Refusal) -> bool:
        if refusal.status in _TRANSIENT or refusal.status in {_OUT_OF_ORDER, *_GONE}:
            return True
        if refusal.status == _TOO_LARGE:
            return self._whole
        # Parts that did not fit together; what went in one piece does not get better by itself.
        return (
            bool({"DIGEST_INVALID", "BLOB_UPLOAD_INVALID"}.intersection(refusal.codes)) and self._breaks > 0
        )

    def _is_there(self) -> Generator[Request | Pause, Response | NetworkError | None, bool]:
        """Whether the blob arrived after all: the answer to the last request may have been lost."""
        answer = yield from _ask(blobs.head(self._repository, self._blob.digest))
        if isinstance(answer, NetworkError):
            return False
        answer.close()
        return answer.status == 200
