"""`python -m bench`: how fast the deployer is, in ratios."""

import http.client
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType

import click

from bench import archive, burst, fanout, fetch, push, reading, startup, sync, throughput

_PARTS = {
    "startup": startup.run,
    "throughput": throughput.run,
    "push": push.run,
    "sync": sync.run,
    "reading": reading.run,
    "fetch": fetch.run,
    "fanout": fanout.run,
    "burst": burst.run,
    "archive": archive.run,
}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("parts", nargs=-1, type=click.Choice(list(_PARTS)), metavar=f"[{'|'.join(_PARTS)}]...")
def main(parts: tuple[str, ...]) -> None:
    """Measure how fast the deployer is, in some minutes; without a part, all nine.

    \b
    startup     from nothing to the first answer of `webhook`, against a function
                that only says hello (goal: at most 1.5 times as long)
    throughput  wrongly signed deliveries of 10 kB turned away in a second, against
                the same function reading the same body (goal: at least 0.7 times as many);
                and how long pushes wait until they are queued, 50 of them a second
                (goal: 99 of 100 within 100 ms)
    push        where the time of one push goes, step by step, in a whole world on this
                machine, and with 30 and 100 ms of round trip to its neighbours
    sync        `deployer sync` against `kubectl apply --server-side` of the same files:
                a real project and 1,000 small objects, near and far (goals: beside each row)
    reading     the YAML of that real project against PyYAML's fastest loader (goals: at most
                0.58 times its processor time, and 0.08 times when it was read before)
    fetch       an application's files from GitHub: requests, seconds and memory, against
                a request a file and `git clone`, near and far (goals: at most 4 requests,
                and 3 s for 30 files of 50,000)
    fanout      one push that concerns 200 applications in 2 clusters: through Pub/Sub to
                8 instances of `sync`, against the inline queue in one process (goals: 8
                jobs in flight, and at most 1.3 times its processor time)
    burst       100 pushes to one branch in 10 s, against one push (goals: at most 4 syncs
                of an application, and no status that stays pending)
    archive     what ships: bytes, installation, start of each entry point to its first real
                answer, and memory, with the environment that terraform plans

    Each figure stands beside its peer of the same run: ratios, round trips and shares can be compared between
    machines, seconds cannot. On a busy machine, trust the medians.

    A missed goal is no error: the exit status is 1 only where something could not be measured.
    """  # noqa: D301 (click's mark)
    signal.signal(signal.SIGTERM, _interrupt)
    failed = False
    with tempfile.TemporaryDirectory(prefix="deployer-bench-") as folder:
        for part in parts or _PARTS:
            try:
                _PARTS[part](Path(folder))
            except (RuntimeError, OSError, http.client.HTTPException) as error:
                click.echo(f"error: {part} could not be measured: {error}", err=True)
                failed = True
    sys.exit(failed)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main(prog_name="python -m bench")
