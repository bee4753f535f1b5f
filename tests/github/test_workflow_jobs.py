"""The jobs of GitHub Actions that ran on a commit."""

from typing import Any

import pytest

from deployer.errors import SourceError
from deployer.github.client import GitHub
from deployer.github.workflow_jobs import MAX_RUNS, read_jobs
from deployer.repository import Repository
from tests.faults.proxy import Answer, Proxy

COMMIT = "a" * 40


def page(name: str, count: int, total: int, first: int = 0) -> Answer:
    """A page of runs or jobs."""
    items = [{"id": number, "name": f"job {number}"} for number in range(first, first + count)]
    return Answer(200, {"total_count": total, name: items})


def test_the_jobs_of_all_pages(faulty: GitHub, repository: Repository, proxy: Proxy) -> None:
    proxy.play("GET .*/actions/runs.head_sha", page("workflow_runs", 1, 1, first=7))
    proxy.play("GET .*/actions/runs/7/jobs.filter=latest&page=1&", page("jobs", 100, 130))
    proxy.play("GET .*/actions/runs/7/jobs.filter=latest&page=2&", page("jobs", 30, 130, first=100))
    assert [job.text("name") for job in read_jobs(faulty, repository, COMMIT)] == [f"job {n}" for n in range(130)]
    assert faulty.requests == 3


def test_nothing_has_run(faulty: GitHub, repository: Repository, proxy: Proxy) -> None:
    proxy.play("GET .*/actions/runs.head_sha", page("workflow_runs", 0, 0))
    assert read_jobs(faulty, repository, COMMIT) == []


def test_so_many_runs_are_not_asked_for_their_jobs(faulty: GitHub, repository: Repository, proxy: Proxy) -> None:
    proxy.play("GET .*/actions/runs.head_sha", page("workflow_runs", MAX_RUNS + 1, MAX_RUNS + 1))
    with pytest.raises(SourceError, match="31 workflows have run on aaaaaaa of acme/web, more than 30"):
        read_jobs(faulty, repository, COMMIT)
    assert faulty.requests == 1


def test_half_of_the_jobs_is_not_taken_for_the_whole(faulty: GitHub, repository: Repository, proxy: Proxy) -> None:
    proxy.play("GET .*/actions/runs.head_sha", page("workflow_runs", 1, 1))
    proxy.play("GET .*/jobs", *[page("jobs", 1, 2000, first=number) for number in range(10)])
    with pytest.raises(SourceError, match="has more than 1000 jobs, too many to read"):
        read_jobs(faulty, repository, COMMIT)


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        ({"workflow_runs": []}, "total_count"),
        ({"total_count": 0}, "workflow_runs"),
        ({"total_count": 1, "workflow_runs": [{"id": "7"}]}, "id"),
    ],
)
def test_an_answer_that_is_not_as_documented_is_an_error(
    faulty: GitHub, repository: Repository, proxy: Proxy, answer: dict[str, Any], named: str
) -> None:
    proxy.play("GET .*/actions/runs", Answer(200, answer))
    with pytest.raises(SourceError, match=f"has no '{named}' as it is documented"):
        read_jobs(faulty, repository, COMMIT)
