"""What somebody has changed since the last sync, in words. Pure."""

from collections.abc import Iterator
from datetime import datetime

from deployer.sync.drift import in_words
from deployer.sync.result import SyncResult


def drift(result: SyncResult, now: datetime) -> Iterator[str]:
    """Say what a cluster has that its application's commit does not want, or the other way round.

    Args:
        result: of a dry-run of the commit that was deployed last.
        now: in UTC.

    Returns:
        A line for each field, such as `Deployment/web spec.replicas 3 → 5 by kubectl-edit at 10:03`, and for each
        object that is missing.
    """
    for one in result.objects:
        if one.action == "created":
            yield f"{one.key} is missing"
        for change in one.changes:
            yield f"{one.key} {in_words(change, now)}"
