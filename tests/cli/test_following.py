"""Where a queued command is followed: real statuses and inventories, which the tests write as other jobs do."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deployer.cli.following import CommitWatch, InventoryWatch, watch_inventory
from deployer.cli.queued import followed
from deployer.cluster.connection import Cluster
from deployer.cluster.history import Entry, Result
from deployer.cluster.hold import Hold
from deployer.cluster.inventory import Inventory, begun, empty, held, recorded
from deployer.cluster.inventory_store import discard, write
from deployer.cluster.operation import Operation
from deployer.configuration import Placement, load_configuration
from deployer.errors import SourceError
from deployer.github.client import GitHub
from deployer.report.command import Action, Asked, Followed, nothing_of
from deployer.settings import load_settings
from deployer.sync.by_hand import WHY
from deployer.sync.result import Progress, Step
from local.ports import free_ports
from tests.cli.queued_world import tell
from tests.world import Bench, config_map

OLD, NEW = "0" * 39 + "1", "0" * 39 + "2"
NOW = datetime.now(UTC)


def by(action: Action) -> Asked:
    return Asked(action, "ada", "staging")


def ignore(step: Step) -> None:
    """Show nothing."""


@pytest.fixture
def github(bench: Bench) -> Iterator[GitHub]:
    with GitHub(bench.world.github.api_url, bench.world.exports["DEPLOYER_GITHUB_TOKEN"]) as github:
        yield github


@pytest.fixture
def placement(bench: Bench) -> Placement:
    """The bench's application, which nobody deploys but by hand."""
    bench.configure(automated=False)
    return load_configuration(Path(bench.world.exports["DEPLOYER_CONFIG"])).placement(bench.name)


@pytest.fixture
def commit(bench: Bench, placement: Placement) -> str:
    """A commit of it, which the world's own function has looked at."""
    commit = bench.push({"a.yaml": config_map("a")})
    bench.world.github.wait_for_delivery(commit)
    return commit


class TestCommit:
    def test_only_what_is_told_from_now_on_counts(
        self, bench: Bench, placement: Placement, commit: str, github: GitHub
    ) -> None:
        tell(bench, commit, "pending", by("sync").begun())
        tell(bench, commit, "success", "as it was before")
        watch = CommitWatch(by("sync"), placement.application, github)
        assert watch.commit == commit
        assert watch.look(ignore) == Followed()
        tell(bench, commit, "pending", by("sync").begun())
        steps: list[Step] = []
        assert watch.look(steps.append).begun
        tell(bench, commit, "pending", "Deployment/web: no such image")
        assert watch.look(steps.append).result is None
        assert steps == [
            Step("deploying to staging, as ada asks"),
            Step("Deployment/web: no such image", reason="Deployment/web: no such image"),
        ]
        tell(bench, commit, "success", "as it was before")
        assert watch.look(ignore) == Followed("succeeded", "as it was before")

    def test_an_end_without_a_beginning_is_believed_after_a_while(
        self, bench: Bench, placement: Placement, commit: str, github: GitHub
    ) -> None:
        patient = CommitWatch(by("sync"), placement.application, github)
        hasty = CommitWatch(by("sync"), placement.application, github, patience=0)
        tell(bench, commit, "failure", "ill")
        assert patient.look(ignore).result is None
        assert patient.look(ignore).result is None
        hasty.look(ignore)
        assert hasty.look(ignore) == Followed("failed", "ill")

    def test_another_commit_counts_once_the_ref_points_at_it(
        self, bench: Bench, placement: Placement, commit: str, github: GitHub
    ) -> None:
        watch = CommitWatch(by("sync"), placement.application, github)
        newer = bench.push({"a.yaml": config_map("a", "2")})
        tell(bench, newer, "pending", by("sync").begun())
        tell(bench, newer, "success", "it is there")
        assert watch.look(ignore) == Followed("succeeded", "it is there")
        assert watch.commit == newer

    def test_a_repository_that_is_not_there(self, bench: Bench, placement: Placement, github: GitHub) -> None:
        with pytest.raises(SourceError):
            CommitWatch(by("sync"), placement.application, github)


class TestInventory:
    @pytest.fixture
    def before(self, bench: Bench, staging: Cluster) -> Inventory:
        """The inventory of an application that was synced once, and is under way no more."""
        staging.request("POST", "/api/v1/namespaces", body={"metadata": {"name": bench.name}})
        return write(staging, empty(bench.name, bench.name), self.after(empty(bench.name, bench.name), OLD))

    def after(
        self, before: Inventory, revision: str, result: Result = "succeeded", why: str = "push", error: str = ""
    ) -> Inventory:
        """The inventory after a sync."""
        entry = Entry(revision, NOW, why, "ada", result, {"created": 2, "unchanged": 1}, {}, error)
        return recorded(before, entry, 10)

    @pytest.mark.parametrize("action", ["sync", "rollback", "delete"])
    def test_the_entry_of_the_history_says_how_it_ended(
        self, placement: Placement, staging: Cluster, before: Inventory, action: Action
    ) -> None:
        watch = InventoryWatch(by(action), placement.application, staging, NEW)
        assert watch.look(ignore) == Followed()
        operation = Operation(NEW, NOW, "ada, it", WHY[action], who="ada")
        steps: list[Step] = []
        before = write(staging, before, begun(before, operation))
        assert watch.look(steps.append) == Followed(begun=True)
        assert steps == [Step(f"under way: {WHY[action]} of 0000000, by ada")]
        before = write(staging, before, self.after(before, NEW, why="push"))
        assert watch.look(ignore) == Followed(), "that was another one"
        before = write(staging, before, self.after(before, NEW, "unfinished", WHY[action]))
        assert watch.look(ignore) == Followed(), "its rollout goes on"
        before = write(staging, before, self.after(before, NEW, why=WHY[action]))
        assert watch.look(ignore) == Followed("succeeded", "0000000 in staging: 2 created", revision=NEW)
        write(staging, before, self.after(before, NEW, "failed", WHY[action], "no such image"))
        assert watch.look(ignore) == Followed("failed", "no such image", revision=NEW)

    def test_a_deletion_may_take_the_inventory_with_it(
        self, bench: Bench, placement: Placement, staging: Cluster, before: Inventory
    ) -> None:
        watch = InventoryWatch(by("delete"), placement.application, staging, NEW)
        discard(staging, before)
        assert watch.look(ignore) == Followed("succeeded", "deleted from staging by ada")
        watch = InventoryWatch(by("delete"), placement.application, staging, NEW)
        assert watch.look(ignore) == Followed("succeeded", nothing_of(bench.name, "staging"))

    def test_what_changes_nothing_leaves_no_trace(
        self, placement: Placement, staging: Cluster, before: Inventory
    ) -> None:
        def look(action: Action, commit: str = OLD, quiet: float = -1) -> Followed:
            return InventoryWatch(by(action), placement.application, staging, commit, quiet).look(ignore)

        there = "nothing new: staging has 0000000 since sync 1, as far as it says"
        assert look("sync") == Followed("succeeded", there, revision=OLD)
        assert look("sync", quiet=60) == look("sync", NEW) == look("rollback") == look("delete") == Followed()
        write(staging, before, held(before, Hold(NEW, OLD, NOW, "bob", "it")))
        assert look("sync") == Followed(), "it was to be let go of"

    def test_a_cluster_that_cannot_be_read(self, bench: Bench, placement: Placement) -> None:
        (nobody,) = free_ports(1)
        exports = {**bench.world.exports, "DEPLOYER_SECRET_MANAGER_ENDPOINT": f"127.0.0.1:{nobody}"}
        with ExitStack() as stack:
            watch = watch_inventory(stack, by("sync"), placement, load_settings(exports), NEW)
            found = watch.look(ignore)
        assert (watch.commit, found.result) == (NEW, "unfinished")
        assert "the history in its cluster cannot be read: " in found.message


class TestTime:
    """What is followed is the real commit; how long, is said by whoever follows."""

    def test_an_end_that_nobody_tells(self, placement: Placement, commit: str, github: GitHub) -> None:
        found = followed(CommitWatch(by("sync"), placement.application, github), 0.3, ignore)
        assert found.result == "unfinished"
        assert "no end was told in 0 s, and what was queued is still to be done" in found.message

    def test_a_fault_that_passes_is_progress(
        self, bench: Bench, placement: Placement, commit: str, github: GitHub
    ) -> None:
        watch, steps = CommitWatch(by("delete"), placement.application, github), list[Step]()
        tell(bench, commit, "failure", by("delete").deleted())

        gone = _Unsteady(watch)
        assert followed(gone, 30, steps.append) == Followed("succeeded", "deleted from staging by ada")
        assert [one.message for one in steps] == ["how it goes on is not known: GitHub is away"]
        gone.fault = SourceError("refused", status=401)
        with pytest.raises(SourceError, match="refused"):
            followed(gone, 30, steps.append)


class _Unsteady:
    """A way to look that fails once."""

    commit = NEW

    def __init__(self, watch: CommitWatch) -> None:
        self.fault: SourceError | None = SourceError("GitHub is away", transient=True)
        self._watch = watch

    def look(self, progress: Progress) -> Followed:
        fault, self.fault = self.fault, None
        if fault:
            raise fault
        return self._watch.look(progress)
