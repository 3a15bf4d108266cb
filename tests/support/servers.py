"""Real HTTP servers on loopback: good ones, and ones that misbehave in every way that a test asks for."""

import base64
import contextlib
import hashlib
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from witchery.value import field, frozen


@frozen
class Asked:
    """A request as a server saw it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""

    def __getitem__(self, name: str) -> str:
        return self.headers.get(name.lower(), "")


@frozen(kw_only=True)
class Answer:
    """What a server does with a request.

    Attributes:
        status: The status.
        headers: Fields beyond `Content-Length`.
        body: The body.
        declared: A `Content-Length` that is not the body's, or None; -1 for none at all.
        cut: Send so many bytes of the body and then stop, or None.
        reset: End with a TCP reset where it stops, instead of closing.
        drip: Seconds between single bytes of the body; 0 sends it at once.
        drip_headers: Seconds between single bytes of the headers.
        chunked: Send the body with chunked transfer encoding.
        hang: Seconds to do nothing before the answer.
        silent: Close without any answer.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    declared: int | None = None
    cut: int | None = None
    reset: bool = False
    drip: float = 0.0
    drip_headers: float = 0.0
    chunked: bool = False
    hang: float = 0.0
    silent: bool = False


Behaviour = Callable[[Asked], Answer]


class Server:
    """A server that does what a function says, and remembers what it was asked."""

    def __init__(self, behaviour: Behaviour, *, tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[Asked] = []
        self.connections = 0
        self._behaviour = behaviour
        self._stopping = threading.Event()
        self._http = _Quiet(("127.0.0.1", 0), _handler(self))
        self._tls = tls
        if tls is not None:
            self._http.socket = tls.wrap_socket(
                self._http.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    @property
    def url(self) -> str:
        """The base URL, without a trailing slash."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def with_password(self, user: str, password: str) -> str:
        """The base URL with credentials in it."""
        return self.url.replace("://", f"://{user}:{password}@")

    def pause(self, seconds: float) -> None:
        """Waits, but not beyond the end of the server."""
        self._stopping.wait(seconds)

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        return self._behaviour(asked)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is nothing to talk about."""


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            server.connections += 1
            super().setup()

        def __getattr__(self, name: str) -> Any:
            if name.startswith("do_"):
                return self._serve
            raise AttributeError(name)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
            """Says nothing."""

        def _serve(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", "0")))
            answer = server.answer(Asked(self.command, self.path, headers, body))
            server.pause(answer.hang)
            if answer.silent:
                self.close_connection = True
                return
            with contextlib.suppress(OSError):
                self._send(answer)
            if answer.cut is not None or answer.declared is not None:
                self.close_connection = True
            if answer.reset:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True

        def _send(self, answer: Answer) -> None:
            length = len(answer.body) if answer.declared is None else answer.declared
            head = [f"HTTP/1.1 {answer.status} Status", *(f"{k}: {v}" for k, v in answer.headers.items())]
            if answer.chunked:
                head.append("Transfer-Encoding: chunked")
            elif length >= 0 and answer.status not in {204, 304}:
                head.append(f"Content-Length: {length}")
            else:
                self.close_connection = answer.status not in {204, 304}
            self._write(("\r\n".join(head) + "\r\n\r\n").encode("latin-1"), answer.drip_headers)
            if self.command == "HEAD":
                return
            body = answer.body if answer.cut is None else answer.body[: answer.cut]
            if answer.chunked:
                body = b"%x\r\n%s\r\n" % (len(body), body) + (b"0\r\n\r\n" if answer.cut is None else b"")
            self._write(body, answer.drip)

        def _write(self, data: bytes, drip: float) -> None:
            if not drip:
                self.wfile.write(data)
                self.wfile.flush()
                return
            for byte in data:
                if server._stopping.is_set():
                    return
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                server.pause(drip)

    return Handler


def files(root: Path, *, etag: bool = True, ranges: bool = True) -> Behaviour:
    """Serves a folder as a good server does: validators, ranges, conditional requests."""

    def behave(asked: Asked) -> Answer:
        path = root / unquote(urlsplit(asked.path).path).lstrip("/")
        if not path.is_file():
            return Answer(status=404, body=b"there is no such file\n")
        return content(asked, path.read_bytes(), etag=etag, ranges=ranges)

    return behave


def content(asked: Asked, data: bytes, *, etag: bool = True, ranges: bool = True) -> Answer:
    """Serves some bytes as a good server does."""
    headers = {"ETag": f'"{hashlib.sha1(data).hexdigest()}"'} if etag else {}
    if etag and asked["If-None-Match"] == headers["ETag"]:
        return Answer(status=304, headers=headers)
    first = asked["Range"].removeprefix("bytes=").removesuffix("-")
    if ranges and first.isdigit() and asked["If-Range"] in {"", headers.get("ETag", "")}:
        if int(first) >= len(data):
            return Answer(status=416, headers={"Content-Range": f"bytes */{len(data)}"})
        part = f"bytes {first}-{len(data) - 1}/{len(data)}"
        return Answer(status=206, headers=headers | {"Content-Range": part}, body=data[int(first) :])
    return Answer(headers=headers, body=data)


def in_turn(*answers: Answer | Behaviour) -> Behaviour:
    """Gives the answers one after the other, the last one for ever."""
    lock = threading.Lock()
    left = list(answers)

    def behave(asked: Asked) -> Answer:
        with lock:
            step = left.pop(0) if len(left) > 1 else left[0]
        return step if isinstance(step, Answer) else step(asked)

    return behave


def guarded(user: str, password: str, inner: Behaviour) -> Behaviour:
    """Asks for a user name and a password."""
    expected = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    def behave(asked: Asked) -> Answer:
        if asked["Authorization"] != expected:
            return Answer(status=401, headers={"WWW-Authenticate": 'Basic realm="test"'}, body=b"no")
        return inner(asked)

    return behave


class Proxy:
    """A forward proxy: `CONNECT` tunnels and absolute-form requests, with a password if one is set."""

    def __init__(self, *, password: str = "") -> None:
        self.asked: list[str] = []
        self._expected = "Basic " + base64.b64encode(f"user:{password}".encode()).decode() if password else ""
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._accept, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._socket.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.recv(4096)
            line, *fields = head.decode("latin-1").split("\r\n")
            self.asked.append(line)
            if self._expected and f"Proxy-Authorization: {self._expected}" not in fields:
                client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                return
            method, target, _ = line.split(" ")
            if method == "CONNECT":
                host, _, port = target.rpartition(":")
                with socket.create_connection((host, int(port))) as server:
                    client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                    _pump(client, server)
            else:
                url = urlsplit(target)
                with socket.create_connection((url.hostname, url.port or 80)) as server:
                    kept = [f for f in fields if not f.lower().startswith("proxy-")]
                    server.sendall("\r\n".join([f"{method} {url.path} HTTP/1.1", *kept]).encode("latin-1"))
                    _pump(client, server)


def _pump(one: socket.socket, other: socket.socket) -> None:
    while True:
        ready, _, _ = select.select([one, other], [], [], 10)
        if not ready:
            return
        for source in ready:
            data = source.recv(65536)
            if not data:
                return
            (other if source is one else one).sendall(data)


@frozen
class Authority:
    """A certificate authority and a certificate of it for 127.0.0.1."""

    ca_file: Path
    server: ssl.SSLContext


def authority(folder: Path) -> Authority:
    """Makes a new certificate authority in `folder`."""
    import datetime as dt
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    from support.certificates import key_usage

    begin = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)

    def certificate(subject: str, issuer: str, key: Any, signer: Any, *, ca: bool) -> x509.Certificate:
        def name(text: str) -> x509.Name:
            return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

        return (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name(issuer))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(begin + dt.timedelta(days=3))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(key_usage(ca=ca), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
                critical=False,
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
            )
            .sign(signer, hashes.SHA256())
        )

    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    pem = serialization.Encoding.PEM
    ca_file, chain = folder / "ca.pem", folder / "server.pem"
    ca_file.write_bytes(certificate("test ca", "test ca", root_key, root_key, ca=True).public_bytes(pem))
    chain.write_bytes(
        certificate("127.0.0.1", "test ca", key, root_key, ca=False).public_bytes(pem)
        + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return Authority(ca_file, context)


@contextlib.contextmanager
def closed_port() -> Iterator[int]:
    """A port on which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def http_date(seconds_from_now: float) -> str:
    """A date as headers write it."""
    return formatdate(time.time() + seconds_from_now, usegmt=True)
