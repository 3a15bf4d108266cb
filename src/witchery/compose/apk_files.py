"""What `apk` inside an image needs to go on: its repositories and keys (apk-repositories(5), apk-keys(5)).

An image without `apk` has no use for them, and gets none of its own accord. What the configuration names for
the image (`runtime_repositories`, `runtime_keyring`) is always there.
"""

from collections.abc import Iterable, Sequence

from witchery.compose.part import Generated, Part
from witchery.config.model import RuntimeKey
from witchery.keys import PublicKey
from witchery.rootfs.content import BytesContent
from witchery.rootfs.entry import file

WHY = "apk in the image"
_PROGRAM = "apk-tools"


def generate(
    parts: Iterable[Part],
    *,
    repositories: Sequence[str],
    keys: Sequence[PublicKey],
    runtime_repositories: Sequence[str] = (),
    runtime_keys: Sequence[RuntimeKey] = (),
) -> tuple[Generated, ...]:
    """The files below `etc/apk`.

    Args:
        parts: The packages.
        repositories: What the image was built from, without credentials, folders of the host not among them.
        keys: The user's keys that it was built with.
        runtime_repositories: Repositories for the image alone.
        runtime_keys: Keys for the image alone.
    """
    has_apk = any(part.name == _PROGRAM for part in parts)
    lines = dict.fromkeys((*(repositories if has_apk else ()), *runtime_repositories))
    files = {"etc/apk/repositories": "".join(f"{line}\n" for line in lines).encode()} if lines else {}
    files |= {f"etc/apk/keys/{key.name}": key.pem for key in keys if has_apk}
    files |= {f"etc/apk/keys/{key.name}": key.content.encode() for key in runtime_keys}
    return tuple(Generated(file(path, len(data)), BytesContent(data), WHY) for path, data in files.items())
