"""HTTP values: URLs and their credentials, header fields, redirects."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from witchery.errors import FormatError, NetworkError
from witchery.http import (
    ContentRange,
    Credentials,
    Headers,
    Request,
    Response,
    Url,
    redacted,
    retry_after,
    validator,
)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("https://host/a/b", "https://host/a/b"),
        ("HTTPS://Host.Example/A", "https://host.example/A"),
        ("https://host", "https://host/"),
        ("https://host:443/", "https://host/"),
        ("http://host:8080/x?a=b#c", "http://host:8080/x?a=b"),
        ("http://host?a=b", "http://host/?a=b"),
        ("http://[::1]:80/x", "http://[::1]/x"),
        ("http://host/p\u00e4ck", "http://host/p%C3%A4ck"),
        ("https://user:pass@host/x", "https://host/x"),
        ("https://user@host/x", "https://host/x"),
        ("https://a@b:c@host/x", "https://host/x"),
    ],
)
def test_a_url_is_written_without_credentials_and_default_ports(text: str, written: str) -> None:
    assert str(Url.parse(text)) == written
    assert Url.parse(written) == Url.parse(text)


@pytest.mark.parametrize(
    "text",
    ["", "host/x", "/x", "ftp://host/", "file:///x", "https:///x", "https://host:0/", "https://host:65536/",
     "https://host:x/", "https://ho st/", "https://host/\r\nHost: x", "https://host\\@other/", "http://[::1", "http://u:p@"],
)  # fmt: skip
def test_what_is_no_web_address_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        Url.parse(text)


@pytest.mark.parametrize(
    "text", ["ftp://me:s3cret@host/", "https://me:s3cret@host:x/", "https:me:s3cret@host/"]
)
def test_a_refused_url_shows_no_credentials(text: str) -> None:
    with pytest.raises(FormatError) as caught:
        Url.parse(text)
    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in redacted(f"see {text} there")


def test_credentials_are_decoded_and_never_shown() -> None:
    url = Url.parse("https://me%40here:p%3Aw@host/x?token=t0ken")
    assert url.credentials == Credentials("me@here", "p:w")
    assert url.credentials.basic() == "Basic bWVAaGVyZTpwOnc="
    for shown in (repr(url), str(url), repr(url.credentials), repr(Request(url=url))):
        assert "p:w" not in shown
        assert "p%3Aw" not in shown
    assert "t0ken" not in url.shown
    assert url == Url.parse(str(url))
    assert hash(url) == hash(Url.parse(str(url)))


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="@/?#:\\"), min_size=4))
def test_no_password_survives_redaction(password: str) -> None:
    text = f"https://someone:{password}@example.org/path"
    assert redacted(text) == "https://***@example.org/path"
    assert str(Url.parse(text)) == "https://example.org/path"


def test_a_path_component_is_added_at_the_end() -> None:
    assert (
        str(Url.parse("https://u:p@host/a/") / "x86_64" / "b-1.0~1+2.apk")
        == "https://host/a/x86_64/b-1.0~1+2.apk"
    )
    assert (Url.parse("https://u:p@host/a") / "x").credentials == Credentials("u", "p")


def test_header_names_compare_without_case_and_secrets_are_not_shown() -> None:
    headers = (
        Headers.of({"ETag": ' "a" ', "X-A": "1"})
        .with_field("etag", "b")
        .with_field("Authorization", "Basic x")
    )
    assert headers.get("ETAG") == "b"
    assert headers.all("etag") == ("b",)
    assert headers.get("nothing", "default") == "default"
    assert "Basic x" not in repr(headers)
    assert Headers.of([("A", "1"), ("a", "2")]).all("A") == ("1", "2")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 60.0),
        ("Wed, 21 Oct 2015 07:20:00 GMT", 0.0),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("\u0661", None),
        ("tomorrow", None),
        ("9" * 400, 999999999.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert retry_after(value, now=1445412420.0) == seconds


@pytest.mark.parametrize(
    ("value", "parsed"),
    [
        ("bytes 5-9/10", ContentRange(5, 9, 10)),
        ("bytes 5-9/*", ContentRange(5, 9, None)),
        ("bytes 9-5/10", None),
        ("bytes 5-10/10", None),
        ("bytes */10", None),
        ("items 0-1/2", None),
        ("", None),
    ],
)
def test_content_ranges_that_make_no_sense_are_none(value: str, parsed: ContentRange | None) -> None:
    assert ContentRange.parse(value) == parsed


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"ETag": '"x"', "Last-Modified": "d"}, '"x"'),
        ({"ETag": 'W/"x"', "Last-Modified": "d"}, ""),
        ({"Last-Modified": "d"}, "d"),
        ({}, ""),
    ],
)
def test_only_a_strong_validator_names_bytes(fields: dict[str, str], expected: str) -> None:
    assert validator(Headers.of(fields)) == expected


def test_a_body_is_not_read_beyond_its_limit_and_the_connection_is_given_back() -> None:
    closed: list[bool] = []
    response = Response(
        status=200,
        url=Url.parse("https://host/"),
        body=iter([b"abc", b"def"]),
        on_close=lambda: closed.append(True),
    )
    with pytest.raises(NetworkError, match="limit of 5 bytes"):
        response.read(5)
    assert closed == [True]


@pytest.mark.parametrize(("status", "method"), [(301, "GET"), (303, "GET"), (307, "POST"), (308, "POST")])
def test_a_redirect_changes_the_method_only_where_the_standard_says(status: int, method: str) -> None:
    request = Request(method="POST", url=Url.parse("https://u:p@host/a"))
    there = request.redirected(status, Url.parse("https://host/b"))
    assert (there.method, there.url.credentials) == (method, Credentials("u", "p"))


@pytest.mark.parametrize("other", ["https://else/b", "http://host/b", "https://host:8443/b"])
def test_nothing_personal_goes_to_another_origin(other: str) -> None:
    request = Request(
        url=Url.parse("https://u:p@host/a"), headers=Headers.of({"authorization": "x", "Cookie": "y"})
    )
    there = request.redirected(302, Url.parse(other))
    assert there.url.credentials is None
    assert there.headers == Headers()
