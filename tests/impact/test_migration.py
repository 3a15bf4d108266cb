"""Migrations: who stands where, who is blocked, the waves; and the same counted by awk on real indexes."""

import subprocess
from pathlib import Path

import pytest

from support.indexes import drawn
from support.shared import needs_shared
from support.universes import (
    NEW_OPENSSL,
    OLD_OPENSSL,
    V316,
    V317,
    V319,
    asked,
    halfway,
    text,
    universe,
    whole,
)
from witchery.apk.index import Index
from witchery.impact.migration import Migration, State
from witchery.impact.progress import Change, progress
from witchery.impact.universe import Universe

WORLD = """
old-1 p:so:ssl.1 | o:old
old-tool-1 D:so:ssl.1 | o:old
new-1 p:so:ssl.3 | o:new
new-tool-1 D:so:ssl.3 | o:new
curl-1 D:so:ssl.1 | p:so:curl.4 cmd:curl | o:curl
curl-dbg-1 D:curl | o:curl
plain-1 D:so:curl.4 | p:so:plain.1 | o:plain
git-1 D:so:ssl.1 so:plain.1 | o:git
script-1 D:so:ssl.1 cmd:curl | o:script
python-ssl-1 D:so:ssl.1 curl | o:python
done-1 D:so:ssl.3 | o:done
late-1 D:so:ssl.3 so:curl.4 | o:late
both-1 D:so:ssl.1 so:ssl.3 | o:both
half-1 D:so:ssl.1 | p:so:half.1 | o:half
half-two-1 D:so:ssl.3 | o:half
ring-1 D:so:ssl.1 so:rang.1 | p:so:ring.1 | o:ring
rang-1 D:so:ssl.1 so:ring.1 | p:so:rang.1 | o:rang
last-1 D:so:ring.1 so:ssl.1 | o:last
"""


def _migration(picture: str = WORLD, *, loaded_only: bool = True) -> Migration:
    return Migration(universe(picture), asked("so:ssl.1"), asked("so:ssl.3"), loaded_only=loaded_only)


def _name(migration: Migration, position: int) -> str:
    return migration.universe.packages[position].name


def _names(migration: Migration, *states: State) -> set[str]:
    return {_name(migration, each) for each in migration.at(*states)}


def test_what_a_package_depends_on_says_where_it_stands() -> None:
    found = _migration()
    assert _names(found, State.DONE) == {"done", "late", "half-two"}
    assert _names(found, State.BOTH) == {"both"}
    assert _names(found, State.REMAINING) == {
        *("curl", "git", "script", "python-ssl", "half", "ring", "rang", "last")
    }


def test_what_is_built_with_the_library_itself_takes_no_part() -> None:
    assert not {"old-tool", "new-tool"} & _names(_migration(), *State)
    assert "old" not in _migration().origins


def test_but_what_is_built_with_the_new_library_and_is_on_the_old_does() -> None:
    found = _migration("old-1 p:so:ssl.1 | o:old\nnew-1 p:so:ssl.3 | o:new\nx-1 D:so:ssl.1 | o:new")
    assert _names(found, State.REMAINING) == {"x"}


def test_a_source_package_whose_packages_differ_is_on_both() -> None:
    found = _migration()
    assert found.origins["half"] is State.BOTH
    assert found.origins_at(State.BOTH) == ("both", "half")
    assert found.origins_at(State.DONE) == ("done", "late")


def test_a_package_is_blocked_by_what_it_loads_and_not_by_what_it_starts() -> None:
    """`git` loads `curl` through a library that has no part in it; `script` only runs it."""
    found = _migration()
    blocked = {_name(found, each): {_name(found, it) for it in by} for each, by in found.blocked_by.items()}
    assert blocked == {"git": {"curl"}, "ring": {"rang"}, "rang": {"ring"}, "last": {"ring"}}
    assert found.blocked_origins["git"] == ("curl",)


def test_whatever_a_package_depends_on_may_count_too() -> None:
    found = _migration(loaded_only=False)
    assert found.blocked_origins["script"] == ("curl",)
    assert found.blocked_origins["python"] == ("curl",)


def test_a_package_is_blocked_through_its_own_source_package() -> None:
    found = _migration(
        "old-1 p:so:ssl.1\na-1 D:so:ssl.1 so:b.1 | o:a\nb-1 D:so:ssl.1 so:c.1 | p:so:b.1 | o:a\n"
        "c-1 D:so:ssl.1 | p:so:c.1"
    )
    assert {_name(found, each) for each in found.blocked_by} == {"a", "b"}
    assert found.blocked_origins == {"a": ("c",)}


def test_circles_move_together() -> None:
    assert _migration().waves == (
        (("both",), ("curl",), ("half",), ("python",), ("rang", "ring"), ("script",)),
        (("git",), ("last",)),
    )


def test_what_loads_both_is_named() -> None:
    found = _migration()
    assert {_name(found, each) for each in found.mixed} == {"both", "late"}


def test_a_migration_to_what_is_not_there_yet_is_planned() -> None:
    found = Migration(universe(WORLD), asked("so:ssl.3"), asked("so:ssl.4"))
    assert _names(found, State.REMAINING) == {"done", "late", "both", "half-two"}
    assert not found.at(State.DONE)


def test_versions_are_migrations_too() -> None:
    """As Python's modules move: what leaves open which version it gets takes no part."""
    there = universe("a-1 D:python3~3.10\nb-1 D:python3~3.11\nc-1 D:python3\nd-1 D:python3=3.10.8-r0")
    found = Migration(there, asked("python3~3.10"), asked("python3~3.11"))
    assert _names(found, State.REMAINING) == {"a", "d"}
    assert _names(found, State.DONE) == {"b"}


def test_progress_says_what_became_of_each() -> None:
    before = _migration(
        "old-1 p:so:ssl.1\nmoved-1 D:so:ssl.1\ndropped-1 D:so:ssl.1\ngone-1 D:so:ssl.1\nstill-1 D:so:ssl.1\n"
        "was-1 D:so:ssl.3\nnever-1\nback-1 D:so:ssl.3\nhalf-1 D:so:ssl.1"
    )
    after = _migration(
        "new-1 p:so:ssl.3\nmoved-2 D:so:ssl.3\ndropped-2\nstill-2 D:so:ssl.1\nwas-2 D:so:ssl.3\n"
        "never-2 D:so:ssl.3\nback-2 D:so:ssl.1\nfresh-1 D:so:ssl.3\nhalf-2 D:so:ssl.1 so:ssl.3"
    )
    found = progress(before, after)
    assert found.packages == found.origins
    assert found.packages.changes == {
        "back": Change.FELL_BACK,
        "dropped": Change.DROPPED,
        "fresh": Change.JOINED,
        "gone": Change.GONE,
        "half": Change.REMAINING,
        "moved": Change.MOVED,
        "never": Change.JOINED,
        "still": Change.REMAINING,
    }
    assert (found.packages.started, found.packages.percent) == (5, 60)


@pytest.mark.parametrize("turned", [False, True])
def test_of_several_versions_the_one_that_is_least_far_counts(turned: bool) -> None:
    versions = ["a-1 D:so:ssl.1", "a-2 D:so:ssl.3"]
    before = _migration("a-1 D:so:ssl.1")
    found = progress(before, _migration("\n".join(versions[::-1] if turned else versions)))
    assert found.packages.changes == {"a": Change.REMAINING}


def test_what_was_on_both_and_is_on_the_new_has_moved() -> None:
    found = progress(_migration("a-1 D:so:ssl.1 so:ssl.3"), _migration("a-2 D:so:ssl.3"))
    assert found.packages.changes == {"a": Change.MOVED}


def test_nothing_to_move_is_a_hundred_percent_and_almost_all_is_not() -> None:
    nothing = _migration("a-1")
    assert progress(nothing, nothing).packages.percent == 100
    many = "old-1 p:so:ssl.1\n" + "\n".join(f"p{number}-1 D:so:ssl.1" for number in range(200))
    moved = many.replace("D:so:ssl.1", "D:so:ssl.3", 199)
    assert progress(_migration(many), _migration(moved)).packages.percent == 99


AWK = r"""
# Counts a migration in the text of an index: packages and origins that are done, remaining, on both, blocked;
# and what loads both. `from` and `to` are names with blanks between them.
BEGIN { RS = ""; FS = "\n"; n = split(from, a, " "); for (i = 1; i <= n; i++) F[a[i]]
        n = split(to, a, " "); for (i = 1; i <= n; i++) T[a[i]] }
{ for (i = 1; i <= NF; i++) { k = substr($i, 1, 2); v = substr($i, 3)
    if (k == "P:") name[NR] = v; if (k == "o:") origin[NR] = v
    if (k == "D:") need[NR] = v; if (k == "p:") give[NR] = v }
  n = split(name[NR] " " give[NR], a, " ")
  for (i = 1; i <= n; i++) { sub(/=.*/, "", a[i]); by[a[i]] = by[a[i]] " " NR; own[a[i], origin[NR]] } }
END {
  for (p = 1; p <= NR; p++) { n = split(need[p], a, " ")
    for (i = 1; i <= n; i++) { d = a[i]; sub(/[<>=~].*/, "", d)
      if (d in F && !((d, origin[p]) in own)) old[p]
      if (d in T && !((d, origin[p]) in own)) new[p]
      if (d ~ /^so:/) { m = split(by[d], b, " "); for (j = 1; j <= m; j++) loads[p] = loads[p] " " b[j] } } }
  for (p in old) if (p in new) both[p]; else remaining[p]
  for (p in new) if (!(p in old)) done[p]
  for (p in name) { split("", seen); todo = p; o = (p in old); w = (p in new); block = 0
    while (todo != "") { n = split(todo, a, " "); todo = ""
      for (i = 1; i <= n; i++) if (!(a[i] in seen)) { q = a[i]; seen[q]; todo = todo " " loads[q]
        if (q in old) o = 1; if (q in new) w = 1
        if (q in old && origin[q] != origin[p]) block = 1 } }
    if (block && p in old) blocked[p]; if (o && w) mixed[p] }
  tell("done", done); tell("remaining", remaining); tell("both", both); tell("blocked", blocked)
  tell("mixed", mixed) }
function tell(what, set,   p, k, o, c) { c = 0; for (p in set) { c++; o[origin[p]] }
  k = 0; for (p in o) k++; print what, c, k }
"""


def _by_awk(
    text: str, folder: Path, old: tuple[str, ...], new: tuple[str, ...]
) -> dict[str, tuple[int, int]]:
    """Packages and source packages, counted without a line of ours."""
    index = folder / "APKINDEX"
    index.write_text(text)
    words = ["awk", "-v", f"from={' '.join(old)}", "-v", f"to={' '.join(new)}", AWK, str(index)]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    return {
        what: (int(packages), int(origins)) for what, packages, origins in map(str.split, said.splitlines())
    }


def _counted(found: Migration) -> dict[str, tuple[int, int]]:
    """The same, by us. Source packages are counted as awk does: those that have such a package."""

    def both(positions: object) -> tuple[int, int]:
        known = set(positions)  # type: ignore[call-overload]
        return len(known), len(found.universe.origins(known))

    return {
        **{state.value: both(found.at(state)) for state in State},
        "blocked": both(found.blocked_by),
        "mixed": both(found.mixed),
    }


def _openssl(there: Universe) -> Migration:
    return Migration(there, asked(*OLD_OPENSSL), asked(*NEW_OPENSSL))


def test_awk_counts_the_drawn_world_as_we_do(tmp_path: Path) -> None:
    """Circles, both, what loads both: what the real indexes have little of."""
    found = _migration()
    counted = _by_awk(drawn(WORLD), tmp_path, ("so:ssl.1",), ("so:ssl.3",))
    assert counted == _counted(found)
    assert counted["blocked"] == (4, 4)


@needs_shared
@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (V316, {"remaining": (226, 123), "blocked": (38, 28)}),
        (V317, {"done": (221, 119)}),
    ],
    ids=["3.16", "3.17"],
)
def test_the_openssl_migration_is_what_awk_counts(
    index: Path, expected: dict[str, tuple[int, int]], tmp_path: Path
) -> None:
    """Of 4,929 packages before and 5,004 after, in both releases."""
    found = _counted(_openssl(whole(index)))
    assert found == _by_awk(text(index), tmp_path, OLD_OPENSSL, NEW_OPENSSL)
    assert {what: count for what, count in found.items() if count != (0, 0)} == expected


@needs_shared
def test_halfway_through_it_is_what_awk_counts_too(tmp_path: Path) -> None:
    found = _openssl(Universe([Index.parse(halfway())], "x86_64"))
    counted = _by_awk(halfway(), tmp_path, OLD_OPENSSL, NEW_OPENSSL)
    assert counted == _counted(found)
    assert min(counted[each][0] for each in ("done", "remaining", "blocked", "mixed")) > 0


@needs_shared
def test_a_release_with_community_is_what_awk_counts_too(tmp_path: Path) -> None:
    """23,030 packages, and a migration that lies ahead."""
    old, new = NEW_OPENSSL, ("so:libcrypto.so.4", "so:libssl.so.4")
    found = Migration(whole(*V319), asked(*old), asked(*new))
    joined = "\n\n".join(text(each).strip("\n") for each in V319) + "\n\n"
    assert _counted(found) == _by_awk(joined, tmp_path, old, new)
    assert len(found.waves) == 4


@needs_shared
def test_every_wave_waits_for_what_blocks_it() -> None:
    """On the real release: whoever blocks an origin moves before it, or together with it."""
    found = Migration(whole(*V319), asked(*NEW_OPENSSL), asked("so:libcrypto.so.4"))
    wave_of = {name: number for number, wave in enumerate(found.waves) for group in wave for name in group}
    assert wave_of.keys() == found.universe.origins(found.moving)
    for origin, blockers in found.blocked_origins.items():
        assert all(wave_of[each] < wave_of[origin] for each in blockers)


@needs_shared
def test_the_progress_from_one_release_to_the_next(tmp_path: Path) -> None:
    """As names of packages, sorted and compared: `comm` on two lists that awk makes."""
    found = progress(_openssl(whole(V316)), _openssl(whole(V317)))
    for name, index in (("before", V316), ("after", V317)):
        (tmp_path / name).write_text(text(index))
    script = r"""
    on() { awk -v so="$2" 'BEGIN { RS = ""; FS = "\n" }
      { p = o = d = ""; for (i = 1; i <= NF; i++) { if ($i ~ /^P:/) p = substr($i, 3)
        if ($i ~ /^o:/) o = substr($i, 3); if ($i ~ /^D:/) d = " " substr($i, 3) " " }
        if (o != "openssl" && d ~ " so:lib(crypto|ssl)[.]so[.]" so " ") print p }' "$1" | sort -u; }
    on before 1.1 > old; on after 3 > new; sed -n 's/^P://p' after | sort -u > there
    comm -12 old new | wc -l; comm -23 old new | comm -12 - there | wc -l
    comm -23 old there | wc -l; comm -13 old new | wc -l
    """
    said = subprocess.run(
        ["sh", "-c", script],
        cwd=tmp_path,
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=True,
    ).stdout
    changes = (Change.MOVED, Change.DROPPED, Change.GONE, Change.JOINED)
    assert [found.packages.count(each) for each in changes] == [int(each) for each in said.split()]
    assert [found.packages.count(each) for each in changes] == [215, 2, 9, 6]
    assert found.origins.names(Change.GONE) == (
        *("opensmtpd", "partimage", "postgresql13", "pound", "tarsnap", "vde2"),
    )
