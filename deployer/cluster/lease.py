"""One sync of an application at a time: a Lease beside its inventory, renewed by a thread while it is held.

It works as client-go's leader election does (https://pkg.go.dev/k8s.io/client-go/tools/leaderelection), which compares
no clock with another machine's: a holder that has not renewed its Lease for its whole duration is dead, and that time
is measured by whoever waits, on a monotonic clock, from the last change that it saw. A function that has just started
has seen nothing yet. It asks the server how old the last renewal is, by the times in `managedFields`: the renewal's,
and that of a dry-run, which is now. Both are the server's. So a holder that was killed blocks for one duration,
however short the attempts of those who wait.

The holder keeps its part: it writes only while its last renewal, counted from when it was sent, is younger than two
thirds of the duration. The last third is for a write that is on its way, and for API servers whose clocks differ.
"""

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from deployer.cluster.connection import Cluster
from deployer.cluster.discovery import Resource
from deployer.cluster.guarded import create, delete, update
from deployer.cluster.objects import Live, get
from deployer.errors import BusyError, ClusterError
from deployer.retry import with_retries

DURATION = 15
"""Seconds after which a Lease that was not renewed is free; it is renewed every third of them."""

_POLL = 0.5
_RACES = 20
LEASES = Resource("coordination.k8s.io", "v1", "Lease", "leases", namespaced=True)


@contextmanager
def holding(
    cluster: Cluster, namespace: str, name: str, holder: str, wait_seconds: float, duration: int = DURATION
) -> Iterator["Lease"]:
    """Hold a Lease for the time of a block.

    Args:
        cluster: where.
        namespace: the Lease's, which exists.
        name: the Lease's.
        holder: who holds it, for people; what makes it unique is added.
        wait_seconds: how long to wait for a holder that lives.
        duration: seconds, see `DURATION`.

    Raises:
        ClusterError: somebody else holds it, who is named (it may pass); else the cluster cannot be reached or refuses.
    """
    lease = Lease(cluster, namespace, name, f"{holder} ({secrets.token_hex(4)})", duration)
    lease._acquire(wait_seconds)
    renewing = threading.Thread(target=lease._keep, name=f"lease {name}", daemon=True)
    renewing.start()
    try:
        yield lease
    finally:
        lease._ended.set()
        renewing.join()
        lease._release()


class Lease:
    """A Lease that `holding` holds.

    `left` says why it could not be given back at the end, if so: it is free by itself when its duration is over.
    """

    def __init__(self, cluster: Cluster, namespace: str, name: str, holder: str, duration: int) -> None:
        """Say which, and who holds it: a name that nobody else has."""
        self.left = ""
        self._ended = threading.Event()
        self._cluster, self._namespace, self._name = cluster, namespace, name
        self._holder, self._duration, self._since = holder, duration, _now()
        self._live: Live = {}
        self._renewed = 0.0
        self._lost = ""
        self._problem = ""

    def check(self) -> None:
        """Look whether it is still held: to be called before each write. Nothing is sent.

        Raises:
            ClusterError: another sync has taken over, or may have; nothing more must be written.
        """
        if self._lost:
            raise ClusterError(f"another sync has taken over {self._place}: {self._lost}; this one writes no more")
        age = time.monotonic() - self._renewed
        if age > self._duration * 2 / 3:
            raise ClusterError(
                f"another sync may have taken over {self._place}, which was last renewed {age:.0f} s ago"
                f"{self._problem and f' ({self._problem})'}; this one writes no more, sync again",
                transient=True,
            )

    def _acquire(self, wait_seconds: float) -> None:
        """Take it, as soon as nobody holds it."""
        deadline = time.monotonic() + wait_seconds
        live: Live | None = None
        for _ in range(_RACES):
            if with_retries(lambda: self._write(live)):  # noqa: B023 (it is called here)
                return
            live = self._await_free(deadline)
        raise ClusterError(f"{self._place} goes from hand to hand; sync again", transient=True)

    def _keep(self) -> None:
        """Renew it until `_ended`, or until it is lost."""
        pause = self._duration / 3
        while not self._ended.wait(pause):
            pause = self._duration / 15
            try:
                if self._write(self._live):
                    pause = self._duration / 3
                elif not self._still_ours():
                    return
            except ClusterError as error:
                self._problem = str(error)

    def _release(self) -> None:
        """Give it back, if it is still held."""

        def ask() -> None:
            try:
                delete(self._cluster, LEASES, self._live)
            except ClusterError as error:
                if error.status == 409 and self._still_ours():
                    raise  # it is tried again, with the Lease as it is now
                if error.status not in (404, 409):
                    raise

        try:
            self.check()
            with_retries(ask)
        except ClusterError as error:
            self.left = str(error)

    @property
    def _place(self) -> str:
        return f"Lease {self._name} in namespace {self._namespace}"

    def _write(self, live: Live | None) -> bool:
        """Create it, or write it over `live`: as ours, and as of now. False where somebody else was quicker."""
        started = time.monotonic()
        spec = {
            "holderIdentity": self._holder,
            "leaseDurationSeconds": self._duration,
            "acquireTime": self._since,
            "renewTime": _now(),
        }
        try:
            self._live = (update if live else create)(self._cluster, LEASES, self._body(live, spec))
        except ClusterError as error:
            if error.status == 409 or (live and error.status == 404):
                return False
            raise
        self._renewed, self._problem = started, ""
        return True

    def _await_free(self, deadline: float) -> Live | None:
        """Wait until nobody holds it; returns it as it is then, or None where there is none."""
        version, free_at = "", 0.0
        while (live := get(self._cluster, LEASES, self._namespace, self._name)) is not None:
            holder, since, duration = _told(live)
            if holder in ("", self._holder):  # ours, where the answer to what took it was lost
                return live
            now = time.monotonic()
            if live["metadata"]["resourceVersion"] != version:
                free_at = now + duration - (0.0 if version else with_retries(lambda: self._age(live)))
                version = live["metadata"]["resourceVersion"]
            if now >= free_at:
                return live
            if now >= deadline:
                raise BusyError(
                    f"another sync is under way: {holder} has held {self._place} since {since}; "
                    "sync again once it has ended",
                    transient=True,
                )
            time.sleep(min(_POLL, free_at - now, deadline - now))
        return None

    def _age(self, live: Live) -> float:
        """How many seconds ago the server wrote it last, at least."""
        body = self._body(live, {"renewTime": _now()})
        try:
            now = _written(update(self._cluster, LEASES, body, dry_run=True))
        except ClusterError as error:
            if error.status in (404, 409):
                return 0.0  # it has just been written
            raise
        written = _written(live)
        return max((now - written).total_seconds() - 1, 0.0) if now and written else 0.0

    def _still_ours(self) -> bool:
        """Look whether somebody else has it, after it was written by somebody, or by us with no answer."""
        live = get(self._cluster, LEASES, self._namespace, self._name)
        if live and _told(live)[0] == self._holder:
            self._live = live
            return True
        holder, since, _ = _told(live or {})
        self._lost = f"{holder} has held it since {since}" if holder else "it was removed"
        return False

    def _body(self, live: Live | None, spec: dict[str, Any]) -> dict[str, Any]:
        metadata = {"name": self._name, "namespace": self._namespace}
        if live:
            metadata["resourceVersion"] = live["metadata"]["resourceVersion"]
        return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}


def _told(live: Live) -> tuple[str, str, float]:
    """Who holds it (`""` is nobody), since when, and its duration in seconds."""
    spec = live.get("spec") or {}
    return (
        spec.get("holderIdentity") or "",
        spec.get("acquireTime") or "a time that it does not say",
        spec.get("leaseDurationSeconds") or DURATION,
    )


def _written(live: Live) -> datetime | None:
    """When the server wrote it last; to the second, which is all that it tells."""
    times = [one["time"] for one in live["metadata"].get("managedFields") or [] if one.get("time")]
    return datetime.fromisoformat(max(times)) if times else None


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
