"""A cluster as Argo CD leaves it: its kinds, its objects, and what it has deployed. Argo CD itself does not run."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.local.kubectl import Kubectl
from tests.world import Bench

KINDS = {"applications": "Application", "appprojects": "AppProject", "applicationsets": "ApplicationSet"}


def argo_kinds() -> list[dict[str, Any]]:
    """Argo CD's kinds, without their schemas."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1alpha1", "served": True, "storage": True, "schema": {"openAPIV3Schema": anything}}
    return [
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.argoproj.io"},
            "spec": {
                "group": "argoproj.io",
                "scope": "Namespaced",
                "names": {"plural": plural, "singular": kind.lower(), "kind": kind},
                "versions": [version],
            },
        }
        for plural, kind in KINDS.items()
    ]


def argo(kind: str, name: str, spec: dict[str, Any], **more: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "argocd", **more}
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}


FINALIZER = "resources-finalizer.argocd.argoproj.io"


@contextmanager
def argo_world(bench: Bench) -> Iterator[Kubectl]:
    """A cluster where Argo CD deploys the bench's application, and the set `agent` to a cluster `edge`."""
    kubectl = Kubectl(bench.world.clusters["staging"].admin_kubeconfig)
    source = {"repoURL": bench.clone.url, "targetRevision": "main", "path": "k8s"}
    here = {"server": "https://kubernetes.default.svc", "namespace": bench.name}
    policy = {"automated": {"prune": True, "selfHeal": True}, "retry": {"limit": 3}}
    spec = {"project": "default", "source": source, "destination": here, "syncPolicy": policy}
    noted = {"notifications.argoproj.io/subscribe.on-sync-failed.slack": "shop"}
    shop = argo("Application", bench.name, spec, finalizers=[FINALIZER], annotations=noted)
    shop["status"] = {"sync": {"status": "Synced"}, "operationState": {"phase": "Succeeded"}}
    everything = {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}]}
    everything["clusterResourceWhitelist"] = [{"group": "*", "kind": "*"}]
    agent = {"source": {**source, "repoURL": "https://github.com/acme/agent.git"}, "project": "default"}
    placed = {**agent, "destination": {"server": "{{server}}", "namespace": "agent"}}
    edges = {"clusters": {"selector": {"matchLabels": {"env": "edge"}}}}
    template = {"metadata": {"name": "agent-{{name}}"}, "spec": placed}
    labels = {"argocd.argoproj.io/secret-type": "cluster", "env": "edge"}
    text = {"name": "edge", "server": "https://edge.example.com", "config": '{"bearerToken": "hidden"}'}
    secret = {"apiVersion": "v1", "kind": "Secret", "stringData": text}
    kubectl("create", "namespace", "argocd")
    try:
        kubectl.apply(
            shop,
            argo("AppProject", "default", everything, finalizers=[FINALIZER]),
            argo("ApplicationSet", "agent", {"generators": [edges], "template": template}),
            {**secret, "metadata": {"name": "cluster-edge", "namespace": "argocd", "labels": labels}},
        )
        uid = kubectl.get("applicationset", "agent", "-n", "argocd")["metadata"]["uid"]
        owner = {"apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet", "name": "agent", "uid": uid}
        edge = {**agent, "destination": {"server": text["server"], "namespace": "agent"}}
        kubectl.apply(argo("Application", "agent-edge", edge, ownerReferences=[owner], finalizers=[FINALIZER]))
        yield kubectl
    finally:
        for kind in KINDS:
            for name in kubectl("get", kind, "-n", "argocd", "-o", "name").split():
                kubectl("patch", name, "-n", "argocd", "--type=merge", "-p", '{"metadata": {"finalizers": null}}')
        kubectl("delete", "namespace", "argocd")


MARK = "argocd.argoproj.io/tracking-id"


def deployed_by_argo(kubectl: Kubectl, bench: Bench, *bodies: dict[str, Any], way: tuple[str, ...] = ()) -> None:
    """Apply as Argo CD does, under its name and with its mark (gitops-engine, `resource_ops.go`)."""
    for body in bodies:
        marked = {**body, "metadata": {**body["metadata"], "annotations": {MARK: f"{bench.name}:{body['kind']}"}}}
        kubectl(
            "apply", *way, "--field-manager=argocd-controller", "-n", bench.name, "-f", "-", stdin=json.dumps(marked)
        )


SERVER_SIDE = ("--server-side", "--force-conflicts")
