"""How quick the page of a report is: written, and shown in Chromium, with 400 packages and 50,000 files.

.venv/bin/python benchmarks/report.py
"""

import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support import reports
from support.browser import Browser, chromium
from witchery.build.report_parts import assets
from witchery.report.page import page

RUNS = 5
_PAINT = (
    "return performance.getEntriesByType('paint')"
    ".find((each) => each.name === 'first-contentful-paint').startTime"
)
_LOADED = "const [page] = performance.getEntriesByType('navigation'); return page.loadEventEnd"
_SEARCH = """
const search = document.querySelector('#files-body input');
const start = performance.now();
search.value = '/4999';
search.dispatchEvent(new Event('input'));
document.body.offsetHeight;
return performance.now() - start;
"""
_SORT = """
const search = document.querySelector('#files-body input');
search.value = '';
search.dispatchEvent(new Event('input'));
const start = performance.now();
document.querySelector('#files-body th:nth-child(2) button').click();
document.body.offsetHeight;
return performance.now() - start;
"""


def main() -> None:
    """Writes the page, opens it some times, and prints medians."""
    report = reports.large()
    written = []
    data = b""
    for _ in range(RUNS):
        start = time.perf_counter()
        data = page(report, assets())
        written.append(1000 * (time.perf_counter() - start))
    print(f"written: {statistics.median(written):.0f} ms, {len(data) / 1e6:.1f} MB")
    with TemporaryDirectory() as folder, chromium(Path(folder, "profile")) as browser:
        path = Path(folder, "report.html")
        path.write_bytes(data)
        found = [_shown(browser, path) for _ in range(RUNS)]
    for name in ("first paint", "loaded", "search of files", "sorting files"):
        print(f"{name}: {statistics.median(each[name] for each in found):.0f} ms")
    print(f"elements: {found[-1]['elements']:.0f}")


def _shown(browser: Browser, path: Path) -> dict[str, float]:
    browser.open(path)
    browser.picture(path.with_suffix(".png"))  # so that something has been painted
    return {
        "first paint": browser.run(_PAINT),
        "loaded": browser.run(_LOADED),
        "search of files": browser.run(_SEARCH),
        "sorting files": browser.run(_SORT),
        "elements": browser.count("*"),
    }


if __name__ == "__main__":
    main()
