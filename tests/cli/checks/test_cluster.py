"""A cluster that answers otherwise than a healthy one of today, played by a proxy before a real one."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deployer.application import parse_application
from deployer.cli.checks.cluster import check_cluster
from deployer.cli.checks.section import Check, Section
from deployer.cluster_document import parse_cluster
from deployer.configuration import Placement
from deployer.manifest import Manifest
from deployer.settings import Settings
from local.world import World
from tests.faults.proxy import Answer, Proxy

Look = Callable[..., dict[str, Check]]


@pytest.fixture
def proxy(world: World, tmp_path: Path) -> Iterator[Proxy]:
    with Proxy(world.clusters["staging"].url, tmp_path) as proxy:
        yield proxy


@pytest.fixture
def look(world: World, proxy: Proxy) -> Look:
    """Looks at `staging` through the proxy; the application has the manifests that are given."""
    name = f"look-{uuid.uuid4().hex[:8]}"
    secret = f"projects/local/secrets/{name}"
    kubeconfig = proxy.kubeconfig(world.clusters["staging"].deployer_kubeconfig)
    world.secret_manager.put(secret, kubeconfig.encode())
    document = parse_cluster(
        {
            "apiVersion": "deployer/v1alpha1",
            "kind": "Cluster",
            "metadata": {"name": name},
            "spec": {"kubeconfig": {"secret": secret}},
        },
        "clusters.yaml, document 1",
    )

    def look(*manifests: dict[str, Any], options: tuple[str, ...] = (), namespace: str = name) -> dict[str, Check]:
        application = parse_application(
            {
                "apiVersion": "argoproj.io/v1alpha1",
                "kind": "Application",
                "metadata": {"name": "web"},
                "spec": {
                    "source": {"repoURL": "https://github.com/acme/web.git", "path": "."},
                    "destination": {"name": name, "namespace": namespace},
                    "syncPolicy": {"syncOptions": list(options)},
                },
            },
            "web.yaml, document 1",
        )
        section = Section("cluster")
        found = [Manifest(body, "a.yaml") for body in manifests]
        settings = Settings(secret_manager_endpoint=world.secret_manager.address)
        check_cluster(section, document, settings, [Placement(application, document)], lambda _: found)
        return {check.name: check for check in section.checks}

    return look


CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}


@pytest.mark.parametrize(
    ("version", "status"),
    [
        ({"major": "1", "minor": "27+", "gitVersion": "v1.27.3-gke.100"}, "ok"),
        ({"major": "2", "minor": "0", "gitVersion": "v2.0.0"}, "ok"),
        ({"major": "1", "minor": "26", "gitVersion": "v1.26.9"}, "failed"),
        ({}, "failed"),
    ],
)
def test_a_version_without_aggregated_discovery_is_too_old(
    proxy: Proxy, look: Look, version: dict[str, str], status: str
) -> None:
    proxy.play("GET /version", Answer(200, version))
    check = look(CONFIG_MAP, namespace="default")["API server"]
    assert check.status == status
    assert f"Kubernetes {version.get('gitVersion', 'an unknown version')}" in check.message
    assert ("1.27" in check.hint) == (status == "failed")


def test_before_1_28_nobody_is_told_who_asks(proxy: Proxy, look: Look) -> None:
    proxy.play("POST .*/selfsubjectreviews", Answer(404, {"message": "the server could not find the resource"}))
    found = look(CONFIG_MAP, namespace="default")
    assert (found["account"].status, found["access for web"].status) == ("skipped", "ok")


def test_an_account_that_may_not_ask_what_it_may_do(proxy: Proxy, look: Look) -> None:
    refused = Answer(403, {"message": "it is forbidden"})
    proxy.play("POST .*/selfsubjectaccessreviews", refused, refused)
    found = look(CONFIG_MAP, namespace="default")
    assert (found["account"].status, found["access for web"].status) == ("failed", "failed")
    assert "system:basic-user" in found["access for web"].hint


def test_a_cluster_that_does_not_tell_its_kinds(proxy: Proxy, look: Look) -> None:
    proxy.play("GET /apis$", Answer(403, {"message": "it is forbidden"}))
    found = look(CONFIG_MAP)
    assert (found["kinds"].status, found["access for web"].status) == ("failed", "skipped")
    assert "system:discovery" in found["kinds"].hint


def test_an_api_that_does_not_answer_is_named(proxy: Proxy, look: Look) -> None:
    stale = {"version": "v1beta1", "freshness": "Stale"}
    groups = [{"metadata": {"name": "metrics.k8s.io"}, "versions": [stale]}]
    proxy.play("GET /apis$", Answer(200, {"kind": "APIGroupDiscoveryList", "items": groups}))
    check = look(CONFIG_MAP, namespace="default")["kinds"]
    assert (check.status, "metrics.k8s.io/v1beta1 does not answer" in check.message) == ("warning", True)


def test_a_namespace_that_the_application_brings_need_not_be_there(look: Look) -> None:
    assert look(CONFIG_MAP)["access for web"].status == "failed"
    assert look(CONFIG_MAP, options=("CreateNamespace=true",))["access for web"].status == "ok"
    name = look(CONFIG_MAP)["access for web"].message.rpartition(" ")[2]
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    assert look(CONFIG_MAP, namespace)["access for web"].status == "ok"


def test_whether_a_namespace_is_there_need_not_be_known(proxy: Proxy, look: Look) -> None:
    proxy.play("GET /api/v1/namespaces/", Answer(403, {"message": "it is forbidden"}))
    assert look(CONFIG_MAP)["access for web"].status == "ok"


def test_an_application_may_name_every_namespace_itself(look: Look) -> None:
    elsewhere = {**CONFIG_MAP, "metadata": {"name": "a", "namespace": "default"}}
    check = look(elsewhere, namespace="")["access for web"]
    assert (check.status, check.message) == ("ok", "its 1 kind can be applied")


def test_a_cluster_that_fails_in_between_is_told(proxy: Proxy, look: Look) -> None:
    proxy.play("GET /api/v1/namespaces/", Answer(422, {"message": "no, not that"}))
    check = look(CONFIG_MAP)["access for web"]
    assert (check.status, check.message) == ("failed", "no, not that")
