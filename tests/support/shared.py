"""Where the real packages, indexes and answers are that tests are held against."""

import os
from pathlib import Path

import pytest

_DEFAULT = Path(__file__).resolve().parents[3] / "shared"

SHARED = Path(os.environ.get("WITCHERY_SHARED", _DEFAULT))
"""The folder of test data: `$WITCHERY_SHARED`, or `shared` beside the checkout."""

needs_shared = pytest.mark.skipif(
    not SHARED.is_dir() and os.environ.get("CI") != "true",
    reason=f"needs the shared test data, and there is none at {SHARED} (set WITCHERY_SHARED)",
)
"""Skips outside CI where the data is absent; in CI the test runs, and fails."""


def repository(name: str, folder: Path) -> Path:
    """A set of packages below `alpine/` as a repository folder that can be used as it is.

    In some copies of the data a link to another set's package is a small text file that holds the link's
    target; then `folder` gets a repository in which they are links again.
    """
    source = SHARED / "alpine" / name
    stubs = [path for path in source.glob("*/*.apk") if path.stat().st_size < 200 and not path.is_symlink()]
    if not stubs:
        return source
    target = folder / name
    for path in source.glob("*/*"):
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        real = (path.parent / path.read_text()).resolve() if path in stubs else path
        if not copy.exists():
            copy.symlink_to(real)
    return target
