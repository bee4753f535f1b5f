"""The annotations of an Application that change what is done with it: our own, and Argo CD's."""

import re
from dataclasses import dataclass

from deployer.fields import Fields, nearest

DEFAULT_TIMEOUT = 300.0  # seconds

_OURS = "deployer/"
_ARGO = "argocd.argoproj.io/"
# Ours: the values that ask for nothing. Ignoring any other would deploy what somebody meant to hold back.
_OURS_LATER = {
    "deployer/require-checks": ("",),
    "deployer/require-verified": ("", "false"),
    "deployer/rollback": ("", "false"),
    "deployer/max-prune-percentage": ("",),
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
    """What the annotations of an Application ask for; `timeout` is in seconds."""

    timeout: float = DEFAULT_TIMEOUT


def parse_annotations(metadata: Fields) -> Annotations:
    """Read `metadata.annotations`. Annotations of others (notifications, kubectl) are theirs, and ignored.

    Raises ConfigurationError for one of ours or of Argo CD's that is unknown or not supported yet.
    """
    annotations = metadata.section("annotations")
    values = metadata.text_map("annotations")
    for name, value in values.items():
        if name.startswith(_OURS) and name != "deployer/timeout":
            known = ("deployer/timeout", *_OURS_LATER)
            if name not in _OURS_LATER:
                raise annotations.error(name, f"unknown annotation{nearest(name, known)}; allowed: {', '.join(known)}")
            if value not in _OURS_LATER[name]:
                raise annotations.error(name, "not supported yet; remove the annotation")
        elif name.startswith(_ARGO):
            _refuse_argo(annotations, name.removeprefix(_ARGO), value)
    return Annotations(_seconds(annotations, values.get("deployer/timeout", "")))


def _refuse_argo(annotations: Fields, name: str, value: str) -> None:
    if name in _ARGO_HARMLESS or (name, value) == ("skip-reconcile", "false"):
        return
    problem = (
        f"not supported yet: {_ARGO_LATER[name]}" if name in _ARGO_LATER else "unknown annotation of Argo CD; remove it"
    )
    raise annotations.error(_ARGO + name, problem)


def _seconds(annotations: Fields, text: str) -> float:
    if not text:
        return DEFAULT_TIMEOUT
    seconds = float(text) if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text) else 0.0
    if seconds <= 0:
        raise annotations.error(
            "deployer/timeout", f'{text[:40]!r} is no time; allowed: seconds above 0, such as "300"'
        )
    return seconds
