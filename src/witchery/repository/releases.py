"""Alpine's releases, and where their repositories are.

A mirror has a folder for each release (`v3.22`, `edge`), and in it one for each repository.
"""

MIRROR = "https://dl-cdn.alpinelinux.org/alpine"
"""Alpine's own mirror."""

DEFAULT_RELEASE = "v3.23"
"""The newest stable release whose key file was compared with the keys that come with Witchery (`alpine-keys`
2.6-r0)."""

COMPONENTS = ("main", "community")
"""The repositories of a release that its security support covers."""


def repositories(release: str, mirror: str = MIRROR) -> tuple[str, ...]:
    """The repositories of a release, each as a line of `/etc/apk/repositories`.

    Args:
        release: The release: `v3.22`, `edge`, `latest-stable`.
        mirror: A URL or a folder.
    """
    return tuple(f"{mirror.rstrip('/')}/{release}/{component}" for component in COMPONENTS)
