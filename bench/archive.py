"""What ships: how large the archive is, how long its installation and its first answers take, and its memory."""

import json
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench.figures import CONSOLE, ratios, show, spread, table
from bench.servers import ROOT, Request, delivery, push
from deployer.job import Job
from deployer.queue.message import of_job
from local.example import Example, follow
from local.leash import Leash
from local.world import World
from tests.archive.deployed import WEBHOOK_SECRET, Deployed, deploy
from tests.archive.image import VERSIONS, Image, build, compile_all, find_python
from tests.archive.planned import APPLICATION, KUSTOMIZED, PLAIN, Planned, plan
from tests.local.github.helpers import Clone
from tests.push_message import Published, envelope
from tests.world import config_map

_ROUNDS = 8
_JOBS = 8
"""Applications that one push concerns: as many jobs as `sync` takes at once."""
_OBJECTS = 200
"""Objects of each of them; every second one is built by Kustomize."""
_MEGABYTE = 1_000_000
_LOOK = 0.01

_PEER = "hello: a GET"


def run(folder: Path) -> None:
    """Build the archive, install it, start each entry point in turn, and push; print what that takes.

    Its files go to `folder`.
    """
    planned = plan(folder / "terraform")
    planned.write(folder / "source.zip")
    version, python = next((one, found) for one in reversed(VERSIONS) if (found := find_python(one)))
    image = _installed(version, python, planned, folder)
    with World(folder / "world", ["staging"], lambda line: CONSOLE.print(line, style="dim")) as world:
        documents = [APPLICATION.format(name=name, path=name).replace(f"acme/{name}", "acme/many") for name in _many()]
        (image.workspace / "config" / "many.yaml").write_text("---\n".join(documents))
        with Leash(folder / "leash") as leash, deploy(image, planned, world, leash) as deployed:
            _remember(world, deployed, folder)
            _start(image, deployed, leash, folder)


def _many() -> list[str]:
    return [f"many-{number}" for number in range(_JOBS)]


def _installed(version: str, python: str, planned: Planned, folder: Path) -> Image:
    """Install the archive twice, the second time with what pip has kept; prints seconds and bytes."""
    shown = table("", "")
    shown.add_row("archive", f"{(folder / 'source.zip').stat().st_size:,} bytes, {len(planned.files)} files")
    for name, kept in (("nothing kept", {"PIP_NO_CACHE_DIR": "1"}), ("with what pip keeps", {})):
        shutil.rmtree(folder / "image", ignore_errors=True)
        begin = time.perf_counter()
        image = build(python, folder / "source.zip", folder / "image", {**planned.build, **kept})
        shown.add_row(f"installed, {name}", f"{time.perf_counter() - begin:.1f} s")
    shown.add_row("installed", f"{_size(image.environment) / _MEGABYTE:,.0f} MB")
    begin = time.perf_counter()
    compile_all(image)
    shown.add_row("byte code made", f"{time.perf_counter() - begin:.1f} s")
    shown.add_row("installed, with byte code", f"{_size(image.environment) / _MEGABYTE:,.0f} MB")
    show(f"What ships, for Python {version}", shown)
    return image


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file() and not file.is_symlink())


def _start(image: Image, deployed: Deployed, leash: Leash, folder: Path) -> None:
    """Start each in turn, several times; print seconds, ratios and memory."""
    hello = Image(folder / "hello", image.environment)
    hello.workspace.mkdir()
    shutil.copy(ROOT / "bench" / "hello.py", hello.workspace / "main.py")
    job = of_job(Job(PLAIN, "nothing"), "staging")
    message = Published("1", "2026-01-01T00:00:00Z", job.data, job.attributes, job.ordering_key)
    body = json.dumps(envelope(message, "projects/p/subscriptions/s", 1)).encode()
    pushed = delivery("push", push(), 200, secret=WEBHOOK_SECRET)
    cases = {
        _PEER: ("hello", Request("GET", 200)),
        "webhook: a signed push, published": ("webhook", pushed),
        "sync: a job that finds nothing to do": ("sync", Request("POST", 200, {}, body)),
        f"reconcile: {_JOBS + 2} applications": ("reconcile", Request("POST", 200)),
    }
    seconds: dict[str, list[float]] = {case: [] for case in cases}
    memory: dict[str, list[float]] = {case: [] for case in cases}
    for number in range(-1, _ROUNDS):
        for case, (target, request) in cases.items():
            begin = time.perf_counter()
            of = hello if target == "hello" else image
            one = of.start(leash, target, deployed.settings.get(target, {}), request)
            took = time.perf_counter() - begin
            if number >= 0:  # the first round is the warm-up
                seconds[case].append(took)
                memory[case].append(resident(one.process.pid) / _MEGABYTE)
            one.process.terminate()
            one.process.wait()
    shown = table("", "min", "median", "max", "memory")
    for case, values in seconds.items():
        shown.add_row(case, *spread(values).cells(" s"), f"{spread(memory[case]).median:.0f} MB")
        if case != _PEER:
            shown.add_row("  as a ratio to hello", *ratios(values, seconds[_PEER]).cells(), "")
    show(f"Start to first answer, {_ROUNDS} rounds", shown)


def _remember(world: World, deployed: Deployed, folder: Path) -> None:
    """Push one application, then many at once; print the memory of each function before, meanwhile and afterwards."""
    shown = table("memory, all processes of an instance", *deployed.functions)

    def row(what: str, values: Mapping[str, float]) -> None:
        shown.add_row(what, *(f"{values[name] / _MEGABYTE:,.0f} MB" for name in deployed.functions))

    def now() -> dict[str, float]:
        return {name: resident(one.process.pid) for name, one in deployed.functions.items()}

    row("after its first answer", now())
    for name, small in ((PLAIN, {"a.yaml": config_map("a")}), (KUSTOMIZED, _kustomized("overlay", 1))):
        with _most(deployed) as most:
            _push(world, folder, name, small, (name,))
        row(f"at most, while {name} is pushed", most)
    files: dict[str, str] = {}
    for number, name in enumerate(_many()):
        files |= _kustomized(name, _OBJECTS) if number % 2 else _plain(name, _OBJECTS)
    with _most(deployed) as most:
        begin = time.perf_counter()
        _push(world, folder, "many", files, tuple(_many()))
        took = time.perf_counter() - begin
    row(f"at most, in {_JOBS} jobs of {_OBJECTS} objects ({took:.1f} s)", most)
    row("afterwards", now())
    show("Memory", shown)


def _plain(name: str, objects: int) -> dict[str, str]:
    return {f"{name}/{one}.yaml": config_map(f"a-{one}", "x" * 500) for one in range(objects)}


def _kustomized(name: str, objects: int) -> dict[str, str]:
    names = json.dumps([f"{one}.yaml" for one in range(objects)])
    return {**_plain(name, objects), f"{name}/kustomization.yaml": f"resources: {names}\nnameSuffix: -eu\n"}


def _push(world: World, folder: Path, name: str, files: Mapping[str, str], applications: tuple[str, ...]) -> None:
    clone = Clone(folder / f"clone-{name}", f"{world.github.git_url}/acme/{name}.git")
    commit = clone.commit("all of it", dict(files))
    clone.push("main")
    said: list[str] = []
    if not follow(world.exports, commit, said.append, example=Example(name, "", applications)):
        raise RuntimeError(f"{name} does not go live: {said}")


@contextmanager
def _most(deployed: Deployed) -> Iterator[dict[str, float]]:
    """The most memory that each function has had at once, once the block is over."""
    found: dict[str, float] = dict.fromkeys(deployed.functions, 0)
    over = threading.Event()

    def look() -> None:
        while not over.wait(_LOOK):
            for name, one in deployed.functions.items():
                found[name] = max(found[name], resident(one.process.pid))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


def resident(process: int) -> int:
    """Return the bytes that a process and all below it have in memory; what several share counts once."""
    try:
        threads = Path(f"/proc/{process}/task").iterdir()
        children = [child for thread in threads for child in (thread / "children").read_text().split()]
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:  # it has just ended
        return 0
    own = sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
    return own + sum(resident(int(child)) for child in children)
