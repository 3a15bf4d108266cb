"""Whose the packages of an image are, and where they were fetched.

Whose a package is decides under which name it stands in bills of materials, and whose advisories it is judged
by, so it is not taken from what the package says:

* Alpine's is what a key of Alpine's signed, the package itself or the index that names it, whatever mirror or
  folder it comes from;
* where the image is a release of something else, its distribution's is what comes from the repository that
  brought `etc/os-release`;
* all else is its repository's: the namespace is the host, or `local` for folders, files and hosts without a
  domain, which mean something else on every network.
"""

from collections.abc import Iterable
from pathlib import Path

from witchery.arch import Arch
from witchery.build.parts import Resolution
from witchery.compose.files import Files
from witchery.compose.part import Generated, Part
from witchery.compose.release import Release, read_os_release
from witchery.compose.tree import Tree
from witchery.errors import Refused
from witchery.http import Url
from witchery.repository.keyrings import embedded_keys
from witchery.repository.location import Repository
from witchery.rootfs.entry import Kind
from witchery.rootfs.links import Links
from witchery.sbom import bill as bills
from witchery.sbom.bill import ALPINE, Distribution, Vendor, plain
from witchery.value import replace

_OS_RELEASE = "etc/os-release"
_ALPINE_NAME = "Alpine Linux"
_LOCAL = Vendor(namespace="local")


class Origins:
    """Whose the packages of one image are.

    Attributes:
        distribution: What the image is a release of.
    """

    def __init__(self, resolution: Resolution, tree: Tree, generated: Iterable[Generated]) -> None:
        """Looks at the image's `etc/os-release`; where there is none, at the release it is made from.

        Raises:
            IntegrityError: if the package that has the file changed since it was checked.
        """
        self._resolution = resolution
        self._arch = Arch.parse(resolution.solution.arch)
        self._selected = {each.package.name: each for each in resolution.solution}
        self._repositories = {
            (each.repository.location, each.repository.tag): each.repository for each in resolution.indexes
        }
        self._alpine = {key.pem for key in embedded_keys(self._arch)}
        self._vouched = {
            (each.repository.location, each.repository.tag)
            for each in resolution.indexes
            if each.trust.key and each.trust.key.pem in self._alpine
        }
        data, owner = _os_release(tree, generated)
        self.distribution = _said(data) or _stated(resolution.releases)
        self._brought_by = next((part for part in tree.parts if part.name == owner), None)

    def place(self, part: Part) -> tuple[str, str]:
        """The URLs of a package's repository and of its file; nothing where only this machine has them."""
        repository = self._repository(part)
        if repository is None or repository.is_local:
            return "", ""
        try:
            place = repository.package(part.package, self._arch)
            base = Url.parse(repository.location.replace("${APK_ARCH}", self._arch.apk))
        except Refused:
            return "", ""
        return bills.url(_bare(base)), "" if isinstance(place, Path) else bills.url(_bare(place))

    def _repository(self, part: Part) -> Repository | None:
        source = self._selected[part.name].source
        found = self._repositories.get((source.url, source.tag))
        if found is not None or source.url:
            return found or Repository(source.url, source.tag)
        identity = part.package.identity  # what only wants a shell is amended, and is in no index as it is
        listed = (
            each.repository
            for each in self._resolution.indexes
            if any(known.identity == identity for known in each.index.named(part.name))
        )
        return next(listed, None)

    def vendor(self, part: Part) -> Vendor:
        """Whose a package is."""
        if part.own:
            return Vendor(namespace="")
        if self._is_alpine(part):
            ours = self.distribution is not None and self.distribution.id == ALPINE
            return Vendor(namespace=ALPINE, name=_ALPINE_NAME, distribution=ours)
        origin = self._repository(part)
        brought = self._brought_by
        if brought is not None and self.distribution and self.distribution.id != ALPINE:
            theirs = self._repository(brought)
            if part is brought or (origin is not None and origin == theirs):
                found = self.distribution
                return Vendor(namespace=found.id.lower(), name=found.name, distribution=True)
        if not self.place(part)[0]:
            return _LOCAL
        host = Url.parse(self.place(part)[0]).authority
        return Vendor(namespace=host, name=host)

    def _is_alpine(self, part: Part) -> bool:
        """Whether Alpine signed it, or an index that names it."""
        if part.key is not None:
            return part.key.pem in self._alpine
        repository = self._repository(part)
        return repository is not None and (repository.location, repository.tag) in self._vouched


def _os_release(tree: Tree, generated: Iterable[Generated]) -> tuple[bytes, str]:
    """The content of `etc/os-release`, and the name of the package that brings it."""
    made = {each.entry.path: each for each in generated}
    targets = {path: target for path, target in tree.links.targets.items() if path not in made}
    targets |= {path: each.entry.target for path, each in made.items() if each.entry.kind is Kind.SYMLINK}
    try:
        path = Links(targets).follow(_OS_RELEASE)
        if path in made:
            return b"".join(made[path].content.chunks()), ""
        files = Files(tree)
        return files.read([path]).get(path, b""), files.owner(path)
    except Refused:
        return b"", ""


def _said(data: bytes) -> Distribution | None:
    """What an `etc/os-release` says."""
    said = read_os_release(data)
    name = plain(said.get("ID", ""), 64)
    if not name:
        return None
    version = plain(said.get("VERSION_ID", ""), 64) or ("edge" if name == ALPINE else "")
    return Distribution(id=name, version=version, name=plain(said.get("NAME", ""), 128) or name)


def _stated(releases: tuple[Release, ...]) -> Distribution | None:
    """The one release that the repositories belong to."""
    if len(releases) != 1:
        return None
    return Distribution(id=ALPINE, version=releases[0].version or "edge", name=_ALPINE_NAME)


def _bare(url: Url) -> str:
    """An address without its query, which may hold a token."""
    return str(replace(url, target=url.target.partition("?")[0]))
