"""`witchery impact`: the command line, its tables, its Markdown and its JSON."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from support.command import Command, Outcome
from support.indexes import drawn
from support.servers import Server, files, guarded
from support.shared import needs_shared
from support.universes import NEW_OPENSSL, OLD_OPENSSL, V316, V317, index_file
from witchery import canonical

SCHEMA = json.loads(
    (Path(__file__).resolve().parents[2] / "docs/reference/json/impact.schema.json").read_text()
)

NOW = """
ssl3-3 p:so:ssl.3 | o:openssl
ssl1-1 p:so:ssl.1 | o:openssl-compat
libre-1 p:so:ssl.1 | o:libre
curl-8 D:so:ssl.1 | p:so:curl.4 | o:curl | m:Natanael <natanael@example.org>
git-2 D:so:curl.4 so:ssl.1 | o:git
wget-1 D:so:ssl.3 | o:wget
docs-1 D:git
clash-1 D:so:ssl.1 !libre
"""
BEFORE = """
ssl1-1 p:so:ssl.1 | o:openssl
curl-7 D:so:ssl.1 | p:so:curl.4 | o:curl
wget-1 D:so:ssl.1 | o:wget
pound-1 D:so:ssl.1 | o:pound
"""
MOVE = ("--from", "so:ssl.1", "--to", "so:ssl.3")


@pytest.fixture
def now(tmp_path: Path) -> tuple[str, ...]:
    """Options that name a small repository."""
    path = index_file(drawn(NOW), tmp_path / "now.tar.gz")
    return ("-X", str(path), "--arch", "x86_64", "--allow-untrusted", "--cache-dir", str(tmp_path / "cache"))


@pytest.fixture
def before(tmp_path: Path) -> tuple[str, ...]:
    """Options that name it as it was."""
    return ("--before", str(index_file(drawn(BEFORE), tmp_path / "before.tar.gz")))


def _document(done: Outcome) -> dict[str, Any]:
    found: dict[str, Any] = canonical.decode(done.out.encode())
    jsonschema.validate(found, SCHEMA)
    return found


def test_the_schema_is_one_and_says_what_everything_is() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)

    def undescribed(node: Any, where: str) -> list[str]:
        found = []
        for name, each in node.get("properties", {}).items():
            if not {"description", "$ref", "const", "enum"} & each.keys():
                found.append(f"{where}.{name}")
            found += undescribed(each, f"{where}.{name}") + undescribed(
                each.get("items", {}), f"{where}.{name}"
            )
        return found

    assert not [each for part in (SCHEMA, *SCHEMA["$defs"].values()) for each in undescribed(part, "")]


def test_who_depends_on_it(witchery: Command, now: tuple[str, ...]) -> None:
    done = witchery("impact", "so:ssl.1", *now)
    assert done.status == 0
    assert done.out.splitlines() == [
        "ORIGIN  PACKAGE  NEEDS",
        "clash   clash-1  so:ssl.1",
        "curl    curl-8   so:ssl.1",
        "git     git-2    so:ssl.1",
    ]
    assert "so:ssl.1: ssl1-1, libre-1" in done.err
    assert "3 packages of 3 origins depend on it directly" in done.err
    assert "1 package of 1 origin depends on it through 1 other" in done.err


def test_who_depends_on_it_through_others_and_could_do_with_another(
    witchery: Command, now: tuple[str, ...]
) -> None:
    done = witchery("impact", "ssl1", "--levels", "all", *now)
    assert done.out.splitlines() == [
        "LEVEL  ORIGIN  PACKAGE  NEEDS     THROUGH  OR HAS",
        "    1  clash   clash-1  so:ssl.1  ssl1     libre",
        "    1  curl    curl-8   so:ssl.1  ssl1     libre",
        "    1  git     git-2    so:ssl.1  ssl1     libre",
        "    2  docs    docs-1   git       git",
    ]


def test_who_depends_on_it_for_programs(witchery: Command, now: tuple[str, ...]) -> None:
    found = _document(witchery("impact", "so:ssl.1", "--json", *now))
    assert "removal" not in found
    assert found["snapshot"]["packages"] == 8
    assert found["snapshot"]["trusted"] is False
    assert found["dependents"]["levels"] == [
        {"level": 1, "packages": 3, "origins": 3},
        {"level": 2, "packages": 1, "origins": 1},
    ]
    assert [each["origin"] for each in found["dependents"]["origins"]] == ["clash", "curl", "git"]
    assert found["dependents"]["origins"][1]["maintainer"] == "Natanael <natanael@example.org>"
    deeper = _document(witchery("impact", "so:ssl.1", "--json", "--levels", "2", *now))
    assert len(deeper["dependents"]["origins"]) == 4


def test_what_breaks_is_a_no(witchery: Command, now: tuple[str, ...]) -> None:
    done = witchery("impact", "so:ssl.1", "--remove", *now)
    assert done.status == 1
    assert "docs    docs-1   git       git" in done.out
    assert "4 packages of 4 origins cannot be installed any more" in done.err


def test_what_can_do_with_something_else_is_no_harm(witchery: Command, now: tuple[str, ...]) -> None:
    done = witchery("impact", "ssl1", "--remove", *now)
    assert done.status == 0
    assert "0 packages of 0 origins cannot be installed any more" in done.err
    assert "curl    curl-8   so:ssl.1  libre" in done.out
    assert "conflicts were not looked at" in done.err


def test_the_solver_says_what_conflicts_break(witchery: Command, now: tuple[str, ...]) -> None:
    done = witchery("impact", "ssl1", "--remove", "--solve", *now)
    assert "and refuses because of conflicts: clash-1" in done.err
    assert done.status == 1
    found = _document(witchery("impact", "ssl1", "--remove", "--solve", "--json", *now))
    verdicts = {each["name"]: each["verdict"] for each in found["removal"]["solver"]}
    assert verdicts == {"clash": "broken", "curl": "fine", "git": "fine", "docs": "fine"}
    assert [each["name"] for each in found["removal"]["kept"]] == ["curl", "git", "clash"]


def test_a_migration_in_waves(witchery: Command, now: tuple[str, ...]) -> None:
    done = witchery("impact", *MOVE, *now)
    assert done.status == 0
    assert done.out.splitlines() == [
        "           ORIGINS  PACKAGES",
        "done             1         1",
        "both             0         0",
        "remaining        3         3",
        "blocked          1         1",
        "",
        "WAVE  ORIGIN  STATE      BLOCKED BY  PACKAGES",
        "   1  clash   remaining              clash",
        "   1  curl    remaining              curl",
        "   2  git     remaining  curl        git",
    ]
    assert "25 % of 4 origins are done" in done.err


def test_a_migration_for_an_issue_tracker(
    witchery: Command, now: tuple[str, ...], before: tuple[str, ...]
) -> None:
    done = witchery("impact", *MOVE, "--markdown", *now, *before)
    assert "### so:ssl.1 → so:ssl.3\n\n| | origins | packages |" in done.out.replace("|  |", "| |")
    assert "### Wave 2\n\n- [ ] git (git) after curl\n" in done.out
    assert "### Done\n\n- [x] wget (wget)\n" in done.out


def test_the_progress_since_an_earlier_snapshot(
    witchery: Command, now: tuple[str, ...], before: tuple[str, ...]
) -> None:
    done = witchery("impact", *MOVE, *now, *before)
    table = dict(re.findall(r"^(\w+(?: back)?) +(\d+) +\d+$", done.out.partition("SINCE")[2], re.MULTILINE))
    assert table == {
        "moved": "1",
        "dropped": "0",
        "gone": "1",
        "remaining": "1",
        "joined": "0",
        "fell back": "2",
    }
    assert "66 % of 3 origins that were on the old are not any more" in done.err
    found = _document(witchery("impact", *MOVE, "--json", *now, *before))
    assert found["progress"]["origins"]["changes"]["gone"] == ["pound"]
    assert found["progress"]["before"]["counts"]["remaining"] == {"packages": 3, "origins": 3}
    assert found["migration"]["waves"] == [[["clash"], ["curl"]], [["git"]]]


def test_what_broke_since_an_earlier_snapshot_is_a_no(
    witchery: Command, now: tuple[str, ...], tmp_path: Path
) -> None:
    """A library got its next SONAME, and of two packages one was built again."""
    after = NOW.replace("p:so:ssl.1", "p:so:ssl.2")
    path = index_file(drawn(after), tmp_path / "after.tar.gz")
    options = (*now[2:], "-X", str(path), "--before", now[1])
    done = witchery("impact", *options)
    assert done.status == 1
    assert "git     git-2    so:ssl.1" in done.out
    assert "nothing provides `so:ssl.1` any more, as libre, ssl1 did" in done.err
    assert "4 packages of 4 origins cannot be installed, and could before" in done.err
    assert "### What broke" in witchery("impact", "--markdown", *options).out
    found = _document(witchery("impact", "--json", *options))["regression"]
    assert found["broken_origins"] == ["clash", "curl", "docs", "git"]
    assert found["vanished"] == [{"name": "so:ssl.1", "providers": ["libre", "ssl1"]}]


def test_nothing_broke_where_nothing_changed(witchery: Command, now: tuple[str, ...]) -> None:
    done = witchery("impact", "--before", now[1], *now)
    assert (done.status, done.out) == (0, "")
    assert "0 packages of 0 origins cannot be installed" in done.err


def test_credentials_of_a_repository_are_never_shown(witchery: Command, tmp_path: Path) -> None:
    folder = tmp_path / "served" / "x86_64"
    folder.mkdir(parents=True)
    index_file(drawn(NOW), folder / "APKINDEX.tar.gz")
    with Server(guarded("me", "secret", files(tmp_path / "served"))) as server:
        options = ("-X", server.with_password("me", "secret"), "--arch", "x86_64", "--allow-untrusted")
        done = witchery("impact", "curl", "--json", *options, "--cache-dir", tmp_path / "cache")
    assert done.status == 0
    assert "secret" not in done.out + done.err
    assert _document(done)["snapshot"]["repositories"] == [server.url]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "nothing is asked for"),
        (["--from", "a"], "both `--from` and `--to`"),
        (["--to", "a"], "both `--from` and `--to`"),
        (["--remove", *MOVE], "needs the names"),
        (["curl", "--solve"], "there is no `--remove`"),
        (["curl", "--before", "x"], "it takes no names"),
        (["curl", "--json", "--markdown"], "either"),
        (["curl", "--arch", "x86,arm64"], "one architecture"),
        (["so:ssl.2"], "nothing is called so, provides or needs it: `so:ssl.2`"),
        (["origin:openss"], "did you mean `origin:openssl`"),
        (["--from", "so:a", "--to", "so:b"], "no package depends on any of these: `so:a`, `so:b`"),
        (["--from", "ssl1", "--to", "so:ssl.3"], "name what it provides: --from so:ssl.1"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    witchery: Command, now: tuple[str, ...], words: list[str], said: str
) -> None:
    done = witchery("impact", *words, *(now if "--arch" not in words else now[:2]))
    assert done.status == 2
    assert said in done.err


def test_a_typing_error_is_no_empty_answer(witchery: Command, now: tuple[str, ...]) -> None:
    done = witchery("impact", "so:curl.3", *now)
    assert done.status == 2
    assert "did you mean `so:curl.4`?" in done.err


def test_what_nobody_provides_any_more_is_said(witchery: Command, tmp_path: Path) -> None:
    path = index_file(drawn("a-1 D:so:gone.1\nb-1 D:so:here.1\nhere-1 p:so:here.1"), tmp_path / "x.tar.gz")
    options = ("-X", path, "--arch", "x86_64", "--allow-untrusted", "--cache-dir", tmp_path / "cache")
    assert (
        "nothing provides `so:gone.1`, and packages need it: 1"
        in witchery("impact", "so:gone.1", *options).err
    )
    done = witchery("impact", "--from", "so:gone.1", "--to", "so:here.1", *options)
    assert "nothing provides `so:gone.1`, and packages need it: 1" in done.err


def test_an_unsigned_index_is_refused(witchery: Command, now: tuple[str, ...]) -> None:
    done = witchery("impact", "curl", *(each for each in now if each != "--allow-untrusted"))
    assert done.status == 3


def test_names_from_strangers_stay_text(witchery: Command, tmp_path: Path) -> None:
    """Bytes that are no UTF-8, control characters, and what means something in Markdown."""
    evil = drawn("evil-1 D:so:x.1 | o:a").replace("P:evil", "P:[e](x)")
    evil = evil.replace("o:a", "o:`<img>|\x1b[31m\udcff")
    path = index_file(drawn("lib-1 p:so:x.1") + evil, tmp_path / "x.tar.gz")
    options = ("-X", path, "--arch", "x86_64", "--allow-untrusted", "--cache-dir", tmp_path / "cache")
    plain = witchery("impact", "so:x.1", *options)
    assert plain.status == 0
    assert "\x1b" not in plain.out
    markdown = witchery("impact", "so:x.1", "--markdown", *options).out
    assert "\\`\\<img\\>" in markdown
    assert "\\[e\\](x)" in markdown
    move = ("--from", "so:x.1", "--to", "so:y.1")
    tasks = witchery("impact", *move, "--markdown", *options).out
    assert "- [ ] \\`\\<img\\>" in tasks
    assert _document(witchery("impact", "so:x.1", "--json", *options))["dependents"]["packages"] == 1


@needs_shared
def test_the_openssl_migration_on_real_releases(witchery: Command, tmp_path: Path) -> None:
    """As the how-to shows it, from signed indexes of two releases, here for two architectures."""
    move = [word for name in OLD_OPENSSL for word in ("--from", name)]
    move += [word for name in NEW_OPENSSL for word in ("--to", name)]
    cache = ("--cache-dir", str(tmp_path / "cache"))
    then = _document(witchery("impact", *move, "-X", V316, "--arch", "x86_64", "--json", *cache))
    counts = then["migration"]["counts"]
    assert counts["remaining"] == {"packages": 226, "origins": 123}
    assert counts["blocked"] == {"packages": 38, "origins": 28}
    assert [sum(map(len, wave)) for wave in then["migration"]["waves"]] == [95, 23, 5]
    assert then["snapshot"]["trusted"] is True
    done = witchery(
        "impact",
        *(*move, "-X", str(V317), "--arch", "aarch64", "--json"),
        *("--before", str(V316), "--before-arch", "x86_64", *cache),
    )
    now = _document(done)
    assert "the snapshots are for x86_64 and aarch64" in done.err
    assert now["migration"]["counts"]["done"] == {"packages": 221, "origins": 119}
    assert now["migration"]["percent"] == {"packages": 100, "origins": 100}
    changes = now["progress"]["packages"]["changes"]
    assert [len(changes[each]) for each in ("moved", "dropped", "gone", "joined")] == [215, 2, 9, 6]
    assert ["openssh"] in then["migration"]["waves"][1]


_PAGE = (Path(__file__).resolve().parents[2] / "docs/how-to/maintainers.md").read_text()
_SESSIONS = [
    block.replace("\\\n", "")
    for block in re.findall(r"```console\n\$ (witchery impact .*?)```", _PAGE, re.DOTALL)
]


@needs_shared
@pytest.mark.parametrize("session", [each for each in _SESSIONS if "edge" not in each])
def test_the_sessions_of_the_how_to_are_real(witchery: Command, tmp_path: Path, session: str) -> None:
    """Each line that is shown is said, in this order; `...` stands for some that are not."""
    for release, index in (("3.16", V316), ("3.17", V317)):
        (tmp_path / release).mkdir()
        (tmp_path / release / "APKINDEX.tar.gz").symlink_to(index)
    command, *shown = session.strip("\n").split("\n")
    done = witchery(*command.split()[1:], "--cache-dir", tmp_path / "cache")
    said = [*done.out.split("\n"), *done.err.split("\n")]
    wanted = [line.rstrip() for line in shown if line != "..."]
    assert len(wanted) > 5
    left = iter([line.rstrip() for line in said])
    assert not [line for line in wanted if line not in left]


def test_there_are_sessions_in_the_how_to() -> None:
    assert len(_SESSIONS) == 6


@needs_shared
def test_the_wrong_architecture_is_said(witchery: Command, tmp_path: Path) -> None:
    done = witchery("impact", "curl", "-X", V317, "--arch", "x86_64", "--cache-dir", tmp_path / "cache")
    assert done.status == 3
    assert "an index for aarch64, expected one for x86_64" in done.err
