"""Fixtures that several rooms use."""

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

from support.real_apk import VERSIONS, RealApk, unpack
from support.shared import repository

settings.register_profile("witchery", max_examples=60, deadline=None, derandomize=True)
settings.load_profile("witchery")


@pytest.fixture(scope="session")
def boot_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository of the 3.19.1 boot medium: 100 official packages."""
    return repository("v3.19.1-boot-x86_64", tmp_path_factory.mktemp("sets"))


@pytest.fixture(scope="session", params=sorted(VERSIONS))
def real_apk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> RealApk:
    """Each real apk in turn."""
    version: str = request.param
    return unpack(version, tmp_path_factory.mktemp(f"apk-{version}"))


@pytest.fixture(autouse=True)
def _no_ambient_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests do not depend on who runs them: proxies, caches and dates of the caller are out of sight."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name in ("SOURCE_DATE_EPOCH", "XDG_CACHE_HOME", "NETRC"):
            monkeypatch.delenv(name)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With CI=true a test that skips has failed: there, everything that a test needs is installed."""
    report = yield
    if report.skipped and os.environ.get("CI") == "true" and not item.get_closest_marker("may_skip"):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"
    return report
