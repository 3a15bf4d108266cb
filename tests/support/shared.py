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
