"""The generated base: what every image wants where no package brings it."""

import pytest

from support.effects import NOTHING, effects_of, rows, texts
from support.packages import make_part
from witchery.compose.release import Release, releases
from witchery.config.accounts import Accounts, Group, User
from witchery.config.dialect import Dialect, effective
from witchery.config.model import Base, ImageConfig
from witchery.value import fields, replace

DEFAULT = effective(ImageConfig(), Dialect.WITCHERY).config
ALPINE = (Release("3.19.1", "the index `v3.19.1-643-gec825d20535`"),)


def test_an_empty_image_gets_the_whole_base() -> None:
    effects = effects_of(config=DEFAULT, releases=ALPINE)
    kinds = {path: " ".join(row.split()[:3]) for path, row in rows(effects.generated).items()}
    assert kinds == {
        "dev": "d 0755 0:0",
        "etc": "d 0755 0:0",
        "etc/group": "f 0644 0:0",
        "etc/nsswitch.conf": "f 0644 0:0",
        "etc/os-release": "f 0644 0:0",
        "etc/passwd": "f 0644 0:0",
        "home": "d 0755 0:0",
        "home/nonroot": "d 0700 65532:65532",
        "proc": "d 0555 0:0",
        "root": "d 0700 0:0",
        "run": "d 0755 0:0",
        "sys": "d 0555 0:0",
        "tmp": "d 1777 0:0",
    }
    assert [line.split(":")[0] for line in texts(effects)["etc/passwd"].splitlines()] == [
        "root",
        "nobody",
        "nonroot",
    ]
    assert effects.warnings == ()
    assert all(each.entry.mtime == 0 for each in effects.generated)


_MADE_BY = {
    "passwd": {"etc/passwd", "root", "home", "home/nonroot"},
    "group": {"etc/group"},
    "nsswitch": {"etc/nsswitch.conf"},
    "os_release": {"etc/os-release"},
    "tmp": {"tmp"},
    "mount_points": {"dev", "proc", "run", "sys"},
}


@pytest.mark.parametrize("switch", [field.name for field in fields(Base)])
def test_each_part_of_the_base_can_be_switched_off(switch: str) -> None:
    config = replace(DEFAULT, base=Base(**{switch: False}))
    everything = rows(effects_of(config=DEFAULT, releases=ALPINE).generated).keys()
    effects = effects_of(config=config, releases=ALPINE)
    assert everything - rows(effects.generated).keys() == _MADE_BY[switch]
    assert effects.warnings == ()


def test_accounts_have_numbers_even_where_no_file_is_wanted() -> None:
    config = replace(DEFAULT, base=Base(passwd=False, group=False))
    assert effects_of(config=config, releases=ALPINE).accounts.uid("nonroot") == 65532


def test_what_a_package_brings_is_left_alone() -> None:
    brought = make_part(
        "baselayout",
        files={
            "etc/passwd": b"root:x:0:0::/root:/bin/sh\n",
            "etc/group": b"root:x:0:\n",
            "etc/os-release": b"ID=x\n",
        },
        folders=["tmp", "proc", "dev", "sys", "run"],
        links={"etc/nsswitch.conf": "/nowhere"},
    )
    assert effects_of(brought, config=ImageConfig(), releases=ALPINE).generated == ()


def test_accounts_of_the_configuration_are_added_to_the_files_of_a_package() -> None:
    config = ImageConfig(
        accounts=Accounts(
            users=(User(username="web", uid=500, gid=600, shell="/bin/false", homedir="/srv/web"),),
            groups=(Group(groupname="web", gid=600, members=("web", "root")),),
        ),
        base=NOTHING.base,
    )
    files = {"etc/passwd": b"root:x:0:0::/root:/bin/sh\n", "etc/group": b"root:x:0:\n"}
    part = make_part("base", files=files, modes={"etc/passwd": 0o600})
    effects = effects_of(part, config=config)
    assert texts(effects)["etc/passwd"].endswith("\nweb:x:500:600:web:/srv/web:/bin/false\n")
    assert texts(effects)["etc/group"].endswith("\nweb:x:600:web,root\n")
    made = rows(effects.generated)
    assert made["etc/passwd"].startswith("f 0600 0:0")
    assert made["srv/web"] == "d 0700 500:600"
    assert "etc/shadow" not in made


def test_shadow_keeps_its_mode_and_the_group_that_may_read_it() -> None:
    part = make_part(
        "base",
        files={"etc/passwd": b"", "etc/group": b"shadow:x:77:\n", "etc/shadow": b"root:::0:::::\n"},
        modes={"etc/shadow": 0o640},
        owners={"etc/shadow": ("root", 0, "shadow", 42)},
    )
    config = ImageConfig(
        accounts=Accounts(users=(User(username="web", uid=5, homedir="/"),)), base=NOTHING.base
    )
    effects = effects_of(part, config=config)
    assert rows(effects.generated)["etc/shadow"].startswith("f 0640 0:77")


def test_a_home_is_never_made_below_what_a_runtime_mounts_on_nor_where_something_is() -> None:
    users = [("a", "/proc/x"), ("b", "/dev/null"), ("c", "/"), ("d", "/data"), ("e", "/broken")]
    config = ImageConfig(
        accounts=Accounts(
            users=tuple(
                User(username=name, uid=500 + i, homedir=home) for i, (name, home) in enumerate(users)
            )
        ),
        base=NOTHING.base,
    )
    part = make_part(
        "base", files={"etc/passwd": b"", "etc/group": b""}, folders=["data"], links={"broken": "/nowhere"}
    )
    assert rows(effects_of(part, config=config).generated).keys() == {"etc/passwd"}


def test_os_release_is_a_link_where_a_package_has_it_below_usr() -> None:
    part = make_part("release", files={"usr/lib/os-release": b"ID=alpine\n"})
    made = rows(effects_of(part, config=DEFAULT, releases=ALPINE).generated)
    assert made["etc/os-release"] == "l 0777 0:0 ../usr/lib/os-release"


def test_os_release_says_what_alpine_release_says() -> None:
    assert ALPINE[0].os_release() == (
        b'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.19.1\nPRETTY_NAME="Alpine Linux v3.19"\n'
        b'HOME_URL="https://alpinelinux.org/"\n'
        b'BUG_REPORT_URL="https://gitlab.alpinelinux.org/alpine/aports/-/issues"\n'
    )


def test_edge_has_no_version() -> None:
    (edge,) = releases([], ["https://dl-cdn.alpinelinux.org/alpine/edge/main"])
    assert b"ID=alpine\nPRETTY" in edge.os_release()


@pytest.mark.parametrize(
    ("descriptions", "locations", "versions"),
    [
        (["v3.19.1-643-gec825d20535", "v3.19.0-2-g12"], ["/x/v3.19/main", "/x/v3.19/community"], ["3.19.1"]),
        (["3.19.1"], [], ["3.19.1"]),
        (["v3.20.0_rc1-5-gabc"], [], ["3.20.0_rc1"]),
        (["main "], ["http://mirror/alpine/v3.12/main"], ["3.12"]),
        (["v20240329-12-gab", "subset", ""], ["/srv/packages"], []),
        ([], ["/x/v3.19/main", "/x/edge/testing"], ["3.19", ""]),
        (["3.19.1", "3.18.4"], [], ["3.19.1", "3.18.4"]),
        ([], ["/x/v3.19beta/main", "/x/rv3.19/main"], []),
    ],
)
def test_the_release_is_what_repositories_state(
    descriptions: list[str], locations: list[str], versions: list[str]
) -> None:
    assert [each.version for each in releases(descriptions, locations)] == versions


def test_the_release_package_of_a_repository_tells_too() -> None:
    (found,) = releases(["a mirror"], ["/srv/x", "/x/v3.19/main"], ["3.19.1-r0", "3.19.0-r0", "odd"])
    assert found == Release("3.19.1", "the package `alpine-release-3.19.1-r0`")
    (edge,) = releases([], [], ["3.20.0_alpha20231219-r0"])
    assert edge.os_release().split(b"\n")[2:4] == [
        b"VERSION_ID=3.20.0_alpha20231219",
        b'PRETTY_NAME="Alpine Linux v3.20"',
    ]


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ((), "no repository names one"),
        ((Release("3.19", "a"), Release("3.18", "b")), "several releases (a, b)"),
    ],
)
def test_a_version_is_never_made_up(found: tuple[Release, ...], reason: str) -> None:
    effects = effects_of(config=DEFAULT, releases=found)
    assert "etc/os-release" not in rows(effects.generated)
    (warning,) = effects.warnings
    assert reason in warning
