"""The vocabulary of the configuration: what a path, a port, a user name or a repository looks like.

Patterns keep to what Python and ECMA read alike, since editors check them too; what a pattern cannot say, or
would say unreadably, is checked by a function.
"""

import posixpath
import re

from witchery.arch import ALL, Arch
from witchery.config.kinds import Number, Text
from witchery.errors import FormatError

_CREDENTIALS = r"(?<=://)[^\s/?#@]+(?:@[^\s/?#@]+)*(?=@)"
_CONTROL = r"\x00-\x1f\x7f"
_BEGIN, _END, _DASHES = "-----BEGIN ", "-----END ", "-----"
_SCHEMES = ("http", "https", "file")


def redacted(text: str) -> str:
    """The text with the credentials of its URLs replaced: `https://***@example.org/`."""
    return re.sub(_CREDENTIALS, "***", text) if "://" in text else text


def _path(text: str) -> str:
    if ".." in text.split("/"):
        raise FormatError(f"a path must not contain `..`: `{text}`")
    return "/" + posixpath.normpath("/" + text).lstrip("/")


def _destination(text: str) -> str:
    path = _path(text)
    return f"{path}/" if text.endswith("/") and path != "/" else path


def _pattern(text: str) -> str:
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if not parts or ".." in parts:
        raise FormatError(f"a pattern names something below the source: `{text}`")
    return text


def _release(text: str) -> str:
    return f"v{text}" if text[0].isdigit() else text


def _repository(text: str) -> str:
    *tag, location = text.split()
    scheme, separator, rest = location.partition("://")
    if separator and scheme not in _SCHEMES:
        raise FormatError(f"a repository is a path or an http, https or file URL: `{redacted(location)}`")
    if separator and scheme != "file" and not rest.partition("/")[0].rpartition("@")[2]:
        raise FormatError(f"a URL without a host: `{redacted(location)}`")
    return " ".join((*tag, location.rstrip("/") or "/"))


def _port(text: str) -> str:
    number, _, protocol = text.partition("/")
    if not 1 <= int(number) <= 65535:
        raise FormatError(f"a port is a number from 1 to 65535: `{text}`")
    return f"{int(number)}/{protocol or 'tcp'}"


def _pem(text: str, label: str) -> str:
    from binascii import Error, a2b_base64

    lines = [line.strip() for line in text.strip().splitlines()] or [""]
    found = lines[0].removeprefix(_BEGIN).removesuffix(_DASHES)
    marks = [line for line in lines if line.startswith(_DASHES)]
    if marks != [f"{_BEGIN}{found}{_DASHES}", f"{_END}{found}{_DASHES}"] or not lines[-1].startswith(_END):
        raise FormatError(f"expected exactly one PEM block, `{_BEGIN}{label}-----` to `{_END}{label}-----`")
    if found != label:
        raise FormatError(f"expected a PEM block of `{label}`, found one of `{found}`")
    try:
        held = a2b_base64("".join(lines[1:-1]), strict_mode=True)
    except Error:
        held = b""
    if not held:
        raise FormatError("the PEM block does not hold base64")
    return text


def _certificate(text: str) -> str:
    return _pem(text, "CERTIFICATE")


def _public_key(text: str) -> str:
    return _pem(text, "PUBLIC KEY")


def _package(text: str) -> str:
    from witchery.apk.dependency import Dependency

    Dependency.parse(text)
    return text


ANY = Text("a text", empty=True)
SCRIPT = Text("a shell script")
COMMAND = Text("a command line")

ABSOLUTE_PATH = Text("an absolute path such as `/srv/www`", rf"/[^{_CONTROL}]*", _path)
IMAGE_PATH = Text("a path in the image such as `/etc/app`", rf"[^{_CONTROL}]+", _path)
LINK_SOURCE = Text("the path that the link leads to", rf"[^{_CONTROL}]+")
LOCAL_FILE = Text("the path of a file", rf"[^{_CONTROL}]+")

DESTINATION = Text("an absolute path such as `/opt/app`", rf"/[^{_CONTROL}]*", _destination)
PATTERN = Text(
    "a pattern such as `*.pyc`, without a leading `!`", rf"[^!{_CONTROL}][^{_CONTROL}]{{0,1000}}", _pattern
)
RULE = Text("the name of a rule such as `private-key`", r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*", examples=("token",))
GLOB = Text("a pattern of paths in the image", rf"[^{_CONTROL}]+")
APPLICATION = Text(
    "a name of letters, digits and `._+-` that starts with a letter or digit",
    r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}",
)
RELEASE = Text(
    "a release of Alpine such as `v3.22`, `edge` or `latest-stable`",
    r"v?[0-9]{1,2}\.[0-9]{1,3}|edge|latest-stable",
    _release,
    examples=("v3.22", "edge", "latest-stable"),
)

REPOSITORY = Text(
    "a repository: a URL or a path, after `v3` if it is one of apk v3, and after `@tag` if it is tagged",
    r"(?:(?:v2|v3|ndx)\s+)?(?:@[A-Za-z0-9._+-]+\s+)?[^\s@]\S*",
    _repository,
    examples=("https://dl-cdn.alpinelinux.org/alpine/v3.22/main",),
)
MIRROR = Text("a mirror: a URL or an absolute path", r"(?:[A-Za-z][A-Za-z0-9+.-]*://|/)\S+", _repository)
KEY_LOCATION = Text("the path or URL of a public key", r"\S+")
PACKAGE = Text(
    "a package such as `nginx`, `python3~3.12` or `!bash`",
    r"!?[A-Za-z0-9._+,:/\[\]-]+(?:@[A-Za-z0-9._+-]+)?(?:[<>=~]+\S+)?",
    _package,
)
PROVIDED = Text("a name that packages provide", r"[^\s@<>=~!]+")

ACCOUNT = Text(
    "a name of letters, digits and `_.-` that starts with a letter or `_`", r"[A-Za-z_][A-Za-z0-9_.-]{0,31}"
)
ACCOUNT_OR_NUMBER = Text(
    "a user such as `nonroot` or `65532`, and a group after `:` if wanted",
    r"(?:[A-Za-z_][A-Za-z0-9_.-]{0,31}|[0-9]{1,10})(?::(?:[A-Za-z_][A-Za-z0-9_.-]{0,31}|[0-9]{1,10}))?",
)
MAX_ID = 2**32 - 1
ID = Number("a number from 0 to 4294967295", 0, MAX_ID)
BUDGET = Number("a number of layers from 1 to 120", 1, 120)

VARIABLE = Text("a variable's name", r"[A-Za-z_][A-Za-z0-9_.-]*")
METADATA_KEY = Text("a key without spaces", rf"[^\s{_CONTROL}]{{1,255}}")
SERVICE = Text("a service's name of letters, digits and `_.-`", r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
PORT = Text("a port such as `8080` or `53/udp`", r"[0-9]{1,5}(?:/(?:tcp|udp|sctp))?", _port)
SIGNAL = Text(
    "a signal such as `SIGTERM`",
    r"(?:SIG)?[A-Z][A-Z0-9]*(?:[+-][0-9]{1,2})?|[0-9]{1,2}",
    examples=("SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1"),
)
VCS_URL = Text("a URL, and a revision after `@`", r"\S+")

CERTIFICATE_NAME = Text("a name of letters, digits and `_.-`", r"[a-zA-Z0-9_-][a-zA-Z0-9_.-]*")
KEY_NAME = Text(
    "the file name of a key such as `me@example.org-5f2b.rsa.pub`", r"[A-Za-z0-9_][A-Za-z0-9_@+.-]*"
)
CERTIFICATE = Text("a certificate in PEM form", parse=_certificate)
PUBLIC_KEY = Text("a public key in PEM form", parse=_public_key)

ARCHITECTURE = Text(
    "an architecture by Alpine's or OCI's name",
    r"[A-Za-z0-9_]+(?:/[A-Za-z0-9]+){0,2}",
    Arch.parse,
    examples=tuple(
        dict.fromkeys(name for arch in ALL for name in (arch.apk, arch.platform.removeprefix("linux/")))
    ),
)
