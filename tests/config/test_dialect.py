"""Whose file it is, and what that decides."""

import pytest

from support.configs import config, loaded
from witchery.config.accounts import Accounts, Group, User
from witchery.config.dialect import Dialect, effective
from witchery.config.model import ImageConfig

PLAIN = "contents: {packages: [wget]}\nlayering: {strategy: origin}\nenvironment: {ports: x}\n"


@pytest.mark.parametrize(
    ("name", "dialect"),
    [
        ("apko.yaml", Dialect.APKO),
        ("a/b/apko.yml", Dialect.APKO),
        ("nginx.apko.yaml", Dialect.APKO),
        ("witchery.yaml", Dialect.WITCHERY),
        ("nginx.yaml", Dialect.WITCHERY),
        ("myapko.yaml", Dialect.WITCHERY),
        ("apko.yaml/x.yaml", Dialect.WITCHERY),
        ("apko.json", Dialect.WITCHERY),
        ("-", Dialect.WITCHERY),
    ],
)
def test_the_name_tells_the_dialect_of_a_file_that_both_could_have_written(
    name: str, dialect: Dialect
) -> None:
    assert loaded(PLAIN, name=name).dialect is dialect


@pytest.mark.parametrize(
    "own", ["ports: [1]", "ports:", "labels: {}", "base: {}", "contents: {shell: allow}", "base: {tmp: true}"]
)
def test_a_key_of_witcherys_makes_a_file_witcherys(own: str) -> None:
    assert loaded(own, name="apko.yaml").dialect is Dialect.WITCHERY


def test_only_the_file_that_is_named_decides() -> None:
    found = loaded("include: base.yaml\n", name="apko.yaml", base="ports: [1]\n")
    assert found.dialect is Dialect.APKO
    assert found.config.ports == ("1/tcp",)


def test_the_command_line_alone_is_witcherys() -> None:
    assert Dialect.of("") is Dialect.WITCHERY


def test_who_names_no_account_runs_as_nonroot() -> None:
    found = effective(ImageConfig(), Dialect.WITCHERY)
    assert found.notes == ()
    assert found.config.accounts == Accounts(
        run_as="nonroot",
        users=(User(username="nonroot", uid=65532, shell="/sbin/nologin"),),
        groups=(Group(groupname="nonroot", gid=65532),),
    )
    (user,) = found.config.accounts.users
    assert (user.group_id, user.home) == (65532, "/home/nonroot")


def test_a_plain_apko_file_without_accounts_runs_as_root_and_a_note_says_so() -> None:
    found = effective(config(PLAIN, name="apko.yaml"), Dialect.APKO)
    assert found.config.accounts == Accounts()
    assert found.notes == (
        "the image runs as root, as with apko: the file names no account (see `accounts.run-as`)",
    )


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("run_as", ["0", "root", "65532:0"])
def test_who_says_run_as_gets_just_that(dialect: Dialect, run_as: str) -> None:
    given = ImageConfig(accounts=Accounts(run_as=run_as))
    found = effective(given, dialect)
    assert found.config.accounts == given.accounts
    assert found.notes == ()


@pytest.mark.parametrize("dialect", Dialect)
def test_accounts_without_run_as_leave_root_and_a_note_says_so(dialect: Dialect) -> None:
    given = ImageConfig(accounts=Accounts(users=(User(username="app", uid=1, gid=5, homedir="/srv"),)))
    found = effective(given, dialect)
    assert found.config.accounts == given.accounts
    assert len(found.notes) == 1
    assert (given.accounts.users[0].group_id, given.accounts.users[0].home) == (5, "/srv")


def test_the_environment_has_a_path_and_certificates_unless_it_says_otherwise() -> None:
    found = effective(config("environment: {PATH: /bin, A: b}"), Dialect.APKO).config.environment
    assert found == {"PATH": "/bin", "SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt", "A": "b"}
