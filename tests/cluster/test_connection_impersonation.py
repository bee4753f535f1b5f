"""A cluster that is asked as a service account: what is sent, and by whose rights a real server then goes."""

import pytest

from deployer.cluster.connection import Cluster
from deployer.errors import ClusterError
from local.world import World
from tests.cluster.conftest import Server, refusal
from tests.cluster.helpers import make_namespace, narrow

TEAM = "system:serviceaccount:shop:team"
REVIEW = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
CONFIG_MAPS = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list", "create"]}


def test_connections_and_the_count_of_requests_are_shared(server: Server, cluster: Cluster) -> None:
    acting = cluster.acting_as(TEAM)
    for one in (cluster, acting, acting.acting_as("")):
        one.request("GET", "/x")
    assert [asked.headers.get("impersonate-user") for asked in server.asked] == [None, TEAM, None]
    assert all(asked.headers["authorization"] == "Bearer s3cret-token" for asked in server.asked)
    assert (cluster.requests, acting.requests, server.connections) == (3, 3, 1)
    assert acting.name == cluster.name


def test_every_attempt_is_made_as_the_account(server: Server, cluster: Cluster) -> None:
    server.first = [(503, {}), (429, {})]
    cluster.acting_as(TEAM).request("GET", "/x")
    assert [asked.headers.get("impersonate-user") for asked in server.asked] == [TEAM] * 3


def test_a_refusal_tells_the_rule_that_is_missing(server: Server, cluster: Cluster) -> None:
    said = (
        'x is forbidden: User "us" cannot impersonate resource "serviceaccounts" in API group "" at the cluster scope'
    )
    server.answers["/x"] = (403, {"message": said})
    assert f"the account us may not act as {TEAM}: " in str(refusal(cluster.acting_as(TEAM)))


def test_a_server_gives_the_account_its_groups(staging: Cluster, namespace: str) -> None:
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    who = staging.acting_as(f"system:serviceaccount:{namespace}:team").request("POST", path, body=REVIEW)
    groups = {"system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"}
    assert set(who["status"]["userInfo"]["groups"]) == groups


def test_the_accounts_rights_count_and_no_others(staging: Cluster, world: World, namespace: str) -> None:
    make_namespace(staging, namespace)
    maps = f"/api/v1/namespaces/{namespace}/configmaps"
    with narrow(world.clusters["staging"], staging, namespace, [CONFIG_MAPS]):
        acting = staging.acting_as(f"system:serviceaccount:{namespace}:narrow")
        assert acting.request("GET", maps)["kind"] == "ConfigMapList"
        for path in ("/api/v1/configmaps", f"/api/v1/namespaces/{namespace}/secrets"):
            staging.request("GET", path)
            with pytest.raises(
                ClusterError, match=f"the account system:serviceaccount:{namespace}:narrow may not list"
            ):
                acting.request("GET", path)


def test_the_rule_that_is_told_is_enough(staging: Cluster, world: World, namespace: str) -> None:
    make_namespace(staging, namespace)
    maps = f"/api/v1/namespaces/{namespace}/configmaps"
    us = {"apiGroups": [""], "resources": ["serviceaccounts"], "resourceNames": ["team"], "verbs": ["impersonate"]}
    with narrow(world.clusters["staging"], staging, namespace, [us]) as narrowed:
        with pytest.raises(ClusterError, match=r"resources: \[serviceaccounts\], resourceNames: \[other\]"):
            narrowed.acting_as(f"system:serviceaccount:{namespace}:other").request("GET", maps)
        with pytest.raises(ClusterError, match=f"the account system:serviceaccount:{namespace}:team may not list"):
            narrowed.acting_as(f"system:serviceaccount:{namespace}:team").request("GET", maps)
