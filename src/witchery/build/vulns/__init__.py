"""Vulnerabilities: what is looked up, in which data, and what is found."""
