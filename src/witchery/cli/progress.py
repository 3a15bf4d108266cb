"""Progress: bars where there is a terminal, plain lines elsewhere."""

import threading
from typing import TYPE_CHECKING

from witchery.cli.console import Console
from witchery.net.reporter import Reporter

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Lines(Reporter):
    """A line for each package that was fetched, where the user wants to hear of it."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def finished(self, task: str) -> None:
        """Says so with `-v`; what goes somewhere is named with where it goes."""
        self._console.detail(f"sent {task}" if " to " in task else f"fetched {task}")

    def waiting(self, url: str, seconds: float, reason: str) -> None:
        """Says why it takes long."""
        self._console.say(f"{url}: {reason}; trying again in {seconds:g} s")

    def warned(self, message: str) -> None:
        """Passes it on."""
        self._console.warn(message)


class Bars(Lines):
    """Bars, drawn by a library that is loaded when the first task begins: most builds fetch nothing."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._progress: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._lock = threading.Lock()

    def started(self, task: str, total: int | None) -> None:
        """Draws a bar."""
        with self._lock:
            if self._progress is None:
                self._progress = _progress()
                self._progress.start()
            self._tasks[task] = self._progress.add_task(task, total=total)

    def advanced(self, task: str, count: int) -> None:
        """Moves a bar."""
        if self._progress is not None:
            self._progress.update(self._tasks[task], advance=count)

    def finished(self, task: str) -> None:
        """Takes a bar away, and the whole display with the last one."""
        with self._lock:
            if self._progress is None:
                return
            self._progress.remove_task(self._tasks.pop(task))
            if not self._tasks:
                self._progress.stop()
                self._progress = None


def _progress() -> "Progress":
    from rich.console import Console as Terminal
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    return Progress(*columns, console=Terminal(stderr=True), transient=True)
