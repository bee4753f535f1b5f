"""How the checks of a commit stand, as GitHub knows them now: check runs and commit statuses, by name."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from deployer.errors import SourceError
from deployer.github.answer import Answer
from deployer.github.client import GitHub
from deployer.github.refusals import LackingError
from deployer.github.workflow_jobs import read_jobs
from deployer.ours import is_ours
from deployer.repository import Repository

State = Literal["waiting", "green", "failed"]

_GREEN = ("success", "neutral", "skipped")
"""Conclusions with which GitHub itself lets a required check pass
(https://docs.github.com/pull-requests/how-tos/merge-and-close-pull-requests/troubleshooting-required-status-checks)."""

_PER_PAGE, _MAX_PAGES = 100, 10


@dataclass(frozen=True)
class Check:
    """How a check stands; `conclusion` is GitHub's word for how it has failed, such as `failure` or `timed_out`."""

    state: State
    conclusion: str = ""


def read_checks(github: GitHub, repository: Repository, commit: str, names: Sequence[str]) -> Mapping[str, Check]:
    """Read how checks of a commit stand.

    Where a check and a status have the same name, both count; so do checks of the same name in several workflows, of
    which GitHub gives the latest run each. The worst of them is what is returned, as anything else would be a guess.
    It takes two requests; more where a commit has more than a hundred checks, or statuses; or where the token may not
    read checks, and only those of GitHub Actions are seen (`workflow_jobs.py`).

    Args:
        github: where to ask.
        repository: whose commit.
        commit: its SHA.
        names: of check runs, or contexts of statuses. Our own are never believed, and wait for ever.

    Returns:
        Each name with its check; one that GitHub does not know yet is waiting.

    Raises:
        SourceError: GitHub cannot be reached, or refuses, or there are too many to read.
    """
    wanted = [name for name in dict.fromkeys(names) if not is_ours(name)]
    found: dict[str, list[Check]] = {name: [] for name in names}
    if wanted:
        address = f"/repos/{repository.full_name}/commits/{commit}"
        for run in _runs(github, repository, commit, wanted):
            if (name := run.text("name")) in wanted:
                found[name].append(_of_run(run))
        for context, check in _statuses(github, address, wanted):
            found[context].append(check)
    return {name: _worst(checks) for name, checks in found.items()}


def _runs(github: GitHub, repository: Repository, commit: str, names: Sequence[str]) -> list[Answer]:
    """The latest check runs; the jobs of GitHub Actions, where the token may read only those."""
    try:
        return _check_runs(github, f"/repos/{repository.full_name}/commits/{commit}", names)
    except LackingError:
        pass
    try:
        return read_jobs(github, repository, commit)
    except LackingError as error:
        told = (
            f"the token may not see the checks of {repository}, which deployer/require-checks needs: give a "
            "fine-grained one Actions: read (it then sees those of GitHub Actions), a GitHub App's Checks: read, a "
            "classic one repo"
        )
        raise SourceError(told, status=error.status) from error


def _check_runs(github: GitHub, address: str, names: Sequence[str]) -> list[Answer]:
    """Those of all names, or of each name where there are too many for one answer.

    https://docs.github.com/rest/checks/runs#list-check-runs-for-a-git-reference
    """
    path = f"{address}/check-runs?filter=latest&per_page={_PER_PAGE}"
    each = [f"{path}&check_name={quote(name, safe='')}" for name in names]
    answer = github.request("GET", each[0] if len(each) == 1 else path)
    runs = answer.objects("check_runs")
    if answer.number("total_count") <= len(runs):
        return runs
    runs = []
    for name, one in zip(names, each, strict=True):
        answer = github.request("GET", one)
        of_name = answer.objects("check_runs")
        if answer.number("total_count") > len(of_name):
            raise SourceError(f"{address}: more than {_PER_PAGE} checks are called {name}: require another one")
        runs += of_name
    return runs


def _of_run(run: Answer) -> Check:
    if run.text("status") != "completed":
        return Check("waiting")
    conclusion = run.text("conclusion")
    return Check("green") if conclusion in _GREEN else Check("failed", conclusion)


def _statuses(github: GitHub, address: str, names: Sequence[str]) -> Iterator[tuple[str, Check]]:
    """The last status of each name that has one (https://docs.github.com/rest/commits/statuses)."""
    missing = set(names)
    for page in range(1, _MAX_PAGES + 1):
        answer = github.request("GET", f"{address}/status?per_page={_PER_PAGE}&page={page}")
        statuses = answer.objects("statuses")
        for status in statuses:
            if (context := status.text("context")) in missing:
                missing.remove(context)
                yield context, _of_status(status.text("state"))
        if not missing or len(statuses) < _PER_PAGE:
            return
    raise SourceError(f"{address}: there are too many statuses to find {', '.join(sorted(missing))} among them")


def _of_status(state: str) -> Check:
    if state in ("success", "pending"):
        return Check("green" if state == "success" else "waiting")
    return Check("failed", state)


def _worst(checks: Iterable[Check]) -> Check:
    order = ("failed", "waiting", "green")
    return min(checks, key=lambda one: order.index(one.state), default=Check("waiting"))
