"""PHP applications: what `composer.json` and `composer.lock` ask for.

Source: Composer's documentation of its schema (`require`, `config.platform`) and of platform packages (`php`,
`ext-NAME`). Alpine names its packages after the release: PHP 8.2 is `php82`, an extension of it `php82-NAME`.
Which release a constraint means cannot be known without the repository: the lowest that it names is taken.

Rules: `php-version` (note): nothing says which PHP; `broken-json` (warning).
"""

import re
from collections.abc import Iterator
from typing import Any

from witchery.errors import FormatError
from witchery.payload import documents
from witchery.payload.findings import Component, Evidence, Finding, Need, Program, Report, Severity
from witchery.payload.options import ScanOptions
from witchery.payload.programs import inside
from witchery.payload.purl import purl
from witchery.payload.tree import Payload, PayloadFile

MAX_PACKAGES = 10_000
_NAMES = ("composer.json", "composer.lock")
_VERSION = re.compile(r"(?<![0-9.])([0-9]{1,2})\.([0-9]{1,2})")
_EXTENSION = re.compile(r"ext-([a-z0-9_-]{1,40})")
_BUILT_IN = frozenset(
    {"core", "date", "filter", "hash", "json", "libxml", "pcre", "random", "readline", "reflection"}
    | {"spl", "standard", "zlib"}
)
"""Extensions that Alpine's PHP has without a package of their own."""
_PECL = frozenset(
    {"amqp", "apcu", "ast", "brotli", "couchbase", "decimal", "ds", "event", "grpc", "igbinary", "imagick"}
    | {"luasandbox", "lzf", "mailparse", "maxminddb", "mcrypt", "memcache", "memcached", "mongodb", "msgpack"}
    | {"opentelemetry", "pcov", "protobuf", "psr", "rdkafka", "redis", "smbclient", "ssh2", "swoole"}
    | {"timezonedb", "uploadprogress", "uuid", "vips", "xdebug", "xhprof", "xlswriter", "yaml", "zstd"}
)
"""Extensions whose packages have `pecl` in their names."""
_ALIASES = {"zend-opcache": "opcache"}
_OTHERS = ("node_modules/", "site-packages/", "dist-packages/", "vendor/")


def inspect(payload: Payload, _options: ScanOptions) -> Report:
    """What the PHP applications among the files need, and are made of."""
    asked, findings, components = dict[str, dict[Evidence, None]](), list[Finding](), list[Component]()
    platform = ""
    manifests = [
        each for each in payload if each.is_file and each.name in _NAMES and not _is_other(each.path)
    ]
    for each in manifests:
        try:
            document = documents.members(each)
        except FormatError as error:
            findings.append(Finding("broken-json", Severity.WARNING, each.path, f"cannot be read: {error}"))
            continue
        platform = platform or documents.text(documents.inner(document, "config", "platform"), "php")
        for name, constraint in _asked(document):
            asked.setdefault(name, {})[Evidence(each.path, f"requires {name} {constraint}".rstrip())] = None
        components += _components(each.path, document)
    sources = [each for each in payload if _is_source(payload, each)]
    if not manifests and not sources:
        return Report()
    shown = [*manifests, *sources][0]
    release = _release(platform or _constraint(asked))
    if not release:
        hint = "Name it in `composer.json` (`config.platform.php`), or take a package: `-p php83`."
        findings.append(
            Finding("php-version", Severity.NOTE, shown.path, "nothing says which PHP it needs", (hint,))
        )
        needs: tuple[Need, ...] = (Need("cmd:php", (Evidence(shown.path, "is of a PHP application"),)),)
        return Report(
            kinds=("PHP application",), needs=needs, findings=tuple(findings), components=tuple(components)
        )
    return Report(
        kinds=(f"PHP {release[0]}.{release[1]} application",),
        needs=tuple(_needs("".join(release), asked, shown)),
        findings=tuple(findings),
        programs=tuple(_programs(payload, sources, "".join(release))),
        components=tuple(dict.fromkeys(components)),
    )


def _is_other(path: str) -> bool:
    return any(folder in path for folder in _OTHERS)


def _is_source(payload: Payload, each: PayloadFile) -> bool:
    folders = (inside(payload, ""), inside(payload, "public"))
    return each.is_file and each.name.endswith(".php") and each.entry.parent in folders


def _asked(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What is required of the platform, by the application and by the packages that it is locked to."""
    places = [documents.inner(document, "require"), documents.inner(document, "platform")]
    places += [
        documents.inner(each, "require") for each in documents.listed(document, "packages")[:MAX_PACKAGES]
    ]
    for number, place in enumerate(places):
        for name, constraint in place.items():
            wanted = name == "php" and number < 2  # that of a package is met by whatever was locked
            if (wanted or _EXTENSION.fullmatch(name)) and isinstance(constraint, str):
                yield name, constraint[:80] if number < 2 else ""


def _constraint(asked: dict[str, dict[Evidence, None]]) -> str:
    return next((each.what for each in asked.get("php", ())), "")


def _release(text: str) -> tuple[str, str] | None:
    """The lowest release that a version or constraint names; what is to be below it does not count."""
    named = _VERSION.findall(re.sub(r"(?:<=?|!=) *v?[0-9.]+", "", text))
    return min(named, key=lambda pair: (int(pair[0]), int(pair[1]))) if named else None


def _needs(number: str, asked: dict[str, dict[Evidence, None]], shown: PayloadFile) -> Iterator[Need]:
    evidence = tuple(asked.get("php", ())) or (Evidence(shown.path, "is of a PHP application"),)
    yield Need(f"php{number}", evidence)
    for name, why in asked.items():
        extension = _ALIASES.get(name.removeprefix("ext-"), name.removeprefix("ext-"))
        if name == "php" or extension in _BUILT_IN:
            continue
        yield Need(f"php{number}-{'pecl-' if extension in _PECL else ''}{extension}", tuple(why))


def _components(path: str, document: dict[str, Any]) -> Iterator[Component]:
    for each in documents.listed(document, "packages")[:MAX_PACKAGES]:
        name, version = documents.text(each, "name"), documents.text(each, "version")
        if name:
            yield Component(purl("composer", name.lower(), version), name, version, path, "lock of Composer")


def _programs(payload: Payload, sources: list[PayloadFile], number: str) -> Iterator[Program]:
    for each in sources:
        stem = each.name.removesuffix(".php")
        own = stem == payload.name.removesuffix(".php")
        if each.entry.parent == inside(payload, "") and (own or stem in ("main", "index")):
            yield Program((f"/usr/bin/php{number}", f"/{each.path}"), "PHP program", 1 if own else 2)
