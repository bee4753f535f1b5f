"""What is to be done about one application, and why: plain data, which may travel through a queue.

A job never says which commit to deploy: whoever runs it asks what the watched ref points at then. The number of a sync
to return to is the one exception.
"""

from dataclasses import dataclass, field
from typing import Literal

Action = Literal["push", "reconcile", "sync", "rollback", "delete"]
"""`push`: something has happened on GitHub, and an automated application is deployed; `reconcile`: the schedule asks
how it stands; the others are a person's command of that name."""


@dataclass(frozen=True)
class JobOptions:
    """What a person's command asks for besides its name; the defaults are those of the command line.

    `timeout` are seconds to wait for health, instead of the application's own, and 0 does not wait. `rollback` is the
    number of the sync to return to, 0 the last that was healthy before. `hooks` says whether a deletion runs its hooks.
    """

    prune: bool = False
    approve_prune: str = ""
    timeout: float | None = None
    rollback: int = 0
    hooks: bool = True


@dataclass(frozen=True)
class Job:
    """Look at this application, because of `reason`.

    `actor` is who asked, a person or `""`; `delivery` is the id of the GitHub delivery that it is about, or `""`.
    `before` and `after` are what that said of the watched ref: hints, and never deployed for their own sake.
    `deployment` is the number of the GitHub Deployment that asked for it, 0 where none did. `at` is the commit at which
    the schedule has just seen the watched ref: whoever only looks need not ask again; whoever writes does.
    """

    application: str
    reason: str
    action: Action = "push"
    delivery: str = ""
    actor: str = ""
    before: str = ""
    after: str = ""
    deployment: int = 0
    at: str = ""
    options: JobOptions = field(default_factory=JobOptions)
