import pytest

from deployer.cluster.connection import Cluster
from deployer.cluster.discovery import Resource
from deployer.cluster.guarded import create, delete, update
from deployer.cluster.objects import get
from deployer.errors import ClusterError
from tests.cluster.conftest import Server
from tests.cluster.helpers import make_namespace

CONFIG_MAPS = Resource("", "v1", "ConfigMap", "configmaps", namespaced=True)


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


@pytest.mark.parametrize("answer", [{}, {"metadata": None}, {"metadata": {"uid": "1"}}], ids=str)
def test_an_answer_that_is_no_object_is_no_write(server: Server, cluster: Cluster, answer: object) -> None:
    server.answers["/api/v1/namespaces/shop/configmaps"] = (200, answer)
    with pytest.raises(ClusterError, match=r"answered a write to /api.* with something that is no object: check"):
        create(cluster, CONFIG_MAPS, body("shop", "a"))
