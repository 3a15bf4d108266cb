"""Files as people write them, read whole."""

from types import MappingProxyType

import pytest

from support.configs import IMAGES, VARIABLES, config, example
from witchery.arch import ALL
from witchery.config.accounts import Group, User
from witchery.config.dialect import Dialect
from witchery.config.kinds import ListOf, Record, settings
from witchery.config.model import ImageConfig, Layering, PathRule

NAMES = sorted(path.name for path in IMAGES.glob("*.yaml"))
each_example = pytest.mark.parametrize("name", NAMES)


@each_example
def test_an_example_is_read_without_a_note_and_by_its_own_dialect(name: str) -> None:
    loaded = example(name)
    assert loaded.notes == ()
    assert loaded.dialect is (Dialect.APKO if "apko" in name else Dialect.WITCHERY)
    assert next(iter(loaded.files)) == name
    assert loaded.files[name] == (IMAGES / name).read_bytes()


@each_example
def test_the_printed_form_of_an_example_gives_it_again_but_for_credentials(name: str) -> None:
    first = example(name).config
    printed = first.to_yaml()
    again = config(printed)
    assert again.to_yaml() == printed
    if "***" not in printed:
        assert again == first
        assert hash(again) == hash(first)


@each_example
@pytest.mark.parametrize("change", [b"\xef\xbb\xbf", b"\r\n"], ids=["byte order mark", "CRLF"])
def test_how_an_editor_saves_a_file_changes_nothing(name: str, change: bytes) -> None:
    text = example(name).files[name]
    changed = change + text if change != b"\r\n" else text.replace(b"\n", b"\r\n")
    if b"include:" in text:
        changed = changed.replace(b"include: ", b"#")
        text = text.replace(b"include: ", b"#")
    variables = VARIABLES.get(name, {})
    assert config(changed, name=name, **variables) == config(text, name=name, **variables)


def test_every_key_of_the_schema_stands_in_the_example_of_everything() -> None:
    text = (IMAGES / "everything.witchery.yaml").read_text()

    def keys(record: type) -> list[str]:
        found: list[str] = []
        for key, each in settings(record).items():
            found.append(key)
            kind = each.kind.item if isinstance(each.kind, ListOf) else each.kind
            found += keys(kind.type) if isinstance(kind, Record) else []
        return found

    assert [key for key in keys(ImageConfig) if f"{key}:" not in text] == []


def test_nginx() -> None:
    nginx = example("nginx.apko.yaml").config
    assert nginx.contents.repositories == ("https://dl-cdn.alpinelinux.org/alpine/v3.19/main",)
    assert nginx.world == ("alpine-baselayout-data", "nginx>=1.24", "nginx-mod-http-headers-more", "tzdata")
    assert nginx.accounts.users == (
        User(username="nginx", uid=10000, gid=10000, shell="/sbin/nologin", homedir="/var/lib/nginx"),
    )
    assert nginx.accounts.groups == (Group(groupname="nginx", gid=10000),)
    assert nginx.accounts.run_as == "10000"
    expected = ("/usr/sbin/nginx", "-c", "/etc/nginx/nginx.conf", "-g", "daemon off;")
    assert nginx.entrypoint.argv == expected
    assert [(rule.path, rule.type, rule.mode) for rule in nginx.paths] == [
        ("/var/lib/nginx", "directory", 0o755),
        ("/run/nginx", "directory", 0o755),
        ("/var/log/nginx/access.log", "symlink", None),
        ("/var/log/nginx/error.log", "symlink", None),
    ]
    assert nginx.annotations["org.opencontainers.image.version"] == "1.24"


def test_services() -> None:
    services = example("s6-services.apko.yaml").config
    assert services.entrypoint.argv == ("/bin/s6-svscan", "/sv")
    assert services.world[-1] == "s6"
    assert services.entrypoint.services == {
        "nginx": '/usr/sbin/nginx -c /etc/nginx/nginx.conf -g "daemon off;"',
        "php-fpm": "/usr/sbin/php-fpm82 -F",
    }


def test_paths_of_every_type_with_permissions_in_every_notation() -> None:
    rules = example("paths.apko.yaml").config.paths
    assert rules == (
        PathRule(path="/app", type="directory", uid=1001, gid=1001, permissions=0o750),
        PathRule(path="/app/state", type="empty-file", permissions=0o600, uid=1001),
        PathRule(path="/usr/bin/app", type="symlink", source="../../app/bin/app"),
        PathRule(path="/app/state.bak", type="hardlink", source="/app/state"),
        PathRule(path="/tmp", type="permissions", permissions=0o1777),
        PathRule(path="/var/cache", type="permissions", uid=1001, gid=2000, recursive=True),
        PathRule(path="/srv", type="directory"),
    )
    assert [rule.mode for rule in rules] == [0o750, 0o600, None, None, 0o1777, None, 0o755]


def test_values_stay_what_was_written() -> None:
    environment = example("postgres.apko.yaml").config.environment
    assert environment["LOG_STATEMENTS"] == "off"
    assert environment["EMPTY"] == ""
    assert example("shell-fragment.apko.yaml").config.environment["PORT"] == "8080"


def test_a_shell_fragment_of_apko_keeps_its_variables() -> None:
    argv = example("shell-fragment.apko.yaml").config.entrypoint.argv
    assert argv[:2] == ("/bin/sh", "-c")
    assert '-p "${PORT:-8080}" -h "${ROOT}"' in argv[2]


def test_all_architectures_by_the_names_that_apko_uses() -> None:
    multiarch = example("multiarch.apko.yaml").config
    assert set(multiarch.archs) == set(ALL)
    assert multiarch.layering == Layering(strategy="origin", budget=10)


def test_aliases_and_merge_keys() -> None:
    aliases = example("aliases.apko.yaml").config
    assert aliases.contents.runtime_repositories == aliases.contents.repositories
    assert [(rule.path, rule.uid, rule.permissions) for rule in aliases.paths] == [
        ("/var/lib/one", 1000, 0o700),
        ("/var/lib/two", 1000, 0o700),
        ("/var/lib/three", 1000, 0o755),
    ]


def test_an_included_file_is_the_base() -> None:
    including = example("including.apko.yaml")
    found = including.config
    assert list(including.files) == ["including.apko.yaml", "include-base.apko.yaml"]
    assert found.contents.packages == ("ca-certificates-bundle", "tzdata", "curl")
    assert found.environment == MappingProxyType({"LANG": "C.UTF-8", "TZ": "Europe/Vienna"})
    assert found.accounts.run_as == "65532"
    assert found.source_and_revision == ("https://example.org/images", "0123456789abcdef")
    assert found.include == ""


def test_witcherys_own_file() -> None:
    own = example("witchery.yaml").config
    assert own.contents.repositories[0] == "https://dl-cdn.alpinelinux.org/alpine/v3.22/main"
    assert own.contents.shell == "forbid"
    assert own.entrypoint.argv == ("python3", "-m", "flask", "run", "--port", "8080")
    assert own.ports == ("8080/tcp", "9090/tcp")
    assert own.layering.strategy == "single"
    assert not own.base.nsswitch
    assert own.base.os_release
