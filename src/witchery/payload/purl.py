"""Package URLs (https://github.com/package-url/purl-spec): one name for a piece of software everywhere."""

_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_~:")
"""What stands for itself (purl specification, "Character encoding")."""


def purl(kind: str, name: str, version: str = "", qualifiers: dict[str, str] | None = None) -> str:
    """A package URL.

    Args:
        kind: The type, such as `pypi`.
        name: The name; what stands before its last slash is the namespace.
        version: The version, or an empty string.
        qualifiers: More about it, such as the architecture.
    """
    path = "/".join(_encoded(part) for part in name.split("/") if part)
    at = f"@{_encoded(version)}" if version else ""
    more = "&".join(f"{key}={_encoded(value)}" for key, value in sorted((qualifiers or {}).items()) if value)
    return f"pkg:{kind}/{path}{at}" + (f"?{more}" if more else "")


def _encoded(text: str) -> str:
    raw = text.encode("utf-8", "surrogateescape")
    if _PLAIN.issuperset(raw):
        return text
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in raw)
