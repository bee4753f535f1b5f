"""`python -m local`: a whole world on one machine, to try the deployer in."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

import click

from local import example
from local.functions import Queue
from local.state import Note, Noted, state_folder
from local.world import World

_DOWN_TIMEOUT = 30.0
_EVERY = 30.0
"""Seconds between two calls of `reconcile`."""

_CLUSTERS = "staging,production"
_CAFE_CLUSTERS = ("STAGING", "PRODUCTION")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def cli() -> None:
    """Start, use and end a whole world on this machine.

    It has real Kubernetes control planes with played nodes, a GitHub that serves git and sends signed webhooks, a
    Secret Manager, and the deployer's function between them; with `--queue pubsub` Google's Pub/Sub emulator, too.
    Nothing leaves loopback.

    \b
    Examples:
      python -m local up                 start it and stay (Ctrl-C ends it)
      python -m local up --detach        start it in the background
      python -m local push               change the example, push it, and see it go live
      python -m local push cafe          the same with Kustomize, in two clusters
      eval "$(python -m local env)"      let `python -m deployer` and kubectl work against it
      python -m local down               end it
    """


@cli.command()
@click.option("--detach", is_flag=True, help="Leave it running in the background.")
@click.option("--clusters", default=_CLUSTERS, show_default=True, help="Names of the clusters, separated by commas.")
@click.option(
    "--queue", type=click.Choice(["inline", "pubsub"]), default="inline", show_default=True, help="How jobs travel."
)
def up(detach: bool, clusters: str, queue: str) -> None:
    """Start the world: two clusters, GitHub, Secret Manager, the function.

    With the pubsub queue the function is three: `webhook` publishes what GitHub sends, Pub/Sub pushes it to `sync`, and
    `reconcile` is called by a schedule. That needs gcloud's Pub/Sub emulator, and Java.
    """
    names = _names(clusters)
    if detach:
        _detach("--clusters", clusters, "--queue", queue)
    else:
        _stay(names, Queue(queue))


@cli.command()
@click.option("--once", is_flag=True, help="End the world once the example is healthy.")
def run(once: bool) -> None:
    """Start the world, push the example application, and see it go live."""
    live = _stay(_names(_CLUSTERS), Queue(), first_push=True, once=once)
    sys.exit(0 if live else 1)


@cli.command()
@click.argument("name", type=click.Choice(list(example.BY_NAME)), default="shop", metavar="[shop|cafe]")
def push(name: str) -> None:
    """Change an example, commit and push it, and follow it until it is live.

    The shop is plain manifests; the cafe is Kustomize, with an overlay for each of the clusters staging and production.
    """
    noted = _running()
    if name == "cafe" and not all(f"DEPLOYER_LOCAL_KUBECONFIG_{one}" in noted.exports for one in _CAFE_CLUSTERS):
        raise click.ClickException("the cafe goes to the clusters staging and production, and this world lacks one")
    sys.exit(0 if _push(noted, example.BY_NAME[name]) else 1)


@cli.command()
def env() -> None:
    """Print shell exports: where everything is, and what `python -m deployer` needs."""
    for name, value in _running().exports.items():
        click.echo(f"export {name}={shlex.quote(value)}")


@cli.command()
def down() -> None:
    """End the world; nothing of it is left."""
    note = Note(state_folder())
    holder = note.holder()
    if holder is None:
        click.echo("no world is running")
        return
    os.kill(holder, signal.SIGTERM)
    if not note.wait_until_released(_DOWN_TIMEOUT):
        raise click.ClickException(f"the world's process {holder} has not ended after {_DOWN_TIMEOUT:g} s")
    click.echo("the world has ended")


def _stay(names: list[str], queue: Queue, *, first_push: bool = False, once: bool = False) -> bool:
    """Start a world in this process; Ctrl-C or SIGTERM ends it, or `once` after the first push.

    Returns:
        Whether the first push, if there was to be one, went live.
    """
    note = Note(state_folder())
    if not note.claim():
        raise click.ClickException(f"a world is running already: use it, or end it with `{_python()} -m local down`")
    signal.signal(signal.SIGTERM, _interrupt)
    live = not first_push
    try:
        folder = note.folder / "world"
        shutil.rmtree(folder, ignore_errors=True)  # what a world left whose machine went down
        with World(folder, names, _say, _EVERY, queue) as world:
            click.echo(_what_next(world))
            noted = Noted(os.getpid(), world.exports)
            note.write(noted)
            live = _push(noted) if first_push else live
            if not once:
                signal.pause()
    except KeyboardInterrupt:
        _say("ending the world")
    except RuntimeError as error:
        raise click.ClickException(str(error)) from error
    finally:
        note.release()
    return live


def _detach(*options: str) -> None:
    """Start a world in a process of its own, with options of `up`, and show how it goes until it is up."""
    folder = state_folder()
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "up.log"
    with log.open("wb") as output:
        world = subprocess.Popen(
            [sys.executable, "-m", "local", "up", *options],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    note = Note(folder)
    shown = 0
    while True:
        ready = (noted := note.read()) is not None and noted.pid == world.pid
        ended = world.poll()
        text = log.read_text()
        click.echo(text[shown:], nl=False)
        shown = len(text)
        if ready:
            return
        if ended is not None:
            sys.exit(ended)
        time.sleep(0.1)


def _running() -> Noted:
    noted = Note(state_folder()).read()
    if noted is None:
        raise click.ClickException(f"no world is running: start one with `{_python()} -m local up`")
    return noted


def _push(noted: Noted, pushed: example.Example = example.SHOP) -> bool:
    start = time.monotonic()
    folder = state_folder() / "world" / "examples" / pushed.name
    commit = example.push(folder, noted.exports, pushed)
    _say(f"pushed {commit[:7]} to {pushed.repository}")
    live = example.follow(noted.exports, commit, _say, example=pushed)
    _say(f"{commit[:7]} {'is live' if live else 'is not live'} {time.monotonic() - start:.1f} s after the push")
    return live


def _what_next(world: World) -> str:
    python = _python()
    first = next(iter(world.clusters))
    kubectl = "kubectl" if shutil.which("kubectl") else str(Path(python).parent / "kubectl")
    return f"""
The world is up:
  clusters         {", ".join(world.clusters)}
  GitHub           {world.exports["DEPLOYER_LOCAL_GIT_URL"]} (REST at /api/v3)
{_functions(world)}
  configuration    {world.exports["DEPLOYER_CONFIG"]}

What to type next, in another terminal:
  {python} -m local push                   # change the example, push it, see it go live (or: push cafe)
  eval "$({python} -m local env)"          # then these work against this world:
  {kubectl} --kubeconfig "$DEPLOYER_LOCAL_KUBECONFIG_{first.upper().replace("-", "_")}" get pods -n shop
  {python} -m deployer sync shop           # the same, by hand
  {python} -m local down                   # end it
"""


def _functions(world: World) -> str:
    """The lines that say where the functions are; with Pub/Sub they are in the order of a push's way."""
    exports, folder = world.exports, world.folder
    webhook = f"{exports['DEPLOYER_LOCAL_WEBHOOK_URL']} (its log: {folder / 'function.log'})"
    if world.sync is None:
        return f"  the function     {webhook}"
    logs = ", ".join(f"{instance.log}.log" for instance in world.sync.instances)
    return f"""\
  webhook          {webhook}
  Pub/Sub          http://{exports["DEPLOYER_PUBSUB_ENDPOINT"]}/v1/{exports["DEPLOYER_PUBSUB_TOPIC"]}
  sync             {world.sync.url} (instances: {len(world.sync.instances)}; logs beside it: {logs})
  reconcile        {exports["DEPLOYER_LOCAL_RECONCILE_URL"]} (every {_EVERY:g} s; log beside it: reconcile.log)"""


def _names(clusters: str) -> list[str]:
    names = [name.strip() for name in clusters.split(",")]
    if not all(name.replace("-", "").isalnum() for name in names) or len(set(names)) != len(names):
        raise click.UsageError(f"--clusters: {clusters!r} are not different names of letters, digits and `-`")
    return names


def _python() -> str:
    """The interpreter as a person would type it from here."""
    short = os.path.relpath(sys.executable)
    return sys.executable if short.startswith("..") else short


def _say(line: str) -> None:
    click.echo(line, err=True)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    cli(prog_name="python -m local")
