"""Who we are to a registry."""

from witchery.http import Credentials
from witchery.value import frozen


@frozen(repr=False, kw_only=True)
class Login:
    """What identifies us; nothing of it is ever shown.

    Attributes:
        credentials: User name and password, or None.
        identity_token: What is changed for tokens instead of a password (OAuth 2's refresh token).
        registry_token: A token for the registry itself, to be used as it is.
    """

    credentials: Credentials | None = None
    identity_token: str = ""
    registry_token: str = ""

    @property
    def secrets(self) -> tuple[str, ...]:
        """The texts that must not be seen."""
        password = self.credentials.password if self.credentials else ""
        basic = self.credentials.basic().partition(" ")[2] if self.credentials else ""
        return tuple(each for each in (password, basic, self.identity_token, self.registry_token) if each)

    def __bool__(self) -> bool:
        return bool(self.credentials or self.identity_token or self.registry_token)

    def __repr__(self) -> str:
        return "Login(...)"
