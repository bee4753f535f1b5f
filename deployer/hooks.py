"""Hooks: objects that do something at a moment of a sync, instead of staying. Pure.

Argo CD's `argocd.argoproj.io/hook`, and Helm's `helm.sh/hook` as Argo CD maps it (its gitops-engine's `pkg/sync/hook`,
and "Helm Hooks" of its user guide): where both are there, Argo CD's counts. It differs here that an unknown word is an
error: Argo CD drops it, and with the last one the object, without a word.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar, get_args

from deployer.fields import nearest
from deployer.manifest import Manifest

Phase = Literal["PreSync", "Sync", "PostSync", "SyncFail", "PreDelete", "PostDelete"]
"""When a hook runs: before, with or after the objects, when they fail, and around the application's deletion."""

DeletePolicy = Literal["BeforeHookCreation", "HookSucceeded", "HookFailed"]
"""When a hook is deleted: before it is made again, or when the sync it belongs to succeeded or failed."""

HOOK = "argocd.argoproj.io/hook"
HOOK_POLICY = "argocd.argoproj.io/hook-delete-policy"
WAVE = "argocd.argoproj.io/sync-wave"
HELM_HOOK = "helm.sh/hook"
HELM_POLICY = "helm.sh/hook-delete-policy"
HELM_WEIGHT = "helm.sh/hook-weight"

Moment = Phase | Literal["Skip", "crd-install"]
"""What a hook annotation may mean: a phase; to be never applied; and Helm 2's mark of a CustomResourceDefinition that
is to be there first, which makes no hook, since that order is kept anyway."""

ARGO_MOMENTS: Mapping[str, Moment] = {**{phase: phase for phase in get_args(Phase)}, "Skip": "Skip"}
HELM_MOMENTS: Mapping[str, Moment] = {
    "pre-install": "PreSync",
    "pre-upgrade": "PreSync",
    "post-install": "PostSync",
    "post-upgrade": "PostSync",
    "pre-delete": "PreDelete",
    "post-delete": "PostDelete",
    # A sync is neither a rollback nor a test of a release.
    "pre-rollback": "Skip",
    "post-rollback": "Skip",
    "test": "Skip",
    "test-success": "Skip",
    "test-failure": "Skip",
    "crd-install": "crd-install",
}
POLICIES: Mapping[str, DeletePolicy] = {policy: policy for policy in get_args(DeletePolicy)}
HELM_POLICIES: Mapping[str, DeletePolicy] = {
    "before-hook-creation": "BeforeHookCreation",
    "hook-succeeded": "HookSucceeded",
    "hook-failed": "HookFailed",
}

_NO_HOOKS = (("", "Namespace"), ("apiextensions.k8s.io", "CustomResourceDefinition"))
_DEFAULT: frozenset[DeletePolicy] = frozenset({"BeforeHookCreation"})
_BOUND = 2**31
_T = TypeVar("_T")


@dataclass(frozen=True)
class Hook:
    """What a hook asks for.

    `phases` are in the order of a sync, each once; without any the object is never applied (`Skip`, Helm's tests and
    rollbacks). `policies` are never empty.
    """

    phases: tuple[Phase, ...]
    policies: frozenset[DeletePolicy]


def parse_hook(manifest: Manifest) -> Hook | None:
    """Read what an object's annotations make of it; None for an ordinary object.

    Where both Argo CD and Helm name delete policies, all of them count, as in Argo CD.
    Raises RenderError for a word that is unknown or contradicts another, an empty list, and a policy without a hook.
    """
    policies = _read(manifest, HOOK_POLICY, POLICIES) | _read(manifest, HELM_POLICY, HELM_POLICIES)
    name = next((name for name in (HOOK, HELM_HOOK) if name in manifest.annotations), "")
    if not name:
        for policy, hook in ((HOOK_POLICY, HOOK), (HELM_POLICY, HELM_HOOK)):
            if policy in manifest.annotations:
                raise manifest.error(policy, f"is for hooks, and this is none; add {hook}, or remove it")
        return None
    known = ARGO_MOMENTS if name == HOOK else HELM_MOMENTS
    moments = _read(manifest, name, known)
    if not moments:
        raise manifest.error(name, f"is empty; allowed: {', '.join(known)}")
    if name == HOOK and "Skip" in moments and len(moments) > 1:
        raise manifest.error(name, "Skip contradicts every phase; keep Skip, or the others")
    if moments == {"crd-install"}:
        return None
    if (manifest.group, manifest.kind) in _NO_HOOKS and moments != {"Skip"}:
        problem = f"a {manifest.kind} is no hook: it would be deleted, and all that depends on it, before each sync"
        raise manifest.error(name, f"{problem}; remove this, and give it a low {WAVE} if it has to be first")
    return Hook(tuple(phase for phase in get_args(Phase) if phase in moments), policies or _DEFAULT)


def parse_wave(manifest: Manifest) -> int:
    """Return the wave of an object within its phase: lower ones go first, and 0 is what says nothing.

    Argo CD's word counts, else Helm's; that of ordinary objects, too. Raises RenderError where it is no whole number
    of 32 bits.
    """
    for name in (WAVE, HELM_WEIGHT):
        if name in manifest.annotations:
            text = manifest.annotations[name]
            # As Go's `strconv.Atoi` reads it, which is what Argo CD and Helm do.
            wave = int(text) if re.fullmatch(r"[+-]?[0-9]{1,10}", text) else _BOUND
            if not -_BOUND <= wave < _BOUND:
                problem = f'{text[:40]!r} is no whole number; allowed: "{-_BOUND}" to "{_BOUND - 1}", such as "-1"'
                raise manifest.error(name, problem)
            return wave
    return 0


def _read(manifest: Manifest, name: str, known: Mapping[str, _T]) -> frozenset[_T]:
    """What the words of an annotation mean; none where it is not there, or empty."""
    # Helm reads its own in any case.
    words = [word.lower() if name.startswith("helm.sh/") else word for word in manifest.listed(name)]
    for word in words:
        if word not in known:
            problem = f"{word[:40]!r} is unknown{nearest(word, known)}; allowed: {', '.join(known)}"
            raise manifest.error(name, problem)
    return frozenset(known[word] for word in words)
