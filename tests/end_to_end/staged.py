"""What the tests of waves and hooks share: objects with their turn, and all that has happened to them."""

import json
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from deployer.hooks import HOOK, HOOK_POLICY, WAVE
from deployer.sync.hook_object import OPERATION
from tests.sync.helpers import manifest
from tests.world import Bench, deployment

PLACES = {
    "ConfigMap": "/api/v1/configmaps",
    "Service": "/api/v1/services",
    "Pod": "/api/v1/pods",
    "Deployment": "/apis/apps/v1/deployments",
    "Job": "/apis/batch/v1/jobs",
}


def turn(
    body: dict[str, Any], *, wave: int | None = None, hook: str = "", policy: str = "", also: Mapping[str, str] = {}
) -> str:
    """A manifest with its wave, with what makes it a hook, and with other annotations."""
    annotations = {**also}
    annotations |= {WAVE: str(wave)} if wave is not None else {}
    annotations |= {HOOK: hook} if hook else {}
    annotations |= {HOOK_POLICY: policy} if policy else {}
    return json.dumps(
        {**body, "metadata": {**body["metadata"], **({"annotations": annotations} if annotations else {})}}
    )


def text(name: str, value: str = "1") -> dict[str, Any]:
    """A ConfigMap, which is healthy once it is there."""
    return manifest("v1", "ConfigMap", name, data={"key": value})


def web(name: str = "web", image: str = "nginx:1.29.3") -> dict[str, Any]:
    """A Deployment; the image says how its pods fare."""
    found: dict[str, Any] = json.loads(deployment(name, image))
    return found


def job(name: str, image: str = "busybox:1.37", **spec: Any) -> dict[str, Any]:
    """A Job whose first failure is its last; the image says how it fares."""
    pod = {"restartPolicy": "Never", "containers": [{"name": "job", "image": image}]}
    return manifest("batch/v1", "Job", name, spec={"backoffLimit": 0, "template": {"spec": pod}, **spec})


@dataclass(frozen=True)
class Event:
    """What has happened to an object: `ADDED`, `MODIFIED` or `DELETED`, at a `version` that counts all writes."""

    what: str
    version: int
    body: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.body['kind']}/{self.body['metadata']['name']}"

    @property
    def operation(self) -> str:
        """The operation that a hook says it is part of."""
        return str(self.body["metadata"].get("labels", {}).get(OPERATION, ""))


def now(bench: Bench) -> str:
    """The version that the cluster's last write has."""
    found = json.loads(bench.kubectl("get", "--raw", "/api/v1/namespaces?limit=1"))
    return str(found["metadata"]["resourceVersion"])


def events(
    bench: Bench,
    since: str,
    kinds: Iterable[str] = ("ConfigMap", "Deployment", "Job"),
    namespaces: Collection[str] = (),
) -> list[Event]:
    """All that has happened in some namespaces, or in the application's, but for inventories.

    Nothing is missed: an API server tells of all writes after a version, and knows them for a minute at least.
    """
    names = namespaces or (bench.name,)

    def watched(kind: str) -> list[Event]:
        query = f"{PLACES[kind]}?watch=1&resourceVersion={since}&timeoutSeconds=1"
        lines = map(json.loads, bench.kubectl("get", "--raw", query).splitlines())
        return [Event(one["type"], int(one["object"]["metadata"]["resourceVersion"]), one["object"]) for one in lines]

    with ThreadPoolExecutor() as pool:
        found = [one for some in pool.map(watched, kinds) for one in some]
    unasked = ("kube-root-ca.crt", *(f"deployer-{name}" for name in names))
    metadata = [(one, one.body["metadata"]) for one in found]
    ours = [one for one, its in metadata if its["namespace"] in names and its["name"] not in unasked]
    return sorted(ours, key=lambda one: one.version)


def order(found: Iterable[Event], what: str = "ADDED") -> list[str]:
    """The objects that were made, or deleted, in their order."""
    return [one.name for one in found if one.what == what]


def ended(found: Iterable[Event], name: str) -> int:
    """At which version an object was healthy for the first time: a Deployment available, a Job complete."""
    return next(one.version for one in found if one.name == name and _over(one.body))


def made(found: Iterable[Event], name: str) -> int:
    """At which version an object was made."""
    return next(one.version for one in found if one.name == name and one.what == "ADDED")


def _over(body: dict[str, Any]) -> bool:
    conditions = {one["type"] for one in body["status"].get("conditions", ()) if one["status"] == "True"}
    return bool(conditions & {"Available", "Complete", "Failed"})


def wait_until(right: Callable[[], object]) -> None:
    """Wait until something is so, for 20 seconds at the most."""
    deadline = time.monotonic() + 20
    while not right():
        assert time.monotonic() < deadline
        time.sleep(0.1)
