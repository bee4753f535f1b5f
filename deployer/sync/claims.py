"""Whether live objects may be had: asks the cluster whose they are, where the configuration does not know."""

from collections.abc import Collection
from threading import Lock

from deployer.cluster.connection import Cluster
from deployer.cluster.inventory import DEFAULT_NAMESPACE, Inventory
from deployer.cluster.inventory_store import find
from deployer.cluster.objects import Live
from deployer.errors import ClusterError
from deployer.sync.owner import Owner, claim, label, strangers
from deployer.sync.result import Progress, Step


class Claims:
    """The claims of one application; shared by threads."""

    def __init__(self, cluster: Cluster, owner: Owner, progress: Progress) -> None:
        self._cluster, self._owner, self._progress = cluster, owner, progress
        self._inventories: dict[str, Inventory] = {}
        self._asked: set[str] = set()
        self._lock = Lock()

    def check(self, live: Live, namespaces: Collection[str]) -> None:
        """Refuse an object of another application; tell of one that is taken over from an orphaned one.

        Args:
            live: the object.
            namespaces: where an orphan's inventory may be, if the account may not look everywhere.

        Raises:
            ClusterError: it belongs to another application, or the cluster cannot be reached.
        """
        theirs = label(live)
        with self._lock:
            if unknown := strangers(self._owner, [theirs]) - self._asked:
                found = find(self._cluster, {*namespaces, DEFAULT_NAMESPACE}, unknown)
                self._inventories |= found.inventories
                self._asked |= unknown
                for warning in found.warnings:
                    self._progress(Step(warning, reason=warning))
        claimed = claim(self._owner, theirs, self._inventories)
        if claimed.refused:
            raise ClusterError(claimed.refused)
        if claimed.warning:
            told = f"{live['kind']}/{live['metadata']['name']}: {claimed.warning}"
            self._progress(Step(told, reason=told))
