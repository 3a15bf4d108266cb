"""From options to a request: what to build."""

import argparse
import os
from pathlib import Path

from witchery.build.request import Request, parse_variables, read_request


def open_request(options: argparse.Namespace) -> Request:
    """The request that the options make.

    Raises:
        WitcheryError: if the configuration or an option is unusable.
    """
    return read_request(
        Path(options.source),
        host=os.uname().machine,
        arch=options.arch,
        variables=parse_variables(options.variables),
        packages=getattr(options, "package", ()),
        repositories=getattr(options, "repository", ()),
    )
