"""What the tests of deletions share: an application's deletion, and what is left after it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from deployer.cluster.connection import Cluster
from deployer.cluster.history import DELETION
from deployer.cluster.hold import Hold
from deployer.cluster.objects import Live, get
from deployer.sync.deletion import delete
from deployer.sync.options import Options
from deployer.sync.plan import Plan
from deployer.sync.prune import Pruning
from deployer.sync.result import Progress, Step, SyncResult
from tests.end_to_end.staged import job, turn
from tests.sync.app import CONFIG_MAP, LEASE, ONE, App
from tests.sync.helpers import ignore, manifest, manifests

SAYS = "argocd.argoproj.io/sync-options"
HOLD = Hold("", ONE, datetime.now(UTC).replace(microsecond=0), "ada", DELETION)
Wanted = str | dict[str, Any]


def saying(body: dict[str, Any], **annotations: str) -> dict[str, Any]:
    """A manifest with annotations of ours or Argo CD's."""
    return {**body, "metadata": {**body["metadata"], "annotations": annotations}}


def text(name: str, **annotations: str) -> dict[str, Any]:
    return saying(manifest("v1", "ConfigMap", name, data={"key": "1"}), **annotations)


def waved(name: str, wave: int) -> dict[str, Any]:
    return text(name, **{"argocd.argoproj.io/sync-wave": str(wave)})


def hook(name: str, phase: str, image: str = "busybox:1.37", policy: str = "", **spec: Any) -> str:
    return turn(job(name, image, **spec), hook=phase, policy=policy)


def agree(plan: Plan) -> bool:
    return True


def remove(
    app: App,
    *documents: Wanted,
    agreed: Callable[[Plan], bool] = agree,
    progress: Progress = ignore,
    dry_run: bool = False,
    hold: Hold | None = None,
    timeout: float = 30,
    cluster: Cluster | None = None,
    **pruning: Any,
) -> SyncResult | None:
    """Delete what an application has; of the documents, the hooks count."""
    options = Options(
        app.namespace,
        timeout=timeout,
        dry_run=dry_run,
        owner=replace(app.owner, why=DELETION, hold=hold),
        pruning=Pruning(enabled=True, max_percentage=100, word="Delete", **pruning),
        hooks="never",
    )
    return delete(cluster or app.cluster, manifests(*documents), options, progress, agreed)


def done(result: SyncResult | None) -> SyncResult:
    assert result
    return result


def gone(app: App) -> bool:
    """Whether neither an inventory nor a Lease is left."""
    name = f"deployer-{app.namespace}"
    return not any(get(app.cluster, kind, app.namespace, name) for kind in (CONFIG_MAP, LEASE))


def jobs(app: App) -> dict[str, Live]:
    found = app.cluster.request("GET", f"/apis/batch/v1/namespaces/{app.namespace}/jobs")["items"]
    return {one["metadata"]["name"]: one for one in found}


class Order:
    """Progress that notes each step; at the one that begins with `stop` it fails, as a process that is killed."""

    def __init__(self, stop: str = "") -> None:
        self.steps: list[str] = []
        self.reasons: list[str] = []
        self._stop = stop

    def __call__(self, step: Step) -> None:
        self.steps.append(step.message)
        self.reasons += [step.reason] if step.reason else []
        if self._stop and step.message.startswith(self._stop):
            raise KeyboardInterrupt


MERGE = "application/merge-patch+json"
