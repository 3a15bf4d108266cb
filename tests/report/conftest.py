"""Pages of reports in a real browser."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.browser import Browser, chromium
from witchery.build.report_parts import assets
from witchery.report.model import Report
from witchery.report.page import page


@pytest.fixture(scope="session")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests of a worker: it takes a second to start."""
    with chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


Show = Callable[[Report], Browser]


@pytest.fixture
def show(chrome: Browser, tmp_path: Path) -> Iterator[Show]:
    """Opens the page of a report; afterwards nothing may have been said in the console, nor asked for."""
    opened: list[str] = []

    def open_page(report: Report, fragment: str = "") -> Browser:
        path = tmp_path / "report.html"
        path.write_bytes(page(report, assets()))
        opened.append(path.as_uri())
        chrome.open(path, fragment)
        return chrome

    chrome.size(1280, 900)
    chrome.prefer("light")
    yield open_page
    assert chrome.logs("browser") == []
    asked = [url for url in chrome.requests() if not url.startswith("data:")]
    assert [url.partition("#")[0] for url in asked] == opened[-1:]
