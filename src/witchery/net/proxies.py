"""Which proxy a request goes through: `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`.

There is no standard; this follows what curl and most HTTP libraries agree on.
"""

from collections.abc import Mapping
from typing import Self

from witchery.errors import FormatError, UsageError
from witchery.http import Url, redacted
from witchery.value import frozen


@frozen(kw_only=True)
class Proxies:
    """The proxies for each scheme, and what to reach without.

    Attributes:
        http: The proxy for `http` URLs, or None.
        https: The proxy for `https` URLs, or None.
        without: Hosts to reach directly: a name (and its subdomains), an address, a network such as
            `10.0.0.0/8`, each also as `HOST:PORT`, or `*` for all.
    """

    http: Url | None = None
    https: Url | None = None
    without: tuple[str, ...] = ()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Reads the variables, lower case before upper case.

        `HTTP_PROXY` in upper case is not believed in a CGI process, where a client can set it.

        Raises:
            UsageError: if a proxy is not an `http://` or `https://` URL.
        """
        cgi = "REQUEST_METHOD" in environ
        everything = environ.get("all_proxy") or environ.get("ALL_PROXY", "")
        http = environ.get("http_proxy") or ("" if cgi else environ.get("HTTP_PROXY", "")) or everything
        https = environ.get("https_proxy") or environ.get("HTTPS_PROXY") or everything
        without = environ.get("no_proxy") or environ.get("NO_PROXY", "")
        return cls(
            http=_proxy("http_proxy", http),
            https=_proxy("https_proxy", https),
            without=tuple(word.lower() for word in without.replace(",", " ").split()),
        )

    def choose(self, url: Url) -> Url | None:
        """The proxy for a URL, or None to go there directly."""
        proxy = self.https if url.scheme == "https" else self.http
        if proxy is None or any(_exempts(rule, url) for rule in self.without):
            return None
        return proxy


def _proxy(variable: str, text: str) -> Url | None:
    if not text:
        return None
    try:
        return Url.parse(text if "://" in text else f"http://{text}")
    except FormatError:
        raise UsageError(
            f"expected a proxy such as `http://host:3128` in `{variable}`: `{redacted(text)}`"
        ) from None


def _exempts(rule: str, url: Url) -> bool:
    host = url.host.strip("[]")
    if rule == "*":
        return True
    name, colon, port = rule.rpartition(":")
    if colon and port.isdigit() and (":" not in name or name.endswith("]")):
        if int(port) != url.port:
            return False
        rule = name
    rule = rule.strip("[]").lstrip("*").lstrip(".")
    if "/" in rule or ":" in rule:
        return _in_network(rule, host)
    return bool(rule) and (host == rule or host.endswith("." + rule))


def _in_network(rule: str, host: str) -> bool:
    import ipaddress

    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(rule, strict=False)
    except ValueError:
        return False
