"""The part of GitHub's REST API through which an App says what its checks found, and others read it.

https://docs.github.com/en/rest/checks
"""

from functools import partial
from http import HTTPStatus

from flask import Blueprint, Response, jsonify, request

from local.github import check_documents
from local.github.body import check_given, json_object
from local.github.checks import CheckRun, Checks, Suite, check
from local.github.conversation import page
from local.github.events import Events
from local.github.refusal import no_commit, not_found
from local.github.repository import Repository
from local.github.rest import Reading


class Checking:
    """The routes of check runs and suites; repositories are found as `Reading` finds them."""

    def __init__(self, base: str, reading: Reading, checks: Checks, events: Events) -> None:
        self._base = base
        self._reading = reading
        self._checks = checks
        self._events = events

    def register(self, routes: Blueprint) -> None:
        """Add the routes to a blueprint."""
        one = "/repos/<owner>/<name>"
        run = f"{one}/check-runs/<int:number>"
        routes.add_url_rule(f"{one}/check-runs", view_func=self.create_run, methods=["POST"])
        routes.add_url_rule(run, view_func=self.check_run)
        routes.add_url_rule(run, view_func=self.update_run, methods=["PATCH"])
        routes.add_url_rule(f"{one}/commits/<path:ref>/check-runs", view_func=self.check_runs)
        routes.add_url_rule(f"{one}/commits/<path:ref>/check-suites", view_func=self.check_suites)

    def create_run(self, owner: str, name: str) -> tuple[Response, int]:
        """Answer `POST …/check-runs`."""
        repository, wanted = self._reading.filled(owner, name), json_object()
        check_given(wanted, "name", "head_sha")
        check(wanted)
        sha = wanted["head_sha"]
        if repository.peel(sha, "commit") != sha:
            raise no_commit(sha)
        run = self._checks.add(repository.full_name, sha, wanted)
        self._tell(repository, run, ["created", *(["completed"] if run.conclusion else [])])
        return self._described(repository, run), HTTPStatus.CREATED

    def update_run(self, owner: str, name: str, number: int) -> Response:
        """Answer `PATCH …/check-runs/{check_run_id}`."""
        repository, before = self._found(owner, name, number)
        wanted = json_object()
        check(wanted)
        run = self._checks.change(repository.full_name, before, wanted)
        if run.conclusion and not before.conclusion:
            self._tell(repository, run, ["completed"])
        return self._described(repository, run)

    def check_run(self, owner: str, name: str, number: int) -> Response:
        """Answer `GET …/check-runs/{check_run_id}`."""
        return self._described(*self._found(owner, name, number))

    def check_runs(self, owner: str, name: str, ref: str) -> tuple[Response, int, dict[str, str]]:
        """Answer `GET …/commits/{ref}/check-runs`: the newest first, and of each check only the last unless asked."""
        repository, suite = self._suite(owner, name, ref)
        found: list[CheckRun] = []
        if suite:
            found = list(suite.runs if request.args.get("filter") == "all" else suite.latest)
        for field in ("name", "status"):
            wanted = request.args.get({"name": "check_name"}.get(field, field))
            found = [run for run in found if wanted in (None, getattr(run, field))]
        found.sort(key=lambda run: run.number, reverse=True)
        shown, links = page(found)
        described = [check_documents.check_run(self._base, repository, suite, run) for run in shown if suite]
        return jsonify({"total_count": len(found), "check_runs": described}), HTTPStatus.OK, links

    def check_suites(self, owner: str, name: str, ref: str) -> tuple[Response, int, dict[str, str]]:
        """Answer `GET …/commits/{ref}/check-suites`: there is one, as there is one App, once something has run."""
        repository, suite = self._suite(owner, name, ref)
        check_name = request.args.get("check_name")
        found = [suite] if suite and check_name in (None, *(run.name for run in suite.runs)) else []
        shown, links = page(found)
        described = [check_documents.check_suite(self._base, repository, one) for one in shown]
        return jsonify({"total_count": len(found), "check_suites": described}), HTTPStatus.OK, links

    def _suite(self, owner: str, name: str, ref: str) -> tuple[Repository, Suite | None]:
        """Return the repository, and the suite of the commit that a ref stands for, if it is the wanted App's."""
        repository = self._reading.filled(owner, name)
        sha = repository.resolve(ref)
        if not sha:
            raise no_commit(ref)
        ours = request.args.get("app_id") in (None, str(check_documents.app_number()))
        return repository, self._checks.suite(repository.full_name, sha) if ours else None

    def _found(self, owner: str, name: str, number: int) -> tuple[Repository, CheckRun]:
        repository = self._reading.filled(owner, name)
        run = self._checks.find(repository.full_name, number)
        if not run:
            raise not_found()
        return repository, run

    def _described(self, repository: Repository, run: CheckRun) -> Response:
        suite = self._checks.suite_of(repository.full_name, run)
        return jsonify(check_documents.check_run(self._base, repository, suite, run))

    def _tell(self, repository: Repository, run: CheckRun, actions: list[str]) -> None:
        """Send what happened to a run, and that it was the last of its suite, if it was."""
        suite = self._checks.suite_of(repository.full_name, run)
        for action in actions:
            payload = partial(check_documents.check_run_event, self._base, repository, suite, run, action)
            self._events.tell(repository, "check_run", payload)
        if "completed" in actions and suite.conclusion:
            self._events.tell(
                repository, "check_suite", partial(check_documents.check_suite_event, self._base, repository, suite)
            )
