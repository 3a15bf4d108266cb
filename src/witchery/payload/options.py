"""What the author of an application lets pass, or wants done."""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from witchery.errors import UsageError
from witchery.payload.findings import Finding, Severity
from witchery.value import frozen


class Acknowledgement(NamedTuple):
    """A finding that its author knows of.

    An error, such as a private key, is acknowledged only by its rule and a path that names something: nobody
    waves through by one word what they have not seen.

    Attributes:
        rule: The finding's rule.
        path: A pattern of paths in the image (fnmatch(7), `*` crosses slashes), with or without a leading
            slash; empty for all.
    """

    rule: str
    path: str = ""

    @staticmethod
    def checked(rule: str, path: str = "") -> "Acknowledgement":
        """An acknowledgement of a rule that there is.

        Raises:
            UsageError: if there is none of that name.
        """
        from witchery.payload.rules import NAMES

        if rule not in NAMES:
            near = [name for name in sorted(NAMES) if rule in name or name in rule]
            hint = (
                f"did you mean `{near[0]}`?"
                if near
                else "the reference lists them: docs/reference/findings.md"
            )
            raise UsageError(f"there is no rule of that name to acknowledge: `{rule}`", hint=hint)
        return Acknowledgement(rule, path)

    def covers(self, finding: Finding) -> bool:
        """Whether this is about that finding."""
        if self.rule != finding.rule:
            return False
        if finding.severity is Severity.ERROR and not self.path.strip("*?/"):
            return False
        return not self.path or fnmatchcase(finding.path, self.path.removeprefix("/"))


@frozen(kw_only=True)
class ScanOptions:
    """What is allowed and wanted.

    Attributes:
        allow_gcompat: Take programs made for glibc, and the package `gcompat` to run them.
        rewrite_shebangs: Let scripts name their interpreter by its path instead of through `env`.
        acknowledged: What the author knows of.
        library_path: Folders of the image, absolute, that `LD_LIBRARY_PATH` names in its environment.
    """

    allow_gcompat: bool = False
    rewrite_shebangs: bool = False
    acknowledged: Sequence[Acknowledgement] = ()
    library_path: Sequence[str] = ()

    def kept(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """The findings that the author does not know of."""
        return tuple(each for each in findings if not any(known.covers(each) for known in self.acknowledged))
