"""What an application returns to, and what holds it there. Pure.

Argo CD refuses a rollback while syncs are automated. Here it is allowed: it holds until the watched ref moves.
"""

from collections.abc import Sequence
from itertools import takewhile

from deployer.application import Application
from deployer.cluster.history import CHANGES, Entry
from deployer.cluster.hold import Hold
from deployer.cluster.inventory import Inventory
from deployer.errors import ConfigurationError
from deployer.repository import is_commit
from deployer.sync.how import Deployed
from deployer.sync.result import SyncResult

BY_HAND = "deployer rollback"
"""Why an application is held where a person has wanted it."""

BY_ITSELF = "its rollout failed"
"""How the reason begins why an application is held where it has returned by itself."""


RETURNED = "rolled back to "
"""How it begins what is told of a return that did not fail."""


def held_at(hold: Hold | None, commit: str) -> Hold | None:
    """Return what holds an application, given the commit that its watched ref points at; None where that has moved."""
    return hold if hold and hold.instead_of == commit else None


def returns_to(inventory: Inventory | None, commit: str) -> bool:
    """Whether an application can return by itself from a commit that has failed: there is an earlier healthy one.

    One that was healthy since it was deployed has no failed rollout: something else has gone wrong with it.
    """
    if not inventory:
        return False
    since = takewhile(lambda one: one.revision == commit, inventory.history)
    was_well = any(one.result == "succeeded" for one in since)
    return not was_well and any(one.revision != commit for one in _good(inventory.history))


def _good(history: Sequence[Entry]) -> list[Entry]:
    # Anybody may have written the history.
    whole = (one for one in history if one.result == "succeeded" and not one.deletion)
    return [one for one in whole if is_commit(one.revision)]


def target(inventory: Inventory, number: int, application: str, commit: str) -> Entry:
    """Find the sync to return to.

    Args:
        inventory: the application's.
        number: the sync's; 0 is the last that was healthy, of neither the commit nor what the application is held at.
        commit: what its watched ref points at.
        application: its name, for the error.

    Raises:
        ConfigurationError: there is no such sync, or it did not end well; the message has those that did.
    """
    good = _good(inventory.history)
    hold = held_at(inventory.hold, commit)
    present = {commit, hold.revision if hold else commit}
    found = [one for one in good if (one.id == number if number else one.revision not in present)]
    if found:
        return found[0]
    there_is = ", ".join(f"{one.id} ({one.revision[:7]})" for one in good) or "none"
    wanted = f"sync {number}" if number else "an earlier revision"
    raise ConfigurationError(
        f"{application} cannot return to {wanted}: its history has no such sync that was healthy; there is: {there_is}"
    )


def rolls_back(deployed: Deployed) -> bool:
    """Whether a sync has failed in such a way that an application returns by itself to what was healthy.

    It has if it changed something, and its rollout, or a hook after that, failed. Where a newer sync has begun, or the
    cluster is out of reach, there is nothing to return from, or nobody to do so.
    """
    inventory = deployed.result.inventory
    if deployed.hold or deployed.result.outcome != "failed" or not inventory or not inventory.history:
        return False
    if deployed.result.fault == "overtaken":
        return False
    last = inventory.history[0]
    return last.revision == deployed.revision and failed_rollout(last) and returns_to(inventory, deployed.revision)


def failed_rollout(entry: Entry) -> bool:
    """Whether a sync has failed after it had changed something, in this process or in one before."""
    changed = any(map(entry.counts.get, CHANGES))
    return entry.result == "failed" and (entry.fault == "health" or (entry.fault in ("", "hook") and changed))


def message(hold: Hold | None, result: SyncResult, headline: str) -> str:
    """Say in one sentence what became of a sync, and of what it returned from, if anything."""
    if not hold:
        return headline
    why = f" by {hold.who}" if hold.why == BY_HAND else f": {hold.why}"
    if result.outcome == "failed":
        return f"the return to {hold.revision[:7]} failed: {headline}; it was begun{why}"
    return f"{RETURNED}{hold.revision[:7]}{why}; {headline}"


def in_words(hold: Hold, application: Application) -> str:
    """Say what holds an application, since when, and until when."""
    return f"{since_when(hold)}, {until_when(application)}"


def since_when(hold: Hold) -> str:
    """Say what holds an application, who has wanted that, and since when."""
    what = f"held at {hold.revision[:7]}" if hold.revision else "deleted"
    return f"{what} by {hold.who or 'somebody'} at {hold.since:%Y-%m-%d %H:%M} UTC ({hold.why})"


def until_when(application: Application) -> str:
    """Say what ends a hold."""
    return f"until {application.source.target_revision} moves, or `deployer sync {application.name}`"
