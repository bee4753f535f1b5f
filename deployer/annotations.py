"""The annotations of an Application that change what is done with it: our own, and Argo CD's."""

import re
from dataclasses import dataclass

from deployer.fields import Fields, nearest
from deployer.ours import is_ours

DEFAULT_TIMEOUT = 300.0  # seconds
DEFAULT_MAX_PRUNE_PERCENTAGE = 50
MOST_CHECKS = 30
"""Checks that an application may require: on a commit that has hundreds, each is asked for by itself."""

_COMMA = re.compile(r",(?![^()]*\))")  # GitHub Actions calls a job of a matrix `test (3.13, ubuntu-latest)`
_CHECK = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,255}")

SKIP_RECONCILE = "argocd.argoproj.io/skip-reconcile"
GENERATE_PATHS = "argocd.argoproj.io/manifest-generate-paths"
REQUIRE_CHECKS = "deployer/require-checks"
REQUIRE_VERIFIED = "deployer/require-verified"
OURS = ("deployer/timeout", "deployer/max-prune-percentage", "deployer/rollback", REQUIRE_CHECKS, REQUIRE_VERIFIED)
# Ours: the values that ask for nothing. Ignoring any other would deploy what somebody meant to hold back.
OURS_LATER = {"deployer/environment-url": ("",)}
# Argo CD's, on the Application itself. These mark it as an object of another application, ask Argo CD to look again, or
# are for its page.
HARMLESS = tuple(
    f"argocd.argoproj.io/{name}"
    for name in (
        *("tracking-id", "compare-options", "ignore-healthcheck", "refresh", "refresh-timestamp", "managed-by-url"),
    )
)
REFUSED = {
    "argocd.argoproj.io/sync-wave": "applications have no order among each other",
    "argocd.argoproj.io/sync-options": "an application's are in spec.syncPolicy.syncOptions",
    "argocd.argoproj.io/hook": "an application is no hook",
    "argocd.argoproj.io/hook-delete-policy": "an application is no hook",
    "argocd.argoproj.io/deletion-approved": "an approval stands on the object that waits for it",
    "argocd.argoproj.io/client-side-apply-migration-manager": "fields are taken over from every known tool",
}


@dataclass(frozen=True)
class Annotations:
    """What the annotations of an Application ask for.

    `timeout` is in seconds; `max_prune_percentage` of its objects are pruned without a person's approval. With
    `rollback`, it goes back to its last healthy revision where a rollout fails; with `skip_reconcile`, nothing is done
    by itself. `generate_paths` are as they are written, `""` where all of the repository counts. `require_checks` are
    the names of checks and the contexts of statuses that must be green on a commit; with `require_verified`, GitHub
    must verify its signature.
    """

    timeout: float = DEFAULT_TIMEOUT
    max_prune_percentage: int = DEFAULT_MAX_PRUNE_PERCENTAGE
    rollback: bool = False
    skip_reconcile: bool = False
    generate_paths: str = ""
    require_checks: tuple[str, ...] = ()
    require_verified: bool = False


def parse_annotations(metadata: Fields) -> Annotations:
    """Read `metadata.annotations`. Annotations of others (notifications, kubectl) are theirs, and ignored.

    Raises ConfigurationError for one of ours or of Argo CD's that is unknown or not supported yet.
    """
    annotations = metadata.section("annotations")
    values = metadata.text_map("annotations")
    for name, value in values.items():
        if name.startswith("deployer/") and name not in OURS:
            known = (*OURS, *OURS_LATER)
            if name not in OURS_LATER:
                raise annotations.error(name, f"unknown annotation{nearest(name, known)}; allowed: {', '.join(known)}")
            if value not in OURS_LATER[name]:
                raise annotations.error(name, "not supported yet; remove the annotation")
        elif name in REFUSED:
            raise annotations.error(name, f"not supported: {REFUSED[name]}; remove the annotation")
        elif name.startswith("argocd.argoproj.io/") and name not in (SKIP_RECONCILE, GENERATE_PATHS, *HARMLESS):
            known = (SKIP_RECONCILE, GENERATE_PATHS, *HARMLESS)
            raise annotations.error(name, f"unknown annotation of Argo CD{nearest(name, known)}; remove it")
    return Annotations(
        _seconds(annotations, values.get("deployer/timeout", "")),
        _percentage(annotations, values.get("deployer/max-prune-percentage", "")),
        _flag(annotations, "deployer/rollback"),
        _flag(annotations, SKIP_RECONCILE),
        values.get(GENERATE_PATHS, ""),
        _checks(annotations, values.get(REQUIRE_CHECKS, "")),
        _flag(annotations, REQUIRE_VERIFIED),
    )


def _flag(annotations: Fields, name: str) -> bool:
    text = annotations.text(name)
    if text not in ("", "true", "false"):
        raise annotations.error(name, f'{text[:40]!r} is neither; allowed: "true", "false"')
    return text == "true"


def _checks(annotations: Fields, text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(map(str.strip, _COMMA.split(text)))) if text else ()
    if len(names) > MOST_CHECKS:
        raise annotations.error(REQUIRE_CHECKS, f"{len(names)} checks are too many; allowed: {MOST_CHECKS}")
    for name in names:
        if not _CHECK.fullmatch(name):
            allowed = 'names with "," between, at most 255 characters each'
            raise annotations.error(REQUIRE_CHECKS, f"{name[:40]!r} is no name of a check; allowed: {allowed}")
        if is_ours(name):
            raise annotations.error(
                REQUIRE_CHECKS, f"{name[:40]!r} is what the deployer itself says of a commit; name a check of yours"
            )
    return names


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
