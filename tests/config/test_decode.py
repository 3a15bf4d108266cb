# ruff: noqa: E501 - a table reads by its rows
"""What each key accepts, and what is said about what it does not."""

import pytest

from support.configs import config, problems
from witchery.config.model import Layering

CERTIFICATE = "-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----"
KEY = "-----BEGIN PUBLIC KEY-----\\nAAAA\\n-----END PUBLIC KEY-----"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Keys
        ("content: {}", "a.yaml:1:1: unknown key: `content`; did you mean `contents`?"),
        ("work_dir: /", "a.yaml:1:1: unknown key: `work_dir`; did you mean `work-dir`?"),
        ("packages: [wget]", "a.yaml:1:1: unknown key: `packages`; did you mean `contents.packages`?"),
        ("contents: {build-repositories: []}", "did you mean `build_repositories`?"),
        ("contents: {packges: []}", "a.yaml:1:12: contents: unknown key: `packges`; did you mean `packages`?"),
        ("healthcheck: x", "a.yaml:1:1: unknown key: `healthcheck`"),
        # Shapes
        ("contents: [wget]", "a.yaml:1:11: contents: expected a mapping, found a list"),
        ("contents: wget", "a.yaml:1:11: contents: expected a mapping, found a text: `wget`"),
        ("contents: {packages: wget}", "contents.packages: expected a list, found a text: `wget`"),
        ("contents: {packages: {a: b}}", "contents.packages: expected a list, found a mapping"),
        ("contents: {packages: [{a: b}]}", "contents.packages[0]: expected a package such as"),
        ("contents:\n  packages:\n  - a\n  -\n", "a.yaml:4:4: contents.packages[1]: an item of a list without a value"),
        ("environment: [A=1]", "environment: expected a mapping of names to values, found a list"),
        ("environment: {A: [1]}", "environment.A: expected a text, found a list"),
        ("cmd: {a: b}", "cmd: expected a command line: a text or a list of words, found a mapping"),
        ("cmd: [[a]]", "cmd[0]: expected a text, found a list"),
        ("cmd: 'it''s'", "cmd: not a command line, no closing quotation: `it's`"),
        ("entrypoint: {type: service-bundle, services: {a: }}", "entrypoint.services.a: expected a command line, found nothing"),
        # Numbers and flags
        ("accounts: {users: [{username: a, uid: -1}]}", "accounts.users[0].uid: expected a number from 0 to 4294967295: `-1`"),
        ("accounts: {users: [{username: a, uid: 4294967296}]}", "from 0 to 4294967295: `4294967296`"),
        ("accounts: {users: [{username: a, uid: 010}]}", "from 0 to 4294967295: `010`"),
        ("accounts: {users: [{username: a, uid: 1.0}]}", "from 0 to 4294967295: `1.0`"),
        ("accounts: {users: [{username: a, uid: '7'}]}", 'from 0 to 4294967295, without quotes: `"7"`'),
        ("accounts: {users: [{username: a, uid: ٣}]}", "from 0 to 4294967295: `٣`"),
        ("accounts: {users: [{username: a}]}", "a.yaml:1:20: accounts.users[0]: a value is required for `uid`: the user's number"),
        ("accounts: {users: [{username: a, uid: }]}", "a value is required for `uid`"),
        ("layering: {budget: 0}", "layering.budget: expected a number of layers from 1 to 120: `0`"),
        ("layering: {budget: 121}", "layering.budget: expected a number of layers from 1 to 120: `121`"),
        ("base: {tmp: yes}", "base.tmp: expected `true` or `false`: `yes`; did you mean `true`?"),
        ("base: {tmp: Off}", "base.tmp: expected `true` or `false`: `Off`; did you mean `false`?"),
        ("base: {tmp: 1}", "base.tmp: expected `true` or `false`: `1`"),
        ("base: {tmp: 'true'}", 'base.tmp: expected `true` or `false`, without quotes: `"true"`'),
        # Permissions
        ("paths: [{path: a, type: directory, permissions: 493}]", "permissions are octal, and this is a decimal number for `0o755`: `493`"),
        ("paths: [{path: a, type: directory, permissions: 0o77777}]", "expected octal permissions such as `0o755`: `0o77777`"),
        ("paths: [{path: a, type: directory, permissions: 9999}]", "expected octal permissions such as `0o755`: `9999`"),
        ("paths: [{path: a, type: directory, permissions: rwx}]", "expected octal permissions such as `0o755`: `rwx`"),
        # Words of a few
        ("contents: {shell: never}", "contents.shell: expected `allow` or `forbid`: `never`"),
        ("paths: [{path: a, type: dir}]", "`permissions`: `dir`; did you mean `directory`?"),
        ("layering: sngle", "a.yaml:1:11: layering.strategy: expected `packages` or `origin` or `single`: `sngle`; did you mean `single`?"),
        ("layering: [single]", "layering: expected a mapping, found a list"),
        ("format: erofs", "format: `erofs` is not supported: layers are tar streams"),
        ("contents: {baseimage: {image: x}}", "contents: `baseimage` is not supported: an image is made of packages alone"),
        # Vocabulary
        ("archs: [amd46]", "archs[0]: unknown architecture: `amd46`"),
        ("archs: [amd64, x86_64]", "archs[1]: the architecture is given twice, here and in `archs[0]`: `x86_64`"),
        ("contents: {packages: ['foo=']}", "contents.packages[0]: expected a package such as"),
        ("contents: {packages: ['foo bar']}", "contents.packages[0]: expected a package such as"),
        ("contents: {packages: ['foo=not_a_version']}", "contents.packages[0]: not a valid world dependency"),
        ("contents: {repositories: ['']}", "contents.repositories[0]: expected a repository: a URL or a path, after `v3` if it is one of apk v3, and after `@tag` if it is tagged, found an empty text"),
        ("contents: {repositories: ['ftp://a/b']}", "a repository is a path or an http, https or file URL: `ftp://a/b`"),
        ("contents: {repositories: ['https://']}", "a URL without a host: `https://`"),
        ("contents: {repositories: ['@edge']}", "contents.repositories[0]: expected a repository"),
        ("contents: {keyring: [a/x.pub, b/x.pub]}", "contents.keyring[1]: the file name of a key is given twice, here and in `keyring[0]`: `x.pub`"),
        ("work-dir: srv", "work-dir: expected an absolute path such as `/srv/www`: `srv`"),
        ("work-dir: /a/../b", "work-dir: a path must not contain `..`: `/a/../b`"),
        ("volumes: [data]", "volumes[0]: expected an absolute path such as `/srv/www`: `data`"),
        ("paths: [{path: ../etc, type: directory}]", "paths[0].path: a path must not contain `..`: `../etc`"),
        ("ports: [0]", "ports[0]: a port is a number from 1 to 65535: `0`"),
        ("ports: [70000/tcp]", "ports[0]: a port is a number from 1 to 65535: `70000/tcp`"),
        ("ports: [http]", "ports[0]: expected a port such as `8080` or `53/udp`: `http`"),
        ("environment: {1A: x}", "environment: expected a variable's name: `1A`"),
        ("annotations: {'a b': x}", "annotations: expected a key without spaces: `a b`"),
        ("stop-signal: term", "stop-signal: expected a signal such as `SIGTERM`: `term`"),
        ("accounts: {run-as: 'a b'}", "accounts.run-as: expected a user such as"),
        ("accounts: {groups: [{groupname: 'a:b', gid: 1}]}", "accounts.groups[0].groupname: expected a name of letters"),
        (f'certificates: {{additional: [{{name: a/b, content: "{CERTIFICATE}"}}]}}', "certificates.additional[0].name: expected a name"),
        ("certificates: {additional: [{name: a, content: ' '}]}", "expected exactly one PEM block"),
        (f'certificates: {{additional: [{{name: a, content: "{CERTIFICATE.replace("AAAA", "")}"}}]}}', "the PEM block does not hold base64"),
        (f'certificates: {{additional: [{{name: a, content: "CERTIFICATE\\n{CERTIFICATE}"}}]}}', "the PEM block does not hold base64"),
        ("certificates: {additional: [{name: a, content: x}]}", "expected exactly one PEM block, `-----BEGIN CERTIFICATE-----`"),
        (f'certificates: {{additional: [{{name: a, content: "{CERTIFICATE}\\n{CERTIFICATE}"}}]}}', "expected exactly one PEM block"),
        (f'certificates: {{additional: [{{name: a, content: "{KEY}"}}]}}', "expected a PEM block of `CERTIFICATE`, found one of `PUBLIC KEY`"),
        (f'contents: {{runtime_keyring: [{{name: a, content: "{KEY.replace("AAAA", "AAAAA")}"}}]}}', "the PEM block does not hold base64"),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_refused_with_its_place(text: str, expected: str) -> None:
    (problem,) = problems(text)
    assert expected in problem
    assert problem.startswith("a.yaml:")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("accounts: {users: [{username: a, uid: 1}, {username: a, uid: 2}]}", "a.yaml:1:54: accounts.users[1].username: the user name is given twice, here and in `users[0]`: `a`"),
        ("accounts: {users: [{username: a, uid: 1}, {username: b, uid: 1}]}", "accounts.users[1].uid: the uid is given twice"),
        ("accounts: {groups: [{groupname: a, gid: 1}, {groupname: a, gid: 2}]}", "accounts.groups[1].groupname: the group name is given twice"),
        ("accounts: {groups: [{groupname: a, gid: 1}, {groupname: b, gid: 1}]}", "accounts.groups[1].gid: the gid is given twice"),
        ("accounts: {users: [{username: a, uid: 0}]}", "accounts.users[0].uid: uid 0 is root's, who is there already; to run as root write `run-as: 0`"),
        ("entrypoint: {command: a, shell-fragment: b}", "entrypoint.shell-fragment: `command` and `shell-fragment` cannot both be the entrypoint"),
        ("entrypoint: {services: {a: b}}", "entrypoint.services: services run only under `type: service-bundle`"),
        ("contents: {shell: forbid}\nentrypoint: {shell-fragment: b}", "a.yaml:2:30: entrypoint.shell-fragment: a `shell-fragment` needs the shell"),
        ("paths: [{path: /a, type: symlink}]", "a.yaml:1:9: paths[0]: a symlink needs a `source`: `/a`"),
        ("paths: [{path: /a, type: directory, source: b}]", "paths[0].source: only links have a `source`, and the type is `directory`"),
        ("paths: [{path: /a, type: hardlink, source: ../b}]", "paths[0].source: a path must not contain `..`: `../b`"),
        ("paths: [{path: /a, type: empty-file, recursive: true}]", "paths[0].recursive: nothing is below a `empty-file`"),
        ("paths: [{path: /a, type: permissions}]", "paths[0]: the rule changes nothing: give `permissions`, `uid` or `gid` for `/a`"),
        (f'contents: {{runtime_keyring: [{{name: a, content: "{KEY}"}}, {{name: a, content: "{KEY}"}}]}}', "contents.runtime_keyring[1].name: the file name of a key is given twice"),
        (f'certificates: {{additional: [{{name: a, content: "{CERTIFICATE}"}}, {{name: a, content: "{CERTIFICATE}"}}]}}', "certificates.additional[1].name: the certificate is given twice"),
    ],
)  # fmt: skip
def test_values_that_do_not_fit_together_are_refused_at_the_culprit(text: str, expected: str) -> None:
    (problem,) = problems(text)
    assert expected in problem


def test_a_key_mistyped_and_required_is_both_unknown_and_missing() -> None:
    assert problems("accounts: {users: [{name: x, uid: 1}]}") == (
        "a.yaml:1:20: accounts.users[0]: a value is required for `username`: the login name",
        "a.yaml:1:21: accounts.users[0]: unknown key: `name`; did you mean `username`?",
    )


def test_all_problems_are_reported_at_once() -> None:
    found = problems("contents:\n  packges: []\n  shell: no\nports: [0, 1]\ncmd: [x]\nwork-dir: x\n")
    assert [problem.split(": ")[0] for problem in found] == [
        "a.yaml:2:3",
        "a.yaml:3:10",
        "a.yaml:4:9",
        "a.yaml:6:11",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "contents:\ncmd:\npaths:\nenvironment:\nlayering:\nformat:\n",
        'cmd: ""\nwork-dir: ""\nstop-signal: ""\n',
    ],
)
def test_a_key_without_a_value_is_a_key_that_is_not_there(text: str) -> None:
    assert config(text) == config("archs: []")


@pytest.mark.parametrize(
    ("written", "mode"),
    [
        ("0o755", 0o755),
        ("0755", 0o755),
        ("755", 0o755),
        ('"0755"', 0o755),
        ("0", 0),
        ("1777", 0o1777),
        ("01777", 0o1777),
        ("0o6755", 0o6755),
    ],
)
def test_permissions_are_octal_however_they_are_written(written: str, mode: int) -> None:
    (rule,) = config(f"paths: [{{path: /a, type: directory, permissions: {written}}}]").paths
    assert rule.mode == mode


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("cmd: a  b\tc", ("a", "b", "c")),
        ("""cmd: "a 'b c' \\"d\\" e\\\\ f" """, ("a", "b c", "d", "e f")),
        ("cmd: [a b, '', 1, on]", ("a b", "", "1", "on")),
        ("cmd: 8080", ("8080",)),
        ("cmd: ' '", ()),
    ],
)
def test_command_lines_are_texts_or_lists(written: str, words: tuple[str, ...]) -> None:
    assert config(written).cmd == words


@pytest.mark.parametrize(
    "text", ["layering: single", "layering: {strategy: single}", "layering:\n  strategy: 'single'\n"]
)
def test_a_bare_word_says_the_layering(text: str) -> None:
    assert config(text).layering == Layering(strategy="single")


def test_paths_and_urls_are_brought_into_one_form() -> None:
    found = config(
        "work-dir: //srv//www/./\npaths: [{path: etc//x/, type: directory}, {path: ., type: permissions, uid: 1}]\n"
        "contents: {repositories: ['@a   https://example.org/x//', /]}\nports: [0080/udp]\n"
    )
    assert found.work_dir == "/srv/www"
    assert [rule.path for rule in found.paths] == ["/etc/x", "/"]
    assert found.contents.repositories == ("@a https://example.org/x", "/")
    assert found.ports == ("80/udp",)


@pytest.mark.parametrize("name", ["linux/amd64", "AMD64", "x86_64", "arm/v7", "arm64/v8", "i686"])
def test_architectures_go_by_the_names_of_both_worlds(name: str) -> None:
    assert len(config(f"archs: [{name}]").archs) == 1


def test_credentials_are_not_in_problems() -> None:
    found = problems(
        "contents:\n  repositories: ['ftp://me:hunter2@example.org/', 'https://me:hunter2@']\n"
        "  keyring: ['https://me:hunter2@example.org/ x']\nvcs-url: https://me:hunter2@example.org/ x\n"
    )
    assert len(found) == 4
    assert "hunter2" not in "\n".join(found)


def test_a_long_value_is_cut_in_a_problem() -> None:
    (problem,) = problems("work-dir: " + "x" * 1000)
    assert len(problem) < 200
