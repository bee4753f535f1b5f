"""The annotations of an Application that change what is done with it: our own, and Argo CD's."""

import re
from dataclasses import dataclass

from deployer.fields import Fields, nearest

DEFAULT_TIMEOUT = 300.0  # seconds
DEFAULT_MAX_PRUNE_PERCENTAGE = 50

_OURS = "deployer/"
_ARGO = "argocd.argoproj.io/"
_OURS_NOW = ("deployer/timeout", "deployer/max-prune-percentage")
# Ours: the values that ask for nothing. Ignoring any other would deploy what somebody meant to hold back.
_OURS_LATER = {
    "deployer/require-checks": ("",),
    "deployer/require-verified": ("", "false"),
    "deployer/rollback": ("", "false"),
    "deployer/environment-url": ("",),
}
# Argo CD's, on the Application itself. These mark it as an object of another application, or ask Argo CD to look again.
_ARGO_HARMLESS = ("tracking-id", "compare-options", "ignore-healthcheck", "refresh")
_ARGO_LATER = {
    "manifest-generate-paths": "sync on every push to the ref is all there is; remove the annotation",
    "skip-reconcile": "remove the annotation, or spec.syncPolicy.automated to sync by hand",
    "sync-wave": "applications have no order among each other; remove the annotation",
    "sync-options": "write them in spec.syncPolicy.syncOptions",
    "hook": "an application is no hook; remove the annotation",
    "hook-delete-policy": "an application is no hook; remove the annotation",
    "deletion-approved": "nothing is deleted yet; remove the annotation",
}


@dataclass(frozen=True)
class Annotations:
    """What the annotations of an Application ask for.

    `timeout` is in seconds; `max_prune_percentage` of its objects are pruned without a person's approval.
    """

    timeout: float = DEFAULT_TIMEOUT
    max_prune_percentage: int = DEFAULT_MAX_PRUNE_PERCENTAGE


def parse_annotations(metadata: Fields) -> Annotations:
    """Read `metadata.annotations`. Annotations of others (notifications, kubectl) are theirs, and ignored.

    Raises ConfigurationError for one of ours or of Argo CD's that is unknown or not supported yet.
    """
    annotations = metadata.section("annotations")
    values = metadata.text_map("annotations")
    for name, value in values.items():
        if name.startswith(_OURS) and name not in _OURS_NOW:
            known = (*_OURS_NOW, *_OURS_LATER)
            if name not in _OURS_LATER:
                raise annotations.error(name, f"unknown annotation{nearest(name, known)}; allowed: {', '.join(known)}")
            if value not in _OURS_LATER[name]:
                raise annotations.error(name, "not supported yet; remove the annotation")
        elif name.startswith(_ARGO):
            _refuse_argo(annotations, name.removeprefix(_ARGO), value)
    return Annotations(
        _seconds(annotations, values.get("deployer/timeout", "")),
        _percentage(annotations, values.get("deployer/max-prune-percentage", "")),
    )


def _refuse_argo(annotations: Fields, name: str, value: str) -> None:
    if name in _ARGO_HARMLESS or (name, value) == ("skip-reconcile", "false"):
        return
    problem = (
        f"not supported yet: {_ARGO_LATER[name]}" if name in _ARGO_LATER else "unknown annotation of Argo CD; remove it"
    )
    raise annotations.error(_ARGO + name, problem)


def _percentage(annotations: Fields, text: str) -> int:
    if not text:
        return DEFAULT_MAX_PRUNE_PERCENTAGE
    if not re.fullmatch(r"[0-9]{1,3}", text) or int(text) > 100:
        raise annotations.error(
            "deployer/max-prune-percentage", f'{text[:40]!r} is no percentage; allowed: "0" to "100"'
        )
    return int(text)


def _seconds(annotations: Fields, text: str) -> float:
    if not text:
        return DEFAULT_TIMEOUT
    seconds = float(text) if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text) else 0.0
    if seconds <= 0:
        raise annotations.error(
            "deployer/timeout", f'{text[:40]!r} is no time; allowed: seconds above 0, such as "300"'
        )
    return seconds
