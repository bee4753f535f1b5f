"""An application whose jobs travel through Pub/Sub, and all that happens to it from its beginning to its end."""

import json
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Self

from local.function import Function
from local.pubsub import TOPIC
from local.world import World
from tests.end_to_end.reconciling import age, history, inventory
from tests.end_to_end.staged import Event, events, job, now, turn
from tests.push_server import PushServer
from tests.push_subscription import Subscription
from tests.world import Bench, config_map

AUDIENCE = "https://sync.example"
PUSHER = "push@acme.iam.gserviceaccount.com"
"""What the tokens of this Pub/Sub say, and `sync` checks."""

TOKEN = "projects/local/secrets/github-token"
DEPLOYER_TOKEN = "ghs_deployer"
"""Where the deployer's token for GitHub is, and which it is at first; tests have another one."""

HOOKS = {"Job/before": 1, "Job/after": 1}
"""How often each hook of `files` runs in one sync."""


def configure_cluster(config: Path, name: str, secret: str) -> Path:
    """Write a cluster's document; returns where."""
    document = {
        "apiVersion": "deployer/v1alpha1",
        "kind": "Cluster",
        "metadata": {"name": name},
        "spec": {"kubeconfig": {"secret": secret}},
    }
    file = config / f"cluster-{name}.yaml"
    file.write_text(json.dumps(document))
    return file


def files(value: object) -> dict[str, str]:
    """Manifests: ConfigMap `a` with a value, and a hook before it and one after it."""
    return {
        "a.yaml": config_map("a", str(value)),
        "before.json": turn(job("before"), hook="PreSync"),
        "after.json": turn(job("after"), hook="PostSync"),
    }


def until(right: Callable[[], object], what: str, timeout: float = 60) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + timeout
    while not right():
        assert time.monotonic() < deadline, f"{what}: not within {timeout:g} s"
        time.sleep(0.05)


def call_reconcile(world: World) -> list[str]:
    """Call the entry point `reconcile`; returns the applications for which it has published a job."""
    request = urllib.request.Request(world.exports["DEPLOYER_LOCAL_RECONCILE_URL"], b"")
    with urllib.request.urlopen(request, timeout=120) as answer:
        found: list[str] = json.load(answer)["queued"]
    return found


class QueuedBench(Bench):
    """One application in a world with a Pub/Sub."""

    def __init__(self, world: World, folder: Path, pubsub: PushServer) -> None:
        super().__init__(world, folder)
        self.pubsub = pubsub
        self._since = ""

    def __enter__(self) -> Self:
        self._since = now(self)
        return self

    @property
    def events(self) -> Subscription:
        """The subscription for events."""
        return self.pubsub.subscriptions["projects/local/subscriptions/events"]

    @property
    def jobs(self) -> Subscription:
        """The subscription for the jobs of the application's cluster."""
        known, place = self.pubsub.subscriptions, "projects/local/subscriptions"
        return known.get(f"{place}/cluster-{self._cluster}") or known[f"{place}/other-clusters"]

    @property
    def instances(self) -> tuple[Function, ...]:
        """Those of `sync`."""
        assert self.world.sync
        return self.world.sync.instances

    def configure(self, cluster: str = "staging", **options: Any) -> None:
        """Write the application's document, as `Bench` does."""
        self._cluster = cluster
        super().configure(cluster, **options)

    def remove(self) -> None:
        """Take the application's document away."""
        self._document.unlink(missing_ok=True)

    def kill(self) -> None:
        """Kill all instances of `sync`, as a machine that fails."""
        for one in self.instances:
            one.kill()

    def pushed(self, content: Mapping[str, str]) -> str:
        """Push, and wait until the event is with Pub/Sub; returns the commit."""
        commit = self.push(dict(content))
        assert self.world.github.wait_for_delivery(commit).status == 200
        return commit

    def queued(self) -> int:
        """How many jobs of the application have been published."""
        return sum(one.ordering_key == self.name for one in self.pubsub.published[TOPIC])

    def reconcile(self) -> str:
        """Call `reconcile`, and wait for what it has published; returns `queued` if it has a job of the application."""
        queued = call_reconcile(self.world)
        assert self.pubsub.drained(60)
        return "queued" if self.name in queued else ""

    def later(self, commit: str, seconds: float = 60) -> None:
        """Play that time has passed since the commit was given its statuses."""
        age(self, commit, seconds)

    def said(self, severity: str) -> list[str]:
        """What `sync` has logged about the application, of one severity."""
        records = [json.loads(line) for line in self.log().splitlines() if f'"{self.name}"' in line]
        return [one["message"] for one in records if one["severity"] == severity]

    def result(self) -> str:
        """How the last sync has ended, as its inventory says; `""` where there is none."""
        name = f"deployer-{self.name}"
        text = self.kubectl("get", "configmap", name, "-n", self.name, "-o", "json", "--ignore-not-found")
        entries = json.loads(json.loads(text)["data"]["history"]) if text else []
        return str(entries[0]["result"]) if entries else ""

    def value(self) -> str:
        """What ConfigMap `a` has now."""
        return str(self.live("configmap", "a")["data"]["key"])

    def happened(self) -> list[Event]:
        """All that has happened to ConfigMaps and Jobs since the beginning."""
        return events(self, self._since, ("ConfigMap", "Job"))

    def ends_at(
        self, commit: str, values: Sequence[object], others: Sequence[str] = (), *, syncs: int | None = None
    ) -> None:
        """Assert that all is well: nothing lost, nothing twice, nothing backwards, the commits told.

        Args:
            commit: what the ref points at.
            values: what ConfigMap `a` may have had, one after the other; the last one is the commit's.
            others: other commits that there were.
            syncs: how many there were that ran their hooks, each once; None where there are no hooks.
        """
        assert self.pubsub.drained(60)
        last = history(self)[0]
        assert (last["revision"], last["result"]) == (commit, "succeeded")
        assert inventory(self)["data"]["operation"] == ""
        found = self.happened()
        allowed, seen = [str(value) for value in values], values_of(found)
        assert seen[-1] == allowed[-1] == self.value()
        rest = iter(allowed)
        assert all(value in rest for value in seen), f"{seen} is not in the order of {allowed}"
        if syncs is not None:
            assert runs_of(found) == [HOOKS] * syncs
        assert self.statuses(commit)[-1][0] == "success"
        for other in others:
            told = self.statuses(other)
            assert not told or told[-1][0] != "pending", (other, told)


def values_of(found: Sequence[Event]) -> list[str]:
    """What ConfigMap `a` has had, one after the other."""
    ours = [one for one in found if one.name == "ConfigMap/a"]
    assert {one.what for one in ours} <= {"ADDED", "MODIFIED"}, "it is never deleted"
    return [value for value, _ in groupby(one.body["data"]["key"] for one in ours)]


def runs_of(found: Sequence[Event]) -> list[dict[str, int]]:
    """How often each hook was made, in each operation."""
    runs: dict[str, Counter[str]] = {}
    for one in found:
        if one.what == "ADDED" and one.operation:
            runs.setdefault(one.operation.partition("-")[0], Counter())[one.name] += 1
    return [dict(one) for one in runs.values()]
