"""Doing the same with many blobs at once."""

import threading
from collections.abc import Callable

from witchery.oci.descriptor import Descriptor


class StoppedError(Exception):
    """Something else failed meanwhile; this is not worth going on with."""


def in_parallel(
    work: Callable[[Descriptor], None],
    wanted: list[Descriptor],
    parallel: int,
    stopped: threading.Event,
) -> None:
    """Does something with each blob, some at a time; the first error stops all."""
    if len(wanted) < 2:
        for blob in wanted:
            work(blob)
        return
    from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

    with ThreadPoolExecutor(min(parallel, len(wanted))) as pool:
        # The largest first: the end of a push should not wait for one that began last.
        jobs = [pool.submit(work, blob) for blob in sorted(wanted, key=lambda each: -each.size)]
        try:
            done, _ = wait(jobs, return_when=FIRST_EXCEPTION)
        except BaseException:
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        errors = [error for job in done if (error := job.exception())]
        if errors:
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise next((each for each in errors if not isinstance(each, StoppedError)), errors[0])
