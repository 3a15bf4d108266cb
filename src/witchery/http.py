"""HTTP as values: what is asked, what is answered, and the few header fields that this project reads.

Nothing here opens a connection. Grammar and meaning are those of RFC 9110 (HTTP semantics), RFC 3986 (URLs)
and RFC 7617 (basic authentication).

Credentials are kept apart from the URL from the moment it is parsed: `str(url)` and `repr` of every value
here can be printed, logged, stored and used as a cache key.
"""

import base64
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol, Self

from witchery.errors import FormatError, NetworkError
from witchery.value import field, frozen, replace

_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://"
    r"(?:(?P<userinfo>[^/?#]*)@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^/?#:@\[\]]+)"
    r"(?::(?P<port>[0-9]{0,5}))?"
    r"(?P<target>[/?][^#]*)?"
    r"(?:#.*)?"
)
_USERINFO = re.compile(r"(?P<before>[A-Za-z][A-Za-z0-9+.-]*:(?://)?)[^/?#\s]*@")
_NOT_IN_URL = re.compile(r"[\x00-\x20\x7f\\]")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_CONTENT_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19}|\*)")


@frozen(repr=False)
class Credentials:
    """A user name and a password; neither is ever shown.

    Attributes:
        user: The user name.
        password: The password, possibly empty.
    """

    user: str
    password: str

    def basic(self) -> str:
        """The value of an `Authorization` field (RFC 7617, section 2)."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode("ascii")

    def __repr__(self) -> str:
        return "Credentials(...)"


@frozen
class Url:
    """An absolute `http` or `https` URL.

    Attributes:
        scheme: `http` or `https`.
        host: Host name in lower case, or an address; IPv6 in brackets.
        port: The port, also where it is the default one.
        target: Path and query, beginning with `/`; without a fragment.
        credentials: What stood before the `@`; not part of the text, the comparison or the hash.
    """

    scheme: str
    host: str
    port: int
    target: str = "/"
    credentials: Credentials | None = field(default=None, repr=False, compare=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads a URL and takes the credentials out.

        Raises:
            FormatError: if it is not an absolute `http` or `https` URL; the message shows no credentials.
        """
        match = _URL.fullmatch(text)
        if match is None or _NOT_IN_URL.search(text):
            raise FormatError(f"expected a URL such as `https://host/path`: `{redacted(text)}`")
        scheme = match["scheme"].lower()
        if scheme not in _DEFAULT_PORTS:
            raise FormatError(f"expected a URL that begins with `https://` or `http://`: `{redacted(text)}`")
        port = int(match["port"]) if match["port"] else _DEFAULT_PORTS[scheme]
        if not 0 < port < 65536:
            raise FormatError(f"expected a port between 1 and 65535: `{redacted(text)}`")
        target = match["target"] or "/"
        return cls(
            scheme,
            match["host"].lower(),
            port,
            _escaped(target if target.startswith("/") else "/" + target),
            _credentials(match["userinfo"]),
        )

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: what credentials belong to (RFC 9110, section 4.3.1)."""
        return self.scheme, self.host, self.port

    @property
    def authority(self) -> str:
        """Host, and the port where it is not the default one."""
        return self.host if self.port == _DEFAULT_PORTS[self.scheme] else f"{self.host}:{self.port}"

    @property
    def shown(self) -> str:
        """The URL for a person: without the query, which may hold a token."""
        path, question, _ = self.target.partition("?")
        return f"{self.scheme}://{self.authority}{path}{question and '?...'}"

    def join(self, reference: str) -> "Url":
        """The URL that a `Location` field means, seen from here (RFC 3986, section 5).

        Raises:
            FormatError: if that is not an `http` or `https` URL.
        """
        from urllib.parse import urljoin

        return Url.parse(urljoin(str(self), reference))

    def __truediv__(self, name: str) -> "Url":
        """The same URL, one path component further down."""
        return replace(self, target=self.target.rstrip("/") + "/" + _escaped(name))

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"


def redacted(text: str) -> str:
    """Any text, with the user information of URLs in it replaced by `***`."""
    return _USERINFO.sub(lambda match: match["before"] + "***@", text)


def _credentials(userinfo: str | None) -> Credentials | None:
    if not userinfo:
        return None
    from urllib.parse import unquote

    user, _, password = userinfo.partition(":")
    return Credentials(unquote(user), unquote(password))


def _escaped(target: str) -> str:
    """Non-ASCII characters as the percent-encoded bytes of their UTF-8 form."""
    if target.isascii():
        return target
    return "".join(c if c.isascii() else "".join(f"%{byte:02X}" for byte in c.encode()) for c in target)


@frozen
class Headers:
    """Header fields in order; names compare without case (RFC 9110, section 5.1)."""

    fields: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, fields: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> Self:
        """Headers from a mapping or from pairs."""
        return cls(tuple(fields.items() if isinstance(fields, Mapping) else fields))

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a field, in order."""
        wanted = name.lower()
        return tuple(value for key, value in self.fields if key.lower() == wanted)

    def get(self, name: str, default: str = "") -> str:
        """The first value of a field, without surrounding blanks."""
        values = self.all(name)
        return values[0].strip() if values else default

    def with_field(self, name: str, value: str) -> "Headers":
        """The same headers with one field set; earlier values of it are gone."""
        return Headers((*self.without(name).fields, (name, value)))

    def without(self, *names: str) -> "Headers":
        """The same headers without the named fields."""
        gone = {name.lower() for name in names}
        return Headers(tuple(pair for pair in self.fields if pair[0].lower() not in gone))

    def __repr__(self) -> str:
        shown = (
            (name, "***" if name.lower().endswith("authorization") or "cookie" in name.lower() else value)
            for name, value in self.fields
        )
        return f"Headers({tuple(shown)!r})"


class Body(Protocol):
    """Bytes to send that can be read more than once, so that a request can be repeated."""

    @property
    def size(self) -> int:
        """How many bytes there are."""
        ...

    def chunks(self) -> Iterator[bytes]:
        """The bytes, from the beginning."""
        ...


_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})  # RFC 9110, section 9.2.2


@frozen(kw_only=True)
class Request:
    """What is asked of a server.

    Attributes:
        method: `GET`, `HEAD`, `POST`, `PUT`, `PATCH` or `DELETE`.
        url: Where; credentials in it are sent to its origin only.
        headers: Fields beyond those that the sender adds itself.
        body: What to send along, or None.
        max_length: The longest answer to accept, in bytes; None where the reader sets the limit.
        repeatable: True where sending it twice does no harm; by default what RFC 9110 says of the method.
        follow: True to follow redirects.
    """

    method: str = "GET"
    url: Url
    headers: Headers = Headers()
    body: Body | None = None
    max_length: int | None = None
    repeatable: bool | None = None
    follow: bool = True

    @property
    def may_repeat(self) -> bool:
        """True where the request may be sent again after it possibly reached the server."""
        return self.method in _IDEMPOTENT if self.repeatable is None else self.repeatable

    def with_header(self, name: str, value: str) -> "Request":
        """The same request with one header field set."""
        return replace(self, headers=self.headers.with_field(name, value))

    def redirected(self, status: int, url: Url) -> "Request":
        """The request that a redirect asks for (RFC 9110, section 15.4).

        Nothing that identifies the user goes to another origin.
        """
        headers = self.headers
        if url.origin != self.url.origin:
            headers = headers.without("Authorization", "Cookie")
        elif url.credentials is None:
            url = replace(url, credentials=self.url.credentials)
        if status == 303 or (status in {301, 302} and self.method == "POST"):
            headers = headers.without("Content-Type", "Content-Length")
            method = "HEAD" if self.method == "HEAD" else "GET"
            return replace(self, method=method, url=url, headers=headers, body=None)
        return replace(self, url=url, headers=headers)


def _nothing() -> None:
    """Closes what needs no closing."""


@frozen(kw_only=True)
class Response:
    """What a server answered. The body is read once, piece by piece.

    Attributes:
        status: The status code.
        url: Where the answer came from, after redirects.
        headers: The header fields.
        body: The bytes of the body, as they arrive.
        attempts: How many times the request was sent to get this answer.
        on_close: Gives the connection back.
    """

    status: int
    url: Url
    headers: Headers = Headers()
    body: Iterator[bytes] = field(default_factory=lambda: iter(()), repr=False, compare=False)
    attempts: int = 1
    on_close: Callable[[], None] = field(default=_nothing, repr=False, compare=False)

    @property
    def length(self) -> int | None:
        """What `Content-Length` promises, or None."""
        text = self.headers.get("Content-Length")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None

    def read(self, limit: int) -> bytes:
        """The whole body.

        Raises:
            NetworkError: if it is longer than `limit` bytes.
        """
        parts: list[bytes] = []
        left = limit
        with self:
            for chunk in self.body:
                left -= len(chunk)
                if left < 0:
                    raise NetworkError(
                        f"the answer is longer than the limit of {limit} bytes: `{self.url.shown}`"
                    )
                parts.append(chunk)
        return b"".join(parts)

    def close(self) -> None:
        """Reads no further."""
        self.on_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def retry_after(value: str, *, now: float) -> float | None:
    """The seconds that a `Retry-After` field asks to wait: a number, or a date (RFC 9110, section 10.2.3).

    Args:
        value: The field.
        now: The time, in seconds since 1970.

    Returns:
        Seconds, never negative; None where the field is neither.
    """
    if value.isascii() and value.isdigit():
        return float(value[:9])
    if not value:
        return None
    from email.utils import parsedate_to_datetime

    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, date.timestamp() - now)


@frozen
class ContentRange:
    """Which part of the whole an answer with status 206 holds (RFC 9110, section 14.4).

    Attributes:
        first: Offset of the first byte.
        last: Offset of the last byte.
        whole: Size of the whole, or None where the server does not know.
    """

    first: int
    last: int
    whole: int | None

    @classmethod
    def parse(cls, value: str) -> Self | None:
        """Reads a `Content-Range` field; None where it is not one that makes sense."""
        match = _CONTENT_RANGE.fullmatch(value)
        if match is None:
            return None
        first, last = int(match[1]), int(match[2])
        whole = None if match[3] == "*" else int(match[3])
        if last < first or (whole is not None and last >= whole):
            return None
        return cls(first, last, whole)


def validator(headers: Headers) -> str:
    """What names exactly these bytes in an `If-Range` field: a strong ETag, else the date (RFC 9110, 13.1.5).

    Returns:
        The validator, or an empty string where there is none.
    """
    etag = headers.get("ETag")
    if etag.startswith('"'):
        return etag
    return headers.get("Last-Modified") if not etag else ""
