"""Rollouts that fail: the commit gets the pod's own reason, as soon as it is known."""

import time

import pytest

from tests.world import Bench, config_map, deployment


def test_an_image_that_is_not_there(bench: Bench) -> None:
    bench.configure(timeout=4)
    commit = bench.push({"web.yaml": deployment("web", "nginx:does-not-exist"), "c.yaml": config_map("c")})
    state, description = bench.settled(commit)
    assert state == "failure"
    assert description.startswith("1 of 2 objects not healthy after 4 s: Deployment/web: "), description
    pending = [text for kind, text in bench.statuses(commit) if kind == "pending"]
    assert pending[0] == "deploying to staging"
    assert any("ErrImagePull" in text or "ImagePullBackOff" in text for text in pending), pending
    assert "nginx:does-not-exist" in bench.log()


@pytest.mark.parametrize(
    ("image", "reason"), [("INVALID//image", "InvalidImageName"), ("nginx", "CreateContainerConfigError")]
)
def test_what_waiting_cannot_help_fails_at_once(bench: Bench, image: str, reason: str) -> None:
    manifest = deployment("web", image)
    if image == "nginx":
        source = '{"configMapKeyRef": {"name": "c", "key": "does-not-exist"}}'
        manifest = manifest.replace('"image"', '"env": [{"name": "X", "valueFrom": ' + source + '}], "image"')
    start = time.monotonic()
    bench.configure(timeout=60)
    commit = bench.push({"web.yaml": manifest, "c.yaml": config_map("c")})
    state, description = bench.settled(commit)
    assert time.monotonic() - start < 20
    assert state == "failure"
    assert "Deployment/web" in description
    assert reason in bench.logged(commit)


def test_the_push_that_mends_it_goes_live_while_the_broken_one_still_waits(bench: Bench) -> None:
    bench.configure(timeout=20)
    broken = bench.push({"web.yaml": deployment("web", "nginx:does-not-exist")})
    deadline = time.monotonic() + 30
    while len(bench.statuses(broken)) < 2:  # pending, and then why
        assert time.monotonic() < deadline
        time.sleep(0.1)
    mended = bench.push({"web.yaml": deployment("web", "nginx:1.29.3")})
    assert bench.settled(mended)[0] == "success"
    state, description = bench.settled(broken)
    # Who says so first: the job that waits for it, or the one that has superseded it.
    assert (state, description.partition(" ")[0].rstrip(":")) == ("failure", "superseded")
