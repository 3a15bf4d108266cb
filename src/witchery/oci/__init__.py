"""Images as values: descriptors, manifests, configurations, indexes, references, transports, validation.

Pure: bytes in, values out, and back. What a digest covers is kept as the bytes that were read (`raw`), beside
what they say. Sources: OCI image-spec v1.1.1 and Docker's "image manifest version 2, schema 2".
"""
