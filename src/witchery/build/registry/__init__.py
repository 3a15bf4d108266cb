"""Registries: sessions with them, and images that are pushed, pulled and signed there."""
