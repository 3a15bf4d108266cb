"""Progress, told to whoever wants to hear it."""


class Reporter:
    """Is told what goes on; every hook does nothing until it is overridden.

    Hooks are called from several threads at once. A task is named by a text for people, such as
    `musl-1.2.4_git20230717-r4`, and is unique while it runs.
    """

    def started(self, task: str, total: int | None) -> None:
        """A task begins; `total` bytes are expected, None where nobody knows."""

    def advanced(self, task: str, count: int) -> None:
        """`count` more bytes of a task are done."""

    def finished(self, task: str) -> None:
        """A task is over, whether it succeeded or not."""

    def waiting(self, url: str, seconds: float, reason: str) -> None:
        """A request to `url` (without credentials) failed for `reason` and is sent again after `seconds`."""

    def warned(self, message: str) -> None:
        """Something is worth knowing, and nothing failed."""


SILENT = Reporter()
"""Tells nobody."""
