"""A stock Alpine to compare with, measured and written down."""

from witchery.audit.surface import Surface

NAME = "Alpine 3.19"
"""What it is called."""

WORLD = ("alpine-baselayout", "alpine-keys", "apk-tools", "busybox", "libc-utils")
"""What it is made of: the world of `alpine-minirootfs`, and so of the image `alpine:3.19`."""

SURFACE = Surface(
    packages=15,
    files=420,
    bytes=7_362_219,
    programs=7,
    libraries=10,
    scripts=6,
    shells=3,
    package_managers=1,
    compilers=0,
    privilege_tools=2,
    interpreters=1,
    network_clients=10,
    network_servers=1,
    setuid=0,
    capabilities=0,
    world_writable=0,
)
"""Measured by `witchery.audit.surface` on an image that Witchery built of `WORLD` from the packages of Alpine
3.19.1 for x86_64 (15 packages), with the links that busybox's install script makes. A test measures it again.
"""
SCORE = 57
"""The score of that image, started as root, as `alpine:3.19` is."""
