"""What is said about an image, for others to check: evidence, provenance, signatures.

Pure: bytes in, values out, and back.
"""
