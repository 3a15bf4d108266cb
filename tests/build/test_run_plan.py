"""How an image is run: command lines and configurations, decided without a machine."""

import json

import pytest

from witchery.build import run_plan as plan
from witchery.build.run_plan import Account, Host, Process
from witchery.errors import UsageError
from witchery.oci.config import Execution

PASSWD = "root:x:0:0:root:/root:/bin/sh\nweb:x:100:101:web:/srv:/bin/false\nbroken:x:y:z:a:b:c\nshort:x:1\n"
GROUP = "root:x:0:root\nweb:x:101:\nlogs:x:200:root,web\ntty:x:5:web\nbroken:x:y:web\n"


@pytest.mark.parametrize(
    ("entrypoint", "cmd", "args", "command"),
    [
        (("/a",), ("b",), (), ("/a", "b")),
        (("/a",), ("b",), ("c",), ("/a", "c")),
        ((), ("b",), (), ("b",)),
        ((), ("b",), ("c", "d"), ("c", "d")),
        (("/a",), (), (), ("/a",)),
    ],
)
def test_arguments_take_the_place_of_cmd_and_follow_the_entrypoint(
    entrypoint: tuple[str, ...], cmd: tuple[str, ...], args: tuple[str, ...], command: tuple[str, ...]
) -> None:
    assert plan.arguments(Execution(entrypoint=entrypoint, cmd=cmd), args) == command


def test_an_image_without_a_program_is_told_how_to_be_run() -> None:
    with pytest.raises(UsageError, match="names no program") as caught:
        plan.arguments(Execution(), ())
    assert "witchery run IMAGE --" in caught.value.hints[0]


@pytest.mark.parametrize(
    ("user", "account"),
    [
        ("", Account(0, 0, (200,), "/root")),
        ("root", Account(0, 0, (200,), "/root")),
        ("web", Account(100, 101, (5, 200), "/srv")),
        ("100", Account(100, 101, (5, 200), "/srv")),
        ("web:logs", Account(100, 200, (), "/srv")),
        ("web:7", Account(100, 7, (), "/srv")),
        ("65532", Account(65532, 0, (), "/")),
        ("65532:65532", Account(65532, 65532, (), "/")),
    ],
)
def test_users_are_found_as_runtimes_find_them(user: str, account: Account) -> None:
    assert plan.account(user, PASSWD, GROUP) == account


@pytest.mark.parametrize("user", ["nobody", "broken", "web:nogroup", "web:broken", "-1", "99999999999"])
def test_a_user_that_the_image_does_not_know_is_told(user: str) -> None:
    with pytest.raises(UsageError, match="is not in its `/etc/"):
        plan.account(user, PASSWD, GROUP)


def test_an_image_without_accounts_runs_as_root() -> None:
    assert plan.account("", "", "") == Account()


def test_the_environment_is_the_images_with_what_every_program_expects() -> None:
    execution = Execution(env=("A=1", "HOME=/h", "nonsense"), cmd=("x",), working_dir="relative")
    process = plan.process(execution, (), Account(home="/srv"), terminal=True)
    assert process.env == ("A=1", "HOME=/h", f"PATH={plan.PATH}", "TERM=xterm")
    assert process.cwd == "/"


PROCESS = Process(
    args=("/a", "--b"), env=("A=1=2",), cwd="/srv", account=Account(100, 101, (5,)), terminal=False
)


def test_a_bundle_for_root_sets_the_user_and_takes_all_capabilities_from_it() -> None:
    config = json.loads(plan.runtime_bundle(PROCESS, Host(uid=0, gid=0, files=("/etc/hosts",)), "/r"))
    process = config["process"]
    assert process["user"] == {"uid": 100, "gid": 101, "additionalGids": [5]}
    assert process["capabilities"]["effective"] == []
    assert process["noNewPrivileges"] is True
    assert (process["args"], process["env"], process["cwd"]) == (["/a", "--b"], ["A=1=2"], "/srv")
    kinds = [namespace["type"] for namespace in config["linux"]["namespaces"]]
    assert kinds == ["pid", "ipc", "uts", "mount"], "the network is the host's"
    assert {"/proc", "/dev", "/sys", "/etc/hosts"} < {mount["destination"] for mount in config["mounts"]}
    assert "CAP_SYS_ADMIN" not in process["capabilities"]["bounding"]


def test_a_bundle_for_an_ordinary_user_maps_that_user_alone() -> None:
    config = json.loads(plan.runtime_bundle(PROCESS, Host(uid=1000, gid=1001), "/r"))
    assert {"type": "user"} in config["linux"]["namespaces"]
    assert config["linux"]["uidMappings"] == [{"containerID": 0, "hostID": 1000, "size": 1}]
    assert config["linux"]["gidMappings"] == [{"containerID": 0, "hostID": 1001, "size": 1}]
    assert "additionalGids" not in config["process"]["user"]
    pts = next(mount for mount in config["mounts"] if mount["destination"] == "/dev/pts")
    assert "gid=5" not in pts["options"], "a group that is not mapped"


def test_bubblewrap_gets_a_clean_environment_and_the_images_user() -> None:
    command = plan.bubblewrap(PROCESS, Host(uid=0, gid=0, files=("/etc/resolv.conf",)), "/r")
    text = " ".join(command)
    assert command[-3:] == ("--", "/a", "--b")
    for part in (
        "--clearenv --setenv A 1=2",
        "--uid 100 --gid 101",
        "--bind /r /",
        "--dir /srv",
        "--chdir /srv",
        "--new-session",
        "--ro-bind /etc/resolv.conf /etc/resolv.conf",
    ):
        assert part in text


def test_engines_read_the_rest_from_the_image() -> None:
    execution = Execution(entrypoint=("/a",))
    command = plan.engine("podman", "sha256:x", execution, ("-v",), terminal=True, limits=plan.LOW_LIMITS)
    assert command[:2] == ("podman", "create")
    assert command[-2:] == ("sha256:x", "-v")
    assert "--tty" in command
    assert "--ulimit=nofile=1024:1024" in command


def test_a_signal_becomes_the_status_that_a_shell_gives() -> None:
    assert [plan.exit_status(code) for code in (0, 3, -15)] == [0, 3, 143]
