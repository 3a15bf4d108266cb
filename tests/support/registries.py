"""Debian's `docker-registry` on loopback, with and without TLS, passwords and tokens; proxies that cut."""

import contextlib
import os
import re
import select
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from support.peers import call, need
from support.shared import SHARED

USER, PASSWORD = "alice", "s3cret"
_PATIENCE = 30.0


@dataclass(frozen=True)
class Registry:
    """A registry that runs.

    Attributes:
        host: Its name, with the port.
        folder: Where it keeps everything.
        certificate: What vouches for it, where it speaks TLS.
    """

    host: str
    folder: Path
    certificate: Path | None = None

    @property
    def port(self) -> int:
        return int(self.host.rpartition(":")[2])

    @property
    def asked(self) -> list[str]:
        """What it was asked and answered: `PUT /v2/... 201`, without queries."""
        text = (self.folder / "log").read_text(errors="replace")
        lines = re.findall(r'"([A-Z]+) (/v2/[^ "?]*)[^ "]* HTTP/1.1" ([0-9]+)', text)
        return [" ".join(line) for line in lines]

    def asked_since(self, before: int) -> list[str]:
        """What it was asked since it had been asked so many things, once its log has come to rest."""
        found = self.asked
        while True:
            time.sleep(0.05)
            if len(found) == len(found := self.asked):
                return found[before:]

    def login(self, folder: Path, password: str = PASSWORD) -> dict[str, str]:
        """The environment of someone who has logged in, by a file in `folder`."""
        import base64
        import json

        folder.mkdir(parents=True, exist_ok=True)
        auth = base64.b64encode(f"{USER}:{password}".encode()).decode()
        (folder / "config.json").write_text(json.dumps({"auths": {self.host: {"auth": auth}}}))
        found = {"DOCKER_CONFIG": str(folder)}
        return found | ({"SSL_CERT_FILE": str(self.certificate)} if self.certificate else {})


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def registry(folder: Path, *, tls: bool = False, auth: str = "") -> Iterator[Registry]:
    """A registry that is up, for the length of the block.

    Args:
        folder: Where it keeps everything.
        tls: Whether it speaks TLS.
        auth: What it wants to be told: nothing, `htpasswd` or `token`.
    """
    need("docker-registry", root=False)
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        port = free_port()
        lines = [
            "version: 0.1",
            f"storage: {{filesystem: {{rootdirectory: {folder}/data}}, delete: {{enabled: true}}}}",
        ]
        extra = ""
        if tls:
            _certificate(folder)
            extra = f", tls: {{certificate: {folder}/tls.crt, key: {folder}/tls.key}}"
        lines.append(f"http: {{addr: 127.0.0.1:{port}{extra}}}")
        if auth == "htpasswd":
            need("htpasswd", root=False)
            (folder / "htpasswd").write_text(call("htpasswd", "-Bbn", USER, PASSWORD))
            lines.append(f"auth: {{htpasswd: {{realm: basic-realm, path: {folder}/htpasswd}}}}")
        elif auth == "token":
            realm = stack.enter_context(_token_server(folder))
            lines.append(
                f'auth: {{token: {{realm: "{realm}", service: test-registry, issuer: tok,'
                f" rootcertbundle: {folder}/token.crt}}}}"
            )
        (folder / "config.yml").write_text("\n".join(lines) + "\n")
        command = ["docker-registry", "serve", str(folder / "config.yml")]
        stack.enter_context(_running(command, folder / "log", port))
        yield Registry(f"localhost:{port}", folder, folder / "tls.crt" if tls else None)
    shutil.rmtree(folder / "data", ignore_errors=True)


@contextmanager
def _token_server(folder: Path) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, str(SHARED / "tools" / "token_server.py"), str(folder), str(port)]
    with _running(command, folder / "tokens", port):
        yield f"http://127.0.0.1:{port}/token"


@contextmanager
def _running(command: Sequence[str], log: Path, port: int) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, env={"PATH": os.environ["PATH"], "OTEL_SDK_DISABLED": "1"}
        )
        try:
            deadline = time.monotonic() + _PATIENCE
            while True:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                if process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(f"{command[0]} does not answer:\n{log.read_text()[-3000:]}")
                time.sleep(0.02)
            yield
        finally:
            process.terminate()
            process.wait(20)


def _certificate(folder: Path) -> None:
    need("openssl", root=False)
    call(
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / "tls.key",
        "-out", folder / "tls.crt", "-subj", "/CN=localhost", "-days", "2",
        "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
    )  # fmt: skip


Cut = Callable[[bytes, int], bool]


def _never(data: bytes, count: int) -> bool:
    return False


class Proxy:
    """Passes bytes on to a port of this machine, counts them, and cuts connections where it is told to."""

    def __init__(self, port: int, cut: Cut = _never, back: Cut = _never) -> None:
        """Listens.

        Args:
            port: Where it passes bytes on to.
            cut: Asked of what the client sends, and how many bytes it is with all before on its connection:
                end the connection now, before this is passed on?
            back: The same of what the client is to receive.
        """
        self.sent = 0
        self.received = 0
        self.cuts = 0
        self._cut = cut
        self._back = back
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._accept, daemon=True)

    @property
    def host(self) -> str:
        return f"localhost:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pass, args=(client,), daemon=True).start()

    def _pass(self, client: socket.socket) -> None:
        sent = got = 0
        with (
            client,
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self._port)) as server,
        ):
            while True:
                ready, _, _ = select.select([client, server], [], [], _PATIENCE)
                for one in ready:
                    data = one.recv(1 << 16)
                    upwards = one is client
                    sent, got = sent + upwards * len(data), got + (not upwards) * len(data)
                    ends = self._cut(data, sent) if upwards else self._back(data, got)
                    self.cuts += ends
                    if ends or not data:
                        return
                    (server if upwards else client).sendall(data)
                    self.sent += upwards * len(data)
                    self.received += (not upwards) * len(data)
                if not ready:
                    return
