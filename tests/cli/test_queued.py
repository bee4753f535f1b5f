"""`deployer sync`, `rollback` and `delete` through the queue: real processes from the command line to the cluster."""

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployer.configuration import TOGETHER
from deployer.job import Job, JobOptions
from local.leash import Leash
from local.world import World
from tests.cli.conftest import Run, outcome
from tests.cli.queued_world import QueuedWorld, history, tell, until
from tests.cli.test_delete import answered
from tests.push_server import PushServer
from tests.world import Bench, config_map, deployment


@pytest.fixture(scope="module")
def queued_world(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[QueuedWorld]:
    with PushServer() as server, Leash(tmp_path_factory.mktemp("queued") / "leash") as leash:
        yield QueuedWorld(world, leash, server)


@pytest.fixture
def queued(queued_world: QueuedWorld) -> Iterator[QueuedWorld]:
    yield queued_world
    queued_world.server.recover()
    queued_world.jobs.resume()
    assert queued_world.server.drained()


def pushed(bench: Bench, files: dict[str, str], **options: object) -> str:
    """Push to an application that nobody deploys but by hand; returns the commit."""
    bench.configure(automated=False, **options)  # type: ignore[arg-type]
    commit = bench.push(files)
    bench.world.github.wait_for_delivery(commit)
    return commit


def test_a_sync_needs_no_access_to_the_cluster_and_the_history_has_the_person(
    bench: Bench, queued: QueuedWorld
) -> None:
    commit = pushed(bench, {"a.yaml": config_map("a")})
    done = queued.run("sync", bench.name)
    assert done.returncode == 0, done.stderr
    begun, end = bench.statuses(commit)[-2:]
    assert begun == ("pending", "deploying to staging, as ada asks")
    assert end[0] == "success"
    assert done.stdout == f"{end[1]}\n"
    assert f"queued for staging: sync of {bench.name}" in done.stderr
    assert bench.live("configmap", "a")["data"] == {"key": "1"}
    (entry,) = history(bench)
    assert (entry["who"], entry["why"], entry["revision"]) == ("ada", "deployer sync", commit)
    assert queued.published[-1] == (
        Job(bench.name, "deployer sync", "sync", actor="ada", at=commit, options=JobOptions(timeout=None)),
        "staging",
    )

    again = queued.run("sync", bench.name, "-o", "json")
    assert again.returncode == 0, again.stderr
    document = outcome(again)
    assert (document["application"], document["cluster"], document["revision"]) == (bench.name, "staging", commit)
    assert (document["outcome"], document["objects"]) == ("succeeded", [])
    assert "nothing to change, healthy in " in document["message"]
    assert set(document["requests"]) == {"github"}


def test_what_does_not_get_healthy_is_told(bench: Bench, queued: QueuedWorld) -> None:
    pushed(bench, {"web.json": deployment("web", "nginx:never")})
    done = queued.run("sync", bench.name, "--timeout", "3")
    assert done.returncode == 1
    assert "error: 1 of 1 objects not healthy after 3 s: Deployment/web: " in done.stderr
    assert f"`deployer history {bench.name}` and the log of `sync` say more" in done.stderr
    assert queued.published[-1][0].options.timeout == 3

    applied = queued.run("sync", bench.name, "--no-wait", "-o", "json")
    assert applied.returncode == 0, applied.stderr
    document = outcome(applied)
    assert document["outcome"] == "unfinished"
    assert document["message"].endswith("health not waited for")


def test_options_travel(bench: Bench, queued: QueuedWorld) -> None:
    pushed(bench, {"a.yaml": config_map("a"), "b.yaml": config_map("b")})
    assert queued.run("sync", bench.name).returncode == 0
    (bench.clone.folder / "b.yaml").unlink()
    commit = bench.push({"a.yaml": config_map("a", "2")})
    done = queued.run("sync", bench.name, "--prune", "--approve-prune", commit)
    assert done.returncode == 0, done.stderr
    assert "1 changed, 1 pruned" in done.stdout
    assert queued.published[-1][0].options == JobOptions(prune=True, approve_prune=commit)


def test_a_dry_run_and_local_run_here(bench: Bench, queued: QueuedWorld) -> None:
    commit = pushed(bench, {"a.yaml": config_map("a")})
    before = len(queued.published)
    assert queued.run("sync", bench.name, "--dry-run").returncode == 1, "it asks the cluster"
    dry = queued.run("sync", bench.name, "--dry-run", outside=False)
    assert (dry.returncode, "1 to create, nothing written" in dry.stdout) == (0, True), dry.stderr
    done = queued.run("sync", bench.name, "--local", outside=False)
    assert done.returncode == 0, done.stderr
    assert "applying ConfigMap/a" in done.stderr
    assert bench.statuses(commit)[-2] == ("pending", "deploying to staging, as ada asks")
    assert len(queued.published) == before


def test_the_end_of_a_job_before_is_not_taken_for_its_own(bench: Bench, queued: QueuedWorld) -> None:
    commit = pushed(bench, {"a.yaml": config_map("a")})
    process = queued.begin("sync", bench.name)
    tell(bench, commit, "failure", "1 of 1 objects not healthy after 300 s")
    until(lambda: len(bench.world.github.statuses.of(bench.repository, commit)) > 1)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=4)
    queued.jobs.resume()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "1 object in staging: 1 created, healthy in " in out


def test_a_ref_that_moves_meanwhile_is_followed(bench: Bench, queued: QueuedWorld) -> None:
    pushed(bench, {"a.yaml": config_map("a")})
    process = queued.begin("sync", bench.name, "-o", "json")
    newer = bench.push({"a.yaml": config_map("a", "2")})
    queued.jobs.resume()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert f'"revision": "{newer}"' in out
    assert bench.live("configmap", "a")["data"] == {"key": "2"}


def test_ctrl_c_ends_the_watching_and_not_the_job(bench: Bench, queued: QueuedWorld) -> None:
    commit = pushed(bench, {"a.yaml": config_map("a")})
    process = queued.begin("sync", bench.name)
    assert process.stderr
    next(line for line in process.stderr if "queued for staging" in line)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"interrupted: the sync of {bench.name} goes on without you; `deployer history {bench.name}` has it" in err
    queued.jobs.resume()
    assert bench.settled(commit)[0] == "success"


def test_a_queue_that_does_not_take_it(bench: Bench, queued: QueuedWorld) -> None:
    commit = pushed(bench, {"a.yaml": config_map("a")})
    before = bench.statuses(commit)
    done = queued.run("sync", bench.name, DEPLOYER_PUBSUB_TOPIC="projects/local/topics/nowhere")
    assert done.returncode == 2
    assert "make the topic, or correct DEPLOYER_PUBSUB_TOPIC" in done.stderr
    assert "or run it here, with your own access to staging: --local" in done.stderr
    queued.server.fail(503, 100)
    assert queued.run("sync", bench.name).returncode == 1
    assert bench.statuses(commit) == before


def test_a_rollback_is_followed_to_its_hold(bench: Bench, queued: QueuedWorld) -> None:
    first = pushed(bench, {"a.yaml": config_map("a")})
    assert queued.run("sync", bench.name).returncode == 0
    second = bench.push({"a.yaml": config_map("a", "2")})
    bench.world.github.wait_for_delivery(second)
    assert queued.run("sync", bench.name).returncode == 0
    done = queued.run("rollback", bench.name, "-o", "json")
    assert done.returncode == 0, done.stderr
    document = outcome(done)
    assert (document["outcome"], document["revision"]) == ("succeeded", first[:7])
    assert document["message"].startswith(f"rolled back to {first[:7]} by ada; 1 object in staging: 1 changed")
    assert bench.statuses(second)[-1] == ("failure", document["message"])
    assert f"{bench.name} is held at {first[:7]} until main moves" in done.stderr
    assert bench.live("configmap", "a")["data"] == {"key": "1"}
    assert (history(bench)[0]["who"], history(bench)[0]["why"]) == ("ada", "deployer rollback")

    vain = queued.run("rollback", bench.name, "77")
    assert vain.returncode == 1
    assert f"error: {bench.name} cannot return to sync 77" in vain.stderr
    state, description = bench.statuses(second)[-1]
    assert (state, description.startswith("rollback by ada: ")) == ("failure", True)


def test_a_deletion_is_followed_to_its_end(bench: Bench, queued: QueuedWorld) -> None:
    commit = pushed(bench, {"a.yaml": config_map("a")})
    assert queued.run("sync", bench.name).returncode == 0
    done = queued.run("delete", bench.name)
    assert (done.returncode, "there is no terminal to ask on" in done.stderr) == (2, True)
    done = queued.run("delete", bench.name, "--yes", "--no-hooks", "--timeout", "30")
    assert (done.returncode, done.stdout) == (0, "deleted from staging by ada\n"), done.stderr
    assert bench.statuses(commit)[-1] == ("failure", "deleted from staging by ada")
    assert queued.published[-1][0].options == JobOptions(timeout=30, hooks=False)
    assert "configmap/a\n" not in bench.kubectl("get", "configmaps", "-n", bench.name, "-o", "name")

    nothing = queued.run("delete", bench.name, "--yes")
    assert (nothing.returncode, nothing.stdout) == (
        0,
        f"nothing to delete: staging has nothing of {bench.name}, as far as its inventory says\n",
    ), nothing.stderr


def test_what_would_go_is_shown_before_the_question_where_the_cluster_can_be_read(
    bench: Bench, queued: QueuedWorld
) -> None:
    bench.configure()
    commit = bench.push({"a.yaml": config_map("a")})
    assert bench.settled(commit)[0] == "success"
    before = len(queued.published)
    blind, screen = answered(bench, "y", **queued.environment())
    assert blind == 2
    assert "what would go cannot be shown: " in screen
    assert "to delete it all the same: --yes" in " ".join(screen.split())
    no, screen = answered(bench, "n", **queued.environment(outside=False))
    assert (no, "nothing was deleted" in screen) == (1, True), screen
    assert len(queued.published) == before
    yes, screen = answered(bench, "y", **queued.environment(outside=False))
    assert yes == 0, screen
    assert "ConfigMap/a" in screen
    assert f"Delete 1 object of {bench.name} from staging? [y/N]" in screen
    assert "deleted from staging by ada" in screen
    assert f"{bench.name} stays deleted until main moves" in screen
    again, screen = answered(bench, "y", **queued.environment(outside=False))
    assert (again, "nothing to delete: staging has nothing of" in screen) == (0, True), screen
    assert len(queued.published) == before + 1


def test_one_of_many_of_a_ref_is_followed_in_its_cluster(bench: Bench, queued: QueuedWorld) -> None:
    commit = pushed(bench, {"a.yaml": config_map("a")})
    own = Path(bench.world.exports["DEPLOYER_CONFIG"]) / f"{bench.name}.yaml"
    document = json.loads(own.read_text())
    others = [own.with_name(f"{bench.name}-{number}.yaml") for number in range(TOGETHER)]
    for file in others:
        file.write_text(json.dumps({**document, "metadata": {"name": file.stem}}))
    try:
        before = bench.statuses(commit)
        done = queued.run("sync", bench.name, outside=False)
        assert (done.returncode, done.stdout) == (0, f"{commit[:7]} in staging: 2 created\n"), done.stderr
        unseen = queued.run("sync", bench.name, "-o", "json")
        assert unseen.returncode == 1
        document = outcome(unseen)
        assert (document["outcome"], document["revision"]) == ("unfinished", commit)
        assert document["message"].startswith("it is queued; many applications watch its ref")
        assert f"`deployer status {bench.name}` and" in unseen.stderr
        assert queued.server.drained()
        gone = queued.run("delete", bench.name, "--yes", outside=False)
        assert (gone.returncode, gone.stdout) == (0, "deleted from staging by ada\n"), gone.stderr
        assert bench.statuses(commit) == before
    finally:
        for file in others:
            file.unlink()


def test_through_the_emulator(pubsub_world: World, tmp_path: Path, run: Run) -> None:
    with Bench(pubsub_world, tmp_path) as bench:
        bench.configure(automated=False)
        commit = bench.push({"a.yaml": config_map("a")})
        pubsub_world.github.wait_for_delivery(commit)
        done = run("sync", bench.name, **pubsub_world.exports, USER="ada")
        assert done.returncode == 0, done.stderr
        assert "1 object in staging: 1 created, healthy in " in done.stdout
        assert [one["who"] for one in history(bench)] == ["ada"]
