"""What broke between two snapshots."""

from support.indexes import drawn
from support.shared import needs_shared
from support.universes import V316, V317, halfway, text, universe, whole
from witchery.apk.index import Index
from witchery.impact.regression import Regression, regression
from witchery.impact.universe import Universe

BEFORE = """
ssl-1 p:so:ssl.1 | o:ssl
curl-1 D:so:ssl.1 | p:so:curl.4
git-1 D:so:curl.4
wget-1 D:so:ssl.1
bad-1 D:nowhere
gone-1 D:so:ssl.1
"""
NOW = """
ssl-2 p:so:ssl.2 | o:ssl
curl-1 D:so:ssl.1 | p:so:curl.4
git-2 D:so:curl.4
wget-2 D:so:ssl.2
bad-2 D:nowhere
fresh-1 D:curl
"""


def _names(found: Regression) -> dict[str, str]:
    return {str(found.universe.packages[each]): str(loss.dependency) for each, loss in found.broken.items()}


def test_what_was_not_built_again_after_a_library_is_named() -> None:
    found = regression(universe(BEFORE), universe(NOW))
    assert _names(found) == {"curl-1": "so:ssl.1", "git-2": "so:curl.4", "fresh-1": "curl"}
    assert found.vanished == {"so:ssl.1": ("ssl",)}
    assert found.already == ("bad",)


def test_nothing_broke_where_nothing_changed() -> None:
    found = regression(universe(BEFORE), universe(BEFORE))
    assert (found.broken, found.vanished, found.already) == ({}, {}, ("bad",))


def test_one_version_that_could_be_installed_is_enough_to_have_been_whole() -> None:
    before = universe("lib-1 p:so:x.1\na-1 D:so:x.1\na-2 D:so:x.2")
    found = regression(before, universe("lib-2 p:so:x.3\na-2 D:so:x.2"))
    assert _names(found) == {"a-2": "so:x.2"}


def test_a_name_in_another_version_has_not_vanished() -> None:
    found = regression(universe("lib-1\na-1 D:lib=1"), universe("lib-2\na-1 D:lib=1"))
    assert _names(found) == {"a-1": "lib=1"}
    assert found.vanished == {}


def test_the_order_of_an_index_does_not_matter() -> None:
    turned = "\n\n".join(reversed(drawn(NOW).strip("\n").split("\n\n")))
    again = regression(universe(BEFORE), Universe([Index.parse(turned)], "x86_64"))
    assert _names(again) == _names(regression(universe(BEFORE), universe(NOW)))


@needs_shared
def test_what_broke_from_release_to_release() -> None:
    """3.17 is whole but for two that were not whole before. 3.16 with half of 3.17 in it is not."""
    now = text(V317).replace("aarch64", "x86_64")
    done = regression(whole(V316), Universe([Index.parse(now)], "x86_64"))
    assert done.broken == {}
    half = regression(whole(V316), Universe([Index.parse(halfway())], "x86_64"))
    assert len(half.broken) > 100
    there = half.universe
    for each, loss in list(half.broken.items())[:200]:
        assert each in there.needing(loss.dependency)
        left = set(loss.providers) - half.broken.keys()
        assert {there.packages[provider].name for provider in left} <= set(half.already)
