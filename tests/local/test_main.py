"""`python -m local`, as a newcomer uses it: a world of its own beside the one of the other tests."""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
World = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("DEPLOYER_")}
    return {**clean, "XDG_STATE_HOME": str(tmp_path)}


@pytest.fixture
def local(environment: dict[str, str]) -> Iterator[World]:
    def run(*arguments: str, module: str = "local", **more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", module, *arguments]
        return subprocess.run(
            command, env={**environment, **more}, cwd=ROOT, capture_output=True, text=True, timeout=120
        )

    yield run
    run("down")


def processes_of(folder: Path) -> list[str]:
    """The command lines of living processes that name a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if str(folder) in line:
            found.append(line)
    return found


def eventually(condition: Callable[[], bool], timeout: float = 30) -> bool:
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def exports(text: str) -> dict[str, str]:
    words = (shlex.split(line) for line in text.splitlines())
    return dict(pair.split("=", 1) for command, pair in words if command == "export")


def test_a_world_from_up_to_down(local: World, tmp_path: Path) -> None:
    up = local("up", "--detach", "--clusters", "staging")
    assert up.returncode == 0, up.stdout + up.stderr
    assert "What to type next" in up.stdout

    second = local("up", "--detach")
    assert second.returncode == 1
    assert "a world is running already" in second.stdout + second.stderr

    env = exports(local("env").stdout)
    assert {
        "DEPLOYER_LOCAL_KUBECONFIG_STAGING",
        "DEPLOYER_LOCAL_WEBHOOK_URL",
        "DEPLOYER_LOCAL_RECONCILE_URL",
        "DEPLOYER_LOCAL_WEBHOOK_SECRET",
        "DEPLOYER_LOCAL_GITHUB_URL",
        "DEPLOYER_LOCAL_GITHUB_TOKEN",
        "DEPLOYER_LOCAL_GIT_URL",
        "DEPLOYER_CONFIG",
    } <= env.keys()

    for greeting in ("4 objects in staging: 4 created", "4 objects in staging: 1 changed"):
        push = local("push")
        assert push.returncode == 0, push.stderr
        assert greeting in push.stderr
        assert "is live" in push.stderr

    sync = local("sync", "shop", module="deployer", **env)
    assert sync.returncode == 0, sync.stderr
    assert "4 objects in staging: nothing to change, healthy" in sync.stdout

    down = local("down")
    assert (down.returncode, down.stdout) == (0, "the world has ended\n")
    assert not (tmp_path / "deployer-local" / "world").exists()
    assert processes_of(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_however_it_ends_nothing_is_left(environment: dict[str, str], tmp_path: Path, number: signal.Signals) -> None:
    output = tmp_path / "output"
    with output.open("w") as file:
        world = subprocess.Popen(
            [sys.executable, "-m", "local", "up", "--clusters", "staging"],
            env=environment,
            cwd=ROOT,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    folder = tmp_path / "deployer-local" / "world"
    try:
        assert eventually(lambda: (tmp_path / "deployer-local" / "world.json").exists(), 90), output.read_text()
        assert processes_of(folder)
    finally:
        world.send_signal(number)
        status = world.wait(30)
    assert status == (-number if number is signal.SIGKILL else 0)
    assert "Traceback" not in output.read_text()
    assert eventually(lambda: not folder.exists() and not processes_of(folder))


def test_run_once_shows_a_push_going_live_and_ends(local: World, tmp_path: Path) -> None:
    done = local("run", "--once")
    assert done.returncode == 0, done.stderr
    assert "success: 4 objects in staging: 4 created, healthy in" in done.stderr
    assert processes_of(tmp_path / "deployer-local" / "world") == []


@pytest.mark.parametrize("command", ["env", "push"])
def test_without_a_world_it_says_how_to_start_one(local: World, command: str) -> None:
    done = local(command)
    assert done.returncode == 1
    assert "no world is running: start one with" in done.stderr


def test_down_without_a_world_is_content(local: World) -> None:
    done = local("down")
    assert (done.returncode, done.stdout) == (0, "no world is running\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("--clusters", "a,a"), "are not different names"), (("--queue", "kafka"), "is not one of 'inline', 'pubsub'")],
)
def test_bad_usage_is_told(local: World, arguments: tuple[str, ...], said: str) -> None:
    done = local("up", *arguments)
    assert done.returncode == 2
    assert said in done.stderr


def test_without_an_emulator_it_says_what_to_install(local: World, tmp_path: Path) -> None:
    done = local("up", "--queue", "pubsub", PATH=str(tmp_path))
    assert done.returncode == 1
    assert "Error: gcloud is missing, whose Pub/Sub emulator the pubsub queue needs: install" in done.stderr
    assert not (tmp_path / "deployer-local" / "world").exists()


def test_a_world_with_pubsub_shows_the_whole_way(emulator: Path, local: World, tmp_path: Path) -> None:
    up = local("up", "--detach", "--clusters", "staging", "--queue", "pubsub")
    assert up.returncode == 0, up.stdout + up.stderr
    env = exports(local("env").stdout)
    assert (env["DEPLOYER_QUEUE"], env["DEPLOYER_PUBSUB_TOPIC"]) == ("pubsub", "projects/local/topics/deployer")
    for way in ("DEPLOYER_LOCAL_WEBHOOK_URL", "DEPLOYER_PUBSUB_ENDPOINT", "DEPLOYER_LOCAL_SYNC_URL"):
        assert env[way] in up.stdout
    assert "(instances: 2; logs beside it: sync.log, sync-2.log)" in up.stdout
    assert f"{env['DEPLOYER_LOCAL_RECONCILE_URL']} (every 30 s; log beside it: reconcile.log)" in up.stdout

    push = local("push")
    assert push.returncode == 0, push.stderr
    assert "is live" in push.stderr

    assert local("down").stdout == "the world has ended\n"
    assert processes_of(tmp_path) == []
