"""Signing without a key of one's own, and checking such signatures: the door to the `sigstore` library.

Whoever signs shows an identity token to a certificate authority (Fulcio), gets a certificate for a key that
lives for minutes, and enters the signature in a public log (Rekor) that vouches for the time. Checking needs
none of them: everything is in the bundle, and the roots are known beforehand.

The library opens its own connections, by the usual variables of the environment for proxies and
certificates; it is an extra, and loaded where it is used. It has no common base for its errors, so all of
them are caught here: a bundle that makes it stumble has not been verified.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from witchery import canonical
from witchery.errors import FormatError, NetworkError, StorageError, TrustError, UsageError, WitcheryError
from witchery.value import frozen

MAX_CONFIG: Final = 4 << 20
"""Bytes of the largest description of an instance of sigstore that is read."""

MAX_TOKEN: Final = 1 << 16
"""Bytes of the longest identity token."""

_TRUSTED_ROOT = "application/vnd.dev.sigstore.trustedroot+json;version=0.1"


@frozen
class Identity:
    """Who has to have signed.

    Attributes:
        subject: What the certificate names: an address, or the URL of a workflow.
        issuer: Who vouches for that: the URL of the issuer of identity tokens.
    """

    subject: str
    issuer: str

    def __str__(self) -> str:
        return f"{self.subject} ({self.issuer})"


def sign(statement: bytes, token: str, instance: Path | None = None) -> bytes:
    """Signs an in-toto statement.

    Args:
        statement: The statement.
        token: An identity token (OpenID Connect); empty to find that of a CI system around us.
        instance: The description of an instance of sigstore (`ClientTrustConfig`); None for the public one.

    Returns:
        The bundle.

    Raises:
        UsageError: if the library is not installed, or there is no token that can be used.
        NetworkError: if a service cannot be reached, or does not take the token.
    """
    with _library():
        from sigstore.dsse import Statement
        from sigstore.models import ClientTrustConfig
        from sigstore.sign import SigningContext

        identity = _identity(token)
        try:
            config = _config(instance) if instance else ClientTrustConfig.production()
            with SigningContext.from_trust_config(config).signer(identity) as signer:
                made: str = signer.sign_dsse(Statement(statement)).to_json()
        except WitcheryError:
            raise
        except Exception as error:  # noqa: BLE001 - see above
            raise NetworkError(f"not signed: {_told(error, token)}") from None
        return made.encode()


def verifier(identity: Identity, instance: Path | None = None) -> Callable[[bytes], tuple[str, bytes]]:
    """What checks bundles with a certificate, without the network.

    Args:
        identity: Who has to have signed.
        instance: The description of an instance of sigstore (`ClientTrustConfig` or `TrustedRoot`); None for
            the public one, by the roots that came with the library or were fetched when it last signed.

    Returns:
        A function from a bundle to type and content of what is signed. It raises a TrustError if the bundle
        is not what it says, or somebody else's.

    Raises:
        UsageError: if the library is not installed.
        FormatError: if the description cannot be read.
        StorageError: if the description or the roots cannot be had.
    """
    with _library():
        from sigstore.verify import Verifier
        from sigstore.verify.policy import Identity as Policy

        checking = Verifier(trusted_root=_root(instance))
        policy = Policy(identity=identity.subject, issuer=identity.issuer)

    def verify(bundle: bytes) -> tuple[str, bytes]:
        with _library():
            from sigstore.models import Bundle

            try:
                kind, content = checking.verify_dsse(Bundle.from_json(bundle), policy)
            except Exception as error:  # noqa: BLE001 - see above
                raise TrustError(f"not by {identity}: {_told(error)}", missing=False) from None
            return str(kind), bytes(content)

    return verify


@contextmanager
def _library() -> Iterator[None]:
    """Sees that the library is there, and that it does not talk by itself."""
    try:
        import sigstore.errors  # noqa: F401
    except ImportError:
        hint = "`pip install 'witchery-images[sigstore]'`"
        raise UsageError("signatures without a key need the library `sigstore`", hint=hint) from None
    logger = logging.getLogger("sigstore")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def _identity(token: str) -> Any:
    from sigstore.oidc import IdentityToken, detect_credential

    try:
        found = token or detect_credential()
        if found:
            return IdentityToken(found)
    except Exception as error:  # noqa: BLE001 - see above
        raise UsageError(f"not an identity token that can be used: {_told(error, token)}") from None
    raise UsageError(
        "no identity token: none is given, and no CI system is known here",
        hint="`--identity-token FILE` or `--identity-token env://NAME` gives one",
    )


def _read(instance: Path) -> bytes:
    try:
        data = instance.read_bytes()
    except OSError as error:
        raise StorageError(f"cannot be read: `{instance}`: {error.strerror}") from error
    if len(data) > MAX_CONFIG:
        raise FormatError(f"expected at most {MAX_CONFIG} bytes: {len(data)}", where=[str(instance)])
    return data


def _config(instance: Path) -> Any:
    from sigstore.models import ClientTrustConfig

    data = _read(instance)
    try:
        return ClientTrustConfig.from_json(data.decode())
    except Exception as error:  # noqa: BLE001 - see above
        what = f"not a description of an instance of sigstore: {_told(error)}"
        raise FormatError(what, where=[str(instance)]) from None


def _root(instance: Path | None) -> Any:
    from sigstore.models import ClientTrustConfig, TrustedRoot

    if instance is None:
        try:
            return ClientTrustConfig.production(offline=True).trusted_root
        except Exception as error:  # noqa: BLE001 - see above
            raise StorageError(f"the roots of sigstore cannot be read: {_told(error)}") from None
    document = canonical.decode(_read(instance), str(instance))
    if not isinstance(document, dict) or document.get("mediaType") != _TRUSTED_ROOT:
        return _config(instance).trusted_root
    try:
        return TrustedRoot.from_file(str(instance))
    except Exception as error:  # noqa: BLE001 - see above
        raise FormatError(f"not a trusted root: {_told(error)}", where=[str(instance)]) from None


def _told(error: Exception, secret: str = "") -> str:
    """What the library says, on one line of reasonable length, without the token."""
    text = " ".join(str(error).split()) or type(error).__name__
    if secret:
        text = text.replace(secret, "***")
    return text[:300]
