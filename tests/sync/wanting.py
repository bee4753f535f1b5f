"""What the tests of the commit that an application is to have share: GitHub and the cluster are the world's."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deployer.annotations import GENERATE_PATHS, REQUIRE_CHECKS
from deployer.application import parse_application
from deployer.cluster import inventory_store
from deployer.cluster.connection import Cluster
from deployer.cluster.history import Entry
from deployer.cluster.inventory import empty
from deployer.configuration import Placement
from deployer.settings import Settings
from deployer.sync.connections import open_github
from deployer.sync.gate import Gate
from deployer.sync.how import How
from deployer.sync.job import Job
from deployer.sync.wanted import Wanted, settled, to_deploy
from tests.cluster.helpers import make_namespace
from tests.sync.deploying import STAGING
from tests.world import Bench, config_map

WAITING, FAILED = Gate("waiting", "waiting for build"), Gate("failed", "not deployed: build failed")
PUSHED, SCHEDULE, BY_HAND, ASKED = How(pushed=True), How(), How(release=True), How(asked=True)
CHECKS, PATHS = {REQUIRE_CHECKS: "build"}, {GENERATE_PATHS: "."}
A, B = {"k8s/a.yaml": config_map("a", "1")}, {"k8s/a.yaml": config_map("a", "2")}
EVERY = pytest.mark.parametrize("how", [PUSHED, SCHEDULE, BY_HAND, ASKED], ids=["push", "schedule", "hand", "asked"])


class Known:
    """The bench's application, the inventory that it is made to have, and what it is to have then."""

    def __init__(self, bench: Bench, settings: Settings, cluster: Cluster) -> None:
        self.bench, self.settings, self._cluster = bench, settings, cluster
        self._there = False
        self.document = STAGING

    @contextmanager
    def job(self, how: How, annotations: dict[str, str]) -> Iterator[Job]:
        application = parse_application(
            {
                "apiVersion": "argoproj.io/v1alpha1",
                "kind": "Application",
                "metadata": {"name": self.bench.name, "annotations": annotations},
                "spec": {
                    "source": {"repoURL": self.bench.clone.url, "targetRevision": "main", "path": "k8s"},
                    "destination": {"name": "staging", "namespace": self.bench.name},
                },
            },
            "test.yaml",
        )
        with open_github(self.settings) as github:
            job = Job(Placement(application, self.document), self.settings, how, github)
            with job.asking():
                yield job

    def push(self, files: dict[str, str], key: Path | None = None) -> str:
        return self.bench.push(files, key)

    def record(self, *history: Entry, **changes: Any) -> None:
        """Write an inventory."""
        if not self._there:
            make_namespace(self._cluster, self.bench.name)
            self._there = True
        before = inventory_store.read(self._cluster, self.bench.name, self.bench.name)
        after = replace(
            empty(self.bench.name, self.bench.name), history=history, resource_version=before.resource_version
        )
        inventory_store.write(self._cluster, before, replace(after, **changes))

    def check(self, commit: str, state: str, check: str = "build") -> None:
        self.bench.world.github.statuses.add(self.bench.repository, commit, {"state": state, "context": check})

    def wanted(self, how: How, annotations: dict[str, str], commit: str = "") -> Wanted:
        with self.job(how, annotations) as job:
            self.bench.world.github.requests.clear()
            return to_deploy(job, commit or self.bench.clone.head())

    def settled(self, how: How, annotations: dict[str, str], **options: Any) -> str:
        with self.job(how, annotations) as job:
            return settled(job, self.bench.clone.head(), **options)
