"""Going on with a download that broke off (RFC 9110, sections 13.1.5, 14 and 15.3.7), decided without I/O."""

from typing import Self

from witchery.errors import NetworkError
from witchery.http import ContentRange, Request, Response, validator
from witchery.value import frozen


@frozen
class Download:
    """An answer whose body is being read, and how to ask for the rest of it.

    Attributes:
        request: What was asked.
        length: The size of the body, or None where the server did not say.
        validator: What names exactly these bytes, as `If-Range` wants it.
    """

    request: Request
    length: int | None
    validator: str

    @classmethod
    def begun(cls, request: Request, response: Response) -> Self:
        """The download that `response` begins."""
        return cls(request, response.length, validator(response.headers))

    @property
    def resumable(self) -> bool:
        """True where the rest can be asked for, and told apart from the rest of other bytes."""
        return self.request.method == "GET" and bool(self.validator) and not self.request.headers.get("Range")

    def rest(self, received: int) -> Request:
        """The request for all but the first `received` bytes."""
        return self.request.with_header("Range", f"bytes={received}-").with_header("If-Range", self.validator)

    def skip(self, response: Response, received: int) -> int:
        """How many bytes at the beginning of an answer to `rest(received)` are known already.

        Raises:
            NetworkError: if the answer does not continue these bytes.
        """
        if response.status == 200 and validator(response.headers) == self.validator:
            return received
        part = ContentRange.parse(response.headers.get("Content-Range")) if response.status == 206 else None
        if part is not None and part.first == received and part.whole in {None, self.length or part.whole}:
            return 0
        raise NetworkError(
            f"the file changed on the server while it was being downloaded: `{self.request.url.shown}`"
            if response.status in {200, 206, 412, 416}
            else f"the server broke off, and answered {response.status} when asked for the rest:"
            f" `{self.request.url.shown}`"
        )
