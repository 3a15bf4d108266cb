"""What is said where there is no solution, and what helps."""

import pytest

from support.indexes import source, stanza
from witchery.apk.dependency import Dependency
from witchery.apk.index import Index
from witchery.solver.errors import Unsolvable
from witchery.solver.solver import solve
from witchery.solver.source import Source


def _refusal(world: str, *sources: Source) -> Unsolvable:
    with pytest.raises(Unsolvable) as caught:
        solve([Dependency.parse(entry) for entry in world.split()], sources, "x86_64")
    assert caught.value.exit_status == 4
    return caught.value


def test_a_version_that_is_not_there_is_answered_with_those_that_are() -> None:
    error = _refusal("nginx<1.24 other", source("nginx-1.24.0-r7".replace("-r7", "") + "\nother-1"))
    assert error.constraints == ("`nginx<1.24` is requested, but the repositories have only 1.24.0",)
    assert error.alternative is None


def test_a_misspelt_name_is_answered_with_the_one_that_was_meant() -> None:
    error = _refusal("ngnix", source("nginx-1\nbusybox-1"))
    assert error.message == "no such package: `ngnix`"
    assert error.hints == ("did you mean `nginx`?",)


def test_a_missing_dependency_names_who_needs_it() -> None:
    error = _refusal("a", source("a-1 D:b\nb-1 D:c"))
    assert error.constraints[-1] == "no such package: `c`, needed by b-1"


def test_all_that_a_package_needs_and_nobody_has_is_told_at_once() -> None:
    error = _refusal("a", source("a-1 D:b so:x.so.1 so:y.so.2\nb-1\nc-1 p:so:x.so.2"))
    assert error.message == "no such packages: `so:x.so.1` and `so:y.so.2`, needed by a-1"
    assert error.hints == (), "the name of a library was read from a file, and is not misspelt"


def test_among_more_dependencies_than_can_be_tried_the_one_that_nothing_meets_is_found() -> None:
    many = "\n".join(f"n{at}-1 D:n{at + 1} n{at + 2}" for at in range(300))
    error = _refusal("a", source(f"a-1 D:n0 python3~3.13\npython3-3.11.9\n{many}\nn300-1\nn301-1"))
    assert error.constraints == ("a-1 needs `python3~3.13`, but the repositories have only 3.11.9",)


def test_a_name_with_several_providers_asks_for_a_choice() -> None:
    error = _refusal("app", source("app-1 D:sendmail\npostfix-1 p:sendmail\nexim-1 p:sendmail"))
    assert "app-1 needs `sendmail`, but it is provided by exim, postfix, and none of them by default" in (
        error.constraints
    )
    assert "choose who provides `sendmail`, add one of: exim, postfix" in error.hints
    assert error.additions == ("postfix",)


def test_another_architecture_is_named() -> None:
    error = _refusal("a", Source("main", Index.parse(stanza("a", arch="s390x") + "\n\n")))
    assert error.message.endswith("a-1 cannot be installed: it is for s390x, not for x86_64")


def test_a_tag_that_would_help_is_named() -> None:
    error = _refusal("a", source("b-1"), source("a-1", "edge"))
    assert error.message == "`a` is requested, but it is only in a repository tagged `@edge`"
    assert error.hints == ("request `a@edge` to allow that repository",)


def test_an_unknown_tag_is_named() -> None:
    assert (
        _refusal("a@egde", source("a-1"), source("a-1", "edge")).message == "no repository is tagged `@egde`"
    )


def test_constraints_that_collide_are_told_without_those_that_do_not() -> None:
    index = source("a-1 D:x=1 y\nb-1 D:x=2 y\nc-1 D:y\nx-1\nx-2\ny-1")
    error = _refusal("a b c", index)
    assert error.constraints == (
        "`a` is requested",
        "`b` is requested",
        "a-1 needs `x=1` (there is 2 and 1)",
        "b-1 needs `x=2` (there is 2 and 1)",
    )
    assert error.alternative is None


def test_a_conflict_is_told_with_both_sides() -> None:
    error = _refusal("a c", source("a-1 D:!b\nb-1\nc-1 D:b"))
    assert error.constraints[2:] == ("a-1 excludes `b`: `!b`", "c-1 needs `b` (there is 1)")


def test_a_solution_that_apk_does_not_find_is_shown_with_what_to_add() -> None:
    index = source("a-2 D:b>=5\na-1\nb-1")
    error = _refusal("a", index)
    assert error.additions == ("a=1",)
    assert error.alternative is not None
    assert [str(each.package) for each in error.alternative] == ["a-1"]
    assert solve([Dependency.parse("a"), Dependency.parse("a=1")], [index], "x86_64") == error.alternative


def test_a_triggered_package_that_does_not_fit_can_be_kept_out() -> None:
    error = _refusal("a", source("a-1\nextra-1 i:a | D:none"))
    assert error.additions == ("!extra",)
    assert "no such package: `none`, needed by extra-1" in error.constraints
