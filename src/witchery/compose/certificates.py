"""Certificate authorities that an image trusts besides those of its packages.

Programs look for one file with all authorities, a bundle. What the configuration adds is appended to every
bundle that the packages bring, and is under `usr/local/share/ca-certificates` as well, where it would be
found if the bundle were made anew.
"""

from collections.abc import Mapping, Sequence
from itertools import count

from witchery.compose.draft import Draft
from witchery.compose.part import Part
from witchery.config.model import Certificates
from witchery.errors import FormatError, located

BUNDLE = "etc/ssl/certs/ca-certificates.crt"
BUNDLES = (
    BUNDLE,
    "var/lib/ecs/deps/execute-command/certs/tls-ca-bundle.pem",
    "kaniko/ssl/certs/ca-certificates.crt",
)
"""Where bundles are: the usual one, and those of two programs that bring their own."""
LOCAL = "usr/local/share/ca-certificates"
"""Where certificates are that an administrator, or a package in their place, adds."""
_PACKAGED = "usr/share/ca-certificates"
_SELECTION = "etc/ca-certificates.conf"
_JAVA = "etc/ssl/certs/java/cacerts"
_FOLDER = "etc/ssl/certs"
_UPDATE = "update-ca-certificates"
_BEGIN = b"-----BEGIN CERTIFICATE-----"
_PLAIN = str.maketrans(" ,()", "__==")
_SUFFIXES = (".crt", ".pem")


def update(draft: Draft) -> tuple[str, ...]:
    """Does what `update-ca-certificates` does; says what that was, in words.

    The bundle is made of what `etc/ca-certificates.conf` selects, in its order, then of the local
    certificates by name, each with an empty line behind it: byte for byte what Alpine's
    `ca-certificates-bundle` holds. A bundle that a package brings is kept, and local certificates are
    appended to it. For each certificate there is a link by its name, and one by the hash of its subject.
    """
    local = [path for path in draft.below(LOCAL) if path.rpartition("/")[0] == draft.real(LOCAL)]
    selected = [f"{_PACKAGED}/{name}" for name in _selection(draft.read(_SELECTION) or b"")]
    found = {path: data for path, data in draft.read_all([*selected, *local]).items() if _BEGIN in data}
    if draft.exists(BUNDLE):
        new = _append(draft, [found[path] for path in local if path in found], _UPDATE) or 0
    else:
        new = len(found)
        if found:
            draft.file(BUNDLE, b"".join(data + b"\n" for data in found.values()), why=_UPDATE)
    done = (f"{new} certificates in `/{BUNDLE}`",) if new else ()
    links = _links(draft, found)
    return (*done, f"{links} links in `/{_FOLDER}`") if links else done


def _links(draft: Draft, certificates: Mapping[str, bytes]) -> int:
    """Links by name, and by hash to these; of equal certificates only the first has one by hash."""
    from witchery.compose.x509 import Authority

    made, seen = 0, set()
    for path, data in sorted(certificates.items()):
        name = path.rpartition("/")[2].removesuffix(".crt").translate(_PLAIN)
        link = f"ca-cert-{name}.pem"
        if not draft.exists(f"{_FOLDER}/{link}"):
            draft.symlink(f"{_FOLDER}/{link}", f"/{path}", why=_UPDATE)
            made += 1
        try:
            authority = Authority.parse(data)
            subject = authority.subject_hash
        except FormatError:
            continue  # as c_rehash, which says so on the terminal
        if authority.der in seen:
            continue
        seen.add(authority.der)
        free = (f"{_FOLDER}/{subject}.{number}" for number in count())
        draft.symlink(next(place for place in free if not draft.exists(place)), link, why=_UPDATE)
        made += 1
    return made


def generate(draft: Draft, parts: Sequence[Part], wanted: Certificates) -> tuple[str, ...]:
    """Adds what the configuration names; returns warnings.

    Raises:
        FormatError: naming the certificate, if one is none.
    """
    if not wanted.additional and not wanted.providers:
        return ()
    from witchery.compose.x509 import Authority

    added = []
    for certificate in wanted.additional:
        pem = certificate.content.strip().encode() + b"\n"
        with located(certificate.name):
            mark = Authority.parse(pem).fingerprint
        draft.file(f"{LOCAL}/{certificate.name}-{mark}.crt", pem, why="certificates.additional")
        added.append(pem)
    paths, warnings = _of_providers(parts, wanted.providers)
    added += draft.read_all(paths).values()
    if not added:
        return tuple(warnings)
    if _append(draft, added, "certificates") is None and not any(map(draft.leads_to, BUNDLES)):
        warnings.append(
            "`certificates` are in the image, but nothing trusts them: it has no bundle of certificates; add"
            " the package `ca-certificates-bundle`"
        )
    if draft.exists(_JAVA):
        warnings.append(
            f"`certificates` are not added to Java's own store, `/{_JAVA}`; Java will not trust them"
        )
    return tuple(warnings)


def _of_providers(parts: Sequence[Part], names: Sequence[str]) -> tuple[list[str], list[str]]:
    """The certificates of the packages that provide some names, and warnings for what nothing provides."""
    paths: list[str] = []
    warnings: list[str] = []
    for name in names:
        providers = [part for part in parts if part.package.offers(name)]
        if not providers:
            warnings.append(
                f"no package of the image provides `{name}`, which `certificates.providers` names"
            )
        for part in providers:
            below = [e.path for e in part.entries if e.path.startswith(f"{LOCAL}/")]
            paths += [path for path in below if path.endswith(_SUFFIXES) and path not in paths]
    return paths, warnings


def _append(draft: Draft, certificates: Sequence[bytes], why: str) -> int | None:
    """Appends to every bundle what is not in it; how many certificates were new to one, or None."""
    most = 0
    for path in BUNDLES:
        bundle = draft.read(path)
        if bundle is None:
            continue
        new = [certificate for certificate in certificates if certificate.strip() not in bundle]
        if new:
            text = b"".join(certificate.rstrip(b"\n") + b"\n\n" for certificate in new)
            draft.rewrite(path, bundle + (b"" if bundle.endswith(b"\n") else b"\n") + text, why=why)
        most = max(most, len(new))
    return most or None


def _selection(text: bytes) -> list[str]:
    """The lines that select a certificate: not empty, no comment (`#`), not switched off (`!`)."""
    lines = [line.strip() for line in text.decode("utf-8", "surrogateescape").split("\n")]
    return [line for line in lines if line and line[0] not in "#!" and ".." not in line.split("/")]
