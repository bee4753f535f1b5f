"""Argo CD's sync options on an Application: what each may be set to here.

Names, values and defaults are those of Argo CD's user guide, "Sync Options". Some ask for nothing beyond what always
happens here: every apply is a server-side one, unchanged objects are never written, and an object of another
application is always refused.
"""

from typing import Literal

from deployer.fields import Fields, nearest
from deployer.object_options import APPLICATION_OPTIONS, OBJECT_OPTIONS, SYNC_OPTIONS

PruneOption = Literal["true", "false", "confirm"]
"""Whether what is to be deleted goes, stays, or waits for a person's approval."""


def parse_sync_options(sync_policy: Fields) -> dict[str, str]:
    """`spec.syncPolicy.syncOptions` as a mapping, such as `{"CreateNamespace": "true"}`.

    Raises ConfigurationError for an option that is unknown, for objects only, or set twice, and an unknown value.
    """
    options: dict[str, str] = {}
    for text in sync_policy.texts("syncOptions"):
        name, _, value = text.partition("=")
        if name not in APPLICATION_OPTIONS:
            if name in OBJECT_OPTIONS:
                problem = f"{text[:80]} is for single objects; write it into the annotation {SYNC_OPTIONS} of one"
            else:
                problem = f"unknown option {text[:80]!r}{nearest(name, APPLICATION_OPTIONS)}"
                problem += f"; allowed: {', '.join(APPLICATION_OPTIONS)}"
            raise sync_policy.error("syncOptions", problem)
        if value not in APPLICATION_OPTIONS[name]:
            allowed = ", ".join(f"{name}={one}" for one in APPLICATION_OPTIONS[name])
            raise sync_policy.error("syncOptions", f"{text[:80]!r} is not a value of {name}; allowed: {allowed}")
        if name in options:
            raise sync_policy.error("syncOptions", f"{name} is set twice, as {options[name]} and {value}; keep one")
        options[name] = value
    return options
