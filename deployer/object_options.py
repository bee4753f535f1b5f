"""How one object is applied: what its own annotations, and Flux's labels, ask for. Pure.

Argo CD's sync options ("Sync Options" of its user guide) are in the annotation `argocd.argoproj.io/sync-options`,
Flux's in annotations or labels of the group `kustomize.toolkit.fluxcd.io` ("Controlling the apply behavior of
resources" in the documentation of its Kustomization). What is unknown or contradicts itself is an error, for whoever
wrote it meant something.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, cast, get_args

from deployer.fields import nearest
from deployer.manifest import Manifest, words

Ssa = Literal["Override", "Merge", "IfNotPresent", "Ignore"]
"""Flux's ways to apply: take fields over; leave those of others; only create; leave the object alone."""

SYNC_OPTIONS = "argocd.argoproj.io/sync-options"
COMPARE_OPTIONS = "argocd.argoproj.io/compare-options"
IGNORE_HEALTH = "argocd.argoproj.io/ignore-healthcheck"
RESOURCE_POLICY = "helm.sh/resource-policy"
FLUX = "kustomize.toolkit.fluxcd.io/"

_FLAG = ("true", "false")
_LEAVING = ("true", "false", "confirm")

APPLICATION_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "CreateNamespace": _FLAG,
    "ServerSideApply": _FLAG,
    "ApplyOutOfSyncOnly": _FLAG,
    "Validate": _FLAG,
    "SkipDryRunOnMissingResource": _FLAG,
    "PruneLast": _FLAG,
    "Prune": _LEAVING,
    "Delete": _LEAVING,
    "PrunePropagationPolicy": ("foreground", "background", "orphan"),
    "Replace": _FLAG,
    "ClientSideApplyMigration": _FLAG,
    "FailOnSharedResource": _FLAG,
    "RespectIgnoreDifferences": _FLAG,
}
"""The sync options of an Application, and what each may be."""

OBJECT_OPTIONS: Mapping[str, tuple[str, ...]] = {
    **{
        name: APPLICATION_OPTIONS[name]
        for name in (
            *("ServerSideApply", "Validate", "SkipDryRunOnMissingResource", "PruneLast", "Prune", "Delete", "Replace"),
        )
    },
    "Force": _FLAG,
}
"""The sync options of an object, and what each may be."""

COMPARE: tuple[str, ...] = (
    "IgnoreExtraneous",
    # The server is always asked what would change, its webhooks with it.
    *("ServerSideDiff=true", "ServerSideDiff=false", "IncludeMutationWebhook=true"),
)
"""What `compare-options` may say; only the first of them changes anything."""

FLUX_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "ssa": get_args(Ssa),
    "force": ("enabled", "disabled"),
    "prune": ("enabled", "disabled"),
    "reconcile": ("enabled", "disabled"),
}
"""What Flux's annotations and labels may say, in any case."""

_OF_APPLICATIONS = APPLICATION_OPTIONS.keys() - OBJECT_OPTIONS.keys()
_KEPT = (
    (RESOURCE_POLICY, "keep"),
    (f"{FLUX}prune", "disabled"),
    (f"{FLUX}reconcile", "disabled"),
    (f"{FLUX}ssa", "Ignore"),
)
_CONTRADICTIONS = (
    ("Replace=true", f"{FLUX}ssa: Merge"),
    ("Replace=true", f"{FLUX}ssa: IfNotPresent"),
    ("Force=true", f"{FLUX}force: disabled"),
    ("Force=false", f"{FLUX}force: enabled"),
    ("Prune=false", f"{FLUX}prune: enabled"),
    *(
        (f"{name}={value}", keeper)
        for name in ("Prune", "Delete")
        for value in ("true", "confirm")
        for keeper in (f"{FLUX}prune: disabled", f"{RESOURCE_POLICY}: keep")
    ),
)
_NEVER_MADE_AGAIN = (("apiextensions.k8s.io", "CustomResourceDefinition"), ("", "Namespace"))


@dataclass(frozen=True)
class ObjectOptions:
    """How an object is applied.

    `validate` is the server's look for unknown fields; `skip_dry_run_on_missing` lets an object of a kind that is not
    served yet go untried. `replace` writes the whole object instead of applying it, `force` deletes it and makes it
    again where the server allows no change, and `prune_last` prunes it after all else. `take_over` makes the fields
    that others have applied ours, `ssa` is Flux's way to apply, and `ignore_health` waits for no health of it.
    """

    validate: bool = True
    skip_dry_run_on_missing: bool = False
    replace: bool = False
    force: bool = False
    prune_last: bool = False
    take_over: bool = True
    ssa: Ssa = "Override"
    ignore_health: bool = False


DEFAULTS = ObjectOptions()


def with_options(options: Mapping[str, str], defaults: ObjectOptions = DEFAULTS) -> ObjectOptions:
    """Lay sync options, such as `{"Replace": "true"}`, over others; those that are of no object are left out."""

    def flag(name: str, default: bool) -> bool:
        return options[name] == "true" if name in options else default

    return replace(
        defaults,
        validate=flag("Validate", defaults.validate),
        skip_dry_run_on_missing=flag("SkipDryRunOnMissingResource", defaults.skip_dry_run_on_missing),
        replace=flag("Replace", defaults.replace),
        force=flag("Force", defaults.force),
        prune_last=flag("PruneLast", defaults.prune_last),
        take_over=flag("ClientSideApplyMigration", defaults.take_over),
    )


def parse_object_options(manifest: Manifest, defaults: ObjectOptions = DEFAULTS) -> ObjectOptions:
    """Read what an object asks for; `defaults` are its application's, and its own word goes before them.

    `Force` is never that of a CustomResourceDefinition or a Namespace: their deletion takes others with them.
    Raises RenderError for what is unknown, contradicts itself, or belongs elsewhere.
    """
    own = _sync_options(manifest)
    flux = {key: _flux(manifest, key) for key in FLUX_OPTIONS}
    _contradictions(manifest, own, flux)
    _compare_options(manifest)
    found = with_options(own, defaults)
    ssa = cast("Ssa", flux["ssa"] or found.ssa)
    if flux["reconcile"] == "disabled":
        ssa = "Ignore"
    force = flux["force"] == "enabled" if flux["force"] else found.force
    return replace(
        found,
        replace=found.replace and ssa not in ("Merge", "IfNotPresent"),
        force=force and (manifest.group, manifest.kind) not in _NEVER_MADE_AGAIN,
        take_over=found.take_over and ssa != "Merge",
        ssa=ssa,
        ignore_health=_ignores_health(manifest),
    )


def option_problem(text: str, known: Mapping[str, tuple[str, ...]]) -> str:
    """Say what is wrong with a sync option, such as `Prune=maybe`; `""` where nothing is."""
    name, _, value = text.partition("=")
    if name not in known:
        return f"unknown option {text[:80]!r}{nearest(name, known)}; allowed: {', '.join(known)}"
    if value not in known[name]:
        allowed = ", ".join(f"{name}={one}" for one in known[name])
        return f"{text[:80]!r} is not a value of {name}; allowed: {allowed}"
    return ""


def option_values(manifest: Manifest, name: str) -> set[str]:
    """What an object, mostly a live one, says of a sync option: `{"false"}` for `Prune=false`; nothing is refused."""
    parts = (word.partition("=") for word in manifest.listed(SYNC_OPTIONS))
    return {value for found, _, value in parts if found == name}


def kept_by(manifest: Manifest) -> str:
    """What makes a live object stay, whatever its sync options say, such as `helm.sh/resource-policy: keep`; or `""`.

    It is neither pruned nor deleted with its application: that is Helm's word, and Flux's garbage collection leaves
    out what is not to be pruned, reconciled or applied.
    """
    for name, value in _KEPT:
        texts = [manifest.annotations.get(name), name.startswith(FLUX) and manifest.labels.get(name)]
        if any(str(text).lower() == value.lower() for text in texts):
            return f"{name}: {value}"
    return ""


def extraneous_ignored(annotations: Mapping[str, str]) -> bool:
    """Whether an object with these annotations that is in the cluster, and not in Git, is not out of sync for it."""
    return "IgnoreExtraneous" in words(annotations.get(COMPARE_OPTIONS, ""))


def _sync_options(manifest: Manifest) -> dict[str, str]:
    """The object's own sync options."""
    options: dict[str, str] = {}
    for text in manifest.listed(SYNC_OPTIONS):
        name, _, value = text.partition("=")
        if problem := option_problem(text, OBJECT_OPTIONS):
            elsewhere = f"{text[:80]} is for whole applications; write it into spec.syncPolicy.syncOptions of one"
            raise manifest.error(SYNC_OPTIONS, elsewhere if name in _OF_APPLICATIONS else problem)
        if name in options:
            raise manifest.error(SYNC_OPTIONS, _contradict(f"{name}={options[name]}", text))
        options[name] = value
    return options


def _flux(manifest: Manifest, key: str) -> str:
    """What Flux's annotation or label says, as it is written in its documentation; `""` where it says nothing."""
    name, known = FLUX + key, {value.lower(): value for value in FLUX_OPTIONS[key]}
    found = set()
    for field, texts in (("annotations", manifest.annotations), ("labels", manifest.labels)):
        if text := texts.get(name):
            if text.lower() not in known:
                problem = (
                    f"{text[:40]!r} is unknown{nearest(text, known.values())}; allowed: {', '.join(known.values())}"
                )
                raise manifest.error(name, problem, field)
            found.add(known[text.lower()])
    if len(found) > 1:
        raise manifest.error(name, f"annotation and label, {_contradict(*sorted(found))}")
    return "".join(found)


def _contradictions(manifest: Manifest, own: Mapping[str, str], flux: Mapping[str, str]) -> None:
    """Refuse two words that cannot both be kept."""
    policy = manifest.annotations.get(RESOURCE_POLICY, "")
    if policy != "keep" and RESOURCE_POLICY in manifest.annotations:
        raise manifest.error(RESOURCE_POLICY, f"{policy[:40]!r} is unknown; allowed: keep")
    said = {f"{name}={value}" for name, value in own.items()}
    others = {f"{FLUX}{key}: {value}" for key, value in flux.items()} | {f"{RESOURCE_POLICY}: {policy}"}
    for one, other in _CONTRADICTIONS:
        if one in said and other in others:
            raise manifest.error(SYNC_OPTIONS, _contradict(one, other))


def _contradict(one: str, other: str) -> str:
    return f"{one} and {other} contradict each other; keep one"


def _compare_options(manifest: Manifest) -> None:
    for text in manifest.listed(COMPARE_OPTIONS):
        if text not in COMPARE:
            problem = f"{text[:80]!r} is unknown{nearest(text, COMPARE)}; allowed: {', '.join(COMPARE)}"
            raise manifest.error(COMPARE_OPTIONS, problem)


def _ignores_health(manifest: Manifest) -> bool:
    text = manifest.annotations.get(IGNORE_HEALTH, "false")
    if text not in _FLAG:
        raise manifest.error(IGNORE_HEALTH, f'{text[:40]!r} is neither; allowed: "true", "false"')
    return text == "true"
