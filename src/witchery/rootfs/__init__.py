"""A filesystem as a value: entries, their contents, tar, accounts."""
