"""What a real API server refuses is told, with what to do about it."""

import base64
import contextlib
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from deployer.cluster.connection import PARALLEL, Cluster, connect
from deployer.cluster.discovery import Resource
from deployer.cluster.objects import apply, get
from deployer.errors import SecretError
from deployer.http import MAX_WORDS
from local.world import World
from tests.faults.clusters import (
    CONFIG_MAP,
    DEPLOYMENT,
    IN_BETWEEN,
    NAMESPACE,
    ROLE,
    ROLE_BINDING,
    SECRET,
    SERVICE_ACCOUNT,
    body_of,
    refusal,
    statuses,
    with_token,
)
from tests.faults.proxy import Answer, Proxy


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

    @pytest.mark.parametrize("before", range(MAX_WORDS - 16, MAX_WORDS + 1, 4))
    @pytest.mark.parametrize("whose", ["ours", "live"])
    def test_a_value_where_words_are_cut_is_masked_whole(
        self, cluster: Cluster, proxy: Proxy, place: str, before: int, whose: str
    ) -> None:
        ours, theirs = ("hunter2\nhunter2", "x") if whose == "ours" else ("x", "hunter2\nhunter2")
        body = body_of(SECRET, "a", place, stringData={"password": ours})
        live = body_of(SECRET, "a", place, data={"password": base64.b64encode(theirs.encode()).decode()})
        proxy.play("PATCH", Answer(422, {"message": "-" * before + "hunter2\nhunter2" + "-" * MAX_WORDS}))
        said = str(refusal(apply, cluster, SECRET, body, dry_run=True, live=live))
        assert said == "-" * before + ("***" + "-" * MAX_WORDS)[: MAX_WORDS - before] + "…"

    def test_words_without_end_are_cut(self, cluster: Cluster, proxy: Proxy) -> None:
        proxy.play("GET", Answer(422, {"message": "no\n" * 1_000_000}))
        said = str(refusal(cluster.request, "GET", "/api"))
        assert said.startswith("no no no")
        assert len(said) <= MAX_WORDS + 1
