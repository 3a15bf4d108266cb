"""An image with `apk` knows where it came from; one without has no such files."""

from support.packages import make_part
from witchery.compose.apk_files import generate
from witchery.config.model import RuntimeKey
from witchery.keys import PublicKey

KEY = PublicKey("ours.rsa.pub", b"pem")


def made(*names: str, **more: object) -> dict[str, bytes]:
    found = generate(
        [make_part(name, "1-r0") for name in names],
        repositories=["https://example.org/main", "@edge https://example.org/edge"],
        keys=[KEY],
        **more,  # type: ignore[arg-type]
    )
    return {each.entry.path: b"".join(each.content.chunks()) for each in found}


def test_an_image_with_apk_names_its_repositories_and_keys() -> None:
    assert made("musl", "apk-tools") == {
        "etc/apk/repositories": b"https://example.org/main\n@edge https://example.org/edge\n",
        "etc/apk/keys/ours.rsa.pub": b"pem",
    }


def test_an_image_without_apk_has_only_what_is_asked_for() -> None:
    assert made("musl") == {}
    keys = (RuntimeKey(name="other.rsa.pub", content="text"),)
    assert made("musl", runtime_repositories=("https://example.org/r",), runtime_keys=keys) == {
        "etc/apk/repositories": b"https://example.org/r\n",
        "etc/apk/keys/other.rsa.pub": b"text",
    }
