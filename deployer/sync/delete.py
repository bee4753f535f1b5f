"""Deletes what an application has: as its configuration says, or what one has left that is in none any more."""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

from deployer.cluster.history import DELETION
from deployer.cluster.hold import Hold
from deployer.cluster.inventory import Inventory
from deployer.cluster_document import ClusterDocument
from deployer.configuration import Placement
from deployer.report.command import Asked
from deployer.report.commit import commit_status
from deployer.report.words import deleted_in_words
from deployer.settings import Settings
from deployer.sync.connections import open_cluster, open_github
from deployer.sync.deletion import delete
from deployer.sync.how import Deployed, How
from deployer.sync.job import Job
from deployer.sync.options import Options
from deployer.sync.owner import Owner
from deployer.sync.plan import Plan
from deployer.sync.prune import Pruning
from deployer.sync.result import Progress

Agreed = Callable[[Plan], bool]
"""Asked with what is to be deleted, before anything is."""


def delete_application(
    placement: Placement,
    settings: Settings,
    how: How,
    progress: Progress,
    agreed: Agreed,
    *,
    hooks: bool = True,
) -> Deployed | None:
    """Delete what an application of the configuration has in its cluster.

    One with automated syncs would be there again with the next push or scheduled check: it is held at nothing until its
    watched ref moves. The commit that this points at is told that the application is deleted.

    Args:
        placement: the application, and where it is.
        settings: GitHub and Secret Manager.
        how: by whom, for how long, and whether it only asks what would happen.
        progress: told of each step.
        agreed: asked before anything is deleted.
        hooks: whether those of the deletion run, for which its source is read.

    Returns:
        What became of it; None where nobody agreed, and where there is nothing.

    Raises:
        DeployerError: the source, or the cluster, cannot be read.
    """
    application, start = placement.application, time.monotonic()
    with open_github(settings) as github:
        job = Job(placement, settings, replace(how, why=DELETION), github)
        commit = job.resolve("")
        manifests = job.manifests(commit, progress) if hooks else []
        hold = Hold("", commit, datetime.now(UTC), how.who, DELETION) if application.automated else None
        options = job.options_for(commit, commit, hold)
        pruning = replace(options.pruning, word="Delete", option=application.delete_option)
        with closing(open_cluster(placement.cluster, settings)) as cluster:
            result = delete(cluster, manifests, _deleting(options, pruning), progress, agreed)
            requests = {"cluster": cluster.requests}
        if result is None:
            return None
        seconds = time.monotonic() - start
        message = deleted_in_words(result, placement.cluster.name, seconds, dry_run=how.dry_run)
        if result.outcome == "succeeded":
            with commit_status(github, placement, commit) as status:
                status.end("failure", Asked("delete", how.who, placement.cluster.name).deleted())
        requests = {"github": github.requests, **requests}
        return Deployed(application.name, placement.cluster.name, commit, result, message, seconds, requests, hold)


def delete_orphan(
    document: ClusterDocument, inventory: Inventory, settings: Settings, how: How, progress: Progress, agreed: Agreed
) -> Deployed | None:
    """Delete what an application has left that is not in the configuration any more; it has no hooks that are known.

    Args:
        document: the cluster.
        inventory: what it has left.
        settings: Secret Manager.
        how: as for `delete_application`.
        progress: told of each step.
        agreed: asked before anything is deleted.

    Returns:
        What became of it; None where nobody agreed, and where there is nothing any more.

    Raises:
        DeployerError: the cluster cannot be read.
    """
    start = time.monotonic()
    revision = inventory.history[0].revision if inventory.history else ""
    owner = Owner(inventory.application, inventory.namespace, revision, DELETION, how.who, insists=True)
    options = Options(inventory.namespace, dry_run=how.dry_run, owner=owner, pruning=Pruning(word="Delete"))
    if how.timeout:
        options = replace(options, timeout=how.timeout)
    with closing(open_cluster(document, settings)) as cluster:
        result = delete(cluster, [], _deleting(options, options.pruning), progress, agreed)
        requests = {"cluster": cluster.requests}
    if result is None:
        return None
    seconds = time.monotonic() - start
    message = deleted_in_words(result, document.name, seconds, dry_run=how.dry_run)
    return Deployed(inventory.application, document.name, revision, result, message, seconds, requests)


def _deleting(options: Options, pruning: Pruning) -> Options:
    """How a deletion is done: all that may go does, however much that is, and nothing is made first."""
    pruning = replace(pruning, enabled=True, max_percentage=100)
    return replace(options, pruning=pruning, create_namespace=False, namespace_metadata={}, wait=True, hooks="never")
