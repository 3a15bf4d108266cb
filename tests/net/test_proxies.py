"""Which requests go through a proxy, as the environment says."""

import pytest

from witchery.errors import UsageError
from witchery.http import Url
from witchery.net.proxies import Proxies
from witchery.net.settings import NetSettings

PROXY = {"https_proxy": "http://proxy:3128"}


def chosen(url: str, **environ: str) -> str:
    proxy = Proxies.from_environment(environ).choose(Url.parse(url))
    return "" if proxy is None else str(proxy)


@pytest.mark.parametrize(
    ("url", "environ", "proxy"),
    [
        ("https://h/", {}, ""),
        ("https://h/", {"https_proxy": "http://a:1"}, "http://a:1/"),
        ("https://h/", {"HTTPS_PROXY": "b:2"}, "http://b:2/"),
        ("https://h/", {"https_proxy": "http://a:1", "HTTPS_PROXY": "http://b:2"}, "http://a:1/"),
        ("http://h/", {"HTTPS_PROXY": "http://b:2"}, ""),
        ("http://h/", {"HTTP_PROXY": "http://b:2"}, "http://b:2/"),
        ("http://h/", {"HTTP_PROXY": "http://b:2", "REQUEST_METHOD": "GET"}, ""),
        ("http://h/", {"ALL_PROXY": "http://c:3"}, "http://c:3/"),
    ],
)
def test_the_proxy_is_the_one_of_the_scheme(url: str, environ: dict[str, str], proxy: str) -> None:
    assert chosen(url, **environ) == proxy


@pytest.mark.parametrize(
    ("rule", "host", "direct"),
    [
        ("*", "any", True),
        ("example.org", "example.org", True),
        ("example.org", "a.example.org", True),
        (".example.org", "a.example.org", True),
        ("*.example.org", "a.example.org", True),
        ("example.org", "badexample.org", False),
        ("Example.ORG", "example.org", True),
        ("example.org:443", "example.org", True),
        ("example.org:444", "example.org", False),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.0.0.0/8", "ten", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("::1", "[::1]", True),
        ("[::1]:443", "[::1]", True),
        ("fe80::/10", "[fe80::1]", True),
        ("other, example.org", "example.org", True),
        (",", "example.org", False),
    ],
)
def test_no_proxy_exempts_hosts(rule: str, host: str, *, direct: bool) -> None:
    assert (chosen(f"https://{host}/", no_proxy=rule, **PROXY) == "") is direct


def test_a_proxy_that_is_no_url_is_an_error_without_its_password() -> None:
    with pytest.raises(UsageError, match="https_proxy") as caught:
        Proxies.from_environment({"https_proxy": "socks5://me:s3cret@h:1"})
    assert "s3cret" not in str(caught.value)


def test_settings_read_the_environment_that_is_handed_in() -> None:
    settings = NetSettings.from_environment(
        {
            "HOME": "/home/me",
            "SSL_CERT_FILE": "/ca.pem",
            "https_proxy": "http://u:s3cret@p:1",
            "NO_PROXY": "a b",
        }
    )
    assert (str(settings.netrc), str(settings.ca_file)) == ("/home/me/.netrc", "/ca.pem")
    assert settings.proxies.without == ("a", "b")
    assert "s3cret" not in repr(settings)
    assert str(NetSettings.from_environment({"NETRC": "/n", "HOME": "/h"}).netrc) == "/n"
    assert NetSettings.from_environment({}).netrc is None
