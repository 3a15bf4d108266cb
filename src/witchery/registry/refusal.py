"""What a registry says when it does not do what it was asked (distribution-spec, "Error Codes")."""

from collections.abc import Iterable
from typing import Final

from witchery import canonical
from witchery.errors import FormatError, NetworkError
from witchery.http import Response
from witchery.value import frozen

MAX_ANSWER: Final = 1 << 16
"""Bytes of the longest refusal that is read."""

_MAX_ERRORS: Final = 8
_MAX_TEXT: Final = 200
_SERVER_ERROR: Final = 500

_HINTS: Final = {
    "DENIED": "the account may not do this: check the name of the repository, and what the account may do",
    "NAME_UNKNOWN": "some registries want a repository to be made before something is pushed to it",
    "NAME_INVALID": "the registry does not take this name for a repository",
    "MANIFEST_UNKNOWN": "check the tag, and whether the account may see the repository",
    "MANIFEST_INVALID": "the registry does not take this kind of manifest",
    "MANIFEST_BLOB_UNKNOWN": "the registry lost a layer meanwhile: push again",
    "BLOB_UPLOAD_UNKNOWN": "the registry forgot the upload: push again",
    "SIZE_INVALID": "something between here and the registry changes what is sent",
    "DIGEST_INVALID": "something between here and the registry changes what is sent",
    "TOOMANYREQUESTS": "wait a while; where you are not logged in, logging in may raise the limit",
    "UNSUPPORTED": "the registry cannot do this; it may be a mirror that only serves",
}
_STATUS_CODES: Final = {403: "DENIED", 405: "UNSUPPORTED", 429: "TOOMANYREQUESTS"}
_TOO_LARGE: Final = 413
_UNAUTHORIZED: Final = 401
_NOT_FOUND: Final = 404


@frozen(kw_only=True)
class Refusal:
    """An answer that is not the one that was wanted.

    Attributes:
        status: Its status.
        codes: The registry's words for what is wrong, such as `DENIED`.
        text: What it says to a person.
    """

    status: int
    codes: tuple[str, ...] = ()
    text: str = ""

    @classmethod
    def of(cls, response: Response) -> "Refusal":
        """Reads a refusal to its end; a body that is none of a registry counts for nothing."""
        codes: list[str] = []
        texts: list[str] = []
        try:
            body = response.read(MAX_ANSWER)
            fields = canonical.decode(body)
        except (FormatError, NetworkError):
            fields = None
        errors = fields.get("errors") if isinstance(fields, dict) else None
        for error in errors[:_MAX_ERRORS] if isinstance(errors, list) else ():
            if isinstance(error, dict):
                code, text = error.get("code"), error.get("message")
                codes.append(_short(code) if isinstance(code, str) else "")
                texts.append(_short(text) if isinstance(text, str) else "")
        said = "; ".join(dict.fromkeys(each for each in texts if each))
        if not codes and (kind := response.headers.get("Content-Type")).startswith("text/html"):
            said = f"its answer is a web page ({_short(kind)})"
        return cls(
            status=response.status, codes=tuple(each for each in dict.fromkeys(codes) if each), text=said
        )

    def error(
        self, what: str, *, registry: str, known: bool = False, secrets: Iterable[str] = ()
    ) -> NetworkError:
        """The refusal as an error.

        Args:
            what: What was wanted, such as "a manifest was not taken: `example.org/app:1`".
            registry: The registry, for the advice.
            known: Whether the registry was told who we are.
            secrets: What must not be seen, even if the registry says it.
        """
        words = " ".join((str(self.status), *self.codes)) + (f" ({self.text})" if self.text else "")
        for secret in secrets:
            words = words.replace(secret, "***")
        head, colon, tail = what.rpartition(": ")
        return NetworkError(
            f"{head}, the registry answered {words}: {tail}" if colon else f"{what}: {words}",
            absent=self.status == _NOT_FOUND,
            hint=self._hint(registry, known=known),
        )

    def _hint(self, registry: str, *, known: bool) -> str | tuple[()]:
        if self.status == _UNAUTHORIZED or "UNAUTHORIZED" in self.codes:
            if known:
                return (
                    f"the registry knows the account, or its password, otherwise: log in to {registry} again"
                )
            return f"log in first: `docker login {registry}`, `podman login {registry}`"
        if self.status == _TOO_LARGE:
            return "a proxy before the registry limits what may be sent at once"
        for code in (*self.codes, _STATUS_CODES.get(self.status, "")):
            if code in _HINTS:
                return _HINTS[code]
        if self.status >= _SERVER_ERROR:
            return "the registry is in trouble: try again later, or tell those who keep it"
        return () if self.codes else "is this the address of a registry?"


def _short(text: str) -> str:
    return text[:_MAX_TEXT] + ("..." if len(text) > _MAX_TEXT else "")
