"""What fetching needs, handed in once: the network, the cache, the keys, and what the user allows."""

import time
from collections.abc import Callable

from witchery.http import Request, Response
from witchery.keys import Keyring
from witchery.net.reporter import SILENT, Reporter
from witchery.repository.cache import Cache
from witchery.value import field, frozen

Send = Callable[[Request], Response]
"""The network: see `witchery.net.client.Client.send`."""


@frozen(kw_only=True)
class Access:
    """How repositories are reached.

    Attributes:
        send: Sends requests; never called where `offline` is set.
        cache: Where what was fetched is kept.
        keys: The trusted keys.
        offline: True to do without the network.
        allow_untrusted: True to accept missing trust: no signature, or none by a known key.
        max_age: For how many seconds an index is taken from the cache unasked; 0 asks the server always.
        reporter: Is told of progress.
        now: Seconds since 1970.
    """

    send: Send = field(repr=False)
    cache: Cache
    keys: Keyring
    offline: bool = False
    allow_untrusted: bool = False
    max_age: float = 0.0
    reporter: Reporter = SILENT
    now: Callable[[], float] = field(default=time.time, repr=False)
