"""Is what an image starts in it? A runtime would tell only when the image is run.

Rules of the findings:

- `no-such-program`: the program to start is not in the image, or is not one that can be started (error).
"""

from collections.abc import Iterator, Sequence

from witchery.build.image_root import ImageRoot
from witchery.compose.assembly import Assembly
from witchery.config.model import ImageConfig
from witchery.payload.findings import Finding, Program, Severity

_EXECUTABLE = 0o111
_SHOWN = 4


def unstartable(assembly: Assembly, config: ImageConfig, programs: Sequence[Program]) -> Iterator[Finding]:
    """What keeps the image from starting.

    Args:
        assembly: What stands where in the image.
        config: Its configuration, with the program to start.
        programs: What was found that could be started, to name it.
    """
    argv = (*config.entrypoint.argv, *config.cmd)
    if not argv:
        return
    root = ImageRoot(assembly, {})

    def places(program: str) -> list[str]:
        return [real for place in _places(program, config) if (real := root.locate(place)) is not None]

    def starts(real: str) -> bool:
        return bool(assembly.nodes[real].entry.mode & _EXECUTABLE)

    found = places(argv[0])
    if any(map(starts, found)):
        return
    name = argv[0].rpartition("/")[2]
    others = dict.fromkeys(each.argv[0] for each in programs)
    there = [each for each in others if any(map(starts, places(each)))]
    hints = [f"There is `{each}`." for each in there[:_SHOWN]]
    if found:
        what = "cannot be started: it has no permission to be executed"
        hints.insert(0, f"Make it executable: `chmod +x {name}`.")
    else:
        what = "is not in the image"
        hints.append(f"If a package brings it: `-p cmd:{name}`.")
    yield Finding(
        "no-such-program", Severity.ERROR, "", f"the program to start {what}: `{argv[0]}`", tuple(hints)
    )


def _places(program: str, config: ImageConfig) -> Iterator[str]:
    """The paths at which a runtime looks for a program."""
    if program.startswith("/"):
        yield program.strip("/")
    elif "/" in program:
        yield f"{config.work_dir}/{program}".strip("/")
    else:
        for folder in config.environment.get("PATH", "").split(":"):
            yield f"{folder}/{program}".strip("/")
