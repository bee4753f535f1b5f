"""The jobs of GitHub Actions that ran on a commit, which are its checks, too: for tokens that may not read checks.

GitHub gives a fine-grained token no permission for checks
(https://docs.github.com/authentication/keeping-your-account-and-data-secure/managing-your-personal-access-tokens), but
one for Actions. A check run of GitHub Actions has the name, status and conclusion of its job.
"""

from deployer.errors import SourceError
from deployer.github.answer import Answer
from deployer.github.client import GitHub
from deployer.repository import Repository

_PER_PAGE, _MAX_PAGES = 100, 10

MAX_RUNS = 30
"""Runs of workflows on a commit that are asked for their jobs, a request each."""


def read_jobs(github: GitHub, repository: Repository, commit: str) -> list[Answer]:
    """Read the jobs of every workflow that has run on a commit, of its latest attempt.

    https://docs.github.com/rest/actions/workflow-runs, https://docs.github.com/rest/actions/workflow-jobs

    Args:
        github: where to ask.
        repository: whose commit.
        commit: its SHA.

    Returns:
        Each with `name`, `status` and `conclusion`, as a check run has them.

    Raises:
        SourceError: GitHub cannot be reached, or refuses, or there are too many to read.
    """
    runs = f"/repos/{repository.full_name}/actions/runs"
    found = _all(github, f"{runs}?head_sha={commit}", "workflow_runs")
    if len(found) > MAX_RUNS:
        raise SourceError(f"{len(found)} workflows have run on {commit[:7]} of {repository}, more than {MAX_RUNS}")
    return [job for run in found for job in _all(github, f"{runs}/{run.number('id')}/jobs?filter=latest", "jobs")]


def _all(github: GitHub, path: str, name: str) -> list[Answer]:
    """All pages of a list; half of it is never taken for the whole."""
    found: list[Answer] = []
    for page in range(1, _MAX_PAGES + 1):
        answer = github.request("GET", f"{path}&per_page={_PER_PAGE}&page={page}")
        found += answer.objects(name)
        if len(found) >= answer.number("total_count"):
            return found
    raise SourceError(f"GET {path} has more than {_PER_PAGE * _MAX_PAGES} {name}, too many to read")
