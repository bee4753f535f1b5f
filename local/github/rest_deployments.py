"""The part of GitHub's REST API through which somebody wishes that a commit be deployed, and is told what became of it.

https://docs.github.com/en/rest/deployments
"""

from functools import partial
from http import HTTPStatus

from flask import Blueprint, Response, jsonify, request

from local.github import deployment_documents
from local.github.body import Body, json_object
from local.github.checks import Checks
from local.github.conversation import page
from local.github.deployments import Deployment, Deployments, check_deployment, check_status
from local.github.events import Events
from local.github.git_http import OnPush
from local.github.merging import is_behind, merge_default
from local.github.refusal import RefusedError, not_found
from local.github.repository import Repository
from local.github.rest import Reading
from local.github.statuses import Statuses, latest


class Deploying:
    """The routes of deployments; repositories are found as `Reading` finds them, and `on_push` is told of a merge."""

    def __init__(
        self,
        base: str,
        reading: Reading,
        deployments: Deployments,
        statuses: Statuses,
        checks: Checks,
        events: Events,
        on_push: OnPush,
    ) -> None:
        self._base = base
        self._reading = reading
        self._deployments = deployments
        self._statuses = statuses
        self._checks = checks
        self._events = events
        self._on_push = on_push

    def register(self, routes: Blueprint) -> None:
        """Add the routes to a blueprint."""
        every = "/repos/<owner>/<name>/deployments"
        statuses = f"{every}/<int:number>/statuses"
        routes.add_url_rule(every, view_func=self.deployments)
        routes.add_url_rule(every, view_func=self.deploy, methods=["POST"])
        routes.add_url_rule(f"{every}/<int:number>", view_func=self.deployment)
        routes.add_url_rule(statuses, view_func=self.deployment_statuses)
        routes.add_url_rule(statuses, view_func=self.create_deployment_status, methods=["POST"])
        routes.add_url_rule(f"{statuses}/<int:status>", view_func=self.deployment_status)

    def deployments(self, owner: str, name: str) -> tuple[Response, int, dict[str, str]]:
        """Answer `GET …/deployments`: the newest first."""
        repository = self._reading.found(owner, name)
        found = self._deployments.of(repository.full_name)[::-1]
        for field in ("sha", "ref", "task", "environment"):
            wanted = request.args.get(field, "none")
            found = [one for one in found if wanted in ("none", getattr(one, field))]
        shown, links = page(found)
        described = [deployment_documents.described(self._base, repository, one) for one in shown]
        return jsonify(described), HTTPStatus.OK, links

    def deploy(self, owner: str, name: str) -> tuple[Response, int]:
        """Answer `POST …/deployments`."""
        repository, wanted = self._reading.filled(owner, name), json_object()
        check_deployment(wanted)
        sha = repository.resolve(wanted["ref"])
        if not sha:
            raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, f"No ref found for: {wanted['ref']}")
        if wanted.get("auto_merge") is not False and is_behind(repository, sha):
            return self._merged(repository, wanted["ref"]), HTTPStatus.ACCEPTED
        self._check_contexts(repository, sha, wanted)
        deployment = self._deployments.add(repository.full_name, sha, wanted)
        event = partial(deployment_documents.event, self._base, repository, deployment)
        self._events.tell(repository, "deployment", event)
        return jsonify(deployment_documents.described(self._base, repository, deployment)), HTTPStatus.CREATED

    def deployment(self, owner: str, name: str, number: int) -> Response:
        """Answer `GET …/deployments/{deployment_id}`."""
        return jsonify(deployment_documents.described(self._base, *self._found(owner, name, number)))

    def create_deployment_status(self, owner: str, name: str, number: int) -> tuple[Response, int]:
        """Answer `POST …/deployments/{deployment_id}/statuses`; of what gets inactive by itself, no event tells."""
        repository, deployment = self._found(owner, name, number)
        wanted = json_object()
        check_status(wanted)
        status = self._deployments.say(repository.full_name, deployment, wanted)
        repository, deployment = self._found(owner, name, number)  # as the status has made it
        event = partial(deployment_documents.status_event, self._base, repository, deployment, status)
        self._events.tell(repository, "deployment_status", event)
        return jsonify(deployment_documents.status(self._base, repository, deployment, status)), HTTPStatus.CREATED

    def deployment_statuses(self, owner: str, name: str, number: int) -> tuple[Response, int, dict[str, str]]:
        """Answer `GET …/deployments/{deployment_id}/statuses`: the newest first."""
        repository, deployment = self._found(owner, name, number)
        shown, links = page(self._deployments.statuses(deployment)[::-1])
        described = [deployment_documents.status(self._base, repository, deployment, one) for one in shown]
        return jsonify(described), HTTPStatus.OK, links

    def deployment_status(self, owner: str, name: str, number: int, status: int) -> Response:
        """Answer `GET …/deployments/{deployment_id}/statuses/{status_id}`."""
        repository, deployment = self._found(owner, name, number)
        found = next((one for one in self._deployments.statuses(deployment) if one.number == status), None)
        if not found:
            raise not_found()
        return jsonify(deployment_documents.status(self._base, repository, deployment, found))

    def _found(self, owner: str, name: str, number: int) -> tuple[Repository, Deployment]:
        repository = self._reading.found(owner, name)
        deployment = self._deployments.find(repository.full_name, number)
        if not deployment:
            raise not_found()
        return repository, deployment

    def _merged(self, repository: Repository, ref: str) -> Response:
        """Bring a branch up to the default one; what is no branch, nothing can be merged into.

        Raises:
            RefusedError: that cannot be done without a person.
        """
        repository = Repository(repository.owner, repository.name, repository.path, repository.lock)  # without lag
        default, branch = repository.default_branch(), ref.removeprefix("refs/").removeprefix("heads/")
        with repository.lock:
            before = repository.refs()
            merged = f"refs/heads/{branch}" in before and merge_default(repository, branch)
            after = repository.refs()
        if not merged:
            raise RefusedError(HTTPStatus.CONFLICT, f"Conflict merging {default} into {ref}.")
        self._on_push(repository, before, after)
        return jsonify({"message": f"Auto-merged {default} into {ref} on deployment."})

    def _check_contexts(self, repository: Repository, sha: str, wanted: Body) -> None:
        """Refuse a commit that is not green: by what was said and checked of it, or by the contexts that are asked for.

        Raises:
            RefusedError: a context is no success, or is not there.
        """
        states = [(one.context, one.state) for one in latest(self._statuses.of(repository.full_name, sha))]
        suite = self._checks.suite(repository.full_name, sha)
        states += [(run.name, run.state) for run in suite.latest] if suite else []
        required = wanted.get("required_contexts")
        green = {context for context, _ in states} - {context for context, state in states if state != "success"}
        if green.issuperset(dict(states) if required is None else required):
            return
        contexts = [{"context": context, "state": state} for context, state in states]
        error = {"contexts": contexts, "resource": "Deployment", "field": "required_contexts", "code": "invalid"}
        message = f"Conflict: Commit status checks failed for {wanted['ref']}."
        raise RefusedError(HTTPStatus.CONFLICT, message, [error])
