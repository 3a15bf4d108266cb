"""Witchery turns an application into a distroless OCI image made of Alpine packages.

The rooms below this package stand on floors and import only lower floors; `docs/architecture.md` draws them
and `tests/test_architecture.py` keeps them so.
"""

__version__ = "0.1.0"
