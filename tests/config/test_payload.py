"""The application in a configuration: its parts, what its scan lets pass, and the release to build from."""

import pytest

from support.configs import config, loaded, problems
from witchery.config import values
from witchery.config.dialect import Dialect, effective
from witchery.config.payload import Acknowledged, Part, Scan, owner_numbers
from witchery.config.user import UserConfig, parse
from witchery.errors import ConfigError


@pytest.mark.parametrize(
    "text",
    ["payload: ./dist", "payload: [./dist]", "payload: [{source: ./dist}]", "payload:\n- source: ./dist"],
)
def test_a_path_alone_is_an_application(text: str) -> None:
    found = config(text)
    assert found.payload == (Part(source="./dist"),)
    assert found.payload[0].mode == "normal"
    assert config(found.to_yaml()) == found


def test_a_part_says_where_it_goes_whose_it_is_and_what_stays_out() -> None:
    found = config(
        """
        accounts: {users: [{username: web, uid: 1000, gid: 50}]}
        payload:
          - source: ./site
            destination: //srv//www/
            owner: web
            mode: 0640
            exclude: ["*.bak", "/drafts/"]
        """
    )
    (part,) = found.payload
    assert part == Part(
        source="./site", destination="/srv/www/", owner="web", mode=0o640, exclude=("*.bak", "/drafts/")
    )
    assert owner_numbers(part.owner, found.accounts) == (1000, 50)
    assert "mode: 0o640\n" in found.to_yaml()
    assert config(found.to_yaml()) == found


@pytest.mark.parametrize(
    ("owner", "numbers"),
    [
        ("root", (0, 0)),
        ("app", (1000, 100)),
        ("app:staff", (1000, 50)),
        ("app:0", (1000, 0)),
        ("1234", (1234, 1234)),
        ("1234:staff", (1234, 50)),
        ("4294967295:root", (4294967295, 0)),
    ],
)
def test_an_owner_is_a_name_of_the_image_or_a_number(owner: str, numbers: tuple[int, int]) -> None:
    found = config(
        "accounts: {users: [{username: app, uid: 1000, gid: 100}], groups: [{groupname: staff, gid: 50}]}\n"
        f'payload: [{{source: dist, owner: "{owner}"}}]'
    )
    assert owner_numbers(found.payload[0].owner, found.accounts) == numbers


def test_nonroot_owns_files_where_the_image_has_it_without_a_word() -> None:
    found = config("payload: [{source: dist, owner: nonroot}]")
    assert owner_numbers("nonroot", found.accounts) == (65532, 65532)
    filled = effective(found, Dialect.WITCHERY).config
    assert owner_numbers("nonroot", filled.accounts) == (65532, 65532)


def test_what_cannot_be_meant_is_refused_with_its_place() -> None:
    found = problems(
        """\
payload:
  - source: dist
    owner: alice
  - source: dist
    owner: "4294967296"
  - destination: opt/app
    mode: rwx
    exclude: ["!keep", "../x", "/"]
  - source: dist
    destination: /a/../b
    owners: root
release: v3
name: not/a name
scan:
  acknowledge: [Private Key, {path: /app}]
  allow-gcompat: yes
"""
    )
    for expected in (
        "a.yaml:6:5: payload[2]: a value is required for `source`",
        "a.yaml:6:18: payload[2].destination: expected an absolute path",
        "a.yaml:7:11: payload[2].mode: expected `normal`, `keep` or octal permissions such as `0o644`: `rwx`",
        "a.yaml:8:15: payload[2].exclude[0]: expected a pattern such as `*.pyc`, without a leading `!`",
        "a.yaml:8:24: payload[2].exclude[1]: a pattern names something below the source: `../x`",
        "a.yaml:8:32: payload[2].exclude[2]: a pattern names something below the source: `/`",
        "a.yaml:10:18: payload[3].destination: a path must not contain `..`",
        "a.yaml:11:5: payload[3]: unknown key: `owners`; did you mean `owner`?",
        "a.yaml:12:10: release: expected a release of Alpine such as `v3.22`, `edge` or",
        "a.yaml:13:7: name: expected a name",
        "a.yaml:15:17: scan.acknowledge[0].rule: expected the name of a rule",
        "a.yaml:15:30: scan.acknowledge[1]: a value is required for `rule`",
        "a.yaml:16:18: scan.allow-gcompat: expected `true` or `false`: `yes`; did you mean `true`?",
    ):
        assert any(line.startswith(expected) for line in found), (expected, found)
    accounts = problems('payload:\n- {source: a, owner: alice}\n- {source: a, owner: "4294967296"}\n')
    assert accounts == (
        "a.yaml:2:22: payload[0].owner: nobody of that name is in `accounts`: `alice`",
        "a.yaml:3:22: payload[1].owner: a number of an owner goes to 4294967295: `4294967296`",
    )


@pytest.mark.parametrize(
    ("written", "release"),
    [("v3.22", "v3.22"), ("3.20", "v3.20"), ("edge", "edge"), ("latest-stable", "latest-stable"), ("", "")],
)
def test_a_release_has_one_form(written: str, release: str) -> None:
    assert config(f"release: {written}\nname: x").release == release


def test_findings_are_acknowledged_by_rule_or_by_rule_and_path() -> None:
    found = config(
        "scan: {accept-suggestions: true, acknowledge: [leftover, {rule: token, path: /app/docs/*}]}"
    )
    assert found.scan == Scan(
        accept_suggestions=True,
        acknowledge=(Acknowledged(rule="leftover"), Acknowledged(rule="token", path="/app/docs/*")),
    )
    assert config(found.to_yaml()) == found


@pytest.mark.parametrize("top", ["payload: ./more", "payload: [./more]", "payload: [{source: ./more}]"])
@pytest.mark.parametrize("base", ["payload: ./dist", "payload: [./dist]"])
def test_an_including_file_adds_to_the_application(base: str, top: str) -> None:
    found = loaded(
        f"include: base.yaml\n{top}\nscan: {{acknowledge: [token], rewrite-shebangs: true}}\nrelease: edge",
        base=f"{base}\nscan: {{acknowledge: [leftover], allow-gcompat: true}}\nrelease: 3.22",
    ).config
    assert [part.source for part in found.payload] == ["./dist", "./more"]
    assert [each.rule for each in found.scan.acknowledge] == ["leftover", "token"]
    assert (found.scan.allow_gcompat, found.scan.rewrite_shebangs, found.release) == (True, True, "edge")


def test_an_apko_file_that_names_an_application_is_witchery_s() -> None:
    assert loaded("payload: ./dist", name="apko.yaml").dialect is Dialect.WITCHERY


def test_a_pattern_that_yaml_takes_for_an_alias_is_told_from_one() -> None:
    with pytest.raises(ConfigError) as caught:
        loaded("payload: [{source: dist, exclude: [*.pyc]}]")
    assert caught.value.hints == ("a text that begins with `*` is written in quotes",)


def test_a_user_s_own_file_names_a_release_and_a_mirror() -> None:
    text = b"release: 3.22\nmirror: https://mirror.example.org/alpine/\n"
    assert parse(text, "config.yaml") == UserConfig(
        release="v3.22", mirror="https://mirror.example.org/alpine"
    )
    assert parse(b"# nothing\n", "config.yaml") == parse(b"release:\n", "c") == UserConfig()


def test_a_user_s_own_file_is_refused_with_every_problem_in_its_place() -> None:
    with pytest.raises(ConfigError) as caught:
        parse(
            b"releases: v3.22\nrelease: [edge]\nmirror: ftp://me:hunter2@example.org\n",
            "/home/me/config.yaml",
        )
    schemes = "a repository is a path or an http, https or file URL"
    assert caught.value.problems == (
        "/home/me/config.yaml:1:1: unknown key: `releases`; did you mean `release`?",
        f"/home/me/config.yaml:2:10: release: expected {values.RELEASE.what}, found a list",
        f"/home/me/config.yaml:3:9: mirror: {schemes}: `ftp://***@example.org`",
    )
