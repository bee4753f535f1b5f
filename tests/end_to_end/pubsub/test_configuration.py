"""The configuration is another one when the job comes than it was when the event came: the present one counts."""

import json
from pathlib import Path

from tests.end_to_end.pubsub.queued import QueuedBench, until
from tests.local.kubectl import Kubectl
from tests.world import config_map

FILES = {"a.yaml": config_map("a")}


def held(bench: QueuedBench) -> str:
    """Push, and hold the job back; returns the commit."""
    bench.configure()
    bench.jobs.pause()
    commit = bench.pushed(FILES)
    until(lambda: bench.queued() == 1, "the event has become a job")
    return commit


def document_of(bench: QueuedBench) -> Path:
    return Path(bench.world.exports["DEPLOYER_CONFIG"], f"{bench.name}.yaml")


def test_an_application_that_is_removed_meanwhile_is_left_alone_until_it_is_back(bench: QueuedBench) -> None:
    commit = held(bench)
    document_of(bench).unlink()
    bench.jobs.resume()
    assert bench.pubsub.drained()
    assert "nothing is done, because " in bench.said("WARNING")[-1]
    assert (bench.statuses(commit), bench.versions()) == ([], {})

    bench.configure()
    assert bench.reconcile() == "queued"
    bench.ends_at(commit, [1])


def test_an_application_that_is_renamed_meanwhile_is_made_good_under_its_new_name(bench: QueuedBench) -> None:
    commit = held(bench)
    text = document_of(bench).read_text()
    document = json.loads(text)
    document["metadata"]["name"] = f"{bench.name}-new"
    document_of(bench).write_text(json.dumps(document))
    bench.jobs.resume()
    assert bench.pubsub.drained()
    assert (bench.statuses(commit), bench.versions()) == ([], {})

    bench.reconcile()
    (told,) = {one.context for one in bench.world.github.statuses.of(bench.repository, commit)}
    assert told == f"deployer/{bench.name}-new"
    assert bench.world.github.statuses.of(bench.repository, commit)[-1].state == "success"
    assert bench.live("configmap", f"deployer-{bench.name}-new")
    assert bench.value() == "1"


def test_an_application_that_moves_to_another_cluster_meanwhile_goes_there(bench: QueuedBench) -> None:
    commit, sent = held(bench), len(bench.jobs.sent)
    staging = bench.jobs
    bench.configure("production")
    staging.resume()
    assert bench.settled(commit)[0] == "success"
    assert "1 object in production" in bench.statuses(commit)[-1][1]
    assert bench.pubsub.drained()
    assert [one.message.attributes["cluster"] for one in staging.sent[sent:]] == ["staging"]
    assert bench.value() == "1"
    in_staging = Kubectl(bench.world.clusters["staging"].admin_kubeconfig)
    assert in_staging("get", "namespace", bench.name, "--ignore-not-found") == ""


def test_events_and_jobs_wait_for_a_configuration_that_can_be_read(bench: QueuedBench) -> None:
    bench.configure()
    sent = {one.name: len(one.sent) for one in (bench.events, bench.jobs)}
    broken = document_of(bench).with_name("broken.yaml")
    for held in (bench.events, bench.jobs):
        held.pause()
        commit = bench.pushed({"a.yaml": config_map("a", held.name)})
        if held is bench.jobs:
            until(lambda: bench.queued() == 2, "the event has become a job")
        broken.write_text("kind: [")
        try:
            held.resume()
            until(lambda: 500 in [one.status for one in held.sent[sent[held.name] :]], "it comes again")  # noqa: B023
        finally:
            broken.unlink()
        assert bench.settled(commit)[0] == "success"
    assert "broken.yaml" in bench.log()
    bench.ends_at(commit, [bench.events.name, bench.jobs.name])
