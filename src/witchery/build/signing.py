"""The use case: sign an image, with a key in both forms that cosign knows.

* a bundle, as an artifact about the image: what cosign reads since its version 3;
* a signature under the tag `sha256-<hex>.sig`: what it read before, and what most policies still read.

Both say the same: this key has signed the manifest with this digest. The bundle of an image is the same
wherever the image is; the older form holds the name of the repository, too. Signing again adds nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from witchery.arch import Arch
from witchery.attest.artifacts import as_bundle, as_payload, of_bundle, signing_statement
from witchery.attest.signatures import Form, check
from witchery.build.registry.attaching import attach
from witchery.build.registry.copying import Opened, open_source
from witchery.build.registry.registries import Registries
from witchery.build.signatures import find_signatures
from witchery.digest import Digest
from witchery.errors import UsageError
from witchery.oci import media
from witchery.oci.artifact import Artifact
from witchery.oci.descriptor import Descriptor
from witchery.oci.manifest import Index
from witchery.oci.transport import ArchiveFile, LayoutFolder, PlainFolder, Transport
from witchery.signing_keys import SigningKey
from witchery.store import layout
from witchery.value import frozen


@frozen(kw_only=True)
class Signed:
    """What signing one manifest came to.

    Attributes:
        digest: The manifest, or the index.
        platform: What it is for, or an empty string.
        made: The forms of signature that were added.
        present: Those that were there.
    """

    digest: Digest
    platform: str = ""
    made: tuple[Form, ...] = ()
    present: tuple[Form, ...] = ()


def sign(
    place: Transport,
    key: SigningKey,
    registries: Registries,
    *,
    arch: Arch | None = None,
    recursive: bool = False,
) -> tuple[Signed, ...]:
    """Signs an image where it is.

    Args:
        place: A layout, or an image in a registry.
        key: The key.
        registries: How registries are reached.
        arch: The one platform that is to be signed; None for the image as a whole.
        recursive: Whether each platform of an index is signed, too.

    Returns:
        What was done, for each manifest that was signed, the image first.

    Raises:
        UsageError: if nothing can be added to such a place.
        Refused: if the image, or what is beside it, is malformed.
        WorldError: if the network or the disk fails.
    """
    add = _adder(place, registries)
    opened = open_source(place, registries, arch)
    done, artifacts = [], list[Artifact]()
    for manifest in _manifests(opened, recursive=recursive):
        candidates = find_signatures(opened, registries, digest=manifest.digest)
        judged = check(candidates, manifest.digest, key.public)
        present = {each.candidate.form for each in judged if each.verified}
        made = {} if Form.BUNDLE in present else {Form.BUNDLE: as_bundle(manifest, key)}
        if Form.CLASSIC not in present:
            name = opened.origin.name if opened.origin else ""
            made[Form.CLASSIC] = as_payload(manifest, key, name)
        artifacts += made.values()
        done.append(
            Signed(
                digest=manifest.digest,
                platform=str(manifest.platform or ""),
                made=tuple(made),
                present=tuple(form for form in (Form.BUNDLE, Form.CLASSIC) if form in present),
            )
        )
    if artifacts:
        add(opened, artifacts)
    return tuple(done)


def sign_keyless(
    place: Transport,
    vouch: Callable[[bytes], bytes],
    registries: Registries,
    *,
    arch: Arch | None = None,
    recursive: bool = False,
) -> tuple[Signed, ...]:
    """Signs an image where it is, without a key: a bundle each time, since no two certificates are alike.

    Args:
        place: A layout, or an image in a registry.
        vouch: Signs a statement, and gives the bundle; see `witchery.net.keyless.sign`.
        registries: How registries are reached.
        arch: The one platform that is to be signed; None for the image as a whole.
        recursive: Whether each platform of an index is signed, too.

    Raises:
        WitcheryError: as `sign`, and whatever `vouch` raises.
    """
    add = _adder(place, registries)
    opened = open_source(place, registries, arch)
    done, artifacts = [], list[Artifact]()
    for manifest in _manifests(opened, recursive=recursive):
        said = signing_statement(manifest)
        artifacts.append(of_bundle(manifest, said, vouch(said.encode())))
        platform = str(manifest.platform or "")
        done.append(Signed(digest=manifest.digest, platform=platform, made=(Form.BUNDLE,)))
    add(opened, artifacts)
    return tuple(done)


def _adder(place: Transport, registries: Registries) -> Callable[[Opened, Sequence[Artifact]], None]:
    """How something is added to a place.

    Raises:
        UsageError: if nothing can be.
    """
    if isinstance(place, ArchiveFile):
        raise UsageError(
            f"nothing can be added to an archive: `{place}`",
            hint="sign while it is built (`--sign-key`), or copy it to `oci:DIR` first",
        )
    if isinstance(place, LayoutFolder | PlainFolder):
        path = Path(place.path)
        return lambda _, artifacts: layout.attach(path, artifacts)

    def add(opened: Opened, artifacts: Sequence[Artifact]) -> None:
        if opened.origin is None:
            raise UsageError(f"no image that can be signed: `{place}`")
        attach(artifacts, opened.origin, registries)

    return add


def _manifests(opened: Opened, *, recursive: bool) -> Iterator[Descriptor]:
    root = opened.root
    yield root
    if recursive and root.media_type in media.INDEXES:
        for entry in Index.read(opened.source.document(root)).manifests:
            if entry.platform is None or entry.platform.os != "unknown":
                yield entry
