"""Versions as people write them into Alpine's recipes, slips included."""

import re

from witchery.apk import version as versions

_REVISION = re.compile(r"\.r([0-9]+)$")
_DASH = re.compile(r"(?<=[0-9])-(?=[0-9])")


def meant(version: str) -> str:
    """The version that was meant, where apk's grammar allows only one reading.

    Real entries have `20.10.11.r0` for `20.10.11-r0`, and `4.10-1-r1` for `4.10.1-r1`. Compared as they are,
    apk would put the one below and the other above everything near. What stays malformed is left alone, and
    compared as apk compares it.
    """
    if versions.is_valid(version):
        return version
    mended = _DASH.sub(".", _REVISION.sub(r"-r\1", version))
    return mended if versions.is_valid(mended) else version
