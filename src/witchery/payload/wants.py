"""What applications often want beside their libraries: data that no loader asks for.

None of it is ever proven by a file, so all of it is suggested, in the same words whoever suggests it.
"""

from witchery.payload.findings import Evidence, Suggestion


def certificates(*evidence: Evidence) -> Suggestion:
    """Certificates of authorities, at `/etc/ssl/certs/ca-certificates.crt` and `/etc/ssl/cert.pem`."""
    return Suggestion("ca-certificates-bundle", "may check certificates (HTTPS)", evidence)


def time_zones(*evidence: Evidence) -> Suggestion:
    """Time zones, at `/usr/share/zoneinfo`."""
    return Suggestion("tzdata", "may look up time zones", evidence)


def media_types(*evidence: Evidence) -> Suggestion:
    """Media types by file name, at `/etc/mime.types`."""
    return Suggestion("mailcap", "may look up media types of files", evidence)


def network_names(*evidence: Evidence) -> Suggestion:
    """Names of services and protocols, at `/etc/services` and `/etc/protocols`."""
    return Suggestion("alpine-baselayout-data", "may look up services or protocols by name", evidence)
