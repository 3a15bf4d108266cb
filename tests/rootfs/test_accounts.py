"""Accounts: the text of three files, and what can be added to it."""

import pytest

from witchery.errors import FormatError, Refused
from witchery.rootfs.accounts import ORDINARY_IDS, Accounts, Group, User

PASSWD = b"root:x:0:0:root:/root:/bin/ash\nweird:!*:5:6::/:\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n"
GROUP = b"root:x:0:root\nusers:x:100:games\nshadow:x:42:\n"
SHADOW = b"root:::0:::::\n"


def alpine() -> Accounts:
    return Accounts.read(PASSWD, GROUP, SHADOW, origin="package `baselayout`")


def test_what_is_there_stays_byte_for_byte() -> None:
    grown = alpine().adding_group(Group("web", 101), "a test").adding_user(User("web", 100, 101), "a test")
    assert grown.passwd.encode().startswith(PASSWD)
    assert grown.group.encode().startswith(GROUP)
    assert grown.shadow is not None
    assert grown.shadow.encode().startswith(SHADOW)


def test_a_name_that_is_not_utf8_survives() -> None:
    text = b"caf\xe9:x:7:7::/:/bin/sh\n"
    accounts = Accounts.read(text, b"").adding_user(User("web", 100, 101), "a test")
    assert accounts.passwd.encode("utf-8", "surrogateescape").startswith(text)


def test_an_added_user_has_a_line_in_each_file_and_no_way_in() -> None:
    grown = alpine().adding_user(User("web", 100, 101, "Web", "/srv", "/bin/false"), "a test")
    assert grown.passwd.endswith("\nweb:x:100:101:Web:/srv:/bin/false\n")
    assert grown.shadow is not None
    assert grown.shadow.endswith("\nweb:!::0:99999:7:::\n")


def test_without_a_shadow_file_none_is_made() -> None:
    assert Accounts.read(PASSWD, GROUP).adding_user(User("web", 100, 101), "a test").shadow is None


def test_a_file_without_a_final_line_break_is_not_run_together() -> None:
    grown = Accounts.read(b"root:x:0:0::/:/bin/sh", b"root:x:0:").adding_group(Group("web", 5), "a test")
    grown = grown.adding_user(User("web", 5, 5), "a test")
    assert grown.passwd.split("\n")[1].startswith("web:")
    assert grown.group == "root:x:0:\nweb:x:5:\n"


def test_the_same_account_twice_is_one() -> None:
    once = alpine().adding_user(User("web", 100, 101), "one").adding_group(Group("web", 101, ("a",)), "one")
    again = once.adding_user(User("web", 100, 101), "two").adding_group(Group("web", 101, ("a", "b")), "two")
    assert again.passwd == once.passwd
    assert again.group.endswith("\nweb:x:101:a,b\n")


def test_a_member_is_added_to_the_line_of_the_group_once() -> None:
    grown = alpine().adding_member("web", "users").adding_member("web", "users")
    assert grown.group == "root:x:0:root\nusers:x:100:games,web\nshadow:x:42:\n"
    assert alpine().adding_member("web", "shadow").groups["shadow"].members == ("web",)


@pytest.mark.parametrize("user", [User("nobody", 99, 99), User("somebody", 65534, 99)])
def test_a_clash_of_users_names_both_sources(user: User) -> None:
    with pytest.raises(Refused) as caught:
        alpine().adding_user(user, "`accounts`")
    assert "`accounts`" in caught.value.message
    assert "package `baselayout`" in caught.value.message
    assert caught.value.hints


@pytest.mark.parametrize("group", [Group("shadow", 43), Group("other", 42)])
def test_a_clash_of_groups_names_both_sources(group: Group) -> None:
    with pytest.raises(Refused, match=r"group .* the script .* package `baselayout`"):
        alpine().adding_group(group, "the script of `x`")


def test_a_group_that_is_not_there_takes_no_members() -> None:
    with pytest.raises(Refused, match="no such group: `staff`"):
        alpine().adding_member("web", "staff")


def test_free_numbers_are_the_lowest_that_nobody_has() -> None:
    accounts = alpine()
    assert (accounts.free_uid(), accounts.free_gid()) == (100, 101)
    assert accounts.free_uid(ORDINARY_IDS) == 1000
    taken = Accounts(group="".join(f"g{n}:x:{n}:\n" for n in range(100, 1000)))
    with pytest.raises(Refused, match="no number from 100 to 999 is left for a group"):
        taken.free_gid()


def test_numbers_are_found_by_name_and_users_by_number() -> None:
    accounts = alpine()
    assert (accounts.uid("weird"), accounts.gid("shadow")) == (5, 42)
    assert (accounts.uid("web"), accounts.gid("web")) == (None, None)
    root = accounts.user_with(0)
    assert root is not None
    assert root.shell == "/bin/ash"
    assert accounts.group_with(77) is None
    assert accounts.origin("user", "root") == "package `baselayout`"
    assert accounts.origin("user", "web") == "the image"


def test_of_two_lines_with_one_name_the_first_holds() -> None:
    assert Accounts.read(b"a:x:1:1::/:/x\na:x:2:2::/:/x\n", b"").uid("a") == 1


@pytest.mark.parametrize(
    ("passwd", "group", "place"),
    [
        (b"root:x:0:0\n", b"", "etc/passwd: line 1"),
        (b"ok:x:1:1::/:\n:x:0:0::/:\n", b"", "etc/passwd: line 2"),
        (b"root:x:zero:0::/:\n", b"", "etc/passwd: line 1"),
        (b"root:x:4294967295:0::/:\n", b"", "etc/passwd: line 1"),
        (b"", b"root:x:0\n", "etc/group: line 1"),
        (b"", b"root:x:-1:\n", "etc/group: line 1"),
        (b"x" * (1 << 20) + b"x", b"", "etc/passwd"),
    ],
)
def test_a_malformed_file_is_refused_with_its_place(passwd: bytes, group: bytes, place: str) -> None:
    with pytest.raises(FormatError) as caught:
        Accounts.read(passwd, group)
    assert str(caught.value).startswith(place)


@pytest.mark.parametrize(
    "user", [User("a:b", 1, 1), User("a", 1, 1, "x\ny"), User("a", 1, 1, "", "/x:y"), User("a\0", 1, 1)]
)
def test_a_value_that_would_make_another_line_is_refused(user: User) -> None:
    with pytest.raises(FormatError):
        alpine().adding_user(user, "a test")
