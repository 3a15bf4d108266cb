"""Packages to layers: whose file it is, which layer holds it, and the few files that are generated."""
