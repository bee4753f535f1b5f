"""What holds an application at something else than the commit its watched ref points at. Pure.

It ends when that ref moves. What is read may have been written by anybody who may write ConfigMaps there, so it is
believed no more than it must be.
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime

from deployer.cluster.stored import MALFORMED, dumped, kept_text, kept_time, read_time
from deployer.repository import is_commit


@dataclass(frozen=True)
class Hold:
    """An application is held at `revision`, since `since`; where that is `""`, it was deleted and stays so.

    `instead_of` is the commit that the watched ref pointed at: the hold is over when it points at another. `who` and
    `why` are for people.
    """

    revision: str
    instead_of: str
    since: datetime
    who: str
    why: str


def dump_hold(hold: Hold | None) -> str:
    """Write a hold as JSON; `""` where there is none."""
    return dumped(asdict(hold)) if hold else ""


def parse_hold(text: str) -> tuple[Hold | None, str]:
    """Read a hold.

    Returns:
        The hold, None where there is none or it cannot be read, as one whose revision is no commit; and a warning about
        it, `""` where there is none.
    """
    if not text:
        return None, ""
    try:
        value = json.loads(text)
        revision, instead_of = value["revision"], value["instead_of"]
        if revision != "" and not is_commit(revision):
            raise ValueError
        hold = Hold(revision, instead_of, read_time(value["since"]), value["who"], value["why"])
        return bounded_hold(hold), ""
    except MALFORMED:
        return None, "what holds it at another revision cannot be read, so nothing does; the next sync removes it"


def bounded_hold(hold: Hold) -> Hold:
    """The hold as it is kept: long texts are cut, and the time is in UTC, to the second."""
    return Hold(
        hold.revision, kept_text(hold.instead_of), kept_time(hold.since), kept_text(hold.who), kept_text(hold.why)
    )
