"""The use case: an image for several architectures; each platform's is the one that it would be alone."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeVar

from witchery.build import alignment
from witchery.build.alignment import Skew
from witchery.build.image import Built, Planned, complete, plan
from witchery.build.parts import Resolution
from witchery.build.request import Request
from witchery.build.workshop import Workshop
from witchery.digest import Digest
from witchery.errors import ApplicationError, UsageError, WitcheryError
from witchery.net.reporter import Reporter
from witchery.oci.image_index import AnyImage, index_of
from witchery.oci.transport import ArchiveFile, RootfsFolder, Transport
from witchery.rootfs.content import Content
from witchery.value import frozen, replace

JOBS = 4
"""How many architectures are worked on at once; each may itself fetch several packages at once."""

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@frozen(kw_only=True)
class BuiltImages:
    """The images for some architectures, and what names them all.

    Attributes:
        platforms: What was asked for, and what became of it, in the order of the index.
        image: The only image, or the index of them all.
        skew: The packages in whose versions the architectures differ.
    """

    platforms: tuple[tuple[Request, Built], ...]
    image: AnyImage
    skew: tuple[Skew, ...] = ()

    @property
    def contents(self) -> Mapping[Digest, Content]:
        """The layers of all platforms, by the digest of their blob."""
        return MappingProxyType(
            {digest: content for _, built in self.platforms for digest, content in built.contents.items()}
        )

    @property
    def trusted(self) -> bool:
        """Whether a known key vouches for everything in it, on every platform."""
        return all(built.trusted for _, built in self.platforms)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What may not be what was meant; what is not said of all platforms names those it is said of."""
        skew = alignment.warning(self.skew)
        return (*([skew] if skew else []), *self._said(lambda built: built.warnings))

    @property
    def notes(self) -> tuple[str, ...]:
        """What is good to know, likewise."""
        return self._said(lambda built: built.notes)

    def _said(self, texts: Callable[[Built], Sequence[str]]) -> tuple[str, ...]:
        said: dict[str, list[str]] = {}
        for request, built in self.platforms:
            for text in dict.fromkeys(texts(built)):
                said.setdefault(text, []).append(request.arch.apk)
        return tuple(_of(archs, len(self.platforms), text) for text, archs in said.items())


def check_targets(requests: Sequence[Request], targets: Sequence[Transport]) -> None:
    """Refuses, before anything is built, targets that hold one platform where there are several.

    Raises:
        UsageError: if there is such a target.
    """
    if len(requests) < 2:
        return
    for target in targets:
        if isinstance(target, RootfsFolder) or (isinstance(target, ArchiveFile) and target.docker):
            raise UsageError(
                f"one platform goes there, and {len(requests)} are built: `{target}`",
                hint=f"choose one: `--arch {requests[0].arch.oci}`",
            )


def build_all(requests: Sequence[Request], workshop: Workshop, *, allow_skew: bool = False) -> BuiltImages:
    """Builds an image for every request: one alone, or several and an index of them.

    First all architectures are solved, and nothing is fetched but indexes; then it is seen whether they
    agree; then all are composed.

    Args:
        requests: What is to be built, each for another architecture.
        workshop: Where.
        allow_skew: Whether a package may have different versions on different architectures.

    Raises:
        NoSolutionError: if the packages of one cannot be installed together, or versions differ.
        Refused: if an input is malformed or untrusted.
        WorldError: if the network or the disk fails.
    """
    plans = plan_all(requests, workshop, allow_skew=allow_skew)

    def finish(_: Request, planned: Planned) -> Built:
        return complete(planned, workshop)

    builds = each_arch(finish, requests, plans)
    found = _skews(requests, [each.gathered.resolution for each in builds])
    if not allow_skew:
        alignment.refuse(found)  # without a shell other packages may have been chosen
    image = builds[0].image if len(builds) == 1 else index_of(each.image for each in builds)
    return BuiltImages(platforms=tuple(zip(requests, builds, strict=True)), image=image, skew=found)


def plan_all(requests: Sequence[Request], workshop: Workshop, *, allow_skew: bool = False) -> list[Planned]:
    """Solves for every architecture, and sees whether they agree; nothing is fetched but indexes.

    Raises:
        WitcheryError: as `build_all`.
    """
    plans = each_arch(plan, requests, [_labelled(workshop, each, len(requests)) for each in requests])
    if not allow_skew:
        alignment.refuse(_skews(requests, [each.resolution for each in plans]))
    return plans


def _skews(requests: Sequence[Request], resolutions: Sequence[Resolution]) -> tuple[Skew, ...]:
    if len(requests) < 2:
        return ()
    return alignment.skews(dict(zip((each.arch for each in requests), resolutions, strict=True)))


def each_arch(
    work: Callable[[Request, _Item], _Result], requests: Sequence[Request], items: Sequence[_Item]
) -> list[_Result]:
    """Does the same for every architecture, several at once; all of them come to their end.

    Threads, since most of the time goes to waiting and to hashing, which hold nobody up. Solving does; but
    it takes too little of the time to pay for bringing indexes from one process to another.

    Raises:
        WitcheryError: what went wrong, for whom.
    """
    if len(requests) == 1:
        return [work(requests[0], items[0])]
    from concurrent.futures import ThreadPoolExecutor

    def attempt(request: Request, item: _Item) -> _Result | WitcheryError:
        try:
            return work(request, item)
        except WitcheryError as error:
            return error

    with ThreadPoolExecutor(max_workers=JOBS) as pool:
        ends = list(pool.map(attempt, requests, items))
    failed = [(each, end) for each, end in zip(requests, ends, strict=True) if isinstance(end, WitcheryError)]
    if failed:
        raise _together(failed, len(requests))
    return [end for end in ends if not isinstance(end, WitcheryError)]


def _together(failed: Sequence[tuple[Request, WitcheryError]], count: int) -> WitcheryError:
    """One error for all that went wrong; what is wrong everywhere is said once."""
    if all(isinstance(error, ApplicationError) for _, error in failed):
        return ApplicationError(_merged(failed, count))
    errors: dict[str, tuple[list[str], WitcheryError]] = {}
    for request, error in failed:
        arch = request.arch.apk
        errors.setdefault(_key(str(error), arch), ([], error))[0].append(arch)
    ((archs, first), *others) = errors.values()
    if len(archs) > 1:
        first.hints += (f"the same on {', '.join(archs[1:])}",)
    first.hints += tuple(f"{', '.join(names)}: {error}" for names, error in others)
    return first.at(archs[0])


def _merged(
    failed: Sequence[tuple[Request, WitcheryError]], count: int
) -> Sequence[tuple[str, tuple[str, ...]]]:
    """The reasons of several errors, each once, with its hints."""
    reasons: dict[str, tuple[list[str], str, tuple[str, ...]]] = {}
    for request, error in failed:
        arch = request.arch.apk
        for reason, hints in error.complaints:
            more = _one_for_each(request) if "[foreign-architecture]" in reason else ()
            reasons.setdefault(_key(reason, arch), ([], reason, (*hints, *more)))[0].append(arch)
    merged = []
    for key, (archs, reason, hints) in reasons.items():
        if key == reason and len(archs) == count:
            merged.append((reason, hints))
        else:
            same = (f"The same on {', '.join(archs[1:])}.",) if len(archs) > 1 else ()
            merged.append((f"{archs[0]}: {reason}", (*hints, *same)))
    return merged


def _key(text: str, arch: str) -> str:
    """What two messages have in common that differ in nothing but the architecture."""
    return text.replace(arch, "ARCH")


def _one_for_each(request: Request) -> tuple[str, ...]:
    """What to do about one application for several architectures."""
    if any(each.written for each in request.payload):
        return ()
    return (
        "Or name a file for each architecture, as in `dist/{arch}/app`, or with OCI's names `{platform}`.",
    )


def _of(archs: Sequence[str], count: int, text: str) -> str:
    """A text, and whom it is about unless it is about all."""
    return text if len(archs) == count else f"{', '.join(archs)}: {text}"


def _labelled(workshop: Workshop, request: Request, count: int) -> Workshop:
    if count == 1:
        return workshop
    return replace(workshop, reporter=_Labelled(workshop.reporter, request.arch.apk))


class _Labelled(Reporter):
    """Names the architecture in every task: two of them fetch packages of one name at the same time."""

    def __init__(self, reporter: Reporter, label: str) -> None:
        self._reporter = reporter
        self._label = label

    def started(self, task: str, total: int | None) -> None:
        self._reporter.started(f"{self._label} {task}", total)

    def advanced(self, task: str, count: int) -> None:
        self._reporter.advanced(f"{self._label} {task}", count)

    def finished(self, task: str) -> None:
        self._reporter.finished(f"{self._label} {task}")

    def waiting(self, url: str, seconds: float, reason: str) -> None:
        self._reporter.waiting(url, seconds, reason)

    def warned(self, message: str) -> None:
        self._reporter.warned(f"{self._label}: {message}")
