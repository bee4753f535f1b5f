"""An application that watches a range of versions is at the newest tag that fits."""

from tests.end_to_end.reconciling import said
from tests.world import Bench, config_map


def release(bench: Bench, tag: str, *options: str) -> str:
    """Change the manifest to say the tag, and push nothing but that; returns the commit."""
    commit = bench.clone.commit(f"{bench.name} {tag}", {"a.yaml": config_map("a", tag)})
    bench.clone.git("tag", *options, tag)
    bench.clone.push(tag)
    bench.world.github.wait_for_delivery(bench.clone.git("rev-parse", tag))
    return commit


def test_each_tag_that_fits_is_deployed_while_it_is_the_newest(bench: Bench) -> None:
    bench.configure(targetRevision="^1.2")
    assert bench.settled(release(bench, "v1.2.0"))[0] == "success"
    assert bench.settled(release(bench, "v1.10.0", "-a", "-m", "signed"))[0] == "success"
    for tag in ("v2.0.0", "v1.11.0-rc.1", "latest"):
        assert bench.statuses(release(bench, tag)) == [], "it does not fit"
    older = release(bench, "v1.9.0")
    assert bench.live("configmap", "a")["data"] == {"key": "v1.10.0"}
    assert bench.reconcile() == "in sync"
    assert "success" not in [state for state, _ in bench.statuses(older)]

    # Where the newest is taken back, the one before it is the newest again; a deletion itself starts nothing.
    bench.clone.push("--delete", "v1.10.0")
    assert bench.reconcile() == "succeeded"
    assert bench.live("configmap", "a")["data"] == {"key": "v1.9.0"}
    assert bench.statuses(older)[-1][0] == "success"


def test_a_range_that_no_tag_fits(bench: Bench) -> None:
    bench.configure(targetRevision="^1.2")
    release(bench, "v1.1.9")
    assert bench.reconcile() == "failed"
    assert f"{bench.repository} has no tag that fits the range ^1.2 (the nearest: v1.1.9)" in said(bench, "ERROR")[-1]
