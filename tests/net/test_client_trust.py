"""The sender: redirects, credentials, certificates and proxies."""

from pathlib import Path

import pytest

from support.sending import DATA, QUICK, Slept, get, good, serving
from support.servers import (
    Answer,
    Authority,
    Proxy,
    Server,
    authority,
    closed_port,
    guarded,
    in_turn,
)
from witchery.errors import NetworkError, StorageError, UsageError
from witchery.http import Request, Url
from witchery.net.client import Client
from witchery.net.netrc import Netrc
from witchery.net.proxies import Proxies
from witchery.net.reporter import Reporter
from witchery.net.settings import NetSettings
from witchery.value import replace


def test_redirects_are_followed_up_to_a_limit() -> None:
    with (
        serving(Answer(status=302, headers={"Location": "/again"})) as server,
        pytest.raises(NetworkError, match="more than 10 redirects"),
    ):
        get(server.url)
    assert len(server.asked) == 11


def test_a_redirect_can_be_left_alone() -> None:
    with (
        serving(Answer(status=302, headers={"Location": "/b"})) as server,
        Client(QUICK) as client,
        client.send(Request(url=Url.parse(server.url), follow=False)) as response,
    ):
        assert response.status == 302


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://host/x", "javascript:1", "http://[::1"])
def test_a_redirect_to_no_web_server_is_refused(location: str) -> None:
    with (
        serving(Answer(status=302, headers={"Location": location})) as server,
        pytest.raises(NetworkError, match="not an http or https URL"),
    ):
        get(server.url)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_credentials_do_not_follow_a_redirect_to_another_host(status: int) -> None:
    with Server(good) as other:
        elsewhere = Answer(status=status, headers={"Location": other.url + "/x"})
        with Server(guarded("me", "s3cret", lambda _: elsewhere)) as server:
            response, body = get(server.with_password("me", "s3cret"))
            with Client(QUICK) as client:
                request = Request(url=Url.parse(server.url)).with_header("Authorization", "Bearer t0ken")
                client.send(request.with_header("Cookie", "c=1")).close()
    assert body == DATA
    assert response.url == Url.parse(other.url + "/x")
    assert all(not asked["Authorization"] and not asked["Cookie"] for asked in other.asked)


def test_credentials_stay_on_a_redirect_within_the_host() -> None:
    steps = in_turn(Answer(status=302, headers={"Location": "/moved"}), good)
    with Server(guarded("me", "p:w%", steps)) as server:
        _, body = get(server.with_password("me", "p:w%25"))
    assert body == DATA


def test_credentials_come_from_netrc_for_their_host_only(tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password s3cret\ndefault login all password leak\n")
    settings = replace(QUICK, netrc=netrc)
    with Server(guarded("me", "s3cret", good)) as server, Server(good) as other:
        assert get(server.url, settings)[1] == DATA
        get(other.url.replace("127.0.0.1", "localhost"), settings)
    assert not other.asked[0]["Authorization"]


def test_a_default_entry_of_netrc_is_nobodys(tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine a login me password b\ndefault login all password leak\n")
    netrc = Netrc.load(tmp_path / "netrc")
    assert [netrc.find(host) is not None for host in ("a", "default", "", "b")] == [True, False, False, False]
    assert Netrc.load(tmp_path / "nothing") == Netrc.load(None) == Netrc()
    with pytest.raises(StorageError, match="netrc"):
        Netrc.load(tmp_path)


def test_a_malformed_netrc_is_an_error_without_its_words(tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine host login me passwort s3cret\n")
    with serving(good) as server, pytest.raises(UsageError, match="netrc") as caught:
        get(server.url, replace(QUICK, netrc=netrc))
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("fault", ["refused", "status", "reset", "long"])
def test_credentials_show_in_no_error_and_no_report(fault: str) -> None:
    said: list[str] = []

    class Listener(Reporter):
        def waiting(self, url: str, seconds: float, reason: str) -> None:
            said.append(f"{url} {seconds} {reason}")

    answers = {
        "status": Answer(status=302, headers={"Location": "ftp://you:s3cret@host/"}),
        "reset": Answer(silent=True),
        "long": Answer(body=DATA),
    }
    with closed_port() as port, serving(answers.get(fault, Answer())) as server:
        url = f"http://me:s3cret@127.0.0.1:{port if fault == 'refused' else server.port}/x?token=t0ken"
        with Client(QUICK, reporter=Listener()) as client, pytest.raises(NetworkError) as caught:
            client.send(Request(url=Url.parse(url), max_length=10)).read(10)
    assert said or fault in {"status", "long"}
    error: BaseException | None = caught.value
    while error is not None:
        assert "s3cret" not in repr(error) + str(error)
        error = error.__cause__ or error.__context__
    assert "s3cret" not in str(said)
    assert "t0ken" not in str(caught.value) + str(said)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("authority"))


def test_a_certificate_of_the_users_own_authority_is_trusted(tls: Authority) -> None:
    with Server(good, tls=tls.server) as server:
        assert get(server.url, replace(QUICK, ca_file=tls.ca_file))[1] == DATA


def test_a_certificate_of_an_unknown_authority_is_refused_at_once(tls: Authority) -> None:
    slept = Slept()
    with (
        Server(good, tls=tls.server) as server,
        pytest.raises(NetworkError, match="certificate is not trusted") as caught,
    ):
        get(server.url, replace(QUICK, sleep=slept))
    assert (slept.times, server.asked) == ([], [])
    assert "SSL_CERT_FILE" in caught.value.hints[0]


def test_a_redirect_from_https_to_http_is_refused_unless_asked_for(tls: Authority) -> None:
    with Server(good) as plain:
        down = Answer(status=302, headers={"Location": plain.url})
        with Server(lambda _: down, tls=tls.server) as server:
            settings = replace(QUICK, ca_file=tls.ca_file)
            with pytest.raises(NetworkError, match="from https to http"):
                get(server.url, settings)
            assert plain.asked == []
            allowed = replace(settings, policy=replace(settings.policy, downgrade=True))
            assert get(server.url, allowed)[1] == DATA


@pytest.mark.parametrize("text", [None, "not a certificate"])
def test_unreadable_certificates_are_an_error(tmp_path: Path, text: str | None) -> None:
    ca_file = tmp_path / "ca.pem"
    if text is not None:
        ca_file.write_text(text)
    with pytest.raises(StorageError, match="certificate authorities"):
        get("http://127.0.0.1:1/", replace(QUICK, ca_file=ca_file))


def through(proxy: Url, **more: object) -> NetSettings:
    return replace(QUICK, proxies=Proxies(http=proxy, https=proxy), **more)


@pytest.mark.parametrize("password", ["", "pr0xy"])
def test_requests_go_through_a_proxy(tls: Authority, password: str) -> None:
    with Proxy(password=password) as proxy, Server(good) as plain, Server(good, tls=tls.server) as secure:
        address = Url.parse(proxy.url.replace("://", f"://user:{password}@") if password else proxy.url)
        settings = through(address, ca_file=tls.ca_file)
        assert get(plain.url + "/a", settings)[1] == DATA
        assert get(secure.url + "/b", settings)[1] == DATA
    assert [line.rpartition(" ")[0] for line in proxy.asked] == [
        f"GET {plain.url}/a",
        f"CONNECT 127.0.0.1:{secure.port}",
    ]
    assert not plain.asked[0]["Proxy-Authorization"]


def test_a_proxy_that_wants_a_password_says_so_and_shows_none(tls: Authority) -> None:
    with Proxy(password="right") as proxy, Server(good, tls=tls.server) as server:
        address = Url.parse(proxy.url.replace("://", "://user:wr0ng@"))
        with pytest.raises(NetworkError, match="proxy refused, 407") as caught:
            get(server.url, through(address, ca_file=tls.ca_file))
    assert "wr0ng" not in str(caught.value)
    assert server.asked == []


def test_exempt_hosts_are_reached_without_the_proxy() -> None:
    with Proxy() as proxy, Server(good) as server:
        proxies = Proxies(http=Url.parse(proxy.url), without=("127.0.0.0/8",))
        assert get(server.url, replace(QUICK, proxies=proxies))[1] == DATA
    assert proxy.asked == []
