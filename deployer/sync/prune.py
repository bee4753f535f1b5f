"""What left Git: what is pruned of it, what is kept, and when that is too much to go without a person's word. Pure.

`Prune=true|false|confirm` are Argo CD's (user guide, "Sync Options"). It differs here that kinds which take others
with them need the object's own word, that of several values the strictest counts, and that an approval is of one
object: it stands on that, and not on the Application, which is in no cluster here.
"""

import re
import shlex
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from deployer.annotations import DEFAULT_MAX_PRUNE_PERCENTAGE
from deployer.cluster.objects import last_apply
from deployer.errors import RenderError
from deployer.hooks import parse_wave
from deployer.manifest import ObjectKey
from deployer.object_options import SYNC_OPTIONS, extraneous_ignored, kept_by, option_values
from deployer.sync.order import position
from deployer.sync.owner import label
from deployer.sync.targets import Target
from deployer.sync_options import PruneOption

APPROVED = "argocd.argoproj.io/deletion-approved"

FEW = 5
"""Objects that may always be pruned, whatever share of all they are."""

PRECIOUS = (
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
    ("", "Namespace"),
    ("", "PersistentVolumeClaim"),
)
"""Kinds that take with them what no manifest brings back: all objects of a kind, of a namespace, and data."""

_SHORTEST_APPROVAL = 7
_SINCE = {"Prune": "first sync of this commit", "Delete": "last sync"}

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
"""A time as RFC 3339 has it; Python's own reader takes more."""


@dataclass(frozen=True)
class Pruning:
    """How an application is pruned.

    `enabled` is `automated.prune` or the command's word; `max_percentage` of its objects go without a person's
    approval, which is `approved`: a commit, or its first seven characters or more. `propagation` is the API's policy
    for what the objects own. `option` is what the application says for objects that say nothing of `Prune` themselves.
    `since` is when this commit was first synced (UTC), and None where it never was: an object that is to be confirmed
    is approved at that moment or later, since nobody can mean what has not been told yet. `last` is what the
    application says for objects that say nothing of `PruneLast` themselves. `word` is the sync option that counts:
    `Delete` where the application itself is deleted, and then no kind needs a word of its own. `command` is the one by
    which a person approves.

    It is `Background` unless the application says otherwise, though Argo CD's is `Foreground`: an object that is
    deleted so stays until all it owns is gone. A revert would be applied to it, look healthy, and go with it.
    """

    enabled: bool = False
    max_percentage: int = DEFAULT_MAX_PRUNE_PERCENTAGE
    approved: str = ""
    propagation: str = "Background"
    option: PruneOption = "true"
    since: datetime | None = None
    last: bool = False
    word: Literal["Prune", "Delete"] = "Prune"
    command: str = "sync"

    @property
    def stays(self) -> str:
        """How the sentence begins that says why an object is not deleted."""
        return "left Git; not pruned" if self.word == "Prune" else "not deleted"


NO_PRUNING = Pruning()


@dataclass(frozen=True)
class Leaver:
    """A member that is not in the source any more; `kept` says why it stays, and is `""` for what is pruned.

    `last` says that it is pruned only when all else is healthy. `extraneous` says that it is not out of sync for it.
    `unapproved` says that it stays only because nobody has approved that it goes.
    """

    target: Target
    kept: str
    last: bool = False
    extraneous: bool = False
    unapproved: bool = False

    @property
    def key(self) -> ObjectKey:
        """The identity of the object."""
        return self.target.key


def leavers(
    members: Iterable[Target],
    desired: Collection[ObjectKey],
    owner_id: str,
    pruning: Pruning,
    forbidden: Callable[[ObjectKey, bool], str],
    uids: Collection[str] = (),
) -> tuple[Leaver, ...]:
    """Find what left Git, and say of each object whether it goes.

    Args:
        members: live objects where the inventory says that members are; those without our label are none.
        desired: what the source has.
        owner_id: the application's id.
        pruning: how it is pruned.
        uids: those of the objects that the source has: some are served in two groups, and so have two keys.
        forbidden: what the project says, for deletions as well (Argo CD: permission is checked for objects to delete).

    Returns:
        The leavers, in the order in which they are deleted: the reverse of that in which they are applied.
    """
    # One that was listed in two versions is one.
    ours = [one for one in members if label(one.manifest.body) == owner_id and one.key not in desired]
    left = {one.key: one for one in ours if one.manifest.body["metadata"].get("uid") not in uids}
    ordered = sorted(left.values(), key=lambda one: position(one.key), reverse=True)
    return tuple(
        Leaver(
            replace(one, wave=_wave(one)),
            _kept(one, pruning, forbidden),
            "true" in (option_values(one.manifest, "PruneLast") or {str(pruning.last).lower()}),
            extraneous_ignored(one.manifest.annotations),
            bool(_unapproved(one, option_values(one.manifest, pruning.word), pruning)),
        )
        for one in ordered
    )


def guard(pruned: int, members: int, pruning: Pruning, application: str, revision: str) -> str:
    """Say why so many objects are not pruned without approval; `""` where they may be.

    Half a repository that is gone by mistake should not take half a cluster with it.

    Args:
        pruned: how many objects would be.
        members: how many the application has.
        pruning: its limit, and what was approved.
        application: its name.
        revision: the commit that is being deployed.
    """
    if pruned <= FEW or pruned * 100 <= members * pruning.max_percentage or approves(pruning.approved, revision):
        return ""
    other = f"; {pruning.approved[:40]} is approved, which is another commit" if pruning.approved else ""
    # Short enough for a commit status, most often.
    return (
        f"{pruned} of {members} objects would be pruned, more than {pruning.max_percentage} %; if meant: "
        f"`deployer {pruning.command} {application} --prune --approve-prune {revision[:_SHORTEST_APPROVAL]}`{other}"
    )


def approves(approved: str, revision: str) -> bool:
    """Whether an approval is of this commit: all of its name, or at least its first seven characters."""
    return len(approved) >= _SHORTEST_APPROVAL and revision.startswith(approved.lower())


def _wave(one: Target) -> int:
    """The wave of a live object; somebody may have made nonsense of its annotation, and it is to go all the same."""
    try:
        return parse_wave(one.manifest)
    except RenderError:
        return 0


def _kept(one: Target, pruning: Pruning, forbidden: Callable[[ObjectKey, bool], str]) -> str:
    """Why a leaver is not deleted."""
    if pruning.word == "Prune" and one.manifest.body["metadata"].get("deletionTimestamp"):
        return "left Git; is being deleted already"
    # What the live object says counts: its manifest is gone.
    said = option_values(one.manifest, pruning.word)
    reason = (
        _spared(one, said, pruning)
        or forbidden(one.key, one.resource.namespaced)
        or ("" if pruning.enabled else "automated.prune is off")
        # Last, so that whoever approves it sees it go.
        or _unapproved(one, said, pruning)
    )
    return reason and f"{pruning.stays}: {reason}"


def _spared(one: Target, said: Collection[str], pruning: Pruning) -> str:
    """Why an object stays, whoever asks: what it says itself (`said`), else what its application says."""
    word = pruning.word
    if not last_apply(one.manifest.body):
        # Controllers copy labels, as those of Endpoints do from a Service.
        return "it has our label, but we never applied it"
    if unknown := set(said) - {"true", "false", "confirm"}:
        return f"it says {SYNC_OPTIONS}: {word}={min(unknown)[:40]!r}; allowed: true, false, confirm"
    if "false" in said:
        return f"it says {SYNC_OPTIONS}: {word}=false"
    if keeps := kept_by(one.manifest):
        return f"it says {keeps}"
    if not said and pruning.option == "false":
        return f"the application says {word}=false"
    if word == "Prune" and not said and (one.key.group, one.key.kind) in PRECIOUS:
        return f"a {one.key.kind} needs {SYNC_OPTIONS}: Prune=true for that"
    return ""


def _unapproved(one: Target, said: Collection[str], pruning: Pruning) -> str:
    """Why a leaver that is to be confirmed is not approved, and how to do so; `""` where it is, and for others."""
    if "confirm" not in (said or (pruning.option,)):
        return ""
    text, since = str(one.manifest.annotations.get(APPROVED, "")), pruning.since
    time = _time(text)
    if time and since and time >= since:
        return ""
    who = f"it says {SYNC_OPTIONS}:" if said else "the application says"
    problem = "nobody has approved it"
    if time:
        problem = f"its approval of {text} is from before the {_SINCE[pruning.word]}"
        problem += f", {since:%Y-%m-%dT%H:%M:%SZ}" if since else ""
    elif text:
        problem = f"its {APPROVED} is {text[:40]!r}, which is no time as RFC 3339 has it"
    again = "and sync again" if pruning.word == "Prune" else "and delete again"
    return f"{who} {pruning.word}=confirm, and {problem}; if meant: `{_approve(one)}`, {again}"


def _approve(one: Target) -> str:
    """The command that approves an object."""
    kind = ".".join(filter(None, (one.resource.plural, one.resource.group)))
    # Names of some kinds may hold what a shell would run.
    name = shlex.quote(f"{kind}/{one.key.name}")
    where = f" -n {one.key.namespace}" if one.resource.namespaced else ""
    return f"kubectl annotate {name}{where} --overwrite {APPROVED}=$(date -u +%FT%TZ)"


def _time(text: str) -> datetime | None:
    """Read a time; None where it is none."""
    try:
        return datetime.fromisoformat(text.upper()) if _RFC_3339.fullmatch(text) else None
    except ValueError:  # such as a 13th month
        return None
