"""Look at the cache, or prune it. It is safe while other builds use it."""

import argparse

from witchery.cli import options as shared
from witchery.cli.console import Console

EXAMPLE = "example:\n  witchery cache prune --older-than 30 --max-size 2000"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("action", choices=("info", "prune"), help="`info` shows sizes, `prune` deletes")
    parser.add_argument("--older-than", metavar="DAYS", type=int, help="prune what was not used for DAYS")
    parser.add_argument("--max-size", metavar="MB", type=int, help="prune the least used beyond MB megabytes")
    shared.add_cache(parser)
    shared.add_talk(parser)


def execute(options: argparse.Namespace, console: Console) -> int:
    """Shows or prunes."""
    import time

    from witchery.cli.rendering import size
    from witchery.cli.workshop import default_cache
    from witchery.repository.cache import DAY, Cache

    cache = Cache(options.cache_dir or default_cache())
    if options.action == "info":
        shares = cache.info()
        if options.json:
            found = {share.kind: {"count": share.count, "size": share.size} for share in shares}
            console.document(
                {"schema": "dev.witchery.cache-info/1", "folder": str(cache.root), "kinds": found}
            )
            return 0
        console.result(str(cache.root))
        for share in shares:
            console.result(f"  {share.kind:<10} {share.count:>7}  {size(share.size):>9}")
        return 0
    pruned = cache.prune(
        now=time.time(),
        unused_for=None if options.older_than is None else options.older_than * DAY,
        max_size=None if options.max_size is None else options.max_size * 1_000_000,
    )
    if options.json:
        console.document({"schema": "dev.witchery.cache-prune/1", "count": pruned.count, "size": pruned.size})
    else:
        console.result(f"{pruned.count} files, {size(pruned.size)}")
    return 0
