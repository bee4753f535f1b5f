"""Waits until what went ahead can be used: definitions established, and their kinds discovered."""

import time
from collections.abc import Collection, Sequence

from deployer.cluster.connection import Cluster
from deployer.cluster.discovery import Discovery, Resource, discover
from deployer.cluster.health import health
from deployer.cluster.objects import get
from deployer.errors import ClusterError
from deployer.sync.targets import Target, is_definition

_PAUSE = 0.1
"""Seconds between looks: an API server takes a fraction of a second to serve a new kind."""


def await_definitions(
    cluster: Cluster, ahead: Sequence[Target], promised: Collection[Resource], timeout: float
) -> None:
    """Wait until new definitions are Established and their kinds show up in discovery.

    Args:
        cluster: where.
        ahead: what went ahead; of these, the CustomResourceDefinitions are waited for.
        promised: the kinds that other objects of the sync need.
        timeout: seconds to wait.

    Raises:
        ClusterError: a definition is not established, or a kind not discovered, in time.
    """
    deadline = time.monotonic() + timeout
    missing = ""
    definitions = [target for target in ahead if is_definition(target.manifest)]
    while definitions or promised:
        for target in list(definitions):
            state = health(get(cluster, target.resource, "", target.key.name))
            if state.status == "Healthy":
                definitions.remove(target)
            else:
                missing = f"{target.key} is not established: {state.message}"
        if not definitions:
            discovery = discover(cluster)
            promised = [kind for kind in promised if not discovery.find(kind.group, kind.version, kind.kind)]
            if not promised:
                return
            missing = f"the kind {promised[0].kind} of {promised[0].group} is not served yet"
        if time.monotonic() > deadline:
            raise ClusterError(f"{missing}, {timeout:g} s after its CustomResourceDefinition was applied")
        time.sleep(_PAUSE)


def await_kinds(cluster: Cluster, kinds: Collection[Resource], timeout: float) -> Discovery:
    """Wait until kinds show up in discovery that something else brings, such as an operator.

    Args:
        cluster: where.
        kinds: by group, version and kind; the rest is not known yet.
        timeout: seconds to wait.

    Returns:
        What the cluster knows then; or when the time is over, and some are still not among it.

    Raises:
        ClusterError: the cluster cannot be reached.
    """
    deadline = time.monotonic() + timeout
    while True:
        discovery = discover(cluster)
        missing = any(discovery.find(kind.group, kind.version, kind.kind) is None for kind in kinds)
        if not missing or time.monotonic() > deadline:
            return discovery
        time.sleep(_PAUSE)
