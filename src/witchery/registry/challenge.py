"""What a registry wants of those who ask: the challenges of a 401 answer (RFC 9110, section 11.6.1).

WWW-Authenticate: Bearer realm="https://auth.example.org/token",service="registry",scope="..."
WWW-Authenticate: Basic realm="a registry"
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from witchery.http import Headers
from witchery.value import field, frozen

_MAX_FIELD: Final = 8192
_MAX_CHALLENGES: Final = 16
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PARAMETER = re.compile(rf'[ \t,]*({_WORD})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|({_WORD}))')
_SCHEME = re.compile(rf"[ \t,]*({_WORD})(?=[ \t,]|$)")
_QUOTED_PAIR = re.compile(r"\\(.)")


@frozen
class Challenge:
    """One way to identify oneself.

    Attributes:
        scheme: `bearer` or `basic`, or another; lower case.
        parameters: Its parameters; names in lower case.
    """

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=dict, hash=False)

    def get(self, name: str) -> str:
        """A parameter, or an empty string."""
        return self.parameters.get(name, "")


def read_challenges(headers: Headers) -> tuple[Challenge, ...]:
    """The challenges of an answer, in order; what is malformed ends its field."""
    found: list[Challenge] = []
    for value in headers.all("WWW-Authenticate"):
        at, text = 0, value[:_MAX_FIELD]
        while len(found) < _MAX_CHALLENGES and (scheme := _SCHEME.match(text, at)):
            at = scheme.end()
            parameters: dict[str, str] = {}
            while parameter := _PARAMETER.match(text, at):
                at = parameter.end()
                quoted = parameter[2]
                said = parameter[3] if quoted is None else _QUOTED_PAIR.sub(r"\1", quoted)
                parameters.setdefault(parameter[1].lower(), said)
            found.append(Challenge(scheme[1].lower(), MappingProxyType(parameters)))
    return tuple(found)


def choose(challenges: tuple[Challenge, ...]) -> Challenge | None:
    """The challenge to answer: a token before a password; None where neither is wanted."""
    for scheme in ("bearer", "basic"):
        for challenge in challenges:
            if challenge.scheme == scheme and (scheme == "basic" or challenge.get("realm")):
                return challenge
    return None
