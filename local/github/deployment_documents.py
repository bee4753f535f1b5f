"""The JSON documents in which GitHub describes deployments and their statuses.

Their fields are those of https://github.com/github/rest-api-description.
"""

from local.github import documents
from local.github.deployments import Deployment, DeploymentStatus
from local.github.documents import Document
from local.github.repository import Repository

_NO_WORKFLOW = {"workflow": None, "workflow_run": None}  # by which GitHub's own Actions would have made it


def described(base: str, repository: Repository, one: Deployment) -> Document:
    """Describe a deployment."""
    api = documents.repository_api(base, repository)
    return {
        "url": _url(base, repository, one),
        "id": one.number,
        "node_id": documents.node_id("Deployment", one.number),
        "sha": one.sha,
        "ref": one.ref,
        "task": one.task,
        "payload": one.payload,
        "original_environment": one.original_environment,
        "environment": one.environment,
        "description": one.description,
        "creator": documents.account(base, documents.USER),
        "created_at": documents.utc(one.created),
        "updated_at": documents.utc(one.updated),
        "statuses_url": f"{_url(base, repository, one)}/statuses",
        "repository_url": api,
        "transient_environment": one.transient,
        "production_environment": one.production,
        "performed_via_github_app": None,
    }


def status(base: str, repository: Repository, deployment: Deployment, one: DeploymentStatus) -> Document:
    """Describe a status of a deployment."""
    url = _url(base, repository, deployment)
    return {
        "url": f"{url}/statuses/{one.number}",
        "id": one.number,
        "node_id": documents.node_id("DeploymentStatus", one.number),
        "state": one.state,
        "creator": documents.account(base, documents.USER),
        "description": one.description,
        "environment": one.environment,
        "target_url": one.log_url,
        "created_at": documents.utc(one.created),
        "updated_at": documents.utc(one.created),
        "deployment_url": url,
        "repository_url": documents.repository_api(base, repository),
        "environment_url": one.environment_url,
        "log_url": one.log_url,
        "performed_via_github_app": None,
    }


def event(base: str, repository: Repository, one: Deployment) -> Document:
    """Return what a deployment event has of its own: https://docs.github.com/en/webhooks/webhook-events-and-payloads#deployment."""
    return {"action": "created", "deployment": described(base, repository, one), **_NO_WORKFLOW}


def status_event(base: str, repository: Repository, deployment: Deployment, one: DeploymentStatus) -> Document:
    """Return what a deployment_status event has of its own.

    https://docs.github.com/en/webhooks/webhook-events-and-payloads#deployment_status
    """
    return {
        "action": "created",
        "deployment_status": status(base, repository, deployment, one),
        "deployment": described(base, repository, deployment),
        "check_run": None,
        **_NO_WORKFLOW,
    }


def _url(base: str, repository: Repository, one: Deployment) -> str:
    return f"{documents.repository_api(base, repository)}/deployments/{one.number}"
