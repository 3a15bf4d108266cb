"""Asking for blobs, and beginning, continuing and ending their upload (distribution-spec, "Pushing blobs").

POST  /v2/NAME/blobs/uploads/?mount=DIGEST&from=OTHER     201: it is there now; 202: an upload began
POST  /v2/NAME/blobs/uploads/                             202, Location
PATCH Location, Content-Range: 0-99                       202, Location, Range: 0-99
GET   Location                                            204, Location, Range: 0-99
PUT   Location?digest=DIGEST                              201
"""

import re
from typing import Final

from witchery.digest import Digest
from witchery.errors import FormatError, NetworkError
from witchery.http import Body, Headers, Request, Response, Url
from witchery.oci.descriptor import Descriptor
from witchery.registry.place import Repository, with_digest
from witchery.value import replace

_RANGE: Final = re.compile(r"(?:bytes[= ])?0-(\d{1,18})")
_TYPE: Final = ("Content-Type", "application/octet-stream")
_MAX_CHUNK: Final = 1 << 32


def head(repository: Repository, digest: Digest) -> Request:
    """Whether a blob is there."""
    return Request(method="HEAD", url=repository.blob(digest))


def get(repository: Repository, blob: Descriptor) -> Request:
    """A blob."""
    return Request(url=repository.blob(blob.digest), max_length=blob.size)


def mount(repository: Repository, digest: Digest, source: str) -> Request:
    """Takes a blob over from another repository, or else begins its upload."""
    query = f"mount={digest.algorithm}%3A{digest.hex}&from={source}"
    return Request(method="POST", url=repository.uploads(query), repeatable=True)


def begin(repository: Repository) -> Request:
    """Begins an upload; one that is begun twice is forgotten once."""
    return Request(method="POST", url=repository.uploads(), repeatable=True)


def chunk(location: Url, body: Body, first: int) -> Request:
    """Sends a part of a blob, from its byte `first`."""
    fields = (_TYPE, ("Content-Range", f"{first}-{first + body.size - 1}"))
    return Request(method="PATCH", url=location, headers=Headers(fields), body=body, repeatable=False)


def status(location: Url) -> Request:
    """How far an upload is."""
    return Request(url=location, max_length=1 << 16)


def finish(location: Url, digest: Digest, body: Body | None = None) -> Request:
    """Ends an upload; `body` is the blob where it was not sent in parts."""
    headers = Headers((_TYPE,)) if body else Headers()
    url = with_digest(location, digest)
    return Request(method="PUT", url=url, headers=headers, body=body, repeatable=False)


def location(response: Response) -> Url:
    """Where an upload goes on: always what the last answer said, which carries the upload's state.

    Raises:
        NetworkError: if the answer does not say, or means another way than TLS after TLS.
    """
    stated = response.headers.get("Location")
    try:
        found = response.url.join(stated) if stated else None
    except (FormatError, ValueError):
        found = None
    if found is None:
        raise NetworkError(f"the registry does not say where the upload goes on: `{response.url.shown}`")
    if response.url.scheme == "https" and found.scheme != "https":
        raise NetworkError(
            f"the registry wants the upload to go on without TLS, at `{found.shown}`: `{response.url.shown}`",
            hint="a registry behind a proxy has to know its own `https://` address",
        )
    return replace(found, credentials=None)


def received(response: Response) -> int:
    """How many bytes of an upload the registry has, by its `Range`; 0 where it does not say.

    `0-0` is what registries say of nothing and of one byte alike, and is taken for nothing.
    """
    match = _RANGE.fullmatch(response.headers.get("Range"))
    last = int(match[1]) if match else 0
    return last + 1 if last else 0


def least_chunk(response: Response) -> int:
    """The smallest part that the registry takes (`OCI-Chunk-Min-Length`), in bytes; 0 for any."""
    text = response.headers.get("OCI-Chunk-Min-Length")
    return min(int(text), _MAX_CHUNK) if text.isascii() and text.isdigit() and len(text) < 12 else 0
