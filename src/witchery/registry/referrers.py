"""Asking for the artifacts about an image (distribution-spec, "Listing Referrers").

GET /v2/NAME/referrers/DIGEST?artifactType=TYPE   200: an index; an empty one where there is none
GET /v2/NAME/manifests/ALGORITHM-HEX              where the registry has no such list: what clients keep

A registry that keeps the list says so when it takes an artifact, by the header `OCI-Subject`. Where it does
not, whoever brings an artifact brings the list as well, under the tag.
"""

from typing import Final

from witchery.digest import Digest
from witchery.errors import FormatError
from witchery.http import Headers, Request, Response
from witchery.oci import media
from witchery.oci.document import MAX_DOCUMENT
from witchery.oci.manifest import Index
from witchery.registry.place import Repository

_OK: Final = 200
_REFUSALS: Final = (401, 403, 429)
_FAILED: Final = 500


def get(repository: Repository, subject: Digest) -> Request:
    """The artifacts about a manifest, of all types: registries need not sort them out."""
    return Request(
        url=repository.referrers(subject),
        headers=Headers.of({"Accept": media.INDEX}),
        max_length=MAX_DOCUMENT,
    )


def is_kept(response: Response) -> bool:
    """Whether an answer to `get` says that the registry keeps the list."""
    kind = response.headers.get("Content-Type").partition(";")[0].strip()
    return response.status == _OK and kind == media.INDEX


def is_unknown(response: Response) -> bool:
    """Whether an answer to `get` says that the registry knows no such question: the tag has the list then.

    404 is what the specification says; what registries of before it answer differs.
    """
    return not is_kept(response) and response.status not in _REFUSALS and response.status < _FAILED


def keeps(response: Response, subject: Digest) -> bool:
    """Whether a registry that took an artifact has listed it itself."""
    return response.headers.get("OCI-Subject") == str(subject)


def read(raw: bytes) -> Index:
    """Reads a list.

    Raises:
        FormatError: if it is malformed, or names something that is no manifest.
    """
    index = Index.read(raw)
    for number, entry in enumerate(index.manifests):
        if entry.media_type not in media.MANIFESTS | media.INDEXES:
            raise FormatError(f"not a manifest: `{entry.media_type}`", where=(f"manifests[{number}]",))
    return index
