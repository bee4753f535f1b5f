"""Argo CD's sync options on an Application: what each may be set to here.

Names, values and defaults are those of Argo CD's user guide, "Sync Options". Some ask for nothing beyond what always
happens here: every apply is a server-side one, unchanged objects are never written, and an object of another
application is always refused.
"""

from typing import Literal

from deployer.fields import Fields
from deployer.object_options import APPLICATION_OPTIONS, OBJECT_OPTIONS, SYNC_OPTIONS, option_problem

PruneOption = Literal["true", "false", "confirm"]
"""Whether what is to be deleted goes, stays, or waits for a person's approval."""


_OF_OBJECTS = OBJECT_OPTIONS.keys() - APPLICATION_OPTIONS.keys()
"""Those that an Application cannot have."""


def parse_sync_options(sync_policy: Fields) -> dict[str, str]:
    """`spec.syncPolicy.syncOptions` as a mapping, such as `{"CreateNamespace": "true"}`.

    Raises ConfigurationError for an option that is unknown, for objects only, or set twice, and an unknown value.
    """
    options: dict[str, str] = {}
    for text in sync_policy.texts("syncOptions"):
        name, _, value = text.partition("=")
        if problem := option_problem(text, APPLICATION_OPTIONS):
            elsewhere = f"{text[:80]} is for single objects; write it into the annotation {SYNC_OPTIONS} of one"
            raise sync_policy.error("syncOptions", elsewhere if name in _OF_OBJECTS else problem)
        if name in options:
            raise sync_policy.error("syncOptions", f"{name} is set twice, as {options[name]} and {value}; keep one")
        options[name] = value
    return options
