"""Small files that change on their server, indexes and keys: fetched once, then asked if they changed."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from witchery.errors import NetworkError, WitcheryError
from witchery.http import Request, Response, Url
from witchery.repository.access import Access
from witchery.repository.cache import Document
from witchery.store import atomic

MAX_SIZE = 128 << 20
"""The longest document, in bytes; all of Alpine's indexes are below 3 MiB."""

T = TypeVar("T")


def read_document(access: Access, place: Url | Path, check: Callable[[bytes], T]) -> T:
    """Reads a document and has it checked, every time, wherever it comes from.

    A file is read where it is. A document of a server comes from the cache where the server says that it did
    not change, and is kept only after `check` accepted it.

    Args:
        access: How to reach it.
        place: Where it is.
        check: Turns the bytes into what is wanted, or raises.

    Raises:
        NetworkError: if it cannot be fetched, or is not in the cache and `access.offline` is set.
        StorageError: if a file cannot be read or kept.
        WitcheryError: what `check` raises.
    """
    if isinstance(place, Path):
        return check(atomic.read(place, MAX_SIZE))
    key = str(place)
    cached = access.cache.document(key)
    if access.offline or (cached is not None and 0 <= access.now() - cached.fetched < access.max_age):
        return check(_from_cache(cached, place))
    with access.send(_question(place, cached)) as response:
        if response.status == 304 and cached is not None:
            result = check(cached.data)
            access.cache.confirm_document(key)
            return result
        if response.status != 200:
            raise unexpected(response, place)
        data = response.read(MAX_SIZE)
    result = check(data)
    access.cache.keep_document(
        key,
        Document(
            url=place.shown,
            etag=response.headers.get("ETag"),
            modified=response.headers.get("Last-Modified"),
            fetched=access.now(),
            data=data,
        ),
    )
    return result


def _from_cache(cached: Document | None, place: Url) -> bytes:
    if cached is None:
        raise NetworkError(
            f"not in the cache, and the network is off: `{place.shown}`",
            hint="run once without `--offline`, on this machine or where the cache comes from",
        )
    return cached.data


def _question(place: Url, cached: Document | None) -> Request:
    request = Request(url=place, max_length=MAX_SIZE)
    if cached is not None and cached.etag:
        return request.with_header("If-None-Match", cached.etag)
    if cached is not None and cached.modified:
        return request.with_header("If-Modified-Since", cached.modified)
    return request


def unexpected(response: Response, place: Url) -> WitcheryError:
    """The error for an answer with a status that brings nothing."""
    hint = {
        401: "give user and password in the URL (`https://user:password@host/...`) or in `~/.netrc`",
        403: "give user and password in the URL (`https://user:password@host/...`) or in `~/.netrc`",
        407: "give user and password of the proxy in `https_proxy`",
        404: "check the URL of the repository: it is the folder that holds one folder per architecture",
        429: "the server asks for fewer requests: try again later, or use another mirror",
    }.get(response.status, "try again later, or use another mirror" if response.status >= 500 else "")
    tries = "" if response.attempts == 1 else f" (tried {response.attempts} times)"
    return NetworkError(f"the server answered {response.status}{tries}: `{place.shown}`", hint=hint or ())
