"""The inline queue, in this process: an event in, an answer and log lines out."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from deployer.queue.inline import reconcile, run
from deployer.repository import parse_repository
from deployer.settings import Settings
from deployer.webhook import Event
from tests.queue.helpers import configure, lines
from tests.world import Bench, config_map, deployment


def pushed(url: str, after: str = "1" * 40) -> Event:
    """The event of a push to a new branch."""
    return Event("push", parse_repository(url), "refs/heads/main", "0" * 40, after, "main", None, "the-delivery")


def test_of_several_jobs_each_goes_its_own_way(bench: Bench, settings: Settings, log: pytest.LogCaptureFixture) -> None:
    names = [configure(bench, settings, path) for path in ("a", "bad", "c", "gone", "refused")]
    manual = configure(bench, settings, "manual", automated=False)
    files = {f"{path}/x.yaml": config_map(path) for path in ("a", "c", "manual")}
    files |= {"bad/x.yaml": "not: [valid\napiVersion: kind: metadata:", "refused/x.yaml": config_map("not_a_name")}
    commit = bench.push(files)

    answer, status = run(pushed(bench.clone.url, commit), settings)
    assert status == 200
    outcomes = dict(zip(names, ("succeeded", "failed", "succeeded", "failed", "failed"), strict=True))
    jobs = [{"application": name, "outcome": outcome} for name, outcome in outcomes.items()]
    looked = {"application": manual, "outcome": "out of sync"}
    assert sorted(answer["applications"], key=lambda one: one["application"]) == sorted(
        [*jobs, looked], key=lambda one: one["application"]
    )
    assert {name for name in bench.versions("configmaps") if "kube" not in name} == {"ConfigMap/a", "ConfigMap/c"}

    started = [(message, fields["application"]) for message, fields in lines(log, "INFO") if "looking" in message]
    reason = f"looking, because of a push to refs/heads/main of {pushed(bench.clone.url).repository}"
    assert sorted(started) == [(reason, name) for name in sorted([*names, manual])]
    good = [(message, fields) for message, fields in lines(log, "INFO") if "created" in message]
    assert {fields["application"] for _, fields in good} == {names[0], names[2]}
    message, fields = good[0]
    assert message.startswith("1 object in staging: 1 created, healthy in ")
    assert (fields["revision"], fields["delivery"]) == (commit, "the-delivery")
    assert 0 < fields["duration"] < 30
    bad = {fields["application"]: (message, fields) for message, fields in lines(log, "ERROR")}
    assert set(bad) == {names[1], names[3], names[4]}
    assert "x.yaml" in bad[names[1]][0]
    assert "has no path 'gone'" in bad[names[3]][0]
    assert bad[names[4]][0].startswith("ConfigMap/not_a_name: ")
    assert bad[names[4]][1]["revision"] == commit
    assert lines(log, "WARNING") == []


def test_what_holds_a_rollout_up_is_logged(bench: Bench, settings: Settings, log: pytest.LogCaptureFixture) -> None:
    name = configure(bench, settings, "a", timeout=2.5)
    bench.push({"a/web.yaml": deployment("web", "nginx:does-not-exist")})
    answer, _ = run(pushed(bench.clone.url), settings)
    assert answer == {"applications": [{"application": name, "outcome": "failed"}]}
    message, fields = lines(log, "WARNING")[0]
    assert message.startswith("Deployment/web: ")
    assert "nginx:does-not-exist" in message
    assert fields == {"application": name, "delivery": "the-delivery"}
    (ended,) = lines(log, "ERROR")
    assert ended[0].startswith("1 of 1 objects not healthy after 2.5 s: Deployment/web: ")


def test_an_event_that_concerns_nobody_is_ignored(
    bench: Bench, settings: Settings, log: pytest.LogCaptureFixture
) -> None:
    configure(bench, settings, "a", url=f"{bench.world.github.git_url}/acme/another.git")
    answer, status = run(pushed(bench.clone.url), settings)
    said = f"ignored because no application watches refs/heads/main of {pushed(bench.clone.url).repository}"
    assert (answer, status) == ({"ignored": said}, 200)
    assert lines(log) == [(said, {"delivery": "the-delivery"})]


@pytest.mark.parametrize("entry", ["push", "schedule"])
@pytest.mark.parametrize("fault", ["no configuration", "broken", "no folder", "no token"])
def test_a_configuration_that_is_broken_deploys_nothing(
    bench: Bench, settings: Settings, log: pytest.LogCaptureFixture, fault: str, entry: str
) -> None:
    configure(bench, settings, "a")
    assert settings.config
    if fault == "broken":
        (settings.config / "broken.yaml").write_text("kind: Nonsense")
    settings = {
        "no configuration": replace(settings, config=None),
        "broken": settings,
        "no folder": replace(settings, config=settings.config / "nowhere"),
        "no token": replace(settings, github_token=""),
    }[fault]
    commit = bench.push({"a/x.yaml": config_map("a")})
    bench.world.github.requests.clear()
    answer, status = run(pushed(bench.clone.url, commit), settings) if entry == "push" else reconcile(settings)
    said = "the deployer's configuration is not valid; its log says where"
    assert (answer, status) == ({"error": said}, 500), "the reason is not for whoever reads the deliveries"
    ((message, fields),) = lines(log)
    named = {
        "no configuration": "DEPLOYER_CONFIG",
        "broken": "broken.yaml",
        "no folder": "nowhere",
        "no token": "TOKEN",
    }
    assert message.startswith("nothing is deployed: " if entry == "push" else "nothing is reconciled: ")
    assert named[fault] in message
    assert fields == ({"delivery": "the-delivery"} if entry == "push" else {})
    assert [path for _, path in bench.world.github.requests if bench.repository in path] == []


def test_a_fault_of_our_own_is_logged_with_its_place_and_the_others_go_on(
    bench: Bench, settings: Settings, log: pytest.LogCaptureFixture
) -> None:
    names = [configure(bench, settings, path) for path in ("a", "b")]
    commit = bench.push({"a/x.yaml": config_map("a"), "b/x.yaml": config_map("b")})
    broken: Any = None  # settings that no environment gives
    answer, status = run(pushed(bench.clone.url, commit), replace(settings, limits=broken))
    assert status == 200
    assert answer == {"applications": [{"application": name, "outcome": "failed"} for name in names]}
    faults = [record for record in log.records if record.levelname == "ERROR"]
    assert [record.getMessage() for record in faults] == ["the deployer failed in a way it should not"] * 2
    assert all(record.exc_info for record in faults)


def test_the_jobs_of_an_application_take_turns(bench: Bench, settings: Settings) -> None:
    configure(bench, settings, "a")
    bench.push({"a/x.yaml": config_map("a")})
    bench.world.github.requests.clear()
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: run(pushed(bench.clone.url), settings), range(3)))
    outcomes = {answer["applications"][0]["outcome"] for answer, _ in answers}
    assert "succeeded" in outcomes
    assert outcomes <= {"succeeded", "unfinished"}, "or it is rolling out already"
    root = f"/repos/{bench.repository}/git/"
    read = [path.removeprefix(root).split("/")[0] for _, path in bench.world.github.requests if root in path]
    assert read == ["ref", "trees", "blobs", "ref", "ref"], "none looks at the ref before the one before has written"


def outcomes(answer: dict[str, Any]) -> dict[str, str]:
    """How each application stands, by its name."""
    return {one["application"]: one["outcome"] for one in answer["applications"]}


def test_the_schedule_looks_at_every_application_whatever_becomes_of_the_others(
    bench: Bench, settings: Settings, log: pytest.LogCaptureFixture
) -> None:
    names = {path: configure(bench, settings, path) for path in ("a", "bad", "gone")}
    names["manual"] = configure(bench, settings, "manual", automated=False)
    nowhere = f"{bench.world.github.git_url}/acme/nowhere-{bench.name}.git"
    names["nowhere"] = configure(bench, settings, "nowhere", url=nowhere)
    files = {f"{path}/x.yaml": config_map(path) for path in ("a", "manual")}
    commit = bench.push({**files, "bad/x.yaml": config_map("not_a_name")})
    for expected in ("succeeded", "in sync"):
        answer, status = reconcile(settings)
        assert status == 200
        assert outcomes(answer) == {
            names["a"]: expected,
            names["bad"]: "failed",
            names["gone"]: "failed",
            names["manual"]: "out of sync",
            names["nowhere"]: "failed",
        }
    assert {name for name in bench.versions("configmaps") if "kube" not in name} == {"ConfigMap/a"}
    told = {fields["application"]: (message, fields) for message, fields in lines(log, "ERROR")}
    assert set(told) == {names["bad"], names["gone"], names["nowhere"]}
    assert told[names["bad"]][1] == {"application": names["bad"], "delivery": "", "revision": commit}
    assert "nowhere" in told[names["nowhere"]][0]
    assert "revision" not in told[names["nowhere"]][1], "it is not known"


def test_without_applications_the_schedule_is_content(settings: Settings, log: pytest.LogCaptureFixture) -> None:
    assert reconcile(settings) == ({"applications": []}, 200)
    assert lines(log) == []
