"""The main job: a signed push reaches a real cluster, and the commit says so."""

import json
import time
from pathlib import Path

import pytest

from tests.world import Bench, config_map, deployment

JOB = """\
apiVersion: batch/v1
kind: Job
metadata: {name: once}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: once, image: "busybox:1.37"}]
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: LoadBalancer
  selector: {app: web}
  ports: [{port: 80}]
"""


def test_a_push_goes_live_and_the_commit_says_so(bench: Bench) -> None:
    bench.configure()
    files = {"web.yaml": deployment("web"), "job.yaml": JOB, "service.yaml": SERVICE, "config.yaml": config_map("c")}
    commit = bench.push(files)
    state, description = bench.settled(commit)
    assert (state, description.split(", healthy in ")[0]) == ("success", "4 objects in staging: 4 created"), description
    assert bench.statuses(commit)[0] == ("pending", "deploying to staging")
    assert bench.live("deployment", "web")["status"]["readyReplicas"] == 1
    assert bench.live("job", "once")["status"]["succeeded"] == 1
    assert bench.live("service", "web")["status"]["loadBalancer"]["ingress"]
    delivery = bench.world.github.wait_for_delivery(commit)
    assert delivery.status == 200
    assert json.loads(delivery.body) == {"applications": [{"application": bench.name, "outcome": "succeeded"}]}


def test_a_second_push_writes_only_what_it_changed(bench: Bench) -> None:
    files = {"a.yaml": config_map("a"), "b.yaml": config_map("b"), "web.yaml": deployment("web"), "s.yaml": SERVICE}
    assert bench.deploy(files)[0] == "success"
    before, owners = bench.versions("services,configmaps"), bench.live("deployment", "web")["metadata"]["managedFields"]
    time.sleep(1.1)  # managedFields count whole seconds
    state, description = bench.settled(bench.push({"b.yaml": config_map("b", "2")}))
    assert state == "success"
    assert "4 objects in staging: 1 changed, healthy" in description
    after = bench.versions("services,configmaps")
    assert {name for name in after if after[name] != before[name]} == {"ConfigMap/b"}
    ours = [one for one in bench.live("deployment", "web")["metadata"]["managedFields"] if one["manager"] == "deployer"]
    assert ours == [one for one in owners if one["manager"] == "deployer"]


def test_a_push_that_changes_no_object_writes_nothing(bench: Bench) -> None:
    assert bench.deploy({"a.yaml": config_map("a")})[0] == "success"
    before = bench.versions("configmaps")
    state, description = bench.settled(bench.push({"README.md": "read me"}))
    assert state == "success"
    assert "1 object in staging: nothing to change, healthy" in description
    assert bench.versions("configmaps") == before


def test_a_field_that_somebody_else_changed_comes_back(bench: Bench) -> None:
    assert bench.deploy({"a.yaml": config_map("a", "git")})[0] == "success"
    bench.kubectl(
        "patch", "configmap", "a", "-n", bench.name, "--type=merge", "-p", '{"data": {"key": "hand", "x": "y"}}'
    )
    assert "1 changed" in bench.settled(bench.push({"README.md": "read me"}))[1]
    assert bench.live("configmap", "a")["data"] == {"key": "git", "x": "y"}, "a field that is not ours stays"


def test_a_redelivery_of_an_old_push_does_not_go_back(bench: Bench) -> None:
    # An event is a hint to look: an old one, sent again, deploys what the ref points at now.
    bench.configure()
    first = bench.push({"a.yaml": config_map("a", "1")})
    assert bench.settled(first)[0] == "success"
    assert bench.settled(bench.push({"a.yaml": config_map("a", "2")}))[0] == "success"
    old = bench.world.github.wait_for_delivery(first)
    status, answer = bench.send(old.payload)
    assert (status, answer["applications"][0]["outcome"]) == (200, "succeeded")
    assert bench.live("configmap", "a")["data"]["key"] == "2"


@pytest.mark.parametrize(
    ("target_revision", "ref"), [("v1", "v1"), ("HEAD", "main"), ("refs/heads/feature/x", "HEAD:refs/heads/feature/x")]
)
def test_tags_head_and_other_branches_are_watched(bench: Bench, target_revision: str, ref: str) -> None:
    bench.push({"README.md": "the default branch"})
    commit = bench.clone.commit("first", {"a.yaml": config_map("a")})
    bench.clone.git("tag", "-a", "-m", "annotated", "v1")
    bench.configure(targetRevision=target_revision)
    bench.clone.push(ref)
    assert bench.settled(commit)[0] == "success"


def test_a_path_may_be_one_file(bench: Bench) -> None:
    files = {"k8s/manifest.yaml": config_map("a"), "k8s/other.yaml": "not: [valid"}
    assert "1 object in staging: 1 created" in bench.deploy(files, path="k8s/manifest.yaml")[1]


def test_a_manual_application_waits_for_a_command(bench: Bench) -> None:
    bench.configure(automated=False)
    commit = bench.push({"a.yaml": config_map("a")})
    delivery = bench.world.github.wait_for_delivery(commit)
    assert delivery.status == 200
    assert '"outcome":"out of sync"' in delivery.body
    assert bench.statuses(commit) == [("pending", "out of sync: 1 to create")]
    assert bench.versions("configmaps") == {}


def test_a_deleted_branch_deploys_nothing_and_deletes_nothing(bench: Bench) -> None:
    assert bench.deploy({"a.yaml": config_map("a")})[0] == "success"
    bench.clone.git("branch", "other")
    bench.clone.push("other")
    before = bench.versions("configmaps")
    bench.clone.push("--delete", "other")
    delivery = bench.world.github.wait_for_delivery("0" * 40)
    assert "was deleted: that deploys nothing and deletes nothing" in delivery.body
    assert bench.versions("configmaps") == before


def test_one_push_deploys_two_applications(bench: Bench, tmp_path: Path) -> None:
    with Bench(bench.world, tmp_path) as other:
        bench.configure(path="one")
        other.configure(cluster="production", path="two", url=bench.clone.url)
        commit = bench.push({"one/a.yaml": config_map("a"), "two/b.yaml": config_map("b")})
        assert bench.settled(commit)[0] == "success"
        other.repository = bench.repository
        assert other.settled(commit)[0] == "success"
        assert "ConfigMap/a" in bench.versions("configmaps")
        assert "ConfigMap/b" in other.versions("configmaps")
