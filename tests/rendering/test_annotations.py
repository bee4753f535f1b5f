import pytest

from deployer.errors import RenderError
from deployer.manifest import Manifest
from deployer.rendering.annotations import check_annotations

HOOK = "argocd.argoproj.io/hook"
SAYS = "argocd.argoproj.io/sync-options"
KEEP = "helm.sh/resource-policy"


def job(field: str, texts: dict[str, str]) -> Manifest:
    metadata = {"name": "migrate", field: {"app": "shop", **texts}}
    return Manifest({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata}, "job.yaml, document 2")


@pytest.mark.parametrize("field", ["annotations", "labels"])
@pytest.mark.parametrize(
    ("name", "problem"),
    [
        (
            "argocd.argoproj.io/hooks",
            "is unknown; did you mean argocd.argoproj.io/hook?; remove it, or leave the object",
        ),
        ("argocd.argoproj.io/Sync-Wave", "is unknown; did you mean argocd.argoproj.io/sync-wave?; remove it, or "),
        ("argocd.argoproj.io/", "is unknown"),
        ("argocd.argoproj.io/manifest-generate-paths", "is for an Application; remove it"),
        ("argocd.argoproj.io/skip-reconcile", "is for an Application; remove it"),
        ("argocd.argoproj.io/ignore-restart-policy", "is not supported: a Pod that is to end is healthy when it has; "),
        ("helm.sh/hooks", "is unknown; did you mean helm.sh/hook?; remove it"),
        ("helm.sh/hook-delete-timeout", "is unknown; did you mean helm.sh/hook-delete-policy?; remove it"),
        ("applyset.kubernetes.io/part-of", "is reserved for the inventories of deployers; remove it"),
        ("applyset.kubernetes.io/id", "is reserved for the inventories of deployers; remove it"),
    ],
)
def test_what_is_not_known_is_refused_with_object_file_and_name(field: str, name: str, problem: str) -> None:
    with pytest.raises(RenderError) as error:
        check_annotations(job(field, {name: "0"}))
    assert str(error.value).startswith(f"job.yaml, document 2: Job/migrate: metadata.{field}: {name}: {problem}")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (HOOK, "PreSync"),
        ("argocd.argoproj.io/hook-delete-policy", "HookSucceeded"),
        ("argocd.argoproj.io/sync-wave", "1"),
        (SAYS, "Prune=false"),
        ("argocd.argoproj.io/compare-options", "IgnoreExtraneous"),
        ("argocd.argoproj.io/ignore-healthcheck", "true"),
        ("helm.sh/hook", "pre-install"),
        ("helm.sh/hook-weight", "1"),
        ("helm.sh/hook-delete-policy", "hook-failed"),
        (KEEP, "keep"),
    ],
)
def test_what_counts_does_so_as_an_annotation_only(name: str, value: str) -> None:
    check_annotations(job("annotations", {HOOK: "Sync", name: value}))
    with pytest.raises(RenderError, match=f"metadata.labels: {name}: counts as an annotation only; move it to"):
        check_annotations(job("labels", {name: value}))


@pytest.mark.parametrize("field", ["annotations", "labels"])
@pytest.mark.parametrize(
    "name",
    [
        "argocd.argoproj.io/tracking-id",
        "argocd.argoproj.io/instance",
        "argocd.argoproj.io/deletion-approved",
        "argocd.argoproj.io/secret-type",
        "link.argocd.argoproj.io/external-link",
        "helm.sh/chart",
        "helm.sh/hook-output-log-policy",
        "kustomize.toolkit.fluxcd.io/name",
        "sync-wave",
    ],
)
def test_what_changes_nothing_passes(field: str, name: str) -> None:
    check_annotations(job(field, {name: "x"}))


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        (HOOK, "Presync", "'Presync' is unknown; did you mean PreSync?"),
        ("argocd.argoproj.io/hook-delete-policy", "HookSucceeded", "is for hooks, and this is none"),
        ("argocd.argoproj.io/sync-wave", "first", "'first' is no whole number"),
        (SAYS, "Replaces=true", "unknown option 'Replaces=true'"),
        ("kustomize.toolkit.fluxcd.io/ssa", "Merged", "'Merged' is unknown"),
    ],
)
def test_what_an_annotation_says_is_read(name: str, value: str, problem: str) -> None:
    with pytest.raises(RenderError) as error:
        check_annotations(job("annotations", {name: value}))
    assert f"metadata.annotations: {name}: {problem}" in str(error.value)


@pytest.mark.parametrize("hook", [{HOOK: "PostSync"}, {"helm.sh/hook": "pre-install"}])
@pytest.mark.parametrize("option", ["Prune=true", "Prune=confirm", "PruneLast=true"])
def test_a_hook_is_not_pruned(hook: dict[str, str], option: str) -> None:
    with pytest.raises(RenderError, match=f"{SAYS}: {option} is for what is pruned, and a hook never is; remove it"):
        check_annotations(job("annotations", {**hook, SAYS: f"Replace=true,{option}"}))


@pytest.mark.parametrize(
    "texts",
    [
        # Charts carry it on their hooks.
        {HOOK: "PostSync", KEEP: "keep"},
        {HOOK: "PostSync", SAYS: "Prune=false,PruneLast=false"},
        {HOOK: "Skip", SAYS: "Prune=true"},
        {"helm.sh/hook": "crd-install", SAYS: "Prune=true"},
        {SAYS: "Prune=true,PruneLast=true"},
    ],
)
def test_what_is_said_of_pruning_without_harm_passes(texts: dict[str, str]) -> None:
    check_annotations(job("annotations", texts))


def test_no_manifest_says_of_itself_that_it_is_a_hook_of_ours() -> None:
    check_annotations(job("annotations", {"deployer/operation": "0"}))
    with pytest.raises(
        RenderError, match=r"metadata\.labels: deployer/operation: is reserved for the deployer's hooks"
    ):
        check_annotations(job("labels", {"deployer/operation": "0"}))


@pytest.mark.parametrize(
    ("api_version", "kind"), [("v1", "Namespace"), ("apiextensions.k8s.io/v1", "CustomResourceDefinition")]
)
def test_what_takes_others_with_it_is_no_hook(api_version: str, kind: str) -> None:
    def body(phase: str) -> Manifest:
        metadata = {"name": "a", "annotations": {HOOK: phase}}
        return Manifest({"apiVersion": api_version, "kind": kind, "metadata": metadata}, "a.yaml")

    check_annotations(body("Skip"))
    with pytest.raises(RenderError, match=f"a {kind} is no hook: it would be deleted"):
        check_annotations(body("PreSync"))
