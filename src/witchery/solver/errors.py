"""Why there is no solution."""

from collections.abc import Sequence

from witchery.errors import NoSolutionError
from witchery.solver.solution import Solution


class Unsolvable(NoSolutionError):  # noqa: N818 - as the other refusals are named
    """The packages that were asked for cannot be selected together.

    Attributes:
        constraints: The constraints that collide, in words; none can be left out.
        alternative: A solution that exists all the same, or None. apk gives up too, since it never goes back.
        additions: What to add to the world so that the alternative is found.
    """

    def __init__(
        self,
        constraints: Sequence[str],
        *,
        hints: Sequence[str] = (),
        alternative: Solution | None = None,
        additions: Sequence[str] = (),
    ) -> None:
        lines = constraints if len(constraints) == 1 else ["these cannot be met together:", *constraints]
        super().__init__("\n  ".join(lines), hint=hints)
        self.constraints = tuple(constraints)
        self.alternative = alternative
        self.additions = tuple(additions)
