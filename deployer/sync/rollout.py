"""Waits for health, and says what holds it up in the pods' own words."""

from collections.abc import Mapping
from dataclasses import dataclass

from deployer.cluster.discovery import Resource
from deployer.cluster.health import Health
from deployer.manifest import ObjectKey

_PODS = Resource("", "v1", "Pod", "pods", namespaced=True)
_FIRST_PAUSE, _LAST_PAUSE = 0.1, 2.0
_PATIENCE = 1.0
"""Seconds that a workload may be on its way before its pods are looked at: most need no more."""


@dataclass(frozen=True)
class Rollout:
    """How a wait ended: the health of each object, and the problem in one sentence, `""` where all is well."""

    healths: Mapping[ObjectKey, Health]
    problem: str = ""
