"""What a secret of Secret Manager is called."""

import re

_PART = r"[A-Za-z0-9][A-Za-z0-9_.:-]*"  # a project may be `example.com:acme`
_NAME = re.compile(
    rf"projects/{_PART}/secrets/[A-Za-z0-9_-]{{1,255}}(/versions/(latest|[0-9]+|[A-Za-z][A-Za-z0-9_-]*))?"
)
ALLOWED = "allowed: projects/PROJECT/secrets/NAME, or projects/PROJECT/secrets/NAME/versions/VERSION"


def problem_of(name: str) -> str:
    """Say what is wrong with a secret's name, and what is allowed; `""` where nothing is."""
    if _NAME.fullmatch(name):
        return ""
    if "/locations/" in name:
        return f"regional secrets are not supported yet; {ALLOWED}"
    return f"is not the name of a secret; {ALLOWED}"
