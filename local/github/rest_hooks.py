"""The part of GitHub's REST API that tells of webhooks and what they sent, and sends it again.

https://docs.github.com/en/rest/repos/webhooks and https://docs.github.com/en/rest/orgs/webhooks. Whoever has no webhook
gets an empty list: where the hook is each organisation's, the repositories have none, and the other way round.
"""

from http import HTTPStatus

from flask import Blueprint, Response, jsonify, request

from local.github import hook_documents
from local.github.conversation import page_size
from local.github.documents import Document
from local.github.hook import Hook, Target
from local.github.refusal import RefusedError, not_found
from local.github.repositories import Repositories
from local.github.repository import Repository
from local.github.webhooks import Delivery, Webhooks

_CURSOR = "v1_"  # what GitHub's cursors begin with


class Hooking:
    """The routes of webhooks: each takes the names in its path, and answers or raises a `RefusedError`."""

    def __init__(self, base: str, repositories: Repositories, webhooks: Webhooks) -> None:
        self._base = base
        self._repositories = repositories
        self._webhooks = webhooks

    def register(self, routes: Blueprint) -> None:
        """Add the routes to a blueprint."""
        for home in ("/repos/<owner>/<name>/hooks", "/orgs/<owner>/hooks"):
            one = f"{home}/<int:hook_id>"
            routes.add_url_rule(home, view_func=self.hooks)
            routes.add_url_rule(one, view_func=self.hook)
            routes.add_url_rule(f"{one}/config", view_func=self.config)
            routes.add_url_rule(f"{one}/pings", view_func=self.ping, methods=["POST"])
            routes.add_url_rule(f"{one}/deliveries", view_func=self.deliveries)
            routes.add_url_rule(f"{one}/deliveries/<int:number>", view_func=self.delivery)
            routes.add_url_rule(f"{one}/deliveries/<int:number>/attempts", view_func=self.redeliver, methods=["POST"])

    def target(self, repository: Repository) -> Target | None:
        """Return whose webhook hears of a repository's events; the owner of a fork has set none up."""
        hook = self._webhooks.hook
        if not hook or repository.is_fork:
            return None
        return Target(hook.kind, repository.full_name if hook.kind == "repository" else repository.owner)

    def hooks(self, owner: str, name: str | None = None) -> Response:
        """Answer `GET …/hooks`."""
        target = self._target(owner, name)
        hook = self._webhooks.hook
        return jsonify([self._described(hook, target)] if hook and target else [])

    def hook(self, owner: str, hook_id: int, name: str | None = None) -> Response:
        """Answer `GET …/hooks/{hook_id}`."""
        return jsonify(self._described(*self._found(owner, name, hook_id)))

    def config(self, owner: str, hook_id: int, name: str | None = None) -> Response:
        """Answer `GET …/hooks/{hook_id}/config`."""
        hook, _ = self._found(owner, name, hook_id)
        return jsonify(hook_documents.config(hook))

    def ping(self, owner: str, hook_id: int, name: str | None = None) -> tuple[str, int]:
        """Answer `POST …/hooks/{hook_id}/pings`: a ping event is sent."""
        hook, target = self._found(owner, name, hook_id)
        repository = self._repositories.find(owner, name) if name else None
        payload = hook_documents.ping(self._base, hook, target, repository)
        self._webhooks.send("ping", payload, target=target, host=self._base.removeprefix("http://"))
        return "", HTTPStatus.NO_CONTENT

    def deliveries(self, owner: str, hook_id: int, name: str | None = None) -> tuple[Response, int, dict[str, str]]:
        """Answer `GET …/hooks/{hook_id}/deliveries`: the newest first, in pages that a cursor leads through."""
        _, target = self._found(owner, name, hook_id)
        found = self._deliveries(target)
        if wanted := request.args.get("status"):
            found = [delivery for delivery in found if delivery.succeeded == (wanted == "success")]
        if cursor := request.args.get("cursor"):
            older = cursor.removeprefix(_CURSOR)
            if not older.isdecimal():
                raise RefusedError(HTTPStatus.BAD_REQUEST, "Invalid cursor")
            found = [delivery for delivery in found if delivery.number < int(older)]
        size = page_size()
        shown, links = found[:size], {}
        if len(found) > size:
            following = f"{request.base_url}?per_page={size}&cursor={_CURSOR}{shown[-1].number}"
            links = {"Link": f'<{following}>; rel="next"'}
        return jsonify([hook_documents.delivery_item(delivery) for delivery in shown]), HTTPStatus.OK, links

    def delivery(self, owner: str, hook_id: int, number: int, name: str | None = None) -> Response:
        """Answer `GET …/hooks/{hook_id}/deliveries/{delivery_id}`."""
        return jsonify(hook_documents.full_delivery(self._delivery(owner, name, hook_id, number)))

    def redeliver(self, owner: str, hook_id: int, number: int, name: str | None = None) -> tuple[Response, int]:
        """Answer `POST …/hooks/{hook_id}/deliveries/{delivery_id}/attempts`."""
        self._webhooks.redeliver(self._delivery(owner, name, hook_id, number))
        return jsonify({}), HTTPStatus.ACCEPTED

    def _target(self, owner: str, name: str | None) -> Target | None:
        """Return who was asked for, if there is a webhook of theirs."""
        if name is None:
            organisation = self._repositories.owner(owner)
            if not organisation:
                raise not_found()
            target = Target("organization", organisation)
        else:
            repository = self._repositories.find(owner, name)
            if not repository:
                raise not_found()
            if repository.is_fork:
                return None
            target = Target("repository", repository.full_name)
        return target if self._webhooks.hook and self._webhooks.hook.kind == target.kind else None

    def _found(self, owner: str, name: str | None, hook_id: int) -> tuple[Hook, Target]:
        hook, target = self._webhooks.hook, self._target(owner, name)
        if not hook or not target or target.hook != hook_id:
            raise not_found()
        return hook, target

    def _deliveries(self, target: Target) -> list[Delivery]:
        """Return what a webhook sent, the newest first."""
        sent = [delivery for delivery in self._webhooks.deliveries if delivery.hook == target.hook]
        return sorted(sent, key=lambda delivery: delivery.number, reverse=True)

    def _delivery(self, owner: str, name: str | None, hook_id: int, number: int) -> Delivery:
        _, target = self._found(owner, name, hook_id)
        found = next((delivery for delivery in self._deliveries(target) if delivery.number == number), None)
        if not found:
            raise not_found()
        return found

    def _described(self, hook: Hook, target: Target) -> Document:
        last = next(iter(self._deliveries(target)), None)
        return hook_documents.described(self._base, hook, target, last)
