"""What is said about an image, for others to check: evidence, provenance, signatures."""
