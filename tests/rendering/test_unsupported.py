import pytest

from deployer.errors import RenderError
from deployer.manifest import Manifest
from deployer.rendering.unsupported import refuse_unsupported


def job(field: str, name: str, value: object = "0") -> Manifest:
    metadata = {"name": "migrate", field: {"app": "shop", name: value}}
    body = {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata}
    return Manifest(body, "job.yaml, document 2")


@pytest.mark.parametrize("field", ["annotations", "labels"])
@pytest.mark.parametrize(
    "name",
    [
        "argocd.argoproj.io/hook",
        "argocd.argoproj.io/hook-delete-policy",
        "argocd.argoproj.io/sync-wave",
        "argocd.argoproj.io/sync-options",
        "argocd.argoproj.io/compare-options",
        "argocd.argoproj.io/ignore-healthcheck",
        "argocd.argoproj.io/hooks",
        "argocd.argoproj.io/Sync-Wave",
        "helm.sh/hooks",
        "helm.sh/hook",
        "helm.sh/hook-weight",
        "helm.sh/hook-delete-policy",
        "helm.sh/resource-policy",
        "kustomize.toolkit.fluxcd.io/ssa",
        "kustomize.toolkit.fluxcd.io/force",
        "kustomize.toolkit.fluxcd.io/prune",
        "kustomize.toolkit.fluxcd.io/reconcile",
        "applyset.kubernetes.io/part-of",
        "applyset.kubernetes.io/id",
    ],
)
def test_what_is_not_supported_is_refused_with_object_file_and_name(field: str, name: str) -> None:
    with pytest.raises(RenderError, match=f"job.yaml, document 2: Job/migrate: metadata.{field}: {name}.* is "):
        refuse_unsupported(job(field, name))


@pytest.mark.parametrize(
    "name",
    [
        "argocd.argoproj.io/tracking-id",
        "argocd.argoproj.io/instance",
        "link.argocd.argoproj.io/external-link",
        "helm.sh/chart",
        "kustomize.toolkit.fluxcd.io/name",
        "sync-wave",
    ],
)
def test_what_changes_nothing_passes(name: str) -> None:
    refuse_unsupported(job("annotations", name))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("argocd.argoproj.io/sync-options", "Prune=true"),
        ("argocd.argoproj.io/sync-options", "Prune=false"),
        ("argocd.argoproj.io/sync-options", "Prune=confirm"),
        ("helm.sh/resource-policy", "keep"),
    ],
)
def test_what_says_whether_an_object_is_pruned_passes_as_an_annotation_only(name: str, value: str) -> None:
    refuse_unsupported(job("annotations", name, value))
    with pytest.raises(RenderError, match=f"metadata.labels: {name} is not supported"):
        refuse_unsupported(job("labels", name, value))


@pytest.mark.parametrize(
    "value", ["Prune=Confirm", "Prune=False", "Prune=false,Replace=true", "Replace=true", "", None]
)
def test_other_sync_options_are_refused_with_what_is_allowed(value: object) -> None:
    with pytest.raises(RenderError, match=r"sync-options: .* is not supported yet; allowed: Prune=true, Prune=false"):
        refuse_unsupported(job("annotations", "argocd.argoproj.io/sync-options", value))
