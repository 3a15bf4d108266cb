"""What an audit of the image lets pass."""

from datetime import date

from witchery.config import values
from witchery.config.kinds import ListOf, Model, Record, Text, setting
from witchery.errors import FormatError
from witchery.value import frozen


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise FormatError(f"there is no such day: `{text}`") from None


_DATE = Text(
    "a day such as `2027-01-31`",
    r"[12][0-9]{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])",
    _date,
    examples=("2027-01-31",),
)
_REASON = Text("a reason, in a line", r"[^\x00-\x1f\x7f]{1,500}")
_PACKAGES = Text("a pattern of package names such as `busybox*`", r"[A-Za-z0-9._+*?\[\]!-]+")


@frozen(kw_only=True)
class Waiver(Model):
    """A finding of `witchery audit` that the author of the image knows of, and answers for until a day."""

    rule: str = setting(values.RULE, "The finding's rule, such as `setuid`.")
    path: str = setting(
        values.GLOB,
        "The files meant, in the image: `*` stands for any characters, `/` included. All if not given.",
        default="",
    )
    package: str = setting(_PACKAGES, "The packages meant. All of them if not given.", default="")
    reason: str = setting(_REASON, "Why it is let pass.")
    expires: date = setting(
        _DATE,
        "The last day on which it holds; then the finding counts again, and the waiver is one, too.",
    )


@frozen(kw_only=True)
class Auditing(Model):
    """What `witchery audit` lets pass."""

    waivers: tuple[Waiver, ...] = setting(ListOf(Record(Waiver)), "Findings that are known.")
