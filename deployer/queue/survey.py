"""How all applications stand, as far as their inventories and refs say: a request for each cluster and each ref.

From that the schedule knows which application is to be looked at now.
"""

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from deployer.application import Application
from deployer.cluster import inventory_store
from deployer.cluster.history import Entry, failures
from deployer.cluster.inventory import Inventory, empty
from deployer.cluster_document import ClusterDocument
from deployer.configuration import Configuration
from deployer.errors import DeployerError
from deployer.github.client import GitHub
from deployer.github.revision import resolve
from deployer.github.touched import touched_between
from deployer.report import log
from deployer.report.drift import deployed
from deployer.repository import is_commit
from deployer.settings import Settings
from deployer.source import Ref
from deployer.sync.connections import open_cluster, open_github
from deployer.sync.rollback import held_at

_PARALLEL = 16
"""Clusters, or refs, that are asked at once."""

_FRESH = 120.0
"""Seconds after a sync in which an application is looked at each time: its commit may not have learnt of it."""

ROUNDS = 5
"""Calls of the schedule in which each application is looked at once, whatever its inventory says, for drift."""

_Asked = TypeVar("_Asked")
_Found = TypeVar("_Found")


@dataclass(frozen=True)
class Survey:
    """How applications stand: the commit of each ref that could be found, and each inventory that could be read.

    An application that has no inventory yet has an empty one; it is absent where that is not known. Those that are
    `untouched` have another commit than their ref points at, which changes nothing that they are made from.
    """

    commits: Mapping[Ref, str] = field(default_factory=dict)
    inventories: Mapping[str, Inventory] = field(default_factory=dict)
    untouched: frozenset[str] = frozenset()

    def commit(self, application: Application) -> str:
        """The commit that an application's watched ref points at; `""` where that is not known."""
        return self.commits.get(application.source.ref, "")


def survey(configuration: Configuration, settings: Settings, github: GitHub, names: Iterable[str] = ()) -> Survey:
    """Ask each cluster for its inventories, and GitHub for each ref. What cannot be asked is told in the log.

    Args:
        configuration: what there is.
        settings: Secret Manager.
        github: whom to ask.
        names: of the applications that are wanted; none means all.
    """
    wanted = set(names)
    applications = [one for one in configuration.applications if not wanted or one.name in wanted]
    clusters = {configuration.cluster_for(one).name for one in applications}
    documents = [one for one in configuration.clusters if one.name in clusters]
    inventories: dict[str, Inventory] = {}
    for _, some in _each(documents, lambda one: _inventories(one, settings, applications)):
        inventories |= some
    found = Survey(_commits(github, applications), inventories)
    far = [one for one in applications if one.generate_paths and moved(one, found)]
    untouched = {one.name for one, touches in _each(far, lambda one: _touches(github, one, found)) if not touches}
    return replace(found, untouched=frozenset(untouched))


def resolve_all(applications: Sequence[Application], settings: Settings) -> dict[Ref, str]:
    """Return the commit of each ref that is watched; one that cannot be found is for its application's job to tell of.

    Args:
        applications: that watch.
        settings: GitHub.
    """
    try:
        with open_github(settings) as github:
            return _commits(github, applications)
    except DeployerError:
        return {}


def due(application: Application, found: Survey, now: datetime, turn: int, *, shared: bool = False) -> str:
    """Say why an application is to be looked at now; `""` where it can wait for its turn. Pure.

    Args:
        application: which.
        found: how it stands.
        now: in UTC.
        turn: the number of the call, modulo `ROUNDS`.
        shared: whether its commit has one status for many, which the schedule looks after by itself.
    """
    inventory, commit = found.inventories.get(application.name), found.commit(application)
    turned = zlib.crc32(application.name.encode()) % ROUNDS == turn
    if not commit:  # whoever looks would find out no more
        return "the schedule" if turned else ""
    if inventory is None:
        return "how it stands is not known"
    if inventory.operation:
        return "a sync is under way"
    last = inventory.last
    if moved(application, found) and application.automated:
        return f"{application.source.target_revision} has moved"
    if last and last.result == "unfinished":
        return "its rollout goes on"
    if last and last.result == "failed" and application.automated and _tries_again(application, last, inventory, now):
        return "its last sync failed"
    if last and not shared and abs((now - last.when).total_seconds()) < _FRESH:
        return "it has just been synced"
    return "the schedule" if turned else ""


def moved(application: Application, found: Survey) -> bool:
    """Whether an application was synced last at another commit than it is to have. Pure."""
    inventory, commit = found.inventories.get(application.name), found.commit(application)
    if inventory is None or not commit or held_at(inventory.hold, commit) or application.name in found.untouched:
        return False
    return not inventory.history or inventory.history[0].revision != commit


def _tries_again(application: Application, last: Entry, inventory: Inventory, now: datetime) -> bool:
    tried, when = failures(inventory.history, last.revision)
    if when is None:  # it was superseded, and the ref has moved back
        return True
    return application.retry.allows(tried) and (now - when).total_seconds() >= application.retry.pause(tried)


def _commits(github: GitHub, applications: Iterable[Application]) -> dict[Ref, str]:
    """The commit of each ref that can be found; another host's repository of the same name is another one."""
    refs = [ref for ref in dict.fromkeys(one.source.ref for one in applications) if ref[0].host == github.host]
    return dict(_each(refs, lambda ref: resolve(github, *ref)))


def _touches(github: GitHub, application: Application, found: Survey) -> bool:
    """Whether a new commit touches what an application is made from; it does where there was none before."""
    last = deployed(found.inventories[application.name])
    # Anybody may have written the inventory.
    if last is None or not is_commit(last.revision):
        return True
    repository, commit = application.source.repository, found.commit(application)
    return touched_between(github, repository, application.generate_paths, last.revision, commit)


def _inventories(
    document: ClusterDocument, settings: Settings, applications: Sequence[Application]
) -> dict[str, Inventory]:
    """The inventories of the applications of a cluster, by application."""
    here = [one for one in applications if one.destination.cluster in document.names]
    none = {one.name: empty(one.name, one.destination.namespace) for one in here}
    with closing(open_cluster(document, settings)) as cluster:
        found = inventory_store.find(cluster, {one.namespace for one in none.values()})
    for warning in found.warnings:
        log.warning(warning)
    if found.warnings:
        # What could not be read may be any of them.
        return {name: found.inventories[one.id] for name, one in none.items() if one.id in found.inventories}
    return {name: found.inventories.get(one.id, one) for name, one in none.items()}


def _each(items: Sequence[_Asked], ask: Callable[[_Asked], _Found]) -> list[tuple[_Asked, _Found]]:
    """Ask about each item at the same time; one about which nothing can be found out is logged, and left out."""

    def asked(item: _Asked) -> _Found | None:
        try:
            return ask(item)
        except DeployerError as error:
            log.warning(str(error))
            return None

    with ThreadPoolExecutor(_PARALLEL) as pool:
        found = zip(items, pool.map(asked, items), strict=True)
        return [(item, one) for item, one in found if one is not None]
