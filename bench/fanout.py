"""One push that concerns many applications: through Pub/Sub to many instances, against one process for all jobs."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bench import fleet
from bench.clone import Clone
from bench.figures import CONSOLE, Goal, Spread, ratios, show, spread, table
from bench.processes import cpu_seconds
from bench.servers import Request, ask, delivery, push
from deployer.job import Job
from deployer.queue.message import of_job
from local import schedule
from local.function import start_function
from local.functions import Queue
from local.leash import Leash
from local.world import World
from tests.push_message import Published, envelope
from tests.push_server import PushServer

APPLICATIONS, INSTANCES = 200, 8
CLUSTERS = ("staging", "production")
GOAL = Goal(1.3, at_most=True)
IN_FLIGHT_GOAL = Goal(INSTANCES, at_most=False)
_ROUNDS = 3
_LOOK = 0.05
"""Seconds between two looks at what is in flight."""
_TIMEOUT = 240.0

_JOB = Published("1", "", of_job(Job("of-no-application", "nothing"), CLUSTERS[0]).data, {})
_NOTHING = Request("POST", 200, {"Content-Type": "application/json"}, json.dumps(envelope(_JOB, "", None)).encode())
"""A job that there is nothing to be done for."""


@dataclass(frozen=True)
class _Side:
    """One way to run the jobs: where pushes are delivered, where its configuration is, and its processes' ports.

    `know` has all of its processes read their configuration, which does not change from one push to the next, but in
    this benchmark.
    """

    name: str
    webhook: str
    configuration: Path
    ports: tuple[int, ...]
    know: Callable[[], None]


@dataclass(frozen=True)
class _Pushed:
    """What one push took: processor seconds of the functions, seconds to the end, and the jobs in flight meanwhile."""

    cpu: float
    seconds: float
    in_flight: tuple[int, ...] = ()
    telling: float = 0.0
    """Processor seconds of the call of the schedule that told the commit how all of it ended."""


def run(folder: Path) -> None:
    """Push to both sides in turn, each time to namespaces that are not there yet; print processor time and its ratio.

    Its files go to `folder`.
    """
    folder /= "fanout"
    taken: dict[str, list[_Pushed]] = {"pubsub": [], "inline": []}
    with ExitStack() as stack:
        server = stack.enter_context(PushServer())
        # A job in flight takes an instance for itself: Google's emulator pushes two at once, whatever there is.
        queue = Queue("pubsub", instances=INSTANCES, concurrency=1, endpoint=server.endpoint)
        world = World(folder / "world", CLUSTERS, lambda line: CONSOLE.print(line, style="dim"), queue=queue)
        stack.enter_context(world)
        for one in server.subscriptions.values():
            one.most_at_once = INSTANCES  # more would wait at the door of the instances, and be sent back from there
        sides = (_pubsub(world), _inline(world, stack.enter_context(Leash(folder / "inline"))))
        for number in range(-1, _ROUNDS):
            for side in sides if number % 2 else sides[::-1]:
                taken[side.name].append(_push(folder, world, server, side, number))
    _print(taken)


def _pubsub(world: World) -> _Side:
    if world.sync is None:
        raise AssertionError("the queue is Pub/Sub")
    webhook = world.exports["DEPLOYER_LOCAL_WEBHOOK_URL"]
    instances = [one.port for one in world.sync.instances]

    def know() -> None:
        for port in instances:
            _asked(port, _NOTHING)

    return _Side("pubsub", webhook, Path(world.exports["DEPLOYER_CONFIG"]), (_port(webhook), *instances), know)


def _inline(world: World, leash: Leash) -> _Side:
    """Start the peer: the same function with the inline queue, and a configuration of its own."""
    settings = {name: value for name, value in world.exports.items() if not name.startswith("DEPLOYER_LOCAL_")}
    configuration = leash.folder / "config"
    webhook = start_function(leash, {**settings, "DEPLOYER_CONFIG": str(configuration), "DEPLOYER_QUEUE": "inline"})
    port = _port(webhook)
    nothing = delivery("push", push(), 200, secret=world.exports["DEPLOYER_WEBHOOK_SECRET"])
    return _Side("inline", webhook, configuration, (port,), lambda: _asked(port, nothing))


def _asked(port: int, request: Request) -> None:
    if (status := ask(port, request)) != request.status:
        raise RuntimeError(f"the answer was {status}, not {request.status}")


def _port(url: str) -> int:
    return urlsplit(url).port or 0


def _push(folder: Path, world: World, server: PushServer, side: _Side, number: int) -> _Pushed:
    """Push to a new repository, which so many new applications watch, and wait until all of them are healthy.

    Raises:
        RuntimeError: they are not, or their commit is not told so.
    """
    name = f"{side.name}-{number + 1}"
    url = f"{world.github.git_url}/acme/{name}.git"
    fleet.configure(side.configuration, fleet.documents(name, APPLICATIONS, url, CLUSTERS))
    fleet.write(folder / name, fleet.manifests(APPLICATIONS))
    clone = Clone(folder / name, url)
    commit = clone.commit(name)
    world.github.webhook_url = side.webhook
    if number >= 0:
        side.know()
    before, began = cpu_seconds(side.ports), time.monotonic()
    clone.push()
    in_flight: list[int] = []
    if side.name == "pubsub":
        in_flight += _until_drained(world, server, commit)
        taken = cpu_seconds(side.ports) - before, time.monotonic() - began
        telling = _tell(world)
        told = fleet.last_status(world, name, commit)
        server.drained(_TIMEOUT)  # what the schedule has found to do
    else:
        told = _until_told(world, name, commit)
        taken, telling = (cpu_seconds(side.ports) - before, time.monotonic() - began), 0.0
    healthy = sum(fleet.healthy(world.clusters[cluster], name) for cluster in CLUSTERS)
    if (healthy, told) != (APPLICATIONS, ("success", f"{APPLICATIONS} applications: all healthy")):
        raise RuntimeError(f"{healthy} of {APPLICATIONS} applications are healthy; their commit was told {told}")
    return _Pushed(*taken, tuple(in_flight), telling)


def _until_drained(world: World, server: PushServer, commit: str) -> list[int]:
    """Wait until all jobs of a push are done; returns how many were in flight, look by look, while there were enough.

    Raises:
        RuntimeError: they are not in time.
    """
    if world.sync is None:
        raise AssertionError("the queue is Pub/Sub")
    world.github.wait_for_delivery(commit)
    jobs = [one for name, one in server.subscriptions.items() if not name.endswith("/events")]
    found = []
    deadline = time.monotonic() + _TIMEOUT
    while not server.drained(_LOOK):
        if sum(one.unsettled() for one in jobs) >= INSTANCES:
            found.append(world.sync.busy)
        if time.monotonic() > deadline:
            raise RuntimeError(f"there were still jobs after {_TIMEOUT:.0f} s")
    return found


def _until_told(world: World, name: str, commit: str) -> tuple[str, str]:
    """Wait until a commit has been told how all jobs have ended; returns that."""
    deadline = time.monotonic() + _TIMEOUT
    while (told := fleet.last_status(world, name, commit))[0] == "pending" and time.monotonic() < deadline:
        time.sleep(_LOOK)
    return told


def _tell(world: World) -> float:
    """Call the schedule, which tells the commit how all applications stand; returns its processor seconds."""
    url = world.exports["DEPLOYER_LOCAL_RECONCILE_URL"]
    before = cpu_seconds([_port(url)])
    schedule.call(url)
    return cpu_seconds([_port(url)]) - before


def _print(taken: Mapping[str, Sequence[_Pushed]]) -> None:
    """Print what the rounds took; the first one is that in which the instances begin."""
    queued, inline = taken["pubsub"], taken["inline"]
    shown = table("", "min", "median", "max", "")
    seen = spread([at for one in queued for at in one.in_flight])
    shown.add_row(
        f"jobs in flight, while {INSTANCES} or more are left",
        *seen.cells("", 0),
        IN_FLIGHT_GOAL.verdict(seen),
        style="bold",
    )
    for name, some in taken.items():
        shown.add_row(f"{name}: processor time of a job", *_of_a_job(some[1:]).cells(" ms", 1), "")
    ratio = ratios([one.cpu for one in queued[1:]], [one.cpu for one in inline[1:]])
    shown.add_row("  as a ratio to inline", *ratio.cells(), GOAL.verdict(ratio), style="bold")
    cold = ratios([queued[0].cpu], [inline[0].cpu])
    shown.add_row("  where all instances begin with this push (once)", *cold.cells(), "")
    shown.add_row(
        "pubsub: the call that tells the commit", *spread([one.telling for one in queued[1:]]).cells(" s"), ""
    )
    for name, some in taken.items():
        shown.add_row(f"{name}: push to all healthy", *spread([one.seconds for one in some[1:]]).cells(" s", 1), "")
    what = f"{APPLICATIONS} applications, {len(CLUSTERS)} clusters, {INSTANCES} instances of one job each"
    show(f"One push: {what}, {len(queued) - 1} rounds", shown)


def _of_a_job(some: Sequence[_Pushed]) -> Spread:
    return spread([one.cpu / APPLICATIONS * 1000 for one in some])
