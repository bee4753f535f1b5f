"""Telling of a run of GitHub Actions, of which there is no more here than what is told of it.

https://docs.github.com/en/webhooks/webhook-events-and-payloads#workflow_run
"""

from datetime import UTC, datetime

from local.github import documents
from local.github.documents import Document
from local.github.objects import parse_commit
from local.github.repository import Repository


def workflow_run(
    base: str, repository: Repository, sha: str, name: str, conclusion: str | None, number: int
) -> Document:
    """Return what a workflow_run event has of its own.

    Args:
        base: where the GitHub is.
        repository: that has the workflow.
        sha: of the commit that it ran for.
        name: of the workflow.
        conclusion: of a run that is completed; None of one that is in progress.
        number: of the run, among all runs.
    """
    api, html = documents.repository_api(base, repository), f"{base}/{repository.full_name}"
    path, now = f".github/workflows/{name}.yaml", documents.utc(datetime.now(UTC))
    workflow, suite = documents.number(repository.full_name, path), documents.number("suite", repository.full_name, sha)
    url, user = f"{api}/actions/runs/{number}", documents.account(base, documents.USER)
    (commit,) = repository.read_all([sha])
    lite = documents.minimal_repository(base, repository)
    return {
        "action": "completed" if conclusion else "in_progress",
        "workflow": {
            "id": workflow,
            "node_id": documents.node_id("Workflow", workflow),
            "name": name,
            "path": path,
            "state": "active",
            "created_at": now,
            "updated_at": now,
            "url": f"{api}/actions/workflows/{workflow}",
            "html_url": f"{html}/blob/main/{path}",
            "badge_url": f"{html}/workflows/{name}/badge.svg",
        },
        "workflow_run": {
            "id": number,
            "name": name,
            "node_id": documents.node_id("WorkflowRun", number),
            "head_branch": next(iter(repository.branches_with(sha)), None),
            "head_sha": sha,
            "path": path,
            "run_number": number,
            "run_attempt": 1,
            "event": "push",
            "status": "completed" if conclusion else "in_progress",
            "conclusion": conclusion,
            "workflow_id": workflow,
            "check_suite_id": suite,
            "check_suite_node_id": documents.node_id("CheckSuite", suite),
            "url": url,
            "html_url": f"{html}/actions/runs/{number}",
            "pull_requests": [],
            "created_at": now,
            "updated_at": now,
            "run_started_at": now,
            "actor": user,
            "triggering_actor": user,
            "referenced_workflows": [],
            "previous_attempt_url": None,
            "jobs_url": f"{url}/jobs",
            "logs_url": f"{url}/logs",
            "check_suite_url": f"{api}/check-suites/{suite}",
            "artifacts_url": f"{url}/artifacts",
            "cancel_url": f"{url}/cancel",
            "rerun_url": f"{url}/rerun",
            "workflow_url": f"{api}/actions/workflows/{workflow}",
            "head_commit": documents.simple_commit(parse_commit(commit)),
            "repository": lite,
            "head_repository": lite,
        },
    }
