"""What is said of an image and signed: evidence, provenance, signatures, in the forms that others read.

Pure: bytes in, values out, and back. Sources: the DSSE protocol and envelope, in-toto's Statement v1, SLSA's
provenance v1, sigstore's bundle v0.3 and cosign's signature and bundle specifications.
"""
