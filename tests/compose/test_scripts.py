"""Install scripts, read and never run: held against what they did where real apk ran them."""

import hashlib
import re
from pathlib import Path

import pytest

from support.effects import NOTHING, effects_of, expected_rows, rows, texts
from support.packages import make_part
from support.shared import needs_shared, repository
from support.worlds import World, index, read_part
from witchery.compose.conventions import GROUPS
from witchery.compose.effects import Effects
from witchery.compose.part import Part
from witchery.compose.scripts import ScriptReport, Verdict
from witchery.config.accounts import Accounts, Group, User
from witchery.config.model import Base, Contents, ImageConfig
from witchery.errors import Refused

BOOT = "v3.19.1-boot-x86_64"
PASSWD = b"root:x:0:0:root:/root:/bin/ash\n"
GROUP = b"root:x:0:root\nmail:x:12:\nusers:x:100:\n"
SHADOW = b"root:::0:::::\n"


def base(**more: bytes) -> Part:
    files = {"etc/passwd": PASSWD, "etc/group": GROUP, "etc/shadow": SHADOW}
    return make_part("base", files=files | {path.replace("__", "/"): data for path, data in more.items()})


def script(text: str, name: str = ".pre-install", shebang: str = "#!/bin/sh") -> Part:
    return make_part("app", scripts={name: f"{shebang}\n{text}\n".encode()})


def done(text: str, *parts: Part, config: ImageConfig = NOTHING) -> tuple[Effects, ScriptReport]:
    effects = effects_of(base(), *parts, script(text), config=config)
    return effects, effects.scripts[-1]


def lines(effects: Effects, path: str) -> list[str]:
    """What was added to an account file."""
    before = {"etc/passwd": PASSWD, "etc/group": GROUP, "etc/shadow": SHADOW}[path].decode()
    after = texts(effects).get(path, before)
    return [line for line in after.splitlines() if line not in before.splitlines()]


# Real packages, and what real apk made of them with scripts.


@needs_shared
def test_alpine_base_gets_exactly_the_301_links_that_its_scripts_make(tmp_path: Path) -> None:
    world = World(BOOT, "alpine-base")
    effects = effects_of(*world.parts(tmp_path))
    assert rows(effects.generated) == _difference(world)
    assert len(effects.generated) == 301
    assert effects.warnings == ()


# What is different for `services`, and why.
_SERVICES = {
    "etc/group-": "a backup that busybox makes before it writes",
    "etc/passwd-": "a backup that busybox makes before it writes",
    "etc/shadow-": "a backup that busybox makes before it writes",
    "etc/shadow": "the day on which an account was made is left out; all else is equal, see below",
    "etc/tiny-cloud.conf": "`sed` into a file: reported as not done",
    "var/lib/dhcpcd": "the mode that the package declares holds, not that of adduser; the owner is equal",
    "var/log/chrony": "the mode that the package declares holds, not that of adduser; the owner is equal",
}
# Folders whose owner comes by name from the accounts, when layers are written.
_BY_NAME = {"etc/chrony", "var/lib/chrony"}
# What apk keeps for itself: written with the package database.
_APK = {
    "etc/apk/arch",
    "etc/apk/world",
    "lib/apk/db/installed",
    "lib/apk/db/scripts.tar.gz",
    "lib/apk/db/triggers",
}


@needs_shared
def test_services_get_the_users_groups_and_owners_that_their_scripts_make(tmp_path: Path) -> None:
    world = World(BOOT, "services")
    effects = effects_of(*world.parts(tmp_path))
    got, wanted = rows(effects.generated), _difference(world)
    different = {path for path in got.keys() | wanted.keys() if got.get(path) != wanted.get(path)}
    assert different == _SERVICES.keys() | _BY_NAME | (_APK & wanted.keys())
    for path in ("var/lib/dhcpcd", "var/log/chrony"):
        assert got[path].split()[2] == wanted[path].split()[2]
    assert (effects.accounts.uid("chrony"), effects.accounts.gid("chrony")) == (100, 101)


@needs_shared
def test_the_shadow_lines_are_those_of_adduser_but_for_the_day(tmp_path: Path) -> None:
    effects = effects_of(*World(BOOT, "services").parts(tmp_path))
    added = texts(effects)["etc/shadow"].splitlines()[-2:]
    assert added == ["chrony:!::0:99999:7:::", "dhcpcd:!::0:99999:7:::"]
    dated = texts(effects)["etc/shadow"].replace("!::0:99999", "!:20779:0:99999")
    wanted = expected_rows((World(BOOT, "services").expected / "services.scripts.manifest").read_text())
    assert wanted["etc/shadow"].endswith(hashlib.sha256(dated.encode()).hexdigest())


@needs_shared
@pytest.mark.parametrize("name", ["wget_ca-certificates-bundle", "openssh-server"])
def test_images_without_scripts_cost_and_get_nothing(name: str, tmp_path: Path) -> None:
    effects = effects_of(*World(BOOT, name).parts(tmp_path))
    assert (effects.scripts, effects.generated, effects.warnings) == ((), (), ())


def _difference(world: World) -> dict[str, str]:
    """What scripts changed: the lines of the one manifest that the other has not."""
    without, with_scripts = (
        expected_rows((world.expected / f"{world.name}.{kind}.manifest").read_text())
        for kind in ("noscripts", "scripts")
    )
    return {path: row for path, row in with_scripts.items() if without.get(path) != row}


# What becomes of each install script and trigger of the shared packages, the package taken alone.
_ALONE = {
    "alpine-baselayout-3.2.0-r8.pre-install": Verdict.IRRELEVANT,  # brings /etc/group itself
    "alpine-baselayout-3.2.0-r8.post-install": Verdict.IRRELEVANT,
    "alpine-baselayout-3.4.3-r2.pre-install": Verdict.IRRELEVANT,  # a group that every Alpine has
    "alpine-baselayout-3.4.3-r2.post-install": Verdict.IRRELEVANT,
    "alpine-baselayout-3.7.2-r0.pre-install": Verdict.IRRELEVANT,  # a group that every Alpine has
    "alpine-baselayout-3.7.2-r0.post-install": Verdict.IRRELEVANT,
    "busybox-1.32.1-r5.post-install": Verdict.NOT_DONE,  # before 3.17 applets are not listed
    "busybox-1.32.1-r5.trigger": Verdict.NOT_DONE,
    "busybox-1.36.1-r15.post-install": Verdict.EMULATED,
    "busybox-1.36.1-r15.trigger": Verdict.IRRELEVANT,
    "busybox-1.37.0-r30.post-install": Verdict.EMULATED,
    "busybox-1.37.0-r30.trigger": Verdict.IRRELEVANT,
    "busybox-initscripts-3.2-r2.post-install": Verdict.IRRELEVANT,  # a group that every Alpine has
    "ca-certificates-20240226-r0.trigger": Verdict.EMULATED,
    "ca-certificates-20260909-r0.trigger": Verdict.EMULATED,
    "chrony-4.0-r1.pre-install": Verdict.EMULATED,
    "chrony-4.5-r0.pre-install": Verdict.EMULATED,
    "dhcpcd-10.0.5-r0.pre-install": Verdict.EMULATED,
    "eudev-3.2.14-r0.trigger": Verdict.IRRELEVANT,
    "openrc-0.42.1-r19.post-install": Verdict.IRRELEVANT,
    "openrc-0.52.1-r2.post-install": Verdict.IRRELEVANT,
    "tiny-cloud-alpine-3.0.7-r0.post-install": Verdict.NOT_DONE,
    "tiny-cloud-nocloud-3.0.7-r0.post-install": Verdict.NOT_DONE,
}


@needs_shared
def test_every_real_script_is_read_and_gets_the_verdict_that_a_person_gave_it(tmp_path: Path) -> None:
    found: dict[str, Verdict] = {}
    for name in ("v3.13-aarch64", "v3.19-x86_64", "v3.23-image-x86_64"):
        root = repository(name, tmp_path) / name.rpartition("-")[2]
        for package in index(root).values():
            file = root / package.filename
            part = read_part(package, file.read_bytes()) if file.exists() else None
            if part is None or not part.archive.scripts:
                continue
            for row in effects_of(part).scripts:
                if row.script in {"pre-install", "post-install", "trigger"}:
                    found[f"{row.package}.{row.script}"] = row.verdict
                else:
                    assert row.verdict is Verdict.IRRELEVANT
    assert found == _ALONE


# Idioms.


def test_a_system_user_gets_the_first_free_numbers_its_group_and_a_home() -> None:
    effects, row = done(
        "addgroup -S web 2>/dev/null\n"
        "adduser -S -D -h /var/lib/web -s /sbin/nologin -G web -g 'Web server' web 2>/dev/null\nexit 0"
    )
    assert lines(effects, "etc/group") == ["web:x:101:web"]
    assert lines(effects, "etc/passwd") == ["web:x:100:101:Web server:/var/lib/web:/sbin/nologin"]
    assert rows(effects.generated)["var/lib/web"] == "d 2755 100:101"
    assert row.verdict is Verdict.EMULATED
    assert "user `web` (100:101)" in row.effects
    assert effects.warnings == ()


@pytest.mark.parametrize(
    ("text", "passwd"),
    [
        ("addgroup -S w; adduser -SDHh/srv -s/bin/false -Gw -gW w", "w:x:100:101:W:/srv:/bin/false"),
        ("addgroup -g 70 -S w\nadduser -u 70 -S -D -H -h /a \\\n\t-s /bin/sh -G w w", None),
        ('u=w\naddgroup -S $u && adduser -S -H -h /var/lib/${u} -g "$u" -G $u $u', None),
        ("getent group w >/dev/null || addgroup -S w\nid -u w || adduser -S -H -G w w", None),
        ("if ! getent passwd w > /dev/null 2>&1; then\n  addgroup -S w\n  adduser -S -H -G w w\nfi", None),
        ("set -e\naddgroup --system w\nadduser --system --no-create-home --ingroup w --gecos x w", None),
        ("addgroup -S w || true; adduser -S -H -G w w >/dev/null 2>&1 || :", None),
        ("/usr/sbin/addgroup -S w; /bin/busybox adduser -S -H -G w w # why", None),
    ],
)
def test_spellings_of_the_idiom_are_understood(text: str, passwd: str | None) -> None:
    effects, row = done(text)
    assert row.verdict is Verdict.EMULATED, row.reason
    (line,) = lines(effects, "etc/passwd")
    assert line.startswith("w:x:")
    assert passwd in (line, None)
    assert effects.accounts.groups["w"].members == ("w",)


def test_users_are_added_to_further_groups_by_either_command() -> None:
    effects, _ = done("adduser -S -H web\naddgroup web mail\nadduser web users\naddgroup web nowhere")
    assert effects.accounts.groups["mail"].members == ("web",)
    assert effects.accounts.groups["users"].members == ("web",)
    assert effects.accounts.groups["nogroup"].gid == 65533


def test_numbers_follow_the_order_of_installation() -> None:
    one = make_part(
        "one", scripts={".pre-install": b"#!/bin/sh\naddgroup -S one\nadduser -S -H -G one one\n"}
    )
    two = make_part(
        "two", scripts={".pre-install": b"#!/bin/sh\naddgroup -S two\nadduser -S -H -G two two\n"}
    )
    assert effects_of(base(), one, two).accounts.uid("two") == 101
    assert effects_of(base(), two, one).accounts.uid("two") == 100


def test_an_account_of_the_configuration_wins_over_a_script() -> None:
    config = ImageConfig(
        base=NOTHING.base,
        accounts=Accounts(
            users=(User(username="web", uid=500, gid=500, homedir="/data"),),
            groups=(Group(groupname="web", gid=500),),
        ),
    )
    effects, row = done("addgroup -S web\nadduser -S -D -h /var/lib/web -G web web", config=config)
    assert (effects.accounts.uid("web"), effects.accounts.gid("web")) == (500, 500)
    assert "var/lib/web" not in rows(effects.generated)
    assert rows(effects.generated)["data"] == "d 0700 500:500"
    assert row.verdict is Verdict.IRRELEVANT


def test_a_fixed_number_that_is_taken_is_an_error_that_names_both() -> None:
    with pytest.raises(Refused) as caught:
        done("addgroup -S -g 12 web")
    assert "`web` with number 12" in caught.value.message
    assert "pre-install script of `app-1.0-r0`" in caught.value.message
    assert "`mail`" in caught.value.message
    assert "package `base`" in caught.value.message


def test_a_home_that_a_package_declares_keeps_its_mode_and_a_named_owner() -> None:
    text = "adduser -S -h /data/a a\nadduser -S -h /data/b b\nadduser -S -h /dev/null c\nadduser -S -h / d"
    package = make_part(
        "homes",
        folders=["data/a", "data/b"],
        modes={"data/a": 0o2750, "data/b": 0o700},
        owners={"data/b": ("mail", 8, "mail", 12)},
    )
    effects, _ = done(text, package)
    assert rows(effects.generated)["data/a"] == "d 2750 100:65533"
    assert not {"data/b", "dev/null", "dev", ""} & rows(effects.generated).keys()


@needs_shared
def test_the_fixed_groups_are_those_of_the_base_package(tmp_path: Path) -> None:
    parts = World(BOOT, "alpine-base").parts(tmp_path)
    real = effects_of(*parts).accounts.groups
    assert {name: real[name].gid for name in GROUPS} == GROUPS
    assert real.keys() - GROUPS.keys() == {"root", "nobody"}


def test_without_a_base_package_a_fixed_group_has_its_number_as_soon_as_it_is_spoken_of() -> None:
    text = "addgroup -S www-data\nadduser -S -H -G www-data web\naddgroup web audio\naddgroup -S new"
    owned = make_part("owned", folders=["var/x"], owners={"var/x": ("root", 0, "wheel", 10)})
    config = ImageConfig(
        base=Base(passwd=False, nsswitch=False, os_release=False, tmp=False, mount_points=False)
    )
    accounts = effects_of(owned, script(text), config=config).accounts
    assert {name: group.gid for name, group in accounts.groups.items()} == {
        "root": 0,
        "nobody": 65534,
        "www-data": 82,
        "audio": 18,
        "new": 101,
        "wheel": 10,
    }
    assert accounts.groups["audio"].members == ("web",)


def test_a_fixed_group_yields_to_the_configuration() -> None:
    groups = (Group(groupname="mine", gid=10), Group(groupname="tty", gid=50))
    config = ImageConfig(base=NOTHING.base, accounts=Accounts(groups=groups))
    owners = {"a": ("root", 0, "wheel", 0), "b": ("root", 0, "tty", 0)}
    owned = make_part("owned", folders=["a", "b"], owners=owners)
    accounts = effects_of(owned, config=config).accounts
    assert (accounts.gid("mine"), accounts.gid("tty"), accounts.gid("wheel")) == (10, 50, None)


def test_folders_owners_and_shells_are_declared_too() -> None:
    shells = make_part("shells", files={"etc/shells": b"/bin/sh\n"}, folders=["run"])
    effects, row = done(
        "mkdir -p /run/app /run\ninstall -d -o root -g mail -m 750 /var/app\nchown root:mail /run\n"
        "chmod 0711 /run\nadd-shell '/bin/bash'\nchgrp mail /etc/shells",
        shells,
    )
    assert row.verdict is Verdict.EMULATED, row.reason
    made = rows(effects.generated)
    assert made["run/app"] == "d 0755 0:0"
    assert made["var/app"] == "d 0750 0:12"
    assert made["run"] == "d 0711 0:12"
    assert made["etc/shells"].startswith("f 0644 0:12")
    assert texts(effects)["etc/shells"] == "/bin/sh\n/bin/bash\n"


@pytest.mark.parametrize(
    "text",
    [
        "exit 0",
        "# only a comment",
        "cat <<EOF >&2\n* Run $0 as $USER to finish.\nEOF\nexit 0",
        "cat 1>&2 <<-'EOF'\n\t* $(rm -rf /)\n\tEOF",
        'echo "* $1 was installed"; printf "%s\\n" done >&2',
        "[ -f /etc/old.conf ] && mv /etc/old.conf /etc/new.conf\nexit 0",
        "if [ ! -d /etc/rcS.d ] || false; then exit 0; fi\nfor i in /etc/rcS.d/*; do rm $i; done",
        "test -x /sbin/rc-update && rc-update add app",
        "helper() {\n  rm -rf /\n}\ncommand -v systemctl >/dev/null && helper",
        "false; exit 1",
        "set -e; false; rm -rf /",
    ],
)
def test_what_would_do_nothing_is_irrelevant(text: str) -> None:
    effects, row = done(text)
    assert (row.verdict, effects.generated, effects.warnings) == (Verdict.IRRELEVANT, (), ())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("true\nsed -i s/a/b/ /etc/passwd", "line 3: `sed -i s/a/b/ /etc/passwd`"),
        ("addgroup -S $(hostname)", "what its arguments would be is not known"),
        ("addgroup -S `hostname`", "what its arguments would be is not known"),
        ("addgroup -S $unset", "what its arguments would be is not known"),
        ("echo $(adduser -S x)", "line 2: `echo $(adduser -S x)`"),
        ("cat <<EOF\n$(adduser -S x)\nEOF", "line 2: `cat << EOF"),
        ("echo x > /etc/motd", "line 2: `echo x > /etc/motd`"),
        ("for i in a b; do addgroup -S $i; done", "line 2: `for i in a b ;"),
        ("case $1 in 1) exit;; esac", "line 2: `case $1 in 1 )"),
        ("while true; do :; done", "line 2: `while true"),
        ("( addgroup -S web )", "line 2: `( addgroup -S web )`"),
        ("{ addgroup -S web; }", "line 2: `{ addgroup -S web ; }`"),
        ("echo web | xargs addgroup -S", "line 2: `echo web | xargs"),
        ("sleep 1 &", "line 2: `sleep 1 &`"),
        ("f() { :; }\nf", "line 3: `f`"),
        ("addgroup -Z web", "unknown option `-Z`"),
        ("adduser -u many -S web", "not a number: `many`"),
        ("chown -R root /srv", "unusual arguments"),
        ("chown ghost /etc/passwd", "no such user or group: `ghost`"),
        ("chmod +x /etc/passwd", "mode `+x`"),
        ("busybox --install -s", "the package lists no applets in `etc/busybox-paths.d/busybox`"),
        ("if [ 1 -lt 2 ]; then addgroup -S web; fi", "unusual test"),
        ("echo 'open", "line 2: a quotation has no end"),
        ("cat <<EOF\nopen", "a here-document has no end"),
        ("if true; then", "expected `fi`"),
        ("if true; fi", "expected `then`"),
        ("fi", "line 2: `fi`"),
        (") x", "unexpected: `)`"),
        ("a ;; b", "unexpected: `;;`"),
        ("for i in", "something that is opened here is never closed"),
        ("x <", "nothing behind `<`"),
        ("$(" * 40, "too deeply nested"),
        ("if true; then " * 40, "too deeply nested"),
        ("# " + "x" * (1 << 16), "more than 65536 characters"),
    ],
)
def test_what_is_not_understood_is_a_warning_that_names_it(text: str, reason: str) -> None:
    effects, row = done(text)
    assert row.verdict is Verdict.NOT_DONE
    assert reason in row.reason
    assert "web" not in effects.accounts.groups
    (warning,) = effects.warnings
    assert "the pre-install script of `app-1.0-r0`" in warning
    assert row.reason in warning


def test_users_are_made_even_where_the_rest_is_not_understood() -> None:
    effects, row = done("fc-cache -f\naddgroup -S web\ndbus-uuidgen --ensure")
    assert effects.accounts.gid("web") == 101
    assert row.verdict is Verdict.NOT_DONE
    assert row.reason == "line 2: `fc-cache -f` (and 1 more)"


def test_a_variable_that_a_loop_sets_is_not_known_behind_it() -> None:
    effects, _ = done("u=web\nfor u in a b; do :; done\naddgroup -S $u")
    assert set(effects.accounts.groups) == {"root", "mail", "users"}


@pytest.mark.parametrize("shebang", ["#!/usr/bin/lua5.4", "", "#!/bin/sh /x", "\x7fELF"])
def test_another_language_is_not_read_as_shell(shebang: str) -> None:
    effects = effects_of(base(), script("addgroup -S web", shebang=shebang))
    assert effects.scripts[0].reason == "it is not a shell script"
    assert "web" not in effects.accounts.groups


@pytest.mark.parametrize("shebang", ["#!/bin/sh", "#! /bin/busybox sh", "#!/bin/ash -e", "#!/bin/sh -eu"])
def test_the_shells_of_alpine_are_read(shebang: str) -> None:
    effects = effects_of(base(), script("addgroup -S web", shebang=shebang))
    assert effects.accounts.gid("web") == 101


def test_a_trigger_counts_only_where_the_image_has_such_a_folder() -> None:
    text = {".trigger": b"#!/bin/sh\naddgroup -S web\n"}
    other = make_part("other", folders=["usr/share/fonts/dejavu"])
    for glob, runs in {
        "/usr/share/fonts/*": True,
        "+/usr/share/fonts": True,
        "/usr/share/*": True,
        "/usr/*": True,
        "/usr/share/fonts/*/x": False,
        "/opt": False,
    }.items():
        part = make_part("app", scripts=text, triggers=(glob,))
        (row,) = effects_of(base(), other, part).scripts
        assert (row.verdict is Verdict.EMULATED) is runs, glob


def test_scripts_for_later_are_irrelevant_and_never_read() -> None:
    names = (".pre-upgrade", ".post-upgrade", ".pre-deinstall", ".post-deinstall")
    part = make_part("app", scripts=dict.fromkeys(names, b"#!/bin/sh\nrm -rf /\n"))
    report = effects_of(base(), part).scripts
    assert [(row.script, row.verdict) for row in report] == [(n[1:], Verdict.IRRELEVANT) for n in names]


def test_scripts_can_be_left_out_altogether() -> None:
    config = ImageConfig(base=NOTHING.base, contents=Contents(scripts="none"))
    effects, row = done("addgroup -S web", config=config)
    assert row.verdict is Verdict.NOT_DONE
    assert "`contents.scripts`" in row.reason
    assert (effects.generated, effects.warnings) == ((), ())


def test_a_row_of_the_report_is_one_line() -> None:
    _, row = done("addgroup -S web")
    assert re.fullmatch(r"app-1\.0-r0\.pre-install: emulated: group `web` \(101\)", str(row))
