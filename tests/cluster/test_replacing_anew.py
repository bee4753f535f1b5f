"""Objects deleted and created anew in a real cluster, and tried so before."""

import json
import threading
import time
from typing import Any

import pytest

from deployer.cluster.connection import Cluster
from deployer.cluster.objects import list_all
from deployer.cluster.replacing import await_gone, recreate, try_create
from deployer.errors import ClusterError
from tests.cluster.anew import OURS, applied, job, manifest, read, remove, resource, there, widgets, write
from tests.cluster.conftest import Server
from tests.cluster.helpers import make_namespace

HELD = ["example.com/theirs"]


@pytest.fixture
def place(staging: Cluster, namespace: str) -> str:
    """A namespace that is there."""
    make_namespace(staging, namespace)
    return namespace


def recreated(cluster: Cluster, body: Any, live: Any, *, timeout: float = 20, **more: Any) -> Any:
    given = {"owner_label": OURS, "propagation": "Background", **more}
    return recreate(cluster, resource(body), body, live, timeout=timeout, **given)


def config_map(namespace: str, name: str = "a", **data: str) -> dict[str, Any]:
    return manifest("v1", "ConfigMap", name, namespace, data=data)


def test_it_is_another_object_with_what_the_source_says(staging: Cluster, place: str) -> None:
    asked: list[None] = []
    first = applied(staging, job(place))
    body = job(place, image="nginx:1.29.4")
    second = recreated(staging, body, first, propagation="Foreground", before=lambda: asked.append(None))
    assert second["metadata"]["uid"] != first["metadata"]["uid"]
    assert second["spec"]["template"]["spec"]["containers"][0]["image"] == "nginx:1.29.4"
    assert [one["operation"] for one in second["metadata"]["managedFields"]] == ["Apply"]
    assert len(asked) >= 2  # before it was deleted, and before it was applied


def test_what_was_killed_half_way_is_done_again(staging: Cluster, place: str) -> None:
    body = config_map(place, a="2")
    live = applied(staging, config_map(place, a="1"))
    stops = iter((None, ClusterError("killed")))

    def check() -> None:
        if stop := next(stops):
            raise stop

    with pytest.raises(ClusterError, match="killed"):
        recreated(staging, body, live, before=check)
    assert read(staging, body) is None
    assert recreated(staging, body, live)["data"] == {"a": "2"}

    # Killed while it waits: what is being deleted is not deleted once more.
    live = write(staging, body, {"metadata": {"finalizers": HELD}})
    with pytest.raises(ClusterError, match="was deleted and is still there"):
        recreated(staging, body, live, timeout=0)
    going = there(staging, body)
    assert going["metadata"]["deletionTimestamp"]
    threading.Timer(0.2, write, (staging, body, {"metadata": {"finalizers": []}})).start()
    started = time.monotonic()
    assert recreated(staging, body, going, propagation="nonsense")["metadata"]["uid"] != live["metadata"]["uid"]
    assert time.monotonic() - started < 2


def test_a_finalizer_that_holds_it_is_named(staging: Cluster, place: str) -> None:
    body = config_map(place)
    applied(staging, body)
    live = write(staging, body, {"metadata": {"finalizers": HELD}})
    started = time.monotonic()
    with pytest.raises(ClusterError) as held:
        recreated(staging, body, live, timeout=0.3)
    assert 0.3 <= time.monotonic() - started < 2
    assert str(held.value) == (
        "ConfigMap/a was deleted and is still there after 0.3 s: it waits for its finalizers example.com/theirs; "
        "see why they are not taken off"
    )
    write(staging, body, {"metadata": {"finalizers": []}})


def test_what_nobody_holds_is_waited_for_in_vain_too(staging: Cluster, place: str) -> None:
    live = applied(staging, config_map(place))
    with pytest.raises(ClusterError, match="after 0 s: see what its node or its controller waits for"):
        await_gone(staging, resource(live), live, 0)


def test_what_has_gone_or_is_another_by_now_is_waited_for_no_more(staging: Cluster, place: str) -> None:
    first = applied(staging, config_map(place))
    remove(staging, first)
    assert await_gone(staging, resource(first), first, 0) is None
    second = applied(staging, config_map(place))
    assert await_gone(staging, resource(first), first, 0) == second


def test_what_does_not_bear_our_label_stays(staging: Cluster, place: str) -> None:
    body = config_map(place, a="1")
    ours = applied(staging, body)
    theirs = write(staging, body, {"metadata": {"labels": {OURS[0]: "applyset-another-v1"}}})
    # Told by what was read, or by what is there by now.
    for live in (theirs, ours):
        with pytest.raises(ClusterError, match=f"ConfigMap/a does not bear our label {'='.join(OURS)}: it is not ours"):
            recreated(staging, body, live)
    assert there(staging, body) == theirs


def test_one_that_somebody_wrote_to_is_deleted_all_the_same(staging: Cluster, place: str) -> None:
    body = config_map(place, a="1")
    first = applied(staging, body)
    write(staging, body, {"data": {"a": "theirs"}})
    after = recreated(staging, body, first)
    assert (after["data"], after["metadata"]["uid"] == first["metadata"]["uid"]) == ({"a": "1"}, False)


def test_one_that_somebody_writes_all_the_time_is_left(staging: Cluster, place: str) -> None:
    body = config_map(place, a="1")
    first = applied(staging, body)
    numbers = iter(range(100))
    with pytest.raises(ClusterError, match="somebody else writes ConfigMap/a all the time: sync again"):
        recreated(staging, body, first, before=lambda: write(staging, body, {"data": {"b": str(next(numbers))}}))
    assert there(staging, body)["metadata"]["uid"] == first["metadata"]["uid"]


@pytest.mark.parametrize("is_ours", [True, False])
def test_another_of_its_name_by_now(staging: Cluster, place: str, is_ours: bool) -> None:
    first = applied(staging, config_map(place, a="1"))
    remove(staging, first)
    other = config_map(place, b="1")
    if not is_ours:
        del other["metadata"]["labels"]
    second = applied(staging, other)
    if is_ours:
        assert recreated(staging, config_map(place, a="1"), first)["metadata"]["uid"] == second["metadata"]["uid"]
    else:
        with pytest.raises(ClusterError, match="somebody has made another ConfigMap/a since it was deleted"):
            recreated(staging, config_map(place, a="1"), first)
        assert there(staging, other) == second


@pytest.mark.parametrize(
    ("version", "kind"), [("v1", "Namespace"), ("apiextensions.k8s.io/v1", "CustomResourceDefinition")]
)
def test_what_holds_others_is_never_deleted(staging: Cluster, version: str, kind: str) -> None:
    body, sent = manifest(version, kind, "default"), staging.requests
    with pytest.raises(ClusterError, match=f"{kind}/default is never deleted to be created anew"):
        recreated(staging, body, body)
    assert staging.requests == sent


def test_a_refusal_to_delete_is_told(server: Server, cluster: Cluster) -> None:
    body = config_map("shop")
    live = {**body, "metadata": {**body["metadata"], "uid": "1", "resourceVersion": "1"}}
    server.answers["/api/v1/namespaces/shop/configmaps/a"] = (422, {"message": "no"})
    with pytest.raises(ClusterError, match=r"^no$"):
        recreated(cluster, body, live)
    (asked,) = server.asked
    told = json.loads(asked.body)
    assert (asked.method, told["propagationPolicy"]) == ("DELETE", "Background")
    assert told["preconditions"] == {"uid": "1", "resourceVersion": "1"}


PORTS = {"selector": {"app": "web"}, "type": "LoadBalancer", "externalTrafficPolicy": "Local"}


def test_it_is_tried_under_its_own_name_beside_the_old_one(staging: Cluster, place: str) -> None:
    body = job(place, name="m" * 63)
    applied(staging, body)
    body["spec"]["template"]["spec"]["containers"][0]["image"] = "nginx:1.29.4"
    tried = try_create(staging, resource(body), body)
    assert (tried["metadata"]["name"], "generateName" in tried["metadata"]) == ("m" * 63, False)
    assert tried["spec"]["backoffLimit"] == 6  # as the server has it
    (left,) = list_all(staging, resource(body), place)
    assert left["spec"]["template"]["spec"]["containers"][0]["image"] == "nginx:1.29.3"


@pytest.mark.parametrize(
    ("version", "kind", "name", "fields"),
    [
        (
            "batch/v1",
            "CronJob",
            "c" * 52,
            {"spec": {"schedule": "0 0 * * *", "jobTemplate": {"spec": job("")["spec"]}}},
        ),
        ("rbac.authorization.k8s.io/v1", "ClusterRole", "acme:{}:Reads_", {"rules": []}),
        (
            "apiregistration.k8s.io/v1",
            "APIService",
            "v1.{}.example.com",
            {"spec": {"group": "{}.example.com", "version": "v1", "groupPriorityMinimum": 1, "versionPriority": 1}},
        ),
        ("v1", "ConfigMap", "c" * 253, {"data": {"a": "1"}}),
    ],
    ids=lambda one: one if isinstance(one, str) and one[0].isupper() else "",
)
def test_names_of_every_form(
    staging: Cluster, place: str, version: str, kind: str, name: str, fields: dict[str, Any]
) -> None:
    body = manifest(version, kind, name.format(place), place, **fields)
    if kind == "APIService":
        body["spec"] = {**fields["spec"], "group": f"{place}.example.com"}
    applied(staging, body)
    try:
        tried = try_create(staging, resource(body), body)["metadata"]
        # Of an APIService the server says only that it may be.
        assert (tried["name"], "uid" in tried) == (name.format(place), kind != "APIService")
    finally:
        remove(staging, body)


def test_a_kind_with_a_rule_about_names(staging: Cluster) -> None:
    with widgets(staging) as version:
        body = manifest(version, "Widget", "only", "default", size=3)
        applied(staging, body)
        body["size"] = 2
        assert try_create(staging, resource(body), body) == body
        body["size"] = "x"
        with pytest.raises(ClusterError, match=r'"only" is invalid.*size'):
            try_create(staging, resource(body), body)
        body |= {"size": 2, "sise": 2}
        with pytest.raises(ClusterError, match="sise"):
            try_create(staging, resource(body), body)
        assert try_create(staging, resource(body), body, validate=False)["size"] == 2


def test_node_ports_of_the_old_service_are_free_by_then(staging: Cluster, place: str) -> None:
    one = applied(staging, manifest("v1", "Service", "one", place, spec={**PORTS, "ports": [{"port": 80}]}))
    held = one["spec"]["ports"][0]["nodePort"], one["spec"]["healthCheckNodePort"]
    ports = {"ports": [{"port": 80, "nodePort": held[0]}], "healthCheckNodePort": held[1]}
    body = manifest("v1", "Service", "one", place, spec={**PORTS, **ports})
    assert try_create(staging, resource(body), body, live=one)["metadata"]["name"] == "one"
    other = manifest("v1", "Service", "other", place, spec=PORTS | {"ports": [{"port": 81}]})
    theirs = applied(staging, other)["spec"]["ports"][0]["nodePort"]
    body["spec"]["ports"][0]["nodePort"] = theirs
    with pytest.raises(ClusterError, match=f'Service "one" is invalid.*{theirs}'):
        try_create(staging, resource(body), body, live=one)


@pytest.mark.parametrize("spec", [None, {"ports": None}, {"ports": ["a"]}, {"ports": "a"}, "a"], ids=str)
def test_what_is_no_service_at_all_is_for_the_server_to_refuse(staging: Cluster, place: str, spec: Any) -> None:
    live = applied(staging, manifest("v1", "Service", "one", place, spec=PORTS | {"ports": [{"port": 80}]}))
    body = manifest("v1", "Service", "one", place, spec=spec)
    with pytest.raises(ClusterError, match="Service") as caught:
        try_create(staging, resource(body), body, live=live)
    assert caught.value.status in (400, 422)


@pytest.mark.parametrize(
    ("first", "second"),
    [((500, {"message": "Secret one"}), None), ((422, {"message": "a0x1z"}), (403, {"message": "a may not: b25l"}))],
)
def test_of_refusals_the_one_about_its_own_name_is_told_and_masked(
    server: Server, cluster: Cluster, first: Any, second: Any
) -> None:
    body = manifest("v1", "Secret", "a", "shop", data={"password": "b25l"})
    server.first = [first] * 4 if second is None else [first, second]
    with pytest.raises(ClusterError, match=r"\*\*\*") as caught:
        try_create(cluster, resource(body), body)
    assert "b25l" not in str(caught.value)
    assert "a0x1z" not in str(caught.value)


def test_a_conflict_is_not_taken_for_an_object_that_is_there(server: Server, cluster: Cluster) -> None:
    server.first = [(409, {"message": "the quota has been modified"})] * 4
    with pytest.raises(ClusterError, match="has been modified"):
        try_create(cluster, resource(config_map("shop")), config_map("shop"))
