import time

import pytest

from deployer.cluster.connection import Cluster
from deployer.cluster.discovery import Resource
from deployer.cluster.guarded import create, delete, remove, update
from deployer.cluster.objects import apply, get
from deployer.errors import ClusterError
from tests.cluster.conftest import Server
from tests.cluster.helpers import make_namespace

CONFIG_MAPS = Resource("", "v1", "ConfigMap", "configmaps", namespaced=True)
SECRETS = Resource("", "v1", "Secret", "secrets", namespaced=True)
NAMESPACES = Resource("", "v1", "Namespace", "namespaces", namespaced=False)


def body(namespace: str, key: str, version: str = "") -> dict[str, object]:
    metadata = {"name": "a", "namespace": namespace, **({"resourceVersion": version} if version else {})}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {key: "1"}}


def test_each_write_needs_the_object_as_it_was(staging: Cluster, namespace: str) -> None:
    make_namespace(staging, namespace)
    first = create(staging, CONFIG_MAPS, body(namespace, "a"))
    version = first["metadata"]["resourceVersion"]
    with pytest.raises(ClusterError) as twice:
        create(staging, CONFIG_MAPS, body(namespace, "a"))
    assert update(staging, CONFIG_MAPS, body(namespace, "b", version), dry_run=True)["data"] == {"a": "1", "b": "1"}
    second = update(staging, CONFIG_MAPS, body(namespace, "c", version))
    assert second["data"] == {"a": "1", "c": "1"}
    sent = staging.requests
    with pytest.raises(ClusterError) as late:
        update(staging, CONFIG_MAPS, body(namespace, "d", version))
    with pytest.raises(ClusterError) as stale:
        delete(staging, CONFIG_MAPS, first)
    assert staging.requests == sent + 2  # said at once, not after four attempts
    assert [error.value.status for error in (twice, late, stale)] == [409, 409, 409]

    delete(staging, CONFIG_MAPS, second)
    assert get(staging, CONFIG_MAPS, namespace, "a") is None
    with pytest.raises(ClusterError) as gone:
        update(staging, CONFIG_MAPS, body(namespace, "d", version))
    assert gone.value.status == 404
    assert get(staging, CONFIG_MAPS, namespace, "a") is None


def test_one_of_that_name_that_is_another_is_not_deleted(staging: Cluster, namespace: str) -> None:
    make_namespace(staging, namespace)
    first = create(staging, CONFIG_MAPS, body(namespace, "a"))
    delete(staging, CONFIG_MAPS, first)
    second = create(staging, CONFIG_MAPS, body(namespace, "a"))
    of_both = {**second["metadata"], "uid": first["metadata"]["uid"]}
    with pytest.raises(ClusterError) as error:
        delete(staging, CONFIG_MAPS, {**second, "metadata": of_both})
    assert error.value.status == 409
    assert get(staging, CONFIG_MAPS, namespace, "a")


def test_what_was_written_to_since_is_not_removed_nor_is_another_of_its_name(staging: Cluster, namespace: str) -> None:
    make_namespace(staging, namespace)
    first = create(staging, CONFIG_MAPS, body(namespace, "a"))
    second = update(staging, CONFIG_MAPS, body(namespace, "b", first["metadata"]["resourceVersion"]))
    sent = staging.requests
    with pytest.raises(ClusterError) as error:
        remove(staging, CONFIG_MAPS, first, "Background")
    assert (error.value.status, staging.requests) == (409, sent + 1)
    asked: list[None] = []
    remove(staging, CONFIG_MAPS, second, "Background", lambda: asked.append(None))
    assert (get(staging, CONFIG_MAPS, namespace, "a"), len(asked)) == (None, 1)
    remove(staging, CONFIG_MAPS, second, "Background")  # what is gone is as good

    create(staging, CONFIG_MAPS, body(namespace, "a"))
    with pytest.raises(ClusterError) as error:
        remove(staging, CONFIG_MAPS, second, "Background")
    assert error.value.status == 409
    assert get(staging, CONFIG_MAPS, namespace, "a")


def test_nothing_is_written_where_the_check_says_no(staging: Cluster, namespace: str) -> None:
    make_namespace(staging, namespace)
    one = create(staging, CONFIG_MAPS, body(namespace, "a"))

    def check() -> None:
        raise ClusterError("lost")

    sent = staging.requests
    with pytest.raises(ClusterError, match="lost"):
        remove(staging, CONFIG_MAPS, one, "Background", check)
    with pytest.raises(ClusterError, match="lost"):
        update(staging, CONFIG_MAPS, body(namespace, "b"), before=check)
    with pytest.raises(ClusterError, match="lost"):
        apply(staging, CONFIG_MAPS, body(namespace, "b"), dry_run=False, before=check)
    assert staging.requests == sent


@pytest.mark.parametrize("policy", ["Background", "Foreground"])
def test_what_an_object_owns_goes_with_it(staging: Cluster, namespace: str, policy: str) -> None:
    make_namespace(staging, namespace)
    owner = create(staging, CONFIG_MAPS, body(namespace, "a"))
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": owner["metadata"]["uid"]}
    metadata = {"name": "owned", "namespace": namespace, "ownerReferences": [reference]}
    create(staging, CONFIG_MAPS, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    remove(staging, CONFIG_MAPS, owner, policy)
    deadline = time.monotonic() + 20
    while get(staging, CONFIG_MAPS, namespace, "owned"):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_an_object_without_a_namespace_is_updated_and_deleted(staging: Cluster, namespace: str) -> None:
    make_namespace(staging, namespace)
    first = get(staging, NAMESPACES, "", namespace)
    assert first
    metadata = {"name": namespace, "resourceVersion": first["metadata"]["resourceVersion"], "labels": {"a": "b"}}
    asked: list[None] = []
    change = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
    second = update(staging, NAMESPACES, change, before=lambda: asked.append(None))
    assert (second["metadata"]["labels"]["a"], len(asked)) == ("b", 1)
    with pytest.raises(ClusterError) as stale:
        delete(staging, NAMESPACES, first)
    assert stale.value.status == 409
    delete(staging, NAMESPACES, second)
    gone = get(staging, NAMESPACES, "", namespace)
    assert gone is None or "deletionTimestamp" in gone["metadata"]


def test_what_a_refusal_quotes_of_the_live_secret_is_masked(server: Server, cluster: Cluster) -> None:
    change = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "namespace": "shop"}}
    live = {**change, "data": {"password": "aHVudGVyMg=="}}
    server.answers["/api/v1/namespaces/shop/secrets/a"] = (422, {"message": "not valid: aHVudGVyMg=="})
    with pytest.raises(ClusterError, match=r"not valid: \*\*\*") as masked:
        update(cluster, SECRETS, change, live=live)
    assert "aHVudGVyMg==" not in str(masked.value)


@pytest.mark.parametrize("answer", [{}, {"metadata": None}, {"metadata": {"uid": "1"}}], ids=str)
def test_an_answer_that_is_no_object_is_no_write(server: Server, cluster: Cluster, answer: object) -> None:
    server.answers["/api/v1/namespaces/shop/configmaps"] = (200, answer)
    with pytest.raises(ClusterError, match=r"answered a write to /api.* with something that is no object: check"):
        create(cluster, CONFIG_MAPS, body("shop", "a"))
