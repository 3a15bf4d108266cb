"""Credentials from a netrc file (the format of ftp(1), as curl and git read it)."""

from pathlib import Path

from witchery.errors import StorageError, UsageError
from witchery.http import Credentials
from witchery.value import frozen


@frozen
class Netrc:
    """What a netrc file says, by host name.

    Attributes:
        entries: Host and its credentials. A `default` entry is not used: it would send a password to any
            host that a server redirects to.
    """

    entries: tuple[tuple[str, Credentials], ...] = ()

    @classmethod
    def load(cls, path: Path | None) -> "Netrc":
        """Reads a file; no file, nothing known.

        Raises:
            UsageError: if the file does not follow the format.
            StorageError: if it is there and cannot be read.
        """
        if path is None:
            return cls()
        import netrc

        try:
            parsed = netrc.netrc(str(path))
        except FileNotFoundError:
            return cls()
        except OSError as error:
            raise StorageError(f"cannot read the netrc file, {error.strerror}: `{path}`") from error
        except (netrc.NetrcParseError, UnicodeDecodeError) as error:
            # The parser's own message may repeat a token of the file, and so a password.
            line = getattr(error, "lineno", None)
            raise UsageError(f"the netrc file is malformed near line {line or '?'}: `{path}`") from None
        return cls(
            tuple(
                (host.lower(), Credentials(login or account or "", password or ""))
                for host, (login, account, password) in parsed.hosts.items()
                if host != "default"
            )
        )

    def find(self, host: str) -> Credentials | None:
        """The credentials for a host, or None."""
        return dict(self.entries).get(host.strip("[]"))
