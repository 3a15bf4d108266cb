"""Progress: bars on a terminal, plain lines elsewhere, and never a byte of either on standard output."""

import os
import pty
import re
import subprocess
import sys
import threading
from pathlib import Path

from support.command import process
from support.servers import Server, files
from support.shared import needs_shared

pytestmark = needs_shared


def configuration(folder: Path, url: str) -> None:
    (folder / "app.yaml").write_text(f"contents:\n  repositories: [{url}]\n  packages: [wget]\n")


def on_terminal(folder: Path, *arguments: str) -> tuple[str, str, int]:
    """Runs a build whose standard error is a terminal: its output, what the terminal shows, its status."""
    master, slave = pty.openpty()
    shown = bytearray()

    def watch() -> None:
        while True:
            try:
                data = os.read(master, 65536)
            except OSError:  # the other side has closed
                return
            shown.extend(data)

    watcher = threading.Thread(target=watch)
    watcher.start()
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "witchery",
            "build",
            "app.yaml",
            "-o",
            "oci:x",
            "--arch",
            "x86_64",
            *arguments,
        ],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "TERM": "xterm", "COLUMNS": "100"},
        stdout=subprocess.PIPE,
        stderr=slave,
        text=True,
        check=False,
    )
    os.close(slave)
    watcher.join()
    os.close(master)
    return done.stdout, shown.decode(), done.returncode


def test_a_terminal_shows_bars_that_go_away(tmp_path: Path, boot_set: Path) -> None:
    with Server(files(boot_set)) as server:
        configuration(tmp_path, server.url)
        out, shown, status = on_terminal(tmp_path)
    assert status == 0, shown
    assert re.fullmatch(r"sha256:[0-9a-f]{64}\n", out)
    assert "━" in shown
    assert "libcrypto3-3.1.4-r5" in shown
    assert shown.endswith("wrote oci:x\r\n")


def test_a_dumb_place_gets_plain_lines(tmp_path: Path, boot_set: Path) -> None:
    with Server(files(boot_set)) as server:
        configuration(tmp_path, server.url)
        done = process("build", "app.yaml", "-o", "oci:x", "--arch", "x86_64", "-v", cwd=tmp_path)
    assert done.status == 0, done.err
    assert "fetched libcrypto3-3.1.4-r5\n" in done.err
    assert "\x1b" not in done.err
    assert re.fullmatch(r"sha256:[0-9a-f]{64}\n", done.out)


def test_quiet_is_quiet(tmp_path: Path, boot_set: Path) -> None:
    with Server(files(boot_set)) as server:
        configuration(tmp_path, server.url)
        out, shown, status = on_terminal(tmp_path, "-q")
    assert (status, shown) == (0, "")
    assert out.startswith("sha256:")
