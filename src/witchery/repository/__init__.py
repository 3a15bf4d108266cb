"""Repositories of apk packages: where they are, and fetching, checking and caching what they hold."""
