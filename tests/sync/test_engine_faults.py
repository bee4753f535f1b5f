"""What a sync does with a cluster that goes away, and with answers that are no good."""

from pathlib import Path

import pytest

from deployer.cluster.connection import PARALLEL
from deployer.errors import ClusterError
from deployer.retry import ATTEMPTS
from deployer.sync.engine import Engine
from deployer.sync.options import Options
from deployer.sync.result import Step
from deployer.sync.trying import RefusedError
from local.world import World
from tests.cluster.helpers import through_proxy
from tests.faults.proxy import Answer
from tests.sync.helpers import Wire, by_name, ignore, manifest, manifests
from tests.world import config_map

ACCOUNT = manifest("v1", "ServiceAccount", "web")


def test_nobody_is_asked_any_more_once_the_cluster_cannot_be_reached(world: World, namespace: str) -> None:
    cut_at = [0]

    def progress(step: Step) -> None:
        if step.message == f"applying {len(many)} ConfigMap":
            wire.cut()
            cut_at.append(wire.cluster.requests)

    many = [config_map(f"a-{number}") for number in range(3 * PARALLEL)]
    with Wire(world.clusters["staging"]) as wire:
        writing = Engine(wire.cluster, Options(namespace, create_namespace=True, wait=False), progress)
        with pytest.raises(ClusterError, match=r"cluster staging cannot be reached for PATCH /api/v1/.*/configmaps/a-"):
            writing.run(manifests(ACCOUNT, *many))
        assert wire.cluster.requests - cut_at[-1] <= PARALLEL * ATTEMPTS
    assert by_name(writing.actions) == {f"Namespace/{namespace}": "created", "ServiceAccount/web": "created"}


def test_an_object_whose_answer_is_no_good_does_not_keep_the_others_from_being_asked(
    world: World, namespace: str, tmp_path: Path
) -> None:
    with through_proxy(world.clusters["staging"], tmp_path) as (proxy, cluster):
        proxy.play("GET .*/configmaps/a", Answer(404, b"not here"))
        proxy.play("GET .*/configmaps/b", *[Answer(503, headers={"Retry-After": "0"})] * ATTEMPTS)
        many = [config_map(f"c-{number}") for number in range(2 * PARALLEL)]
        with pytest.raises(RefusedError) as caught:
            Engine(cluster, Options(namespace, wait=False), ignore).run(
                manifests(config_map("a"), config_map("b"), *many)
            )
        asked = sum("/configmaps/c-" in seen.path for seen in proxy.seen)
    assert set(by_name(dict(caught.value.reasons))) == {"ConfigMap/a", "ConfigMap/b"}
    assert asked == len(many)
