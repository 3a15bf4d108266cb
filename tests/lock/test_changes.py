"""What moves between two locks."""

from witchery.arch import Arch
from witchery.lock.changes import Changes, Held, compared

OLD = {
    "same": Held("1", 10, b"a"),
    "moved": Held("1", 10, b"b"),
    "rebuilt": Held("1", 10, b"c"),
    "gone": Held("1", 5, b""),
}
NEW = {
    "same": Held("1", 10, b"a"),
    "moved": Held("2", 7, b"d"),
    "rebuilt": Held("1", 11, b"e"),
    "added": Held("3", 4, b""),
}


def test_a_package_is_added_gone_moved_or_rebuilt_under_its_version() -> None:
    found = {each.name: (each.kind, each.growth) for each in compared(OLD, NEW)}
    assert found == {
        "added": ("added", 4),
        "gone": ("gone", -5),
        "moved": ("moved", -3),
        "rebuilt": ("rebuilt", 1),
    }


def test_the_same_change_of_several_architectures_is_told_once() -> None:
    one, other = Arch.parse("x86_64"), Arch.parse("aarch64")
    changes = Changes(((one, compared(OLD, NEW)), (other, compared({}, {"added": Held("3", 9, b"x")}))))
    assert changes
    told = {change.name: [arch.apk for arch in archs] for change, archs in changes.rows}
    assert told["added"] == ["x86_64", "aarch64"]
    assert told["moved"] == ["x86_64"]


def test_nothing_is_no_change() -> None:
    assert not Changes(((Arch.parse("x86_64"), compared(OLD, OLD)),))
    assert Changes((), ("configuration.shell: ...",))
