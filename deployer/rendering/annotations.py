"""What Argo CD, Helm and Flux read from a manifest's annotations and labels: all of it counts here, or is refused.

It is refused by its name, and before anything is written: a migration hook with a typo that is deployed as a plain Job
would be worse than an error.
"""

import re

from deployer.fields import nearest
from deployer.hooks import HELM_HOOK, HELM_POLICY, HELM_WEIGHT, HOOK, HOOK_POLICY, WAVE, parse_hook, parse_wave
from deployer.manifest import Manifest
from deployer.object_options import (
    COMPARE_OPTIONS,
    IGNORE_HEALTH,
    RESOURCE_POLICY,
    SYNC_OPTIONS,
    parse_object_options,
)

ANNOTATIONS = (
    *(HOOK, HOOK_POLICY, WAVE, SYNC_OPTIONS, COMPARE_OPTIONS, IGNORE_HEALTH),
    *(HELM_HOOK, HELM_POLICY, HELM_WEIGHT, RESOURCE_POLICY),
)
"""Those that count, as an annotation only. Flux's count as labels, too; they are in `FLUX_OPTIONS`."""

HARMLESS = (
    # A person's approval of a deletion is read from the live object.
    "argocd.argoproj.io/deletion-approved",
    # Whose object Argo CD takes it for, and what it is to do, or to show.
    "argocd.argoproj.io/tracking-id",
    "argocd.argoproj.io/instance",
    "argocd.argoproj.io/refresh",
    "argocd.argoproj.io/secret-type",
    "argocd.argoproj.io/ignore-default-links",
    "argocd.argoproj.io/ignore-resource-updates",
    # Which logs Helm prints.
    "helm.sh/hook-output-log-policy",
)
"""Those that ask for nothing."""

ELSEWHERE = {
    "argocd.argoproj.io/manifest-generate-paths": "is for an Application",
    "argocd.argoproj.io/skip-reconcile": "is for an Application",
    "argocd.argoproj.io/ignore-restart-policy": "is not supported: a Pod that is to end is healthy when it has",
}
"""Those of Argo CD that are known, and refused."""

_THEIRS = re.compile(r"argocd\.argoproj\.io/.*|helm\.sh/(hook.*|resource-policy)")
# KEP-3659: what makes an object a member of an inventory, or an inventory itself.
_INVENTORY = "applyset.kubernetes.io/"
_OURS = "deployer/"
_PRUNED = ("Prune=true", "Prune=confirm", "PruneLast=true")


def check_annotations(manifest: Manifest) -> None:
    """Raise RenderError where an annotation or label of an object asks for what makes no sense or is not supported.

    So does one that claims an inventory, or to be a hook that the deployer has made.
    """
    for field, texts in (("annotations", manifest.annotations), ("labels", manifest.labels)):
        for name in texts:
            if name.startswith(_INVENTORY):
                raise manifest.error(name, "is reserved for the inventories of deployers; remove it", field)
            if field == "labels" and name.startswith(_OURS):
                raise manifest.error(name, "is reserved for the deployer's hooks; remove it", field)
            if _THEIRS.fullmatch(name) and name not in HARMLESS:
                _check_name(manifest, name, field)
    hook = parse_hook(manifest)
    parse_wave(manifest)
    parse_object_options(manifest)
    for option in manifest.listed(SYNC_OPTIONS):
        if hook and hook.phases and option in _PRUNED:
            raise manifest.error(SYNC_OPTIONS, f"{option} is for what is pruned, and a hook never is; remove it")


def _check_name(manifest: Manifest, name: str, field: str) -> None:
    if name not in ANNOTATIONS:
        problem = ELSEWHERE.get(name) or f"is unknown{nearest(name, ANNOTATIONS)}"
        raise manifest.error(name, f"{problem}; remove it, or leave the object out", field)
    if field == "labels":
        raise manifest.error(name, "counts as an annotation only; move it to metadata.annotations", field)
