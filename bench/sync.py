"""How fast a sync is, against `kubectl apply --server-side` of the same files to a cluster of the same kind."""

import shutil
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from bench.clone import Clone
from bench.figures import CONSOLE
from bench.sides import OURS, THEIRS, Sides, place, repository_url
from bench.sources import CHANGED, DEFINITIONS, IN_EACH, KUBE_PROMETHEUS, NAMESPACES, config_maps, with_tag
from bench.sync_tables import FIRST, IMAGE, MANY, NEAR, NOTHING, ROUND_TRIP, WARM, Measured, Row, print_tables
from bench.synced import Synced
from local.leash import Leash
from local.world import World

_ROUNDS = 3
"""Few: kubectl needs half a minute for the ConfigMaps, twice in each."""
_PROMETHEUS = "kube-prometheus"
_MANY = [f"many-{number}" for number in range(_ROUNDS)]


def run(folder: Path) -> None:
    """Sync and apply in turn; print ratios, and where the deployer's time goes.

    Its files go to `folder`.
    """
    folder /= "sync"
    measured = Measured()
    with ExitStack() as stack:
        world = World(folder / "world", [OURS, THEIRS], lambda line: CONSOLE.print(line, style="dim"))
        stack.enter_context(world)
        world.github.webhook_url = None  # nobody else deploys what is pushed
        near, far = (
            place(stack.enter_context(Leash(folder / name)), world, round_trip, [_PROMETHEUS, *_MANY])
            for name, round_trip in (("near", 0.0), ("far", ROUND_TRIP))
        )
        near.start()  # writes the byte-code
        measured.starts += [near.start() for _ in range(_ROUNDS)]
        for number, name in enumerate(_MANY):
            _many(number, _clone(folder / name, world), far, measured)
        if KUBE_PROMETHEUS.exists():
            _kube_prometheus(_clone(folder / _PROMETHEUS, world), near, far, measured)
        else:
            CONSOLE.print(f"kube-prometheus is left out: there is no {KUBE_PROMETHEUS}\n", style="yellow")
    print_tables(measured)


def _clone(folder: Path, world: World) -> Clone:
    """The repository of the application that is called like the folder."""
    folder.mkdir()
    return Clone(folder, repository_url(world, folder.name))


def _many(number: int, clone: Clone, far: Sides, measured: Measured) -> None:
    """Create ConfigMaps in namespaces that are not there yet; then find that nothing changed."""
    manifests = clone.folder / "manifests"
    manifests.mkdir()
    for name, text in config_maps(clone.folder.name).items():
        (manifests / name).write_text(text)
    clone.commit("ConfigMaps")
    clone.push()
    deployer, kubectl = partial(far.deployer, clone.folder.name), partial(far.kubectl, manifests)
    count = NAMESPACES * (1 + IN_EACH)
    measured.add(compare(number, {FIRST: deployer}, kubectl, {"created": count}))
    measured.add(compare(number, {MANY: deployer}, kubectl, {"unchanged": count}))


def _kube_prometheus(clone: Clone, near: Sides, far: Sides, measured: Measured) -> None:
    """Create everything, untimed; then, in each round, change nothing, and then one image."""
    manifests = clone.folder / "manifests"
    shutil.copytree(KUBE_PROMETHEUS, manifests)
    clone.commit("kube-prometheus")
    clone.push()
    first = near.deployer(_PROMETHEUS)
    measured.peaks.append(first.peak)
    count = first.actions["created"]
    near.kubectl(manifests / DEFINITIONS)  # in one go, kubectl cannot: it knows no kind that is only about to come
    near.await_definitions()
    near.kubectl(manifests)
    far.kubectl(manifests)  # its cache is another one
    with far.warm(_PROMETHEUS) as warm:
        warm.sync()
        for number in range(_ROUNDS):
            ours, theirs = partial(far.deployer, _PROMETHEUS), partial(far.kubectl, manifests)
            unchanged = {"unchanged": count}
            found = compare(number, {NOTHING: ours, WARM: warm.sync}, theirs, unchanged)
            nearby = {NEAR: partial(near.deployer, _PROMETHEUS)}
            found |= compare(number, nearby, partial(near.kubectl, manifests), unchanged)
            _change_image(clone, number)
            found |= compare(number, {IMAGE: ours}, theirs, {"unchanged": count - 1, "updated": 1})
            measured.add(found)
            measured.peaks += [one.peak for row, (one, _) in found.items() if row is not WARM]


def _change_image(clone: Clone, number: int) -> None:
    file = clone.folder / "manifests" / CHANGED
    file.write_text(with_tag(file.read_text(), f"round-{number}"))
    clone.commit(f"Round {number}")
    clone.push()


def compare(
    number: int, ours: Mapping[Row, Callable[[], Synced]], theirs: Callable[[], float], outcome: Mapping[str, int]
) -> dict[Row, tuple[Synced, float]]:
    """Time the deployer and kubectl, in another order each round.

    Args:
        number: of the round.
        ours: the deployer's ways.
        theirs: kubectl's, the peer of each.
        outcome: what should become of how many objects.

    Raises:
        RuntimeError: one of the deployer's ways had another outcome: it would not be the work that the row says.
    """
    before = theirs() if number % 2 else None
    found = {row: sync() for row, sync in ours.items()}
    seconds = theirs() if before is None else before
    for row, one in found.items():
        if one.actions != outcome:
            raise RuntimeError(f"{row.work}: the outcome should be {dict(outcome)}, and is {dict(one.actions)}")
    return {row: (one, seconds) for row, one in found.items()}
