"""An `Access` for tests, and what was asked through it."""

from pathlib import Path

from support.repositories import keyring
from witchery.arch import Arch
from witchery.http import Request, Response
from witchery.keys import Keyring
from witchery.net.client import Client
from witchery.net.reporter import SILENT, Reporter
from witchery.net.settings import NetSettings, Pace, Policy
from witchery.repository.access import Access
from witchery.repository.cache import Cache
from witchery.repository.indexes import VerifiedIndex, fetch_index
from witchery.repository.location import Repository
from witchery.repository.packages import Fetched, Wanted, fetch_packages
from witchery.value import field, frozen

X86_64 = Arch.parse("x86_64")

QUICK = NetSettings(
    policy=Policy(delays=(0.01, 0.01)),
    pace=Pace(grace=1.0, bytes_per_second=1000),
    read_timeout=0.5,
    connect_timeout=0.5,
    sleep=lambda _: None,
)


def unreachable(request: Request) -> Response:
    """A network that must not be used."""
    raise AssertionError(f"the network was used: {request.url}")


@frozen
class Place:
    """A repository and a cache, and how to reach them."""

    location: str
    cache: Path
    keys: Keyring = field(default_factory=keyring)
    offline: bool = False
    allow_untrusted: bool = False
    max_age: float = 0.0
    reporter: Reporter = SILENT
    arch: Arch = X86_64
    settings: NetSettings = QUICK

    @property
    def repository(self) -> Repository:
        return Repository.parse(self.location, folder=Path("/"))

    def access(self, client: Client | None) -> Access:
        return Access(
            send=client.send if client else unreachable,
            cache=Cache(self.cache),
            keys=self.keys,
            offline=self.offline,
            allow_untrusted=self.allow_untrusted,
            max_age=self.max_age,
            reporter=self.reporter,
        )

    def index(self) -> VerifiedIndex:
        """Fetches the index."""
        with Client(self.settings) as client:
            return fetch_index(self.access(client), self.repository, self.arch)

    def fetch(self, *names: str, jobs: int = 4) -> tuple[Fetched, ...]:
        """Fetches the index and then packages by name; all without names."""
        with Client(self.settings) as client:
            access = self.access(client)
            index = fetch_index(access, self.repository, self.arch).index
            chosen = [package for package in index if not names or package.name in names]
            wanted = [
                Wanted(package=each, arch=self.arch, repositories=(self.repository,)) for each in chosen
            ]
            return fetch_packages(access, wanted, jobs=jobs)
