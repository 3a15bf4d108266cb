"""Makes an application to build an image of: a static program for this machine, made without a compiler."""

import platform
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "repository" / "sources"))

import hello


def main(folder: Path) -> None:
    """Writes `hello` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "hello"
    program.write_bytes(hello.executable(platform.machine()))
    program.chmod(0o755)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
