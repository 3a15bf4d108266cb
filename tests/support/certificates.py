"""Certificates that tests issue."""

from cryptography import x509


def key_usage(*, ca: bool) -> x509.KeyUsage:
    """What the key of an authority may do, or of whoever it vouches for: sign certificates, or all else."""
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )
