"""How fast a real project's YAML is read, against libyaml under PyYAML, which takes it for other values."""

import time
from pathlib import Path
from typing import Any

from yaml import CSafeLoader, load

from bench.figures import CONSOLE, Goal, Spread, ratios, show, spread, table
from bench.sources import KUBE_PROMETHEUS
from deployer.limits import DEFAULT_LIMITS
from deployer.rendering.documents import read
from deployer.rendering.loader import Budget

_ROUNDS = 9
_PEER = "PyYAML's CSafeLoader"
_FIRST = "the deployer, the first time"
_AGAIN = "the deployer, the second time"
_GOALS = {_FIRST: Goal(0.58, at_most=True), _AGAIN: Goal(0.08, at_most=True)}


class _Loader(CSafeLoader):
    """Takes a lone `=`, which one of the files has, for text; as kubectl does, and PyYAML cannot."""


def _text(loader: _Loader, node: Any) -> str:
    return str(node.value)


_Loader.add_constructor("tag:yaml.org,2002:value", _text)


def run(folder: Path) -> None:
    """Read kube-prometheus in turn; print processor time and ratios. `folder` is for other parts' files."""
    del folder
    if not KUBE_PROMETHEUS.exists():
        CONSOLE.print(f"kube-prometheus is left out: there is no {KUBE_PROMETHEUS}\n", style="yellow")
        return
    texts = [file.read_bytes() for file in sorted(KUBE_PROMETHEUS.rglob("*.yaml"))]
    took = measure(texts, _ROUNDS)
    shown = table("", "min", "median", "max", "")
    for case, seconds in took.items():
        shown.add_row(case, *_milliseconds(spread(seconds)), "")
        if case in _GOALS:
            ratio = ratios(seconds, took[_PEER])
            shown.add_row("  as a ratio", *ratio.cells(), _GOALS[case].verdict(ratio), style="bold")
    size = sum(map(len, texts)) / 1_000_000
    show(f"kube-prometheus' {len(texts)} files of YAML, {size:.1f} MB: processor time, {_ROUNDS} rounds", shown)


def measure(texts: list[bytes], rounds: int) -> dict[str, list[float]]:
    """Read texts in turn, so many times; gives the processor time of each round by who reads.

    Raises RuntimeError where a text cannot be read: what ends at once would be fast.
    """
    took: dict[str, list[float]] = {case: [] for case in (_PEER, _FIRST, _AGAIN)}
    for number in range(rounds):
        new = [text + b"\n# round %d\n" % number for text in texts]  # or they would be known
        took[_PEER].append(_seconds(lambda text: load(text, _Loader), new))  # noqa: S506 (a safe one)
        for case in (_FIRST, _AGAIN):
            took[case].append(_seconds(_read, new))
    return took


def _read(text: bytes) -> None:
    _, problem = read("bench.yaml", text, Budget(DEFAULT_LIMITS))
    if problem:
        raise RuntimeError(str(problem))


def _seconds(reader: Any, texts: list[bytes]) -> float:
    begin = time.process_time()
    for text in texts:
        reader(text)
    return time.process_time() - begin


def _milliseconds(seconds: Spread) -> tuple[str, str, str]:
    return Spread(1000 * seconds.least, 1000 * seconds.median, 1000 * seconds.greatest).cells(" ms", 0)
