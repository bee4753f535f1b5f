"""What a commit is told of a person's command, and what whoever follows the command reads there. Pure.

Other jobs of the application tell the same commit. So the words of a command name the person who asked.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from deployer.cluster.history import Result
from deployer.github.statuses import Status, shortened

Action = Literal["sync", "rollback", "delete"]
"""A person's commands that may travel through a queue; the other actions of a job are nobody's command."""

_NOTHING = "nothing to delete"

_UNDER_WAY = "still rolling out"
"""How it begins what `sync.rollout` says of one that outlives its request."""

_RETURNED = re.compile(r"rolled back to ([0-9a-f]{7})\b")


@dataclass(frozen=True)
class Asked:
    """What a person, `who`, has asked for about an application of a cluster."""

    action: Action
    who: str
    cluster: str

    def begun(self) -> str:
        """Say that it has begun; a deletion says nothing before its end."""
        return f"deploying to {self.cluster}, as {self.who} asks"

    def deleted(self) -> str:
        """Say that what it was to delete is gone."""
        return f"deleted from {self.cluster} by {self.who}"

    def in_vain(self, why: str) -> str:
        """Say that it came to nothing, or found nothing to do."""
        return f"{self.action} by {self.who}: {why}"


@dataclass(frozen=True)
class Followed:
    """How a command stands: what became of it and the words for that, or None, and whether it has begun.

    `revision` is what a rollback has returned to, its first seven characters. `other` is an end without a beginning,
    which another job of the application may have told: what a sync tells does not say whose it is.
    """

    result: Result | None = None
    message: str = ""
    begun: bool = False
    revision: str = ""
    other: Status | None = None


def nothing_of(application: str, cluster: str) -> str:
    """Say that a cluster has nothing of an application that could be deleted."""
    return f"{_NOTHING}: {cluster} has nothing of {application}, as far as its inventory says"


def follow(command: Asked, told: Sequence[Status]) -> Followed:
    """Say how a command stands.

    Args:
        command: which.
        told: what its commit has been told since it was queued, the newest first.
    """
    vain = shortened(command.in_vain(""))
    other: Status | None = None
    begun = False
    for status in reversed(told):
        if status.description.startswith(vain):
            why = status.description.removeprefix(vain)
            return Followed("succeeded" if why.startswith(_NOTHING) else "failed", why)
        if command.action == "delete":
            if status.description == shortened(command.deleted()):
                return Followed("succeeded", status.description)
        elif status.says("pending", command.begun()):
            begun = True
        elif status.state != "pending":
            if begun or _is_return(command, status):
                return ended(command, status)
            other = status if command.action == "sync" else None
    return Followed(begun=begun, other=other)


def _is_return(command: Asked, status: Status) -> bool:
    return (
        command.action == "rollback"
        and bool(_RETURNED.match(status.description))
        and (f" by {command.who};" in status.description)
    )


def ended(command: Asked, status: Status) -> Followed:
    """Say what a status says of a command that has ended with it."""
    # A commit whose application is held at another one has failed, however well the return to that one went.
    if command.action == "rollback" and (back := _RETURNED.match(status.description)):
        result: Result = "unfinished" if _UNDER_WAY in status.description else "succeeded"
        return Followed(result, status.description, revision=back[1])
    return Followed("succeeded" if status.state == "success" else "failed", status.description)
