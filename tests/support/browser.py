"""A real browser: Chromium without a window, driven by ChromeDriver (W3C WebDriver, plain HTTP and JSON)."""

import base64
import json
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

_OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
)
_PATIENCE = 60
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"

KEYS = {
    "Tab": "\ue004",
    "Enter": "\ue007",
    "Escape": "\ue00c",
    "Space": " ",
    "PageDown": "\ue00f",
    "End": "\ue010",
    "Home": "\ue011",
    "ArrowLeft": "\ue012",
    "ArrowUp": "\ue013",
    "ArrowRight": "\ue014",
    "ArrowDown": "\ue015",
    "Shift": "\ue008",
}


class Browser:
    """A session with one page.

    Attributes:
        url: Of the session.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """A command of WebDriver; fails the test if it fails."""
        return _request(method, f"{self.url}{path}", body)

    def open(self, page: Path, fragment: str = "") -> None:
        """Opens a file, and forgets what the log had."""
        self.call("POST", "/url", {"url": "about:blank"})
        self.logs("performance"), self.logs("browser")
        self.call("POST", "/url", {"url": page.as_uri() + fragment})

    def run(self, script: str, *arguments: Any) -> Any:
        """Runs a script in the page, and gives what it returns; in a promise what that comes to."""
        return self.call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def css(self, selector: str) -> Any:
        """The text of the first element, as it is shown."""
        return self.run("return document.querySelector(arguments[0]).innerText", selector)

    def all(self, selector: str) -> list[str]:
        """The texts of all elements, as they are shown."""
        script = "return [...document.querySelectorAll(arguments[0])].map((each) => each.innerText)"
        found: list[str] = self.run(script, selector)
        return found

    def count(self, selector: str) -> int:
        """How many elements there are."""
        found: int = self.run("return document.querySelectorAll(arguments[0]).length", selector)
        return found

    def click(self, selector: str) -> None:
        """Clicks on the first element, as a mouse would."""
        found = self.call("POST", "/element", {"using": "css selector", "value": selector})
        self.call("POST", f"/element/{found[_ELEMENT]}/click", {})

    def press(self, *keys: str) -> None:
        """Presses keys one after the other, by name or as text; `Shift+Tab` holds the first down."""
        actions = []
        for each in keys:
            held, _, last = each.rpartition("+") if len(each) > 1 else ("", "", each)
            down = [KEYS[held]] if held else []
            texts = [KEYS[last]] if last in KEYS else list(last)
            actions += [{"type": "keyDown", "value": key} for key in down]
            for key in texts:
                actions += [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
            actions += [{"type": "keyUp", "value": key} for key in down]
        self.call("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def focused(self) -> str:
        """What has the focus, in a few words."""
        script = (
            "const each = document.activeElement;"
            "return each.getAttribute('aria-label') || each.innerText || each.id || each.tagName"
        )
        found: str = self.run(script)
        return found

    def size(self, width: int, height: int) -> None:
        """Makes the window so large."""
        self.devtools(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def prefer(self, scheme: str) -> None:
        """Says that the user prefers `light` or `dark`."""
        self.devtools(
            "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}]
        )

    def devtools(self, command: str, **parameters: Any) -> Any:
        """A command of the DevTools protocol."""
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def logs(self, kind: str) -> list[dict[str, Any]]:
        """What was logged since this was asked last: `browser` or `performance`."""
        found: list[dict[str, Any]] = self.call("POST", "/se/log", {"type": kind})
        return found

    def requests(self) -> list[str]:
        """The addresses of everything that was asked for since the page was opened."""
        messages = [json.loads(each["message"])["message"] for each in self.logs("performance")]
        return [
            each["params"]["request"]["url"]
            for each in messages
            if each["method"] == "Network.requestWillBeSent"
        ]

    def picture(self, path: Path, selector: str = "", *, whole: bool = False) -> None:
        """Takes a picture of what is in sight, of one element, or of the whole page."""
        if selector:
            found = self.call("POST", "/element", {"using": "css selector", "value": selector})
            data = self.call("GET", f"/element/{found[_ELEMENT]}/screenshot")
        elif whole:
            data = self.devtools("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        else:
            data = self.call("GET", "/screenshot")
        path.write_bytes(base64.b64decode(data))


@contextmanager
def chromium(profile: Path, options: Sequence[str] = ()) -> Iterator[Browser]:
    """Starts a browser with a new profile, and ends it with the block.

    Args:
        profile: The folder of the profile, empty.
        options: More options of Chromium.
    """
    program = shutil.which("chromedriver")
    if program is None:
        pytest.fail("chromedriver is not installed (Debian: chromium-driver)")
    driver = subprocess.Popen([program, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert driver.stdout is not None
        port = next(
            found[1]
            for line in driver.stdout
            if (found := re.search(rb"successfully on port (\d+)", line)) is not None
        )
        base = f"http://127.0.0.1:{port.decode()}/session"
        wanted = {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": [*_OPTIONS, f"--user-data-dir={profile}", *options]},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }
        session = _request("POST", base, {"capabilities": {"alwaysMatch": wanted}})["sessionId"]
        browser = Browser(f"{base}/{session}")
        try:
            yield browser
        finally:
            browser.call("DELETE", "")
    finally:
        driver.terminate()
        driver.wait(_PATIENCE)
        assert driver.stdout is not None
        driver.stdout.close()


def _request(method: str, url: str, body: Any = None) -> Any:
    data = json.dumps({} if body is None else body).encode() if method == "POST" else None
    request = urllib.request.Request(
        url, data=data, method=method, headers={"Content-Type": "application/json"}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=_PATIENCE) as response:
            return json.load(response)["value"]
    except urllib.error.HTTPError as error:
        pytest.fail(f"{method} {url}: {error.read().decode()[:2000]}")
