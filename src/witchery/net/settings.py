"""Everything about the network that is decided outside: limits, environment, clock."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

from witchery import __version__
from witchery.net.proxies import Proxies
from witchery.value import field, frozen


@frozen(kw_only=True)
class Pace:
    """The slowest that an answer may be, so that every request ends.

    After `grace` seconds an answer must have come at `bytes_per_second` on average, headers included.
    """

    grace: float = 60.0
    bytes_per_second: float = 1024.0

    def time_left(self, elapsed: float, received: int) -> float:
        """Seconds until an answer of which `received` bytes came in `elapsed` seconds is given up."""
        return self.grace + received / self.bytes_per_second - elapsed


@frozen(kw_only=True)
class Policy:
    """When to ask again, and where else.

    Attributes:
        delays: Seconds to wait before the second attempt, the third, and so on; no more attempts than that.
        retry_after_limit: The longest wait that a server may ask for, in seconds.
        redirects: How many redirects to follow.
        downgrade: True to follow a redirect from `https` to `http`.
    """

    delays: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0)
    retry_after_limit: float = 60.0
    redirects: int = 10
    downgrade: bool = False


@frozen(kw_only=True)
class NetSettings:
    """What the room needs to know about the world; handed in once.

    Attributes:
        policy: Retries and redirects.
        pace: How slow a single answer may be.
        overall: How slow a download may be, all its attempts together.
        connect_timeout: Seconds to wait for a connection.
        read_timeout: Seconds to wait for the next bytes.
        proxies: Proxies.
        netrc: The netrc file, read when the first request is sent; None for none.
        ca_file: Certificates to trust instead of the system's; None for the system's.
        more_ca_files: Certificates to trust besides those.
        user_agent: The `User-Agent` field.
        clock: Seconds that only grow.
        now: Seconds since 1970.
        sleep: Waits.
    """

    policy: Policy = Policy()
    pace: Pace = Pace()
    overall: Pace = Pace(grace=300.0)
    connect_timeout: float = 15.0
    read_timeout: float = 30.0
    proxies: Proxies = field(default_factory=Proxies)
    netrc: Path | None = None
    ca_file: Path | None = None
    more_ca_files: tuple[Path, ...] = ()
    user_agent: str = f"witchery/{__version__}"
    clock: Callable[[], float] = field(default=time.monotonic, repr=False, compare=False)
    now: Callable[[], float] = field(default=time.time, repr=False, compare=False)
    sleep: Callable[[float], object] = field(default=time.sleep, repr=False, compare=False)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """The defaults, with proxies, `NETRC` (or `~/.netrc`) and `SSL_CERT_FILE` taken from `environ`.

        Raises:
            UsageError: if a proxy is not a URL.
        """
        return cls(
            proxies=Proxies.from_environment(environ),
            netrc=_netrc(environ),
            ca_file=Path(environ["SSL_CERT_FILE"]) if environ.get("SSL_CERT_FILE") else None,
        )


def _netrc(environ: Mapping[str, str]) -> Path | None:
    if environ.get("NETRC"):
        return Path(environ["NETRC"])
    home = environ.get("HOME")
    return Path(home, ".netrc") if home else None
