"""Argo CD's sync options on an Application: what each may be set to here.

Names, values and defaults are those of Argo CD's user guide, "Sync Options". A value that asks for nothing beyond what
always happens here is accepted; one that asks for more than there is yet is refused by its name, because ignoring it
would do something else than the file says.
"""

from typing import Literal

from deployer.fields import Fields, nearest

PruneOption = Literal["true", "false", "confirm"]
"""Whether what left Git goes, stays, or waits for a person's approval."""

# Option: (values accepted now, values of Argo CD that are not supported yet).
_OPTIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "CreateNamespace": (("true", "false"), ()),
    # Every apply here is a server-side one, asked for or not.
    "ServerSideApply": (("true", "false"), ()),
    # Unchanged objects are never written, asked for or not.
    "ApplyOutOfSyncOnly": (("true", "false"), ()),
    "Validate": (("true",), ("false",)),
    "SkipDryRunOnMissingResource": (("false",), ("true",)),
    # What left Git is always pruned after all else is applied.
    "PruneLast": (("true", "false"), ()),
    "Prune": (("true", "false", "confirm"), ()),
    "Delete": (("true",), ("false", "confirm")),
    "PrunePropagationPolicy": (("foreground", "background", "orphan"), ()),
    "Replace": (("false",), ("true",)),
    "Force": (("false",), ("true",)),
    "ClientSideApplyMigration": (("true",), ("false",)),
    # An object of another application is always refused.
    "FailOnSharedResource": (("true", "false"), ()),
    "RespectIgnoreDifferences": (("false",), ("true",)),
}


def parse_sync_options(sync_policy: Fields) -> dict[str, str]:
    """`spec.syncPolicy.syncOptions` as a mapping, such as `{"CreateNamespace": "true"}`.

    Raises ConfigurationError for an option that is unknown or set twice, and a value unknown or not supported yet.
    """
    options: dict[str, str] = {}
    for text in sync_policy.texts("syncOptions"):
        name, _, value = text.partition("=")
        if name not in _OPTIONS:
            raise sync_policy.error(
                "syncOptions", f"unknown option {text!r}{nearest(name, _OPTIONS)}; allowed: {', '.join(_OPTIONS)}"
            )
        supported, later = _OPTIONS[name]
        allowed = "allowed: " + ", ".join(f"{name}={one}" for one in supported)
        if value in later:
            raise sync_policy.error("syncOptions", f"{text} is not supported yet; {allowed}")
        if value not in supported:
            raise sync_policy.error("syncOptions", f"{text!r} is not a value of {name}; {allowed}")
        if name in options:
            raise sync_policy.error("syncOptions", f"{name} is set twice; keep one")
        options[name] = value
    return options
