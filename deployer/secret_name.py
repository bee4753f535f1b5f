"""Where a secret is, as settings and documents say it: in Secret Manager, or in a mounted file."""

import re

_PART = r"[A-Za-z0-9][A-Za-z0-9_.:-]*"  # a project may be `example.com:acme`
_NAME = re.compile(
    rf"projects/{_PART}(/locations/(?P<location>[a-z][a-z0-9-]*))?/secrets/[A-Za-z0-9_-]{{1,255}}"
    r"(/versions/(latest|[0-9]+|[A-Za-z][A-Za-z0-9_-]*))?"
)
_ALLOWED = (
    "allowed: projects/PROJECT/secrets/NAME, projects/PROJECT/locations/LOCATION/secrets/NAME (a regional secret), "
    "each with or without /versions/VERSION, or file:/PATH"
)

FILE = "file:"
MANAGED = "projects/"


def problem_of(place: str) -> str:
    """Say what is wrong with the place of a secret, and what is allowed; `""` where nothing is."""
    if _NAME.fullmatch(place) or (place.startswith(f"{FILE}/") and place.isprintable()):
        return ""
    if place.startswith(FILE):
        return f"is not the absolute path of a mounted secret; {_ALLOWED}"
    return f"is not the name of a secret; {_ALLOWED}"


def location_of(name: str) -> str:
    """Return the location of a regional secret of Secret Manager; `""` where it is none."""
    found = _NAME.fullmatch(name)
    return (found["location"] or "") if found else ""
