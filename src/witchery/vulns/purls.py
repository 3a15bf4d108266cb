"""Package URLs taken apart (https://github.com/package-url/purl-spec); `payload.purl` writes them."""

from typing import NamedTuple

_SCHEME = "pkg:"


class Purl(NamedTuple):
    """A package URL.

    Attributes:
        kind: Its type, such as `apk`.
        name: Namespace and name, with `/` between.
        version: The version, or an empty string.
        qualifiers: Pairs of more about it, sorted.
    """

    kind: str
    name: str
    version: str = ""
    qualifiers: tuple[tuple[str, str], ...] = ()

    @staticmethod
    def parse(text: str) -> "Purl | None":
        """Takes a package URL apart; None where it is none."""
        from urllib.parse import unquote

        if not text.startswith(_SCHEME):
            return None
        rest, _, query = text.removeprefix(_SCHEME).partition("#")[0].partition("?")
        path, _, version = rest.lstrip("/").rpartition("@") if "@" in rest else (rest.lstrip("/"), "", "")
        kind, slash, name = path.partition("/")
        if not kind or not slash or not name:
            return None
        pairs = (each.partition("=") for each in query.split("&") if each)
        return Purl(
            kind.lower(),
            "/".join(unquote(part) for part in name.split("/") if part),
            unquote(version),
            tuple(sorted((unquote(key).lower(), unquote(value)) for key, _, value in pairs)),
        )

    def covers(self, other: "Purl") -> bool:
        """Whether this means the other one, too: what it leaves out may be anything."""
        return (
            (self.kind, self.name) == (other.kind, other.name)
            and self.version in ("", other.version)
            and set(self.qualifiers) <= set(other.qualifiers)
        )
