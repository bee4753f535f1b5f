"""An API server, or the network before it, at fault: a real one behind a proxy that plays it."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from deployer.cluster.connection import PARALLEL, Cluster, connect
from deployer.cluster.discovery import Resource, discover
from deployer.cluster.objects import FIELD_MANAGER, apply, get, list_all
from deployer.errors import ClusterError, SecretError
from deployer.http import Timeouts
from local.world import World
from tests.faults.proxy import Answer, Cut, Fault, Proxy, Silent, Slow

CONFIG_MAP = Resource("", "v1", "ConfigMap", "configmaps", namespaced=True)
DEPLOYMENT = Resource("apps", "v1", "Deployment", "deployments", namespaced=True)
NAMESPACE = Resource("", "v1", "Namespace", "namespaces", namespaced=False)
ROLE = Resource("rbac.authorization.k8s.io", "v1", "Role", "roles", namespaced=True)
ROLE_BINDING = Resource("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings", namespaced=True)
SECRET = Resource("", "v1", "Secret", "secrets", namespaced=True)
SERVICE_ACCOUNT = Resource("", "v1", "ServiceAccount", "serviceaccounts", namespaced=True)

ADDRESS = "check that it is up, and the server's address in the kubeconfig in the-secret"
IN_BETWEEN = "check the server's address in the kubeconfig in the-secret, and what stands in between"


@pytest.fixture
def proxy(world: World, tmp_path: Path) -> Iterator[Proxy]:
    with Proxy(world.clusters["staging"].url, tmp_path) as proxy:
        yield proxy


@pytest.fixture
def payload(world: World, proxy: Proxy) -> bytes:
    """The deployer's kubeconfig for the way through the proxy."""
    return proxy.kubeconfig(world.clusters["staging"].deployer_kubeconfig).encode()


@pytest.fixture
def cluster(payload: bytes) -> Iterator[Cluster]:
    cluster = connect("staging", payload, "the-secret")
    yield cluster
    cluster.close()


@pytest.fixture
def hurried(payload: bytes) -> Iterator[Cluster]:
    """A connection that waits a second, so that tests need not wait longer."""
    cluster = connect("staging", payload, "the-secret", timeouts=Timeouts(read=1, whole=1))
    yield cluster
    cluster.close()


@pytest.fixture
def place(staging: Cluster, namespace: str) -> str:
    """A namespace that is there."""
    apply(staging, NAMESPACE, body_of(NAMESPACE, namespace), dry_run=False)
    return namespace


def body_of(resource: Resource, name: str, namespace: str = "", **fields: Any) -> dict[str, Any]:
    version = f"{resource.group}/{resource.version}" if resource.group else resource.version
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": version, "kind": resource.kind, "metadata": metadata, **fields}


def refusal(act: Callable[..., Any], *arguments: Any, **named: Any) -> ClusterError:
    with pytest.raises(ClusterError) as caught:
        act(*arguments, **named)
    return caught.value


def statuses(proxy: Proxy) -> list[int]:
    return [seen.status for seen in proxy.seen]


def with_token(payload: bytes, token: str) -> bytes:
    config = yaml.safe_load(payload)
    config["users"][0]["user"] = {"token": token}
    return yaml.safe_dump(config).encode()


class Reading:
    """Reads a secret anew: gives `payload` (or raises it), and counts how often it was asked."""

    def __init__(self, payload: bytes | Exception) -> None:
        self.payload = payload
        self.asked = 0

    def __call__(self) -> bytes:
        self.asked += 1
        time.sleep(0.1)  # the others are refused meanwhile
        if isinstance(self.payload, Exception):
            raise self.payload
        return self.payload


class Test401:
    """The token is read again, once."""

    def test_a_renewed_token_is_taken(self, proxy: Proxy, payload: bytes) -> None:
        renew = Reading(payload)
        with contextlib.closing(connect("staging", with_token(payload, "expired"), "the-secret", renew=renew)) as it:
            assert it.request("GET", "/api")["kind"] == "APIVersions"
            assert it.request("GET", "/apis")["kind"] == "APIGroupList"
        assert statuses(proxy) == [401, 200, 200]
        assert renew.asked == 1
        assert it.requests == 3

    def test_threads_that_are_refused_together_read_it_once(self, proxy: Proxy, payload: bytes) -> None:
        renew, together = Reading(payload), threading.Barrier(PARALLEL)

        def ask(_: int) -> Any:
            together.wait()
            return it.request("GET", "/api")["kind"]

        with (
            contextlib.closing(connect("staging", with_token(payload, "expired"), "the-secret", renew=renew)) as it,
            ThreadPoolExecutor(PARALLEL) as pool,
        ):
            assert set(pool.map(ask, range(PARALLEL))) == {"APIVersions"}
        assert renew.asked == 1
        assert statuses(proxy).count(401) > 1
        assert statuses(proxy).count(200) == PARALLEL

    def test_a_second_401_says_what_to_renew(self, proxy: Proxy, payload: bytes) -> None:
        renew = Reading(with_token(payload, "expired, too"))
        with contextlib.closing(connect("staging", with_token(payload, "expired"), "the-secret", renew=renew)) as it:
            error = refusal(it.request, "GET", "/api")
            assert str(error) == (
                "cluster staging refused the credentials (401): they may have expired; renew the kubeconfig in "
                "the-secret"
            )
            assert error.status == 401
            assert statuses(proxy) == [401, 401]
            refusal(it.request, "GET", "/api")
        assert statuses(proxy) == [401, 401, 401]
        assert renew.asked == 1, "it is read again only once"

    def test_the_same_token_is_not_tried_again(self, proxy: Proxy, payload: bytes) -> None:
        expired = with_token(payload, "expired")
        renew = Reading(expired)
        with contextlib.closing(connect("staging", expired, "the-secret", renew=renew)) as it:
            assert refusal(it.request, "GET", "/api").status == 401
        assert statuses(proxy) == [401]
        assert renew.asked == 1

    @pytest.mark.parametrize(
        ("anew", "said"),
        [
            (SecretError("secret the-secret: its version is disabled"), "secret the-secret: its version is disabled"),
            (b"", "the secret the-secret holds no kubeconfig: expected YAML with `kind: Config`, plain or base64"),
        ],
    )
    def test_what_keeps_it_from_being_read_is_told(self, payload: bytes, anew: bytes | Exception, said: str) -> None:
        expired = with_token(payload, "expired")
        with contextlib.closing(connect("staging", expired, "the-secret", renew=Reading(anew))) as it:
            error = refusal(it.request, "GET", "/api")
            assert str(error) == f"cluster staging refused the credentials (401), and they cannot be read anew: {said}"
            assert error.status == 401
            told = str(refusal(it.request, "GET", "/api"))
        assert told.endswith("they may have expired; renew the kubeconfig in the-secret")


class Test403:
    """It says which verb on what the account lacks."""

    @pytest.fixture
    def narrow(self, world: World, staging: Cluster, place: str) -> Iterator[Cluster]:
        """The connection of an account that may patch ConfigMaps, but not create them."""
        rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["patch"]}]
        subjects = [{"kind": "ServiceAccount", "name": "narrow", "namespace": place}]
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "narrow"}
        apply(staging, SERVICE_ACCOUNT, body_of(SERVICE_ACCOUNT, "narrow", place), dry_run=False)
        apply(staging, ROLE, body_of(ROLE, "narrow", place, rules=rules), dry_run=False)
        binding = body_of(ROLE_BINDING, "narrow", place, roleRef=role, subjects=subjects)
        apply(staging, ROLE_BINDING, binding, dry_run=False)
        account = f"/api/v1/namespaces/{place}/serviceaccounts/narrow/token"
        token = staging.request("POST", account, body={"spec": {}})["status"]["token"]
        original = world.clusters["staging"].deployer_kubeconfig.encode()
        cluster = connect("staging", with_token(original, token), "the-secret")
        yield cluster
        cluster.close()

    @pytest.mark.parametrize(
        ("resource", "lacks"),
        [
            (DEPLOYMENT, "may not patch deployments.apps in namespace {place}: give it a Role there that allows it"),
            (CONFIG_MAP, "may not create configmaps in namespace {place}: give it a Role there that allows it"),
            (NAMESPACE, "may not patch namespaces: give it a ClusterRole that allows it"),
        ],
        ids=lambda value: value.kind if isinstance(value, Resource) else "",
    )
    def test_it_says_what_the_account_lacks(self, narrow: Cluster, place: str, resource: Resource, lacks: str) -> None:
        # A binding takes a moment to be known.
        end = time.monotonic() + 5
        body = body_of(resource, "a", place if resource.namespaced else "")
        said = lacks.format(place=place)
        while True:
            error = refusal(apply, narrow, resource, body, dry_run=True)
            if said in str(error) or time.monotonic() > end:
                break
            time.sleep(0.05)
        user = f"system:serviceaccount:{place}:narrow"
        told, _, reason = str(error).partition("; the cluster said: ")
        assert told == f"cluster staging: the account {user} {said}"
        assert f'User "{user}" cannot' in reason
        assert error.status == 403


class Test404:
    def test_there_is_no_such_object(self, cluster: Cluster, proxy: Proxy) -> None:
        assert get(cluster, CONFIG_MAP, "default", "no-such") is None
        assert statuses(proxy) == [404]

    def test_there_is_no_such_namespace(self, cluster: Cluster, proxy: Proxy) -> None:
        error = refusal(apply, cluster, CONFIG_MAP, body_of(CONFIG_MAP, "a", "no-such"), dry_run=True)
        assert str(error) == 'namespaces "no-such" not found', "the report knows these words: it says what to do"
        assert statuses(proxy) == [404]

    def test_there_is_no_such_kind(self, cluster: Cluster, proxy: Proxy) -> None:
        resource = Resource("no.such", "v1", "Thing", "things", namespaced=True)
        said = (
            f"cluster staging answered 404 to GET /apis/no.such/v1/namespaces/x/things/a without a reason: {IN_BETWEEN}"
        )
        assert str(refusal(get, cluster, resource, "x", "a")) == said
        assert statuses(proxy) == [404]


class Test422:
    """The server's own reason, without the values of Secrets."""

    def test_the_servers_reason_is_told(self, cluster: Cluster, proxy: Proxy, place: str) -> None:
        body = body_of(CONFIG_MAP, "Not_A_Name", place)
        error = refusal(apply, cluster, CONFIG_MAP, body, dry_run=True)
        assert 'ConfigMap "Not_A_Name" is invalid: metadata.name: Invalid value: "Not_A_Name"' in str(error)
        assert (error.status, statuses(proxy)) == (422, [422])

    @pytest.mark.parametrize("status", [400, 403, 409, 422, 500])
    def test_values_of_secrets_are_masked(self, cluster: Cluster, proxy: Proxy, place: str, status: int) -> None:
        body = body_of(SECRET, "a", place, stringData={"password": "hunter2-hunter2"})
        quoting = {"message": 'Secret "a" is invalid: value "hunter2-hunter2" (aHVudGVyMi1odW50ZXIy) is too short'}
        proxy.play("PATCH", *[Answer(status, quoting, {"Retry-After": "0"})] * 4)
        said = str(refusal(apply, cluster, SECRET, body, dry_run=True))
        assert 'value "***" (***) is too short' in said
        assert "hunter2" not in said


CONFIG_MAP_HEAD = {"apiVersion": "v1", "kind": "ConfigMap"}  # lists leave it out
PASSING: list[Fault] = [
    Answer(409, {"message": "the object has been modified"}),
    Answer(429, {"message": "busy"}),
    Answer(500, {"message": "etcdserver: leader changed"}),
    Answer(502, b"<html>Bad gateway</html>"),
    Answer(503, {"message": "shutting down"}),
    Answer(504, {"message": "Timeout: request did not complete"}),
    Cut(),
    Cut(after=0),
    Cut(after=20),
]


@pytest.mark.parametrize("fault", PASSING, ids=str)
def test_a_fault_that_passes_leaves_exactly_one_right_object(
    cluster: Cluster, proxy: Proxy, staging: Cluster, place: str, fault: Fault
) -> None:
    """A PATCH that was cut in the middle of its answer has been carried out: repeating it changes nothing."""
    proxy.play("PATCH", fault)
    body = body_of(CONFIG_MAP, "a", place, data={"k": "1"})
    applied = apply(cluster, CONFIG_MAP, body, dry_run=False)
    assert [seen.method for seen in proxy.seen] == ["PATCH", "PATCH"]
    mine = [one for one in list_all(staging, CONFIG_MAP, place) if one["metadata"]["name"] == "a"]
    assert [{**CONFIG_MAP_HEAD, **one} for one in mine] == [applied]
    assert applied["data"] == {"k": "1"}
    assert [entry["manager"] for entry in applied["metadata"]["managedFields"]] == [FIELD_MANAGER]


def test_a_patch_that_was_cut_had_been_carried_out(
    cluster: Cluster, proxy: Proxy, staging: Cluster, place: str
) -> None:
    """Else the test above would prove nothing."""
    proxy.play("PATCH", Cut(after=20))
    path = f"/api/v1/namespaces/{place}"
    # A merge patch is not repeated.
    patch = {"metadata": {"labels": {"cut": "yes"}}}
    said = refusal(cluster.request, "PATCH", path, body=patch, content_type="application/merge-patch+json")
    assert str(said).startswith(f"cluster staging cannot be reached for PATCH {path}: IncompleteRead(20 bytes read")
    assert str(said).endswith(ADDRESS)
    assert staging.request("GET", path)["metadata"]["labels"]["cut"] == "yes"


def test_429_retry_after_is_honoured(cluster: Cluster, proxy: Proxy) -> None:
    proxy.play("GET /api", Answer(429, {"message": "busy"}, {"Retry-After": "1"}))
    start = time.monotonic()
    cluster.request("GET", "/api")
    assert time.monotonic() - start >= 1
    assert statuses(proxy) == [429, 200]


@pytest.mark.parametrize("status", [409, 429, 500, 503])
def test_a_fault_that_stays_is_told(cluster: Cluster, proxy: Proxy, status: int) -> None:
    proxy.play("GET /api", *[Answer(status, {"message": "not now"}, {"Retry-After": "0"})] * 4)
    error = refusal(cluster.request, "GET", "/api")
    assert str(error) == f"cluster staging answered {status} to GET /api: not now; try again later"
    assert statuses(proxy) == [status] * 4


def test_a_wait_beyond_all_patience_is_not_begun(cluster: Cluster, proxy: Proxy) -> None:
    proxy.play("GET /api", Answer(503, {"message": "not now"}, {"Retry-After": "3600"}))
    start = time.monotonic()
    assert refusal(cluster.request, "GET", "/api").retry_after == 3600
    assert time.monotonic() - start < 2


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
        assert 1 <= time.monotonic() - start < 5
        assert statuses(proxy) == [0, 200]

    def test_it_is_told(self, hurried: Cluster, proxy: Proxy) -> None:
        proxy.play("POST /api", Silent())  # which is not sent again
        said = str(refusal(hurried.request, "POST", "/api"))
        assert said.startswith("cluster staging cannot be reached for POST /api: ")
        assert said.endswith(f"Read timed out. (read timeout=1); {ADDRESS}")


class TestSlowBytes:
    def test_they_are_left_in_time(self, hurried: Cluster, proxy: Proxy) -> None:
        proxy.play("GET /api", Slow(0.1))
        start = time.monotonic()
        assert hurried.request("GET", "/api")["kind"] == "APIVersions"
        assert 1 <= time.monotonic() - start < 5

    def test_they_are_told(self, hurried: Cluster, proxy: Proxy) -> None:
        proxy.play("POST /api", Slow(0.1))
        told = r"cluster staging cannot be reached for POST /api: the answer did not end in time; \d+ bytes of it came"
        with pytest.raises(ClusterError, match=told):
            hurried.request("POST", "/api")


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


def test_many_appliers_of_one_object_at_once_all_succeed(staging: Cluster, place: str) -> None:
    """In creating as in changing. (Where a 409 comes of it, it is sent again: see the faults that pass.)"""
    together = threading.Barrier(PARALLEL)

    def apply_it(number: int) -> None:
        body = body_of(CONFIG_MAP, "a", place, data={"by": str(number), "size": "x" * 10_000})
        for _ in range(3):
            together.wait()
            apply(staging, CONFIG_MAP, body, dry_run=False)

    with ThreadPoolExecutor(PARALLEL) as pool:
        list(pool.map(apply_it, range(PARALLEL)))
    live = get(staging, CONFIG_MAP, place, "a")
    assert live is not None
    assert live["data"]["by"] in {str(number) for number in range(PARALLEL)}
    assert [entry["manager"] for entry in live["metadata"]["managedFields"]] == [FIELD_MANAGER]
