"""The JSON documents in which GitHub describes check runs and check suites, to those who ask and in webhooks.

Their fields are those of https://github.com/github/rest-api-description.
"""

from datetime import UTC, datetime

from local.github import documents
from local.github.checks import CheckRun, Suite
from local.github.documents import Document
from local.github.objects import parse_commit
from local.github.repository import Repository

APP = "local-ci"  # the one App here: whoever may write checks is it
_APP_MADE = datetime(2020, 1, 1, tzinfo=UTC)


def app_number() -> int:
    """Return the App's number."""
    return documents.number("app", APP)


def app(base: str) -> Document:
    """Describe the App that checks are made by."""
    return {
        "id": app_number(),
        "slug": APP,
        "node_id": documents.node_id("App", app_number()),
        "client_id": f"Iv1.{app_number():016x}",
        "owner": documents.account(base, documents.USER),
        "name": "Local CI",
        "description": "Stands for any App that checks commits",
        "external_url": f"{base}/apps/{APP}",
        "html_url": f"{base}/apps/{APP}",
        "created_at": documents.utc(_APP_MADE),
        "updated_at": documents.utc(_APP_MADE),
        "permissions": {"checks": "write", "contents": "read", "metadata": "read"},
        "events": ["check_run", "check_suite"],
    }


def check_run(base: str, repository: Repository, suite: Suite, run: CheckRun) -> Document:
    """Describe a check run as the REST API does."""
    url = f"{documents.repository_api(base, repository)}/check-runs/{run.number}"
    html = f"{base}/{repository.full_name}/runs/{run.number}"
    return {
        "id": run.number,
        "name": run.name,
        "node_id": documents.node_id("CheckRun", run.number),
        "head_sha": run.sha,
        "external_id": run.external_id,
        "url": url,
        "html_url": html,
        "details_url": run.details_url or f"{base}/apps/{APP}",  # as of an App that names none
        "status": run.status,
        "conclusion": run.conclusion,
        "started_at": documents.utc(run.started),
        "completed_at": documents.utc(run.completed) if run.completed else None,
        "output": {
            "title": run.title,
            "summary": run.summary,
            "text": run.text,
            "annotations_count": 0,
            "annotations_url": f"{url}/annotations",
        },
        "check_suite": {"id": suite.number},
        "app": app(base),
        "pull_requests": [],
    }


def check_suite(base: str, repository: Repository, suite: Suite) -> Document:
    """Describe a check suite as the REST API does."""
    return {
        **_suite(base, repository, suite),
        "repository": documents.minimal_repository(base, repository),
        **_counted(base, repository, suite),
    }


def check_run_event(base: str, repository: Repository, suite: Suite, run: CheckRun, action: str) -> Document:
    """Return what a check_run event has of its own: https://docs.github.com/en/webhooks/webhook-events-and-payloads#check_run."""
    whole = {**_suite(base, repository, suite), "repository": documents.minimal_repository(base, repository)}
    return {"action": action, "check_run": {**check_run(base, repository, suite, run), "check_suite": whole}}


def check_suite_event(base: str, repository: Repository, suite: Suite) -> Document:
    """Return what a check_suite event has of its own, once the suite is completed.

    https://docs.github.com/en/webhooks/webhook-events-and-payloads#check_suite
    """
    whole = {**_suite(base, repository, suite), **_counted(base, repository, suite)}
    return {"action": "completed", "check_suite": whole}


def _suite(base: str, repository: Repository, suite: Suite) -> Document:
    branch = next(iter(repository.branches_with(suite.sha)), None)
    return {
        "id": suite.number,
        "node_id": documents.node_id("CheckSuite", suite.number),
        "head_branch": branch,
        "head_sha": suite.sha,
        "status": suite.status,
        "conclusion": suite.conclusion,
        "url": f"{documents.repository_api(base, repository)}/check-suites/{suite.number}",
        "before": None,  # a suite belongs to a push on GitHub; here to a commit
        "after": suite.sha,
        "pull_requests": [],
        "app": app(base),
        "created_at": documents.utc(suite.created),
        "updated_at": documents.utc(suite.updated),
    }


def _counted(base: str, repository: Repository, suite: Suite) -> Document:
    url = f"{documents.repository_api(base, repository)}/check-suites/{suite.number}/check-runs"
    (commit,) = repository.read_all([suite.sha])
    return {
        "head_commit": documents.simple_commit(parse_commit(commit)),
        "latest_check_runs_count": len(suite.latest),
        "check_runs_url": url,
    }
