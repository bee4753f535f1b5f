"""What a commit is told that many applications have in common: one status for all, where one each would be too many."""

from collections.abc import Iterable, Mapping, Sequence

from deployer.application import Application
from deployer.cluster.history import Result
from deployer.configuration import Configuration
from deployer.errors import DeployerError, SourceError
from deployer.github.checks import read_checks
from deployer.github.client import GitHub
from deployer.github.revision import resolve_after_push
from deployer.github.statuses import State, read_statuses, set_status
from deployer.github.verified import VERIFIED, read_signature
from deployer.ours import OURS
from deployer.queue.survey import Survey, survey
from deployer.report import log, together
from deployer.report.commit import tell_together_once
from deployer.repository import Repository
from deployer.settings import Settings
from deployer.source import Ref
from deployer.sync.connections import open_github
from deployer.sync.gate import OPEN, Gate, gate
from deployer.sync.owner import superseded_by
from deployer.sync.rollback import held_at, since_when
from deployer.sync.superseded import others
from deployer.webhook import Event

_LATEST = 5
"""Commits before that are asked whether they still wait, when one is told for the first time."""

_STATES: Mapping[Result, State] = {"succeeded": "success", "failed": "failure", "unfinished": "pending"}

Group = Sequence[Application]


def tell_together(
    configuration: Configuration, settings: Settings, names: Iterable[str], found: Survey | None = None
) -> None:
    """Tell the commits that more applications have in common than may have a status each how they stand together.

    What cannot be told is logged, and told the next time.

    Args:
        configuration: what there is.
        settings: GitHub and Secret Manager.
        names: of the applications that somebody has looked at.
        found: how they stand; None asks.
    """
    groups = _groups(configuration, names)
    if not groups:
        return
    try:
        with open_github(settings) as github:
            everyone = [one.name for group in groups.values() for one in group]
            known = found or survey(configuration, settings, github, everyone)
            for (repository, _), group in groups.items():
                if commit := known.commit(group[0]):
                    _tell(github, repository, commit, group, known)
    except DeployerError as error:
        log.warning(f"a commit was not told how its applications stand together: {error}")


def tell_left_behind(event: Event, configuration: Configuration, settings: Settings, names: Iterable[str]) -> None:
    """Tell the commits that a push has left behind that they were superseded, where they have one status for many.

    What cannot be told is logged.

    Args:
        event: of a push, or any other, which leaves none behind.
        configuration: what there is.
        settings: GitHub.
        names: of the applications that it concerns.
    """
    groups = _groups(configuration, names)
    if event.kind != "push" or not event.ref.startswith("refs/heads/") or not groups:
        return
    try:
        with open_github(settings) as github:
            for repository, target_revision in groups:
                tip = resolve_after_push(github, repository, target_revision, event.before, event.after)
                _tell_superseded(github, repository, tip, (event.before, event.after))
    except DeployerError as error:
        log.warning(f"whether a commit before was told an end is not known: {error}", delivery=event.delivery)


def _groups(configuration: Configuration, names: Iterable[str]) -> dict[Ref, Group]:
    """The applications that have a status in common, by what they watch, where one of these is among them."""
    wanted = set(names)
    return {ref: group for ref, group in configuration.in_common.items() if any(one.name in wanted for one in group)}


def _tell(github: GitHub, repository: Repository, commit: str, group: Group, found: Survey) -> None:
    gates = _gates(github, repository, commit, group, found)
    standings = [standing(one, commit, found, gates.get(one.name, OPEN)) for one in group]
    if tell_together_once(github, repository, commit, *together.together(standings)):
        inventories = [found.inventories[one.name] for one in group if one.name in found.inventories]
        last = sorted((one for each in inventories for one in each.history[:2]), key=lambda one: one.when, reverse=True)
        _tell_superseded(github, repository, commit, others(commit, (one.revision for one in last))[:_LATEST])


def _gates(github: GitHub, repository: Repository, commit: str, group: Group, found: Survey) -> Mapping[str, Gate]:
    """Whether a commit's checks and its signature let it be deployed, by application.

    Where it is already, its checks do not count any more, but its signature does: without, it is not healed either.
    """
    required = {one.name: () if _is_there(one, commit, found) else one.require_checks for one in group}
    names = list(dict.fromkeys(name for each in required.values() for name in each))
    checks = read_checks(github, repository, commit, names) if names else {}
    gated = any(one.require_verified for one in group)
    signature = read_signature(github, repository, commit) if gated else VERIFIED
    return {
        one.name: gate(required[one.name], checks, signature if one.require_verified else VERIFIED) for one in group
    }


def standing(application: Application, commit: str, found: Survey, checked: Gate = OPEN) -> together.Standing:
    """Say how an application stands with a commit, as its inventory says, its checks and its signature. Pure."""
    inventory = found.inventories.get(application.name)
    if inventory is None:
        return together.Standing(application.name, "error", "its cluster cannot be asked")
    if hold := held_at(inventory.hold, commit):
        return together.Standing(application.name, "failure", since_when(hold))
    if not checked.is_open:
        return together.Standing(application.name, checked.told, checked.message)
    if _is_there(application, commit, found):
        last = inventory.history[0]
        return together.Standing(application.name, _STATES[last.result], last.error)
    return together.Standing(application.name, "pending", "")


def _is_there(application: Application, commit: str, found: Survey) -> bool:
    """Whether the last sync was of this commit, or of one that this changes nothing of, and has not been given up."""
    inventory = found.inventories.get(application.name)
    if inventory is None or inventory.operation or not inventory.history:
        return False
    last = inventory.history[0]
    return last.fault != "overtaken" and (last.revision == commit or application.name in found.untouched)


def _tell_superseded(github: GitHub, repository: Repository, commit: str, revisions: Iterable[str]) -> None:
    """Tell commits that were not told an end that a newer one has taken their place."""
    for revision in others(commit, revisions):
        try:
            told = read_statuses(github, repository, revision, OURS)
            if told and told[0].state == "pending":
                set_status(github, repository, revision, "failure", OURS, superseded_by(commit))
        except SourceError as error:
            log.warning(f"whether {revision[:7]} was told an end is not known: {error}")
