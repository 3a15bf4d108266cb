"""Ruby, PHP and Perl applications, and the packages that they ask for, held against Alpine's own index."""

import json
from functools import cache
from typing import Any

import pytest

from support.payloads import make_payload
from support.shared import SHARED, needs_shared
from witchery import codec
from witchery.payload.findings import Report, Severity
from witchery.payload.languages import dotnet, java, perl, php, ruby
from witchery.payload.options import ScanOptions
from witchery.payload.scan import Detector

LOCK = b"""GEM
  remote: https://example.test/
  specs:
    rack (3.0.8)
    nokogiri (1.15.4-x86_64-linux-musl)
      racc (~> 1.4)

PLATFORMS
  ruby

DEPENDENCIES
  rack (~> 3.0)
"""
RUBY = b"\nRUBY VERSION\n   ruby 3.2.4p170\n\nBUNDLED WITH\n   2.4.15\n"


def scanned(detector: Detector, files: dict[str, bytes]) -> Report:
    return detector(make_payload(files), ScanOptions())


def needs(report: Report) -> list[str]:
    return [need.dependency for need in report.needs]


@cache
def packages() -> frozenset[str]:
    """All names in the official 3.19 index."""
    names = set[str]()
    for path in (SHARED / "alpine/v3.19-x86_64/indexes").glob("*/x86_64/APKINDEX.tar.gz"):
        lines = codec.gunzip(path.read_bytes(), 1 << 28).decode(errors="replace").splitlines()
        names |= {line[2:] for line in lines if line.startswith("P:")}
        names |= {
            word.partition("=")[0] for line in lines if line.startswith("p:") for word in line[2:].split()
        }
    assert "musl" in names
    return frozenset(names)


def test_the_folder_of_the_gems_names_the_ruby() -> None:
    gem = "vendor/bundle/ruby/3.2.0/gems/rack-3.0.8/lib/rack.rb"
    report = scanned(ruby.inspect, {"Gemfile.lock": LOCK, gem: b"", "main.rb": b"puts 1\n"})
    assert needs(report) == ["ruby~3.2"]
    assert report.needs[0].evidence[0].path == "app/vendor/bundle/ruby/3.2.0"
    assert report.kinds == ("Ruby 3.2 application",)
    assert [each.purl for each in report.components] == [
        "pkg:gem/rack@3.0.8",
        "pkg:gem/nokogiri@1.15.4-x86_64-linux-musl",
    ]
    assert [each.argv for each in report.programs] == [("/usr/bin/ruby", "/app/main.rb")]


def test_the_lock_may_name_the_ruby_and_otherwise_a_note_asks() -> None:
    assert needs(scanned(ruby.inspect, {"Gemfile.lock": LOCK + RUBY})) == ["ruby~3.2"]
    report = scanned(ruby.inspect, {"Gemfile.lock": LOCK})
    assert needs(report) == ["ruby"]
    assert [(each.rule, each.severity) for each in report.findings] == [("ruby-version", Severity.NOTE)]


def composer(**members: Any) -> bytes:
    return json.dumps(members).encode()


@pytest.mark.parametrize(
    ("constraint", "package"),
    [
        ("^8.1", "php81"),
        (">=8.2 <8.4", "php82"),
        ("~8.2.0 || ~8.3.0", "php82"),
        ("8.3.*", "php83"),
        ("<8.4 >=8.3", "php83"),
        (">=8.0,!=8.1.3", "php80"),
    ],
)
def test_the_lowest_php_that_a_constraint_names_is_needed(constraint: str, package: str) -> None:
    assert needs(scanned(php.inspect, {"composer.json": composer(require={"php": constraint})})) == [package]


def test_the_platform_goes_before_the_constraint_and_extensions_are_packages() -> None:
    required = {
        "php": "^8.1",
        "ext-mbstring": "*",
        "ext-json": "*",
        "ext-redis": "*",
        "ext-zend-opcache": "*",
    }
    document = composer(require=required, config={"platform": {"php": "8.3.1"}})
    locked = composer(
        packages=[
            {"name": "Monolog/monolog", "version": "3.5.0", "require": {"php": ">=8.1", "ext-curl": "*"}}
        ]
    )
    report = scanned(php.inspect, {"composer.json": document, "composer.lock": locked, "index.php": b"<?php"})
    assert needs(report) == ["php83", "php83-mbstring", "php83-pecl-redis", "php83-opcache", "php83-curl"]
    assert [each.purl for each in report.components] == ["pkg:composer/monolog/monolog@3.5.0"]
    assert [each.argv for each in report.programs] == [("/usr/bin/php83", "/app/index.php")]


def test_without_a_version_of_php_a_note_asks() -> None:
    for files in ({"index.php": b"<?php"}, {"composer.json": composer(require={"ext-curl": "*"})}):
        report = scanned(php.inspect, files)
        assert needs(report) == ["cmd:php"]
        assert [(each.rule, each.severity) for each in report.findings] == [("php-version", Severity.NOTE)]


@pytest.mark.parametrize(
    "raw", [b"{", b"[]", b'{"require":3,"config":[],"packages":{"a":1}}', b'{"require":{"php":1}}']
)
def test_odd_documents_of_composer_do_no_harm(raw: bytes) -> None:
    report = scanned(php.inspect, {"composer.json": raw, "composer.lock": raw})
    assert {each.rule for each in report.findings} <= {"broken-json", "php-version"}
    assert needs(report) == ["cmd:php"]


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"cpanfile": b"requires 'Plack';\n"}, True),
        ({"lib/Hello.pm": b"# hello\npackage Hello;\n1;\n"}, True),
        ({"hello.pl": b"use strict;\n"}, True),
        ({"lib/notes.pm": b"minutes of the meeting\n"}, False),
        ({"node_modules/x/a.pl": b"use strict;\n", "share/deep/b.pl": b"use strict;\n"}, False),
    ],
)
def test_perl_is_needed_where_something_is_perl(files: dict[str, bytes], found: bool) -> None:
    assert needs(scanned(perl.inspect, files)) == (["perl"] if found else [])


def test_modules_in_the_local_folder_are_found_at_run_time() -> None:
    report = scanned(
        perl.inspect, {"local/lib/perl5/Plack.pm": b"package Plack;\n", "hello.pl": b"use Plack;\n"}
    )
    assert report.environment == {"PERL5LIB": "/app/local/lib/perl5"}
    assert [each.argv for each in report.programs] == [("/usr/bin/perl", "/app/hello.pl")]


@needs_shared
def test_every_package_asked_for_is_in_the_official_index() -> None:
    names = sorted(php._PECL | php._BUILT_IN | {"mbstring", "pdo_mysql", "intl"})
    extensions = {f"ext-{name}": "*" for name in names}
    asked = needs(scanned(php.inspect, {"composer.json": composer(require={"php": "^8.2", **extensions})}))
    frameworks = [{"name": name, "version": "7.0.1"} for name in dotnet._PACKAGES]
    config = json.dumps({"runtimeOptions": {"frameworks": frameworks}}).encode()
    asked += needs(scanned(dotnet.inspect, {"a.runtimeconfig.json": config}))
    for level in (52, 55, 61, 65):
        asked += needs(
            scanned(java.inspect, {"A.class": b"\xca\xfe\xba\xbe\0\0\0" + bytes([level]) + bytes(8)})
        )
    asked += [
        "perl",
        "ruby",
        "ruby-bundler",
        "cmd:php",
        "ca-certificates-bundle",
        "tzdata",
        "mailcap",
        "icu-libs",
    ]
    assert len(asked) > 45
    assert set(asked) - packages() == set()
