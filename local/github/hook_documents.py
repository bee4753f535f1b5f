"""The JSON documents in which GitHub describes a webhook and what it sent.

Their fields are those of https://github.com/github/rest-api-description.
"""

from local.github import documents
from local.github.documents import Document
from local.github.hook import Hook, Target
from local.github.repository import Repository
from local.github.webhooks import Delivery

HIDDEN = "********"  # all that GitHub ever shows of a secret
_ZEN = "Keep it logically awesome."


def hook_api(base: str, target: Target) -> str:
    """Return the REST address of a webhook."""
    home = {"repository": "repos", "organization": "orgs"}[target.kind]
    return f"{base}/api/v3/{home}/{target.name}/hooks/{target.hook}"


def config(hook: Hook) -> Document:
    """Describe where and how a webhook sends."""
    shown = {"content_type": hook.content_type, "insecure_ssl": hook.insecure_ssl, "url": hook.url}
    return {**shown, "secret": HIDDEN} if hook.secret else shown


def described(base: str, hook: Hook, target: Target, last: Delivery | None) -> Document:
    """Describe a webhook; `last` is its last delivery, of which GitHub tells for repositories' webhooks only."""
    api, created = hook_api(base, target), documents.utc(hook.created)
    document: Document = {
        "type": target.kind.capitalize(),
        "id": target.hook,
        "name": "web",
        "active": hook.active,
        "events": list(hook.events),
        "config": config(hook),
        "updated_at": created,
        "created_at": created,
        "url": api,
        "ping_url": f"{api}/pings",
        "deliveries_url": f"{api}/deliveries",
    }
    if target.kind == "organization":
        return document
    return {**document, "test_url": f"{api}/test", "last_response": _last_response(last)}


def ping(base: str, hook: Hook, target: Target, repository: Repository | None) -> Document:
    """Return the payload of a ping event: https://docs.github.com/en/webhooks/webhook-events-and-payloads#ping."""
    owner = target.name.split("/")[0]
    of_repository = {"repository": documents.full_repository(base, repository)} if repository else {}
    return {
        "zen": _ZEN,
        "hook_id": target.hook,
        "hook": described(base, hook, target, None),
        **of_repository,
        "organization": documents.organization(base, owner),
        "sender": documents.account(base, documents.USER),
    }


def delivery_item(delivery: Delivery) -> Document:
    """Describe a delivery as lists do."""
    return {
        "id": delivery.number,
        "guid": delivery.guid,
        "delivered_at": documents.utc(delivery.started),
        "redelivery": delivery.redelivery,
        "duration": round(delivery.duration, 2),
        "status": delivery.outcome,
        "status_code": delivery.code,
        "event": delivery.event,
        "action": delivery.payload.get("action"),
        "installation_id": None,
        "repository_id": delivery.payload.get("repository", {}).get("id"),
        "throttled_at": None,
    }


def full_delivery(delivery: Delivery) -> Document:
    """Describe a delivery with what was sent and what was answered."""
    answered = delivery.status is not None
    return {
        **delivery_item(delivery),
        "url": delivery.url,
        "request": {"headers": dict(delivery.headers), "payload": dict(delivery.payload)},
        "response": {
            "headers": dict(delivery.answer_headers) if answered else None,
            "payload": delivery.body if answered else None,
        },
    }


def _last_response(last: Delivery | None) -> Document:
    """Describe what became of the last delivery; GitHub's words for it are not documented, but as seen."""
    if last is None:
        return {"code": None, "status": "unused", "message": None}
    state = "active" if last.succeeded else "timeout" if last.outcome == "timed out" else "misconfigured"
    return {"code": last.code, "status": state, "message": last.outcome}
