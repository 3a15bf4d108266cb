"""Locks: making them, reading them, and building what they pin."""
