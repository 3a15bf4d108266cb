"""What an image was made of, by what, and how it was asked for (slsa.dev/provenance/v1).

What differs from build to build (a number of the run, times) is there only where it is given: without it the
provenance follows from the image's materials alone, and the same image has the same provenance.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from witchery.digest import Digest
from witchery.value import field, frozen

PREDICATE_TYPE: Final = "https://slsa.dev/provenance/v1"
"""The type of the predicate; the same for all of version 1."""

BUILD_TYPE: Final = "https://witchery.dev/build/v1"
"""How the parameters are to be read: see docs/reference/provenance.md."""

BUILDER: Final = "https://witchery.dev/builder/local"
"""Who built, where nobody says: a Witchery on a machine that nothing is known of (SLSA build level 1)."""


@frozen(kw_only=True)
class Material:
    """Something that went into an image (in-toto, ResourceDescriptor).

    Attributes:
        uri: What it is: a package URL or an address, or an empty string.
        digest: The hash of its content; None where there is none that means something elsewhere.
        name: What it is called.
        location: Where it was, a URL without credentials, or an empty string.
        annotations: More about it.
    """

    uri: str
    digest: Digest | None
    name: str = ""
    location: str = ""
    annotations: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def document(self) -> dict[str, Any]:
        """The JSON object, without members that say nothing."""
        found: dict[str, Any] = {
            "name": self.name,
            "uri": self.uri,
            "digest": {self.digest.algorithm: self.digest.hex} if self.digest else {},
            "downloadLocation": self.location,
            "annotations": dict(self.annotations),
        }
        return {name: content for name, content in found.items() if content}


@frozen(kw_only=True)
class Run:
    """What is known of the run of a builder, and differs from run to run.

    Attributes:
        builder: Who built: a URI that those who trust the builder know it by.
        version: Of Witchery.
        invocation: The number of the run with this builder, or an empty string.
        started: When it began, RFC 3339, or an empty string.
        finished: When it ended, RFC 3339, or an empty string.
    """

    version: str
    builder: str = BUILDER
    invocation: str = ""
    started: str = ""
    finished: str = ""

    def document(self) -> dict[str, Any]:
        """The member `runDetails`."""
        metadata = {
            "invocationId": self.invocation,
            "startedOn": self.started,
            "finishedOn": self.finished,
        }
        known = {name: text for name, text in metadata.items() if text}
        builder = {"id": self.builder, "version": {"witchery": self.version}}
        return {"builder": builder} | ({"metadata": known} if known else {})


def predicate(
    *,
    parameters: Mapping[str, Any],
    internal: Mapping[str, Any],
    materials: Sequence[Material],
    run: Run,
) -> dict[str, Any]:
    """The predicate.

    Args:
        parameters: What was asked for.
        internal: What the builder added by itself.
        materials: What went into it.
        run: Who built, and when.
    """
    definition: dict[str, Any] = {
        "buildType": BUILD_TYPE,
        "externalParameters": dict(parameters),
        "resolvedDependencies": [each.document() for each in materials],
    }
    if internal:
        definition["internalParameters"] = dict(internal)
    return {"buildDefinition": definition, "runDetails": run.document()}
