"""What stands between the deployer and an API server: black holes, slow ways, and those who answer in its place."""

import time

import pytest

from deployer.cluster.connection import Cluster
from deployer.cluster.discovery import discover
from deployer.cluster.objects import get
from deployer.errors import ClusterError
from tests.faults.clusters import ADDRESS, CONFIG_MAP, IN_BETWEEN, body_of, refusal, statuses
from tests.faults.proxy import Answer, Proxy, Silent, Slow


def test_certificate_changed(proxy: Proxy, cluster: Cluster) -> None:
    proxy.new_certificate()
    error = refusal(cluster.request, "GET", "/api")
    told, _, advice = str(error).partition("): ")
    assert told.startswith("cluster staging cannot be reached for GET /api: [SSL: CERTIFICATE_VERIFY_FAILED]")
    assert "certificate verify failed" in told
    assert advice == (
        "the cluster's certificate is not signed by the CA in the kubeconfig in the-secret; if the cluster has a new "
        "CA, put that there, and if not, something else answers at its address"
    )
    assert cluster.requests == 1, "waiting does not mend it"
    assert proxy.seen == [], "nothing is said to whom is not trusted, least of all the token"


class TestBlackHole:
    def test_it_is_left_in_time(self, hurried: Cluster, proxy: Proxy) -> None:
        proxy.play("GET /api", Silent())
        start = time.monotonic()
        assert hurried.request("GET", "/api")["kind"] == "APIVersions"
        assert 0.5 <= time.monotonic() - start < 5
        assert statuses(proxy) == [0, 200]

    def test_it_is_told(self, hurried: Cluster, proxy: Proxy) -> None:
        proxy.play("POST /api", Silent())  # which is not sent again
        said = str(refusal(hurried.request, "POST", "/api"))
        assert said.startswith("cluster staging cannot be reached for POST /api: ")
        assert said.endswith(f"Read timed out. (read timeout=0.5); {ADDRESS}")


@pytest.mark.parametrize("fault", [Slow(0.1), Slow(0.1, headers=True)], ids=["body", "headers"])
class TestSlowBytes:
    def test_they_are_left_in_time(self, hurried: Cluster, proxy: Proxy, fault: Slow) -> None:
        proxy.play("GET /api", fault)
        start = time.monotonic()
        assert hurried.request("GET", "/api")["kind"] == "APIVersions"
        assert 1 <= time.monotonic() - start < 5

    def test_they_are_told(self, hurried: Cluster, proxy: Proxy, fault: Slow) -> None:
        proxy.play("POST /api", fault)
        said = str(refusal(hurried.request, "POST", "/api"))
        assert said == (
            f"cluster staging cannot be reached for POST /api: its answer had not ended after 1 s; {ADDRESS}"
        )


class TestCaptivePortal:
    def test_its_page_is_no_answer(self, cluster: Cluster, proxy: Proxy) -> None:
        proxy.play("GET /api", Answer(200, b"<html>Welcome</html>", {"Content-Type": "text/html"}))
        said = "cluster staging answered GET /api with something that is not a JSON object"
        assert str(refusal(cluster.request, "GET", "/api")) == f"{said}: {IN_BETWEEN}"
        assert len(proxy.seen) == 1

    def test_nobody_is_followed(self, cluster: Cluster, proxy: Proxy) -> None:
        proxy.play("GET /api$", Answer(302, b"", {"Location": f"{proxy.url}/version"}))
        said = "cluster staging answered 302 to GET /api without a reason"
        assert str(refusal(cluster.request, "GET", "/api")) == f"{said}: {IN_BETWEEN}"
        assert len(proxy.seen) == 1

    def test_it_has_no_kinds(self, cluster: Cluster, proxy: Proxy) -> None:
        proxy.play("GET /apis", Answer(200, {"login": "please"}))
        with pytest.raises(ClusterError, match="cluster staging has no aggregated discovery"):
            discover(cluster)

    def test_its_404_does_not_mean_that_there_is_no_object(self, cluster: Cluster, proxy: Proxy) -> None:
        proxy.play("GET", Answer(404, b"not here"))
        said = str(refusal(get, cluster, CONFIG_MAP, "default", "kube-root-ca.crt"))
        assert said.endswith(f"without a reason: {IN_BETWEEN}")


def test_an_answer_about_another_object(cluster: Cluster, proxy: Proxy) -> None:
    proxy.play("GET", Answer(200, body_of(CONFIG_MAP, "b", "default")))
    said = "cluster staging was asked for ConfigMap default a and answered with ConfigMap default b"
    assert str(refusal(get, cluster, CONFIG_MAP, "default", "a")) == (
        f"{said}: check what stands between it and the deployer"
    )
