"""The other commands, and what all have in common."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.command import Command
from support.shared import needs_shared
from witchery.cli import COMMANDS, make_parser

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
HELLO = EXAMPLES / "hello/witchery.yaml"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(witchery: Command, command: str) -> None:
    done = witchery(command, "--help", cache=False)
    assert done.status == 0
    assert "example:\n  witchery" in done.out
    assert COMMANDS[command]


def test_help_imports_no_command() -> None:
    """`witchery --help` costs little more than Python: counted in modules, not in milliseconds."""
    code = (
        "import sys; from witchery.cli import main; main(['--help']);"
        "print(*[m for m in sys.modules if m.startswith('witchery')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert loaded <= {"witchery", "witchery.cli", "witchery.cli.console", "witchery.errors"}


def test_a_warm_build_imports_nothing_heavy_that_it_does_not_need(tmp_path: Path) -> None:
    """No HTTP library, no progress bars, no solver for failures: only what a warm build uses."""
    code = (
        "import sys; from witchery.cli import main;"
        f"main(['build', {str(HELLO)!r}, '-o', 'oci:x', '--arch', 'x86_64', '--cache-dir', 'cache']);"
        "print(*sys.modules)"
    )
    command = [sys.executable, "-c", code]
    subprocess.run(command, capture_output=True, check=True, cwd=tmp_path)
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    loaded = set(done.stdout.splitlines()[-1].split())
    heavy = {"urllib3", "rich", "shtab", "subprocess", "tempfile", "http.client", "email", "logging"}
    heavy |= {"dataclasses", "inspect", "witchery.solver.explain", "witchery.compose.script_run"}
    heavy |= {"witchery.vulns", "witchery.build.vulns.condition", "witchery.impact"}
    heavy |= {"witchery.graph", "witchery.build.graphing", "witchery.store.image_tree"}
    heavy |= {"witchery.report", "witchery.build.reporting", "html"}
    assert not loaded & heavy


def test_no_command_is_an_error() -> None:
    done = subprocess.run([sys.executable, "-m", "witchery"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "COMMAND" in done.stderr


def test_options_mean_the_same_everywhere() -> None:
    """An option that several commands have has one meaning: the same help text wherever it stands."""
    parser = make_parser(every=True)
    commands = next(action for action in parser._actions if action.dest == "command").choices
    assert isinstance(commands, dict)
    meanings: dict[str, set[str]] = {}
    for name, sub in commands.items():
        if name in ("compose", "package", "version", "run"):  # options of 2021; fewer, in fewer words
            continue
        for action in sub._actions:
            for option in action.option_strings:
                if option == "--arch" and name in ("copy", "pull", "push"):  # one of those that there are
                    continue
                if option == "--from" and name == "impact":  # a migration's
                    continue
                if option == "--lock" and name == "verify":  # nothing is beside an image
                    continue
                no_image = name in ("lock", "mirror", "sbom", "report")
                if option in ("-o", "--output") and no_image:  # none goes there
                    continue
                if option == "--diff" and name == "lock":  # nothing else to name
                    continue
                if option == "--fail-on" and name == "audit":  # findings of another kind
                    continue
                if option == "--fail-on" and name == "audit":  # rules and scores, no vulnerabilities
                    continue
                if option == "--sign-key" and name == "build":  # an image, by other keys than packages
                    continue
                meanings.setdefault(option, set()).add(str(action.help))
    assert {option for option, helps in meanings.items() if len(helps) > 1} == set()


def test_keygen_makes_a_pair_that_signs_an_index(witchery: Command) -> None:
    made = witchery("keygen", "me.rsa", "--bits", "2048", cache=False)
    assert made.status == 0
    assert re.fullmatch(r"SHA256:[0-9a-f]{64}\n", made.out)
    assert Path("me.rsa").stat().st_mode & 0o777 == 0o600
    again = witchery("keygen", "me.rsa", cache=False)
    assert again.status == 2
    assert "--force" in again.err

    Path("repo/x86_64").mkdir(parents=True)
    for package in (EXAMPLES / "repository/x86_64").glob("*.apk"):
        (Path("repo/x86_64") / package.name).write_bytes(package.read_bytes())
    refused = witchery("index", "repo", "--sign-key", "me.rsa")
    assert refused.status == 3
    assert "unknown key" in refused.err
    keys = EXAMPLES / "repository/keys"
    written = witchery("index", "repo", "--sign-key", "me.rsa", "-k", keys, "-d", "mine")
    assert written.status == 0, written.err

    Path("app.yaml").write_text("contents:\n  repositories: [repo]\n  packages: [hello]\n")
    assert witchery("build", "app.yaml", "--arch", "x86_64").status == 3
    done = witchery("build", "app.yaml", "--arch", "x86_64", "-k", "me.rsa.pub")
    assert done.status == 0, done.err


def test_show_prints_configuration_and_packages(witchery: Command) -> None:
    done = witchery("show", HELLO, "--arch", "x86_64")
    assert done.status == 0, done.err
    config, _, packages = done.out.partition("---\n")
    assert "packages:" in config
    assert packages.splitlines() == ["example-certificates-1-r0", "base-files-1-r0", "hello-1.0-r0"]
    found = json.loads(witchery("show", HELLO, "--arch", "x86_64", "--json").out)
    assert [each["name"] for each in found["packages"]] == ["example-certificates", "base-files", "hello"]
    assert found["packages"][1]["reasons"], "every package has a reason"


def test_show_prints_the_schema_for_editors(witchery: Command) -> None:
    schema = json.loads(witchery("show", "--schema").out)
    assert "contents" in schema["properties"]


def test_compose_fills_a_folder_as_in_2021(witchery: Command) -> None:
    repository = EXAMPLES / "repository"
    done = witchery(
        "compose", "-d", "hello", "-X", repository, "-k", repository / "keys", "--arch", "x86_64", "out"
    )
    assert done.status == 0, done.err
    files = {str(path.relative_to("out")) for path in Path("out").rglob("*") if path.is_file()}
    assert {"usr/bin/hello", "etc/os-release", "lib/apk/db/installed"} <= files
    again = witchery("compose", "-d", "hello", "-X", repository, "-k", repository / "keys", "out")
    assert again.status in (2, 5)


def test_compose_takes_a_package_file_and_checks_its_signature(witchery: Command) -> None:
    repository = EXAMPLES / "repository"
    package = repository / "x86_64/base-files-1-r0.apk"
    refused = witchery("compose", "-p", package, "--arch", "x86_64", "out")
    assert refused.status == 3
    assert "unknown key" in refused.err
    assert witchery("compose", "-p", package, "-i", "--arch", "x86_64", "out").status == 0
    done = witchery("compose", "-p", package, "-k", repository / "keys", "--arch", "x86_64", "other")
    assert done.status == 0, done.err


def test_the_cache_is_shown_and_pruned(witchery: Command) -> None:
    assert witchery("build", HELLO, "-o", "oci:x", "--arch", "x86_64").status == 0
    info = json.loads(witchery("cache", "info", "--json").out)
    assert info["kinds"]["packages"]["count"] == 3
    assert witchery("cache", "prune", "--older-than", "0").status == 0


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion_scripts_name_every_command(witchery: Command, shell: str) -> None:
    done = witchery("completion", shell, cache=False)
    assert done.status == 0
    assert all(name in done.out for name in COMMANDS)


def test_a_completion_script_is_a_script(witchery: Command) -> None:
    script = witchery("completion", "bash", cache=False).out
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def test_version(witchery: Command) -> None:
    assert witchery("version", cache=False).out.startswith("witchery 0.")
    assert "cryptography" in json.loads(witchery("version", "--json", cache=False).out)


@needs_shared
def test_names_from_strangers_cannot_drive_the_terminal(witchery: Command) -> None:
    Path("evil.yaml").write_text('contents:\n  packages: ["\\e[2Jevil"]\n')
    done = witchery("build", "evil.yaml")
    assert done.status in (2, 3)
    assert "\x1b" not in done.err
