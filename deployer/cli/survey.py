"""Looks at applications, all at once: what their inventories say, and what a sync of each would change.

Nothing is written. What an application's cluster, GitHub or source refuses makes that one Unknown, and no other. A
cluster is asked for its inventories first, so that one that does not answer holds up no application of another.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar

from deployer.application import Application
from deployer.cli.terminal import say, show_waiting
from deployer.cluster.inventory import DEFAULT_NAMESPACE, empty
from deployer.cluster.inventory_store import Found, find
from deployer.cluster_document import ClusterDocument
from deployer.configuration import Configuration, Placement
from deployer.errors import ConfigurationError, DeletedError, DeployerError
from deployer.report.status import ApplicationStatus, deleted, judge, orphaned, unread
from deployer.settings import Settings
from deployer.sync.connections import open_cluster
from deployer.sync.deploy import deploy
from deployer.sync.how import How
from deployer.sync.result import Step
from deployer.sync.rollback import in_words

# Looked at at once. An application may have 16 requests to GitHub under way, whose secondary limit stands at 100.
_APPLICATIONS, _CLUSTERS = 6, 16

_T = TypeVar("_T")

Waiting = Callable[[Sequence[str]], None]
"""Told what is waited for."""


@dataclass(frozen=True)
class Survey:
    """How applications are, the orphaned ones last, and a warning for each place that could not be looked at."""

    statuses: Sequence[ApplicationStatus]
    warnings: Sequence[str]


def survey(configuration: Configuration, settings: Settings, only: str, waiting: Waiting) -> Survey:
    """Look at applications, and at what those have left that are in the configuration no more.

    Args:
        configuration: where they are.
        settings: GitHub and Secret Manager.
        only: the name of the one that is asked for, `""` for all. Where it is in the configuration, only its cluster
            is asked; where it is not, every cluster is asked for what it has left there.
        waiting: told what is waited for, before each wait.
    """
    wanted = [one for one in configuration.applications if only in ("", one.name)]
    documents = [one for one in configuration.clusters if not only or not wanted or _going(wanted, one)]
    statuses: list[ApplicationStatus] = []
    warnings: list[str] = []
    with ThreadPoolExecutor(_CLUSTERS) as asking, ThreadPoolExecutor(_APPLICATIONS) as planning:
        looks = {asking.submit(_look, one, configuration, settings): one for one in documents}
        plans: dict[Future[ApplicationStatus], str] = {}
        for look in _as_completed({look: f"cluster {one.name}" for look, one in looks.items()}, waiting):
            document = looks[look]
            going = _going(wanted, document)
            try:
                found = look.result()
            except DeployerError as error:
                statuses += [unread(one.name, document.name, str(error)) for one in going]
                warnings += [] if going else [f"cluster {document.name} is not searched for what is orphaned: {error}"]
                continue
            warnings += found.warnings
            statuses += _orphans(found, document, configuration, only)
            for one in going:
                plans[planning.submit(_plan, configuration.placement(one.name), found, settings)] = one.name
        statuses += [plan.result() for plan in _as_completed(plans, waiting)]
    return Survey(sorted(statuses, key=_position), warnings)


def survey_aloud(configuration: Configuration, settings: Settings, only: str) -> Survey:
    """Look as `survey` does, and show what is waited for, and the warnings.

    Raises:
        ConfigurationError: `only` is neither in the configuration, nor has it left anything in a cluster.
    """
    found = survey(configuration, settings, only, show_waiting)
    for warning in found.warnings:
        say("warning:", warning, "yellow")
    if only and not found.statuses:
        try:
            configuration.application(only)
        except ConfigurationError as missing:
            raise ConfigurationError(f"{missing}; and no inventory of it was found in a cluster") from missing
    return found


def _look(document: ClusterDocument, configuration: Configuration, settings: Settings) -> Found:
    """Find all inventories in a cluster; where its account may not look everywhere, those where applications go."""
    namespaces = {one.destination.namespace for one in _going(configuration.applications, document)}
    with closing(open_cluster(document, settings)) as cluster:
        return find(cluster, {namespace or DEFAULT_NAMESPACE for namespace in namespaces})


def _plan(placement: Placement, found: Found, settings: Settings) -> ApplicationStatus:
    """Find out what a sync of an application would change."""
    application = placement.application
    none = empty(application.name, application.destination.namespace)
    told: list[str] = []

    def tell(step: Step) -> None:
        if step.reason:
            told.append(step.reason)

    known = found.inventories.get(none.id)
    try:
        planned = deploy(placement, settings, How(dry_run=True), tell)
    except DeletedError as error:
        return deleted(placement.cluster.name, known or none, str(error))
    except DeployerError as error:
        return unread(application.name, placement.cluster.name, str(error), known)
    inventory, hold = planned.result.inventory or none, planned.hold
    told = [*inventory.warnings, *told, *([in_words(hold, application)] if hold else [])]
    status = judge(planned.cluster, inventory, planned.revision, planned.result, told, hold)
    held_back = placement.held_back(datetime.now(UTC), manual=not application.automated)
    return replace(status, told=(*status.told, held_back)) if held_back and status.sync == "OutOfSync" else status


def _orphans(
    found: Found, document: ClusterDocument, configuration: Configuration, only: str
) -> Iterator[ApplicationStatus]:
    """Those inventories that no application has; one that goes to another namespace by now has left its old one."""
    known = {empty(one.name, one.destination.namespace).id for one in _going(configuration.applications, document)}
    for owner, inventory in found.inventories.items():
        if owner not in known and only in ("", inventory.application):
            yield orphaned(document.name, inventory)


def _going(applications: Sequence[Application], document: ClusterDocument) -> list[Application]:
    return [one for one in applications if one.destination.cluster in document.names]


def _as_completed(running: Mapping[Future[_T], str], waiting: Waiting) -> Iterator[Future[_T]]:
    """Yield what is done, as it gets done, and tell before each wait what it is for; nothing at the end."""
    left = dict(running)
    waiting([*left.values()])
    for done in as_completed(running):
        del left[done]
        yield done
        waiting([*left.values()])


def _position(status: ApplicationStatus) -> tuple[bool, str, str, str]:
    return status.sync == "orphaned", status.application, status.cluster, status.namespace
