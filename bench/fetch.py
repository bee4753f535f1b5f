"""What the files of an application cost: requests, seconds and memory, against a request a file, and `git clone`."""

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from bench import relay
from bench.fetched import CLONE, OURS, REST, Fetch, Fetched, command, read
from bench.figures import CONSOLE, Goal, ratios, show, spread, table
from bench.measured import measure
from bench.servers import environment
from local.github import GitHub
from local.leash import Leash
from tests.github import monorepo

_ROUNDS = 3
_ROUND_TRIPS = (0.0, 0.05)
_TOKEN = "ghp_benchmark"  # noqa: S105 (opens nothing)
_PLAIN, _SMALL, _OVERLAY = "acme/plain", "acme/small", "acme/overlay"
_MB = 1_000_000

_REQUESTS = Goal(4, at_most=True)
_SECONDS = Goal(3, at_most=True)
"""For the monorepo, where GitHub is near."""

_FIRST, _MANY = "30 files of 50,000", "500 files of 600"
_KUSTOMIZE = "Kustomize: 30 files, 2 components"
_PROCESSES: tuple[Mapping[str, Fetch], ...] = (
    {"30 files of 30": Fetch(_PLAIN, "main", "k8s", 30)},
    {
        _FIRST: Fetch(monorepo.NAME, "main", monorepo.APPLICATION, 30),
        "  another application": Fetch(monorepo.NAME, "main", "teams/team-03/services/service-003/src", 50),
        "  the next push": Fetch(monorepo.NAME, "next", monorepo.APPLICATION, 30),
    },
    {_KUSTOMIZE: Fetch(_OVERLAY, "main", "overlay", 36, kustomize=True)},
    {_MANY: Fetch(_SMALL, "main", "k8s", 500)},
)
"""What each process fetches, one after the other."""


@dataclass
class _Taken:
    """What one fetch took, round by round, by way; and the bytes that the deployer's process had at most."""

    by_way: dict[str, list[Fetched]] = field(default_factory=dict)
    peaks: list[int] = field(default_factory=list)

    def seconds(self, way: str) -> list[float]:
        return [one.seconds for one in self.by_way[way]]

    def requests(self, way: str) -> int:
        return max(one.requests for one in self.by_way[way])


def run(folder: Path) -> None:
    """Fetch in each way in turn, near and far; print what it takes.

    Its files go to `folder`.
    """
    folder /= "fetch"
    _make(folder / "github")
    with ExitStack() as stack:
        github = GitHub(folder / "github", token=_TOKEN, webhook_url=None, webhook_secret="")
        stack.enter_context(github)
        github.limits.primary.limit = None  # the peers would use up an hour's
        for round_trip in _ROUND_TRIPS:
            leash = stack.enter_context(Leash(folder / f"{round_trip}"))
            (port,) = relay.start(leash, round_trip, [urlsplit(github.git_url).port or 0])
            _print(round_trip, _measure(leash, f"http://127.0.0.1:{port}"))


def _make(github: Path) -> None:
    """Make the repositories."""
    CONSOLE.print("makes repositories of 30, 600 and 50,000 files", style="dim")
    manifest = "# {number}\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings-{number}}}\ndata: {{x: y}}\n"
    texts = [manifest.format(number=number) * 10 for number in range(500)]
    monorepo.commit(github, _PLAIN, "main", {f"k8s/{number}.yaml": text for number, text in enumerate(texts[:30])})
    small = {f"k8s/{number}.yaml": text for number, text in enumerate(texts)}
    monorepo.commit(github, _OVERLAY, "main", _kustomizations(texts[:30]))
    monorepo.commit(github, _SMALL, "main", small | {f"docs/{number}.md": "# docs\n" for number in range(100)})
    monorepo.make(github)
    monorepo.change(github, {f"{monorepo.APPLICATION}/07.yaml": "changed: true\n"})


def _kustomizations(texts: Sequence[str]) -> dict[str, str]:
    """An overlay of a base with files of these texts, and of two components with a patch each."""
    files = {f"base/{number}.yaml": text for number, text in enumerate(texts)}
    files["base/kustomization.yaml"] = json.dumps({"resources": [name.rpartition("/")[2] for name in files]})
    components = [f"../components/{name}" for name in ("metrics", "tracing")]
    files["overlay/kustomization.yaml"] = json.dumps({"resources": ["../base"], "components": components})
    for component in components:
        folder = component.removeprefix("../")
        head = {"apiVersion": "kustomize.config.k8s.io/v1alpha1", "kind": "Component"}
        files[f"{folder}/kustomization.yaml"] = json.dumps({**head, "patches": [{"path": "patch.yaml"}]})
        metadata = {"name": "settings-0", "labels": {"from": folder}}
        files[f"{folder}/patch.yaml"] = json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    return files


def _measure(leash: Leash, url: str) -> dict[str, _Taken]:
    """Fetch everything in every way, in another order each time; the first round is the warm-up."""
    found = {name: _Taken() for process in _PROCESSES for name in process}
    ways = [OURS, REST, CLONE]
    for number in range(-1, _ROUNDS):
        for process in _PROCESSES:
            for way in ways[number % 3 :] + ways[: number % 3]:
                fetches = list(process.values())[: 1 if way == CLONE else None]  # each clone takes as long
                ran = measure(leash, command(way, url, _TOKEN, fetches), environment())
                if number < 0:
                    continue
                for name, one in zip(process, _each(process, read(ran.output)), strict=True):
                    found[name].by_way.setdefault(way, []).append(one)
                    found[name].peaks += [ran.peak] if way == OURS else []
    return found


def _each(process: Mapping[str, Fetch], taken: Sequence[Fetched]) -> Sequence[Fetched]:
    return taken if len(taken) == len(process) else list(taken) * len(process)


def _print(round_trip: float, found: Mapping[str, _Taken]) -> None:
    """Print what was measured with a round trip, in seconds."""
    far = f"{round_trip * 1000:.0f} ms of round trip, {_ROUNDS} rounds"
    shown = table("", "requests", "REST", "peak", "")
    for name, one in found.items():
        requests = one.requests(OURS)
        goal = "" if name in (_MANY, _KUSTOMIZE) else _REQUESTS.verdict(spread([requests]))
        peak = spread([peak / _MB for peak in one.peaks]).median
        shown.add_row(name, str(requests), str(one.requests(REST)), f"{peak:,.0f} MB", goal)
    show(f"Requests, that for the ref included, and memory: {far}", shown)
    shown = table("", "min", "median", "max", "REST", "ratio", "clone", "ratio", "")
    for name, one in found.items():
        seconds = spread(one.seconds(OURS))
        peers = [
            cell
            for way in (REST, CLONE)
            for cell in (
                f"{spread(one.seconds(way)).median:.2f} s",
                f"{ratios(one.seconds(OURS), one.seconds(way)).median:.2f}",
            )
        ]
        goal = _SECONDS.verdict(seconds) if name == _FIRST and not round_trip else ""
        shown.add_row(name, *seconds.cells(), *peers, goal)
    show(f"Seconds, and ratios to a REST request a file and git clone --depth 1: {far}", shown)
