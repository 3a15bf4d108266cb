"""What libraries no longer promise: breaks of the ABI, the reason why upgrades are feared.

Two libraries are held against each other that go by one name (`DT_SONAME`). Programs that were linked with
the one load the other, and expect of it every symbol that they were linked with, data of the size that it had
(`witchery.elf.exports`), and every version of symbols. What only comes to it breaks nothing. Where the name
itself is another, programs that want the old one do not find it: that is no break of a promise, but it moves
all of them at once. Musl's loader does not ask for versions of symbols: for a library of musl a symbol under
another version is told, and breaks nothing. Libraries without a name (plugins) are loaded by path, and
promise what their host wants.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from witchery.elf.exports import Export
from witchery.survey.files import SurveyedFile
from witchery.value import frozen

_VERSION = re.compile(r"-?\d+(?:\.\d+)+$")
"""A version within the name, as in `libpython3.12.so.1.0`; the 8 of `libpcre2-8.so.0` is none."""
_ANY_VERSION = re.compile(r"[-.]?\d+(?:\.\d+)*$")
"""The same where no version follows `.so`, as in `libopcodes-2.41.so`."""


class Resized(NamedTuple):
    """A symbol that is something else, or of another size.

    Attributes:
        name: The symbol, with `@VERSION` where it has one.
        before: What it was: `object of 16 bytes`.
        after: What it is.
    """

    name: str
    before: str
    after: str


class Hurt(NamedTuple):
    """A file of the second that wants symbols which the library no longer has.

    Attributes:
        path: The file.
        symbols: What it wants, without versions.
    """

    path: str
    symbols: tuple[str, ...]


@frozen(kw_only=True)
class LibraryChange:
    """A library whose interface is not the same in both.

    Attributes:
        soname: The name it goes by; of one that has got another, the new one.
        old_soname: The name it went by, where that was another, or an empty string.
        before: Its path in the first.
        after: Its path in the second.
        removed: Symbols that are gone.
        resized: Symbols that are something else, or of another size.
        moved: Symbols that are only there under another version, as they were.
        versions: Versions of symbols that are gone.
        heeds_versions: Whether the loader asks for versions: that of glibc does.
        added: How many symbols have come.
        users: The files of the second that want it by the name it goes by.
        hurt: Those of them that do not load without a symbol that is gone; unless another library has it.
    """

    soname: str
    old_soname: str = ""
    before: str
    after: str
    removed: tuple[str, ...] = ()
    resized: tuple[Resized, ...] = ()
    moved: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    heeds_versions: bool = False
    added: int = 0
    users: tuple[str, ...] = ()
    hurt: tuple[Hurt, ...] = ()

    @property
    def breaks(self) -> bool:
        """Whether programs that were linked with the old one may fail with the new one."""
        unmet = self.heeds_versions and (self.moved or self.versions)
        return bool(self.removed or self.resized or self.old_soname or unmet)


def compared(
    before: Mapping[str, SurveyedFile], after: Mapping[str, SurveyedFile]
) -> tuple[LibraryChange, ...]:
    """The libraries whose interface differs, sorted by name; those that only one of the two has are left out.

    A name that several files have stands for the first of them that a loader finds: the one at the same path
    in both, or else the first in byte order.
    """
    return tuple(sorted(_compared(before, after), key=lambda each: (each.soname, each.after)))


def _compared(
    before: Mapping[str, SurveyedFile], after: Mapping[str, SurveyedFile]
) -> Iterator[LibraryChange]:
    old, new = _named(before), _named(after)
    wanted: dict[str, list[SurveyedFile]] = {}
    for each in after.values():
        for name in each.binary.needed if each.binary and not each.first else ():
            wanted.setdefault(name, []).append(each)
    for soname, files in new.items():
        if soname not in old:
            continue
        for one, other in _pairs(old[soname], files):
            change = _change(soname, "", one, other, wanted.get(soname, ()))
            if change.breaks or change.added or change.moved or change.versions:
                yield change
    gone = {_stem(name): name for name in old if name not in new}
    for soname, files in new.items():
        before_name = gone.get(_stem(soname))
        if soname in old or before_name is None:
            continue
        yield _change(soname, before_name, old[before_name][0], files[0], wanted.get(soname, ()))


def _named(files: Mapping[str, SurveyedFile]) -> dict[str, list[SurveyedFile]]:
    """The libraries by their names."""
    found: dict[str, list[SurveyedFile]] = {}
    for each in files.values():
        if each.binary and each.binary.soname and not each.first:
            found.setdefault(each.binary.soname, []).append(each)
    return found


def _pairs(old: list[SurveyedFile], new: list[SurveyedFile]) -> Iterator[tuple[SurveyedFile, SurveyedFile]]:
    """Which files are to be held against each other."""
    if len(old) == len(new) == 1:
        yield old[0], new[0]
        return
    at = {_place(each): each for each in old}
    same = [(at[_place(each)], each) for each in new if _place(each) in at]
    yield from same or [(old[0], new[0])]


def _place(file: SurveyedFile) -> str:
    """Where a library stands: the file's name goes with its version, its folder does not."""
    return file.entry.parent


def _stem(soname: str) -> str:
    """What of a name stays when its version changes: `libssl`, `libpython`, `libopcodes`; of others all."""
    head, mark, _ = soname.partition(".so.")
    if mark:
        return _VERSION.sub("", head)
    return _ANY_VERSION.sub("", soname.removesuffix(".so"))


class _Promise(NamedTuple):
    exports: Mapping[str, Export]
    versions: tuple[str, ...]
    libc: str


def _promise(file: SurveyedFile) -> _Promise:
    found = file.binary
    return _Promise(found.exports, found.versions, found.hardening.libc) if found else _Promise({}, (), "")


def _change(
    soname: str, old_soname: str, before: SurveyedFile, after: SurveyedFile, users: Sequence[SurveyedFile]
) -> LibraryChange:
    old, new = _promise(before), _promise(after)
    shared = [name for name in old.exports if name in new.exports]
    missing = sorted(name for name in old.exports if name not in new.exports)
    names: dict[str, list[Export]] = {}
    for name, export in new.exports.items():
        names.setdefault(_unversioned(name), []).append(export)
    removed = tuple(name for name in missing if _unversioned(name) not in names)
    moved = tuple(name for name in missing if _unversioned(name) in names)
    gone = {_unversioned(name) for name in removed}
    return LibraryChange(
        soname=soname,
        old_soname=old_soname,
        before=before.path,
        after=after.path,
        removed=removed,
        resized=tuple(
            Resized(name, str(old.exports[name]), str(found[0]))
            for name, found in (
                *((name, [new.exports[name]]) for name in sorted(shared)),
                *((name, names[_unversioned(name)]) for name in moved),
            )
            if old.exports[name] not in found
        ),
        moved=moved,
        versions=tuple(sorted(set(old.versions) - set(new.versions))),
        heeds_versions="glibc" in (old.libc, new.libc),
        added=len(new.exports) - len(shared),
        users=tuple(each.path for each in users),
        hurt=tuple(
            Hurt(each.path, tuple(sorted(gone & each.binary.imports)))
            for each in users
            if each.binary and not gone.isdisjoint(each.binary.imports)
        ),
    )


def _unversioned(name: str) -> str:
    return name.partition("@")[0]
