"""Options that mean the same in every command that has them."""

import argparse
from pathlib import Path


def add_talk(parser: argparse.ArgumentParser) -> None:
    """How much to say, and in which form."""
    group = parser.add_argument_group("output")
    group.add_argument("--json", action="store_true", help="results as JSON")
    group.add_argument("-q", "--quiet", action="store_true", help="only results, warnings and errors")
    group.add_argument("-v", "--verbose", action="store_true", help="say more")


def add_registry(parser: argparse._ActionsContainer) -> None:
    """How registries are reached."""
    parser.add_argument(
        "--plain-http", action="store_true", help="talk to registries without TLS; on loopback not needed"
    )


def add_cache(parser: argparse.ArgumentParser) -> None:
    """Where fetched things are kept."""
    parser.add_argument(
        "--cache-dir", metavar="DIR", type=Path, help="cache folder; default: $XDG_CACHE_HOME/witchery"
    )


def add_trust(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Whom to believe, and where fetched things are kept."""
    group = parser.add_argument_group("trust and network")
    group.add_argument(
        "-k",
        "--keys",
        metavar="PATH",
        type=Path,
        action="append",
        default=[],
        help="trust a public key, or a folder of them, besides Alpine's; repeatable",
    )
    group.add_argument(
        "--allow-untrusted",
        action="store_true",
        help="accept what no known key signed; never what fails a check",
    )
    group.add_argument("--offline", action="store_true", help="use the cache and local files only")
    add_cache(parser)
    return group


def add_packages(parser: argparse.ArgumentParser) -> None:
    """What goes into the image besides what the configuration says."""
    group = parser.add_argument_group("packages")
    group.add_argument(
        "-p",
        "--package",
        metavar="PACKAGE",
        action="append",
        default=[],
        help="add a package: a name, `name=1.2-r0`, or a `./file.apk`; repeatable",
    )
    add_repositories(group)


def add_repositories(group: argparse._ActionsContainer) -> None:
    """Where packages are taken from."""
    group.add_argument(
        "-X",
        "--repository",
        metavar="REPOSITORY",
        action="append",
        default=[],
        help="add a repository: a URL or a folder, `@tag URL` for a tagged one, `v3 URL` for one of apk v3;"
        " repeatable",
    )
    group.add_argument(
        "--release",
        metavar="RELEASE",
        default="",
        help="Alpine release to take where no repository is named: `v3.22`, `edge`",
    )


def add_application(parser: argparse.ArgumentParser) -> None:
    """What may be said about an application."""
    group = parser.add_argument_group("application")
    group.add_argument(
        "--entrypoint", metavar="COMMAND", default="", help="what to start, as one argument: 'hello --serve'"
    )
    group.add_argument(
        "--accept-suggestions", action="store_true", help="add the packages that are only suggested"
    )
    add_scan(group)


def add_scan(parser: argparse._ActionsContainer) -> None:
    """What a scan lets pass, or does."""
    parser.add_argument(
        "--allow-gcompat", action="store_true", help="take programs made for glibc, and gcompat to run them"
    )
    parser.add_argument(
        "--rewrite-shebangs", action="store_true", help="name interpreters by path, not through `env`"
    )
    parser.add_argument(
        "--acknowledge",
        metavar="RULE[:PATTERN]",
        type=_acknowledgement,
        action="append",
        default=[],
        help="let a finding pass, everywhere or at some paths; repeatable",
    )


def _acknowledgement(text: str) -> tuple[str, str]:
    rule, _, pattern = text.partition(":")
    if not rule:
        raise argparse.ArgumentTypeError("the name of a rule, such as `setuid` or `setuid:/app/bin/*`")
    return rule, pattern


def add_source(
    parser: argparse.ArgumentParser,
    *,
    optional: bool = False,
    help_text: str = "configuration: witchery.yaml or apko.yaml",
) -> None:
    """A configuration and what its variables stand for."""
    parser.add_argument("source", metavar="SOURCE", nargs="?" if optional else None, help=help_text)
    add_variables(parser)
    add_arch(parser)


def add_variables(parser: argparse.ArgumentParser) -> None:
    """What variables of a configuration stand for."""
    parser.add_argument(
        "--set",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        dest="variables",
        help="give a value to ${NAME} in the configuration; repeatable",
    )


def add_image_only(parser: argparse.ArgumentParser) -> None:
    """Whether what is said about an image stays behind."""
    parser.add_argument(
        "--image-only",
        action="store_true",
        help="leave behind what is said about the image: evidence, SBOM, provenance, signatures",
    )


def add_arch(parser: argparse._ActionsContainer) -> None:
    """Which architectures."""
    parser.add_argument(
        "--arch",
        metavar="ARCH",
        action="append",
        default=[],
        help="architectures, by Alpine's or OCI's names: `amd64,arm64`, or `host`; repeatable",
    )
