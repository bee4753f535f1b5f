"""The order of a sync: phases, and in them waves. Pure.

Argo CD's (user guide, "Sync Phases and Waves"): phase before wave before kind before name. It differs here that what
left Git goes after all that is applied in the phase Sync, the highest wave first: a sync that fails prunes nothing.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import get_args

from deployer.hooks import Phase
from deployer.sync.prune import Leaver
from deployer.sync.targets import Target

SYNC: tuple[Phase, ...] = ("PreSync", "Sync", "PostSync")
"""The phases of a sync, in their order."""

_RANK = {phase: rank for rank, phase in enumerate(get_args(Phase))}


@dataclass(frozen=True)
class Stage:
    """What is written together: objects and hooks of one phase and wave, and then what left Git.

    `healthy` are the objects that have to be healthy before.
    """

    targets: tuple[Target, ...] = ()
    hooks: tuple[Target, ...] = ()
    leavers: tuple[Leaver, ...] = ()
    healthy: tuple[Target, ...] = ()


def stages(
    objects: Sequence[Target],
    changing: Collection[Target],
    hooks: Iterable[Target],
    leavers: Sequence[Leaver] = (),
) -> tuple[Stage, ...]:
    """Say in which stages a sync is carried out; those with nothing to do are left out.

    Args:
        objects: all desired objects.
        changing: those of them that are to be written.
        hooks: those that are to run.
        leavers: what is to be pruned.

    Returns:
        The stages in their order. Each begins when the hooks of the one before have ended.
    """
    found = [*_waves(objects, changing, hooks)]
    last = tuple(one for one in leavers if one.last)
    soon = tuple(one for one in leavers if not one.last)
    after = next((number for number, one in enumerate(found) if _first(one).phase == "PostSync"), len(found))
    if soon and after and _first(found[after - 1]).phase == "Sync" and not found[after - 1].hooks:
        found[after - 1] = replace(found[after - 1], leavers=soon)
    elif soon:
        found.insert(after, Stage(leavers=soon))
        after += 1
    if last:
        found.insert(after, Stage(leavers=last, healthy=tuple(objects)))
    return tuple(found)


def _waves(objects: Sequence[Target], changing: Collection[Target], hooks: Iterable[Target]) -> Iterator[Stage]:
    turns = sorted([*changing, *hooks], key=_turn)
    for (rank, wave), group in groupby(turns, _turn):
        ones = tuple(group)
        healthy = tuple(one for one in objects if _turn(one) < (rank, wave))
        yield Stage(tuple(one for one in ones if not one.hook), tuple(one for one in ones if one.hook), healthy=healthy)


def _turn(target: Target) -> tuple[int, int]:
    return _RANK[target.phase], target.wave


def _first(stage: Stage) -> Target:
    return (*stage.targets, *stage.hooks)[0]


def pruned_in_order(leavers: Iterable[Leaver]) -> list[list[Leaver]]:
    """Group what is pruned by wave, the highest first; a group begins when the objects of the one before are gone."""
    ordered = sorted(leavers, key=lambda one: -one.target.wave)
    return [list(group) for _, group in groupby(ordered, lambda one: one.target.wave)]
