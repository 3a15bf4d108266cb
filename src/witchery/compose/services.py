"""Services that one image runs side by side under s6 (`entrypoint.type: service-bundle`).

s6-svscan starts every folder of `/sv` that holds a program `run` (skarnet.org, s6, "The s6-svscan program").
"""

from witchery.compose.draft import Draft
from witchery.config.model import Entrypoint

FOLDER = "sv"
_INTERPRETER = "#!/bin/execlineb\n"


def generate(draft: Draft, entrypoint: Entrypoint) -> tuple[str, ...]:
    """Makes a folder and a program for each service; returns warnings."""
    if not entrypoint.type:
        return ()
    draft.directory(FOLDER, why="entrypoint.services")
    for name, command in sorted(entrypoint.services.items()):
        run = f"{_INTERPRETER}{command}\n".encode()
        draft.file(f"{FOLDER}/{name}/run", run, 0o755, why=f"entrypoint.services.{name}")
    missing = [path for path in ("bin/s6-svscan", "bin/execlineb") if draft.leads_to(path) is None]
    if not missing:
        return ()
    names = " and ".join(f"`/{path}`" for path in missing)
    return (f"the services will not start: no package of the image brings {names}",)
