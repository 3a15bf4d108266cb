"""CISA's catalogue of vulnerabilities that are exploited (https://www.cisa.gov/known-exploited-vulnerabilities).

`{"vulnerabilities": [{"cveID", "dateAdded", "dueDate", "knownRansomwareCampaignUse"}, ...]}`, or the same as
CSV with these names in its first line.
"""

from collections.abc import Mapping

from witchery.errors import FormatError, located
from witchery.oci.document import Fields
from witchery.vulns.finding import Exploited


def read(document: object) -> Mapping[str, Exploited]:
    """Reads a decoded catalogue.

    Raises:
        FormatError: if it is something else, or exceeds a limit.
    """
    entries = Fields.of(document).objects("vulnerabilities", _entry)
    return dict(entries)


def read_csv(text: str) -> Mapping[str, Exploited]:
    """Reads a catalogue as CSV.

    Raises:
        FormatError: if it is something else.
    """
    import csv

    found: dict[str, Exploited] = {}
    try:
        for number, row in enumerate(csv.DictReader(text.splitlines()), 2):
            with located(f"line {number}"):
                name, exploited = _entry(Fields({key: cell for key, cell in row.items() if key}))
                found[name] = exploited
    except csv.Error as error:
        raise FormatError(f"expected CSV: {error}") from None
    return found


def _entry(fields: Fields) -> tuple[str, Exploited]:
    used = fields.text("knownRansomwareCampaignUse", "").lower() == "known"
    return fields.text("cveID"), Exploited(fields.text("dateAdded"), fields.text("dueDate", ""), used)
