"""Where building happens: the cache, the network, the keys that are trusted, and who is told of progress."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from witchery.arch import Arch
from witchery.http import Request, Response, Url
from witchery.net.reporter import SILENT, Reporter
from witchery.repository.access import Access, Send
from witchery.repository.cache import Cache
from witchery.repository.keyrings import fetch_key, keyring, read_keys
from witchery.value import field, frozen, replace


@frozen(kw_only=True)
class Workshop:
    """What is the same for everything that one command does.

    Attributes:
        cache: Where what was fetched is kept.
        environ: The environment, for proxies and the like; looked at before the first request.
        keys: Files and folders of public keys to trust besides Alpine's.
        offline: True to do without the network.
        allow_untrusted: True to accept missing trust.
        reporter: Is told of progress.
        source_date: Seconds since 1970 for `created`, or None for the newest package's
            (https://reproducible-builds.org/specs/source-date-epoch/).
    """

    cache: Path
    environ: Mapping[str, str] = field(repr=False)
    keys: tuple[Path, ...] = ()
    offline: bool = False
    allow_untrusted: bool = False
    reporter: Reporter = SILENT
    source_date: int | None = None

    def access(self, keys: Sequence[Path] = (), urls: Sequence[str] = (), arch: Arch | None = None) -> Access:
        """How repositories are reached, trusting `keys` and those at `urls` as well.

        Args:
            keys: Files and folders of keys.
            urls: Where further keys are.
            arch: Of Alpine's keys only those of this architecture are trusted; None for all.

        Raises:
            StorageError: if a key cannot be read.
            FormatError: if a file is not a public key.
        """
        own = [key for path in (*self.keys, *keys) for key in read_keys(path)]
        access = Access(
            send=_sender(self.environ, self.reporter),
            cache=Cache(self.cache),
            keys=keyring(own, arch=arch),
            offline=self.offline,
            allow_untrusted=self.allow_untrusted,
            reporter=self.reporter,
        )
        if urls:
            fetched = [fetch_key(access, Url.parse(url)) for url in urls]
            access = replace(access, keys=keyring((*own, *fetched), arch=arch))
        return access


def _sender(environ: Mapping[str, str], reporter: Reporter) -> Send:
    """Sends requests by a client that is made for the first of them: many builds need no network."""
    client = None

    def send(request: Request) -> Response:
        nonlocal client
        if client is None:
            from witchery.net.client import Client
            from witchery.net.settings import NetSettings

            client = Client(NetSettings.from_environment(environ), reporter=reporter)
        return client.send(request)

    return send
