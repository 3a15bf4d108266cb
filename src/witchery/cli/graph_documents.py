"""Members that the documents of `why`, `tree` and `inspect` share."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from witchery.build.subject import Subject


def subject_document(subject: "Subject") -> dict[str, Any]:
    """What was asked about, for a program."""
    return {
        "name": subject.name,
        "kind": subject.kind,
        "arch": subject.arch.apk,
        "digest": subject.digest,
        "application": subject.application,
        "packages": len(subject.graph),
        "size": sum(each.installed_size for each in subject.graph.packages.values()),
        "unmet": [
            {"package": each.package, "dependency": str(each.dependency)} for each in subject.graph.unmet
        ],
        "warnings": list(subject.warnings),
    }
