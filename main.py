"""The entry points for functions-framework: plain functions, a few lines each."""

import json
import os
from typing import Any

from flask import Request, Response

from deployer.body import RefusedBodyError, body_of
from deployer.errors import DeployerError, QueueError
from deployer.live_secrets import LiveSecrets, read_webhook_secrets
from deployer.report import log
from deployer.settings import load_settings
from deployer.webhook import HEADERS, Event, Ignored, Ping, Rejected, WrongSignature, delivery_id, read_delivery


def _read_secrets(*, hurry: bool) -> tuple[bytes, ...]:
    # Other entry points verify no delivery. To those, no secrets mean that none is ever accepted.
    secrets = read_webhook_secrets(_SETTINGS, hurry=hurry) if os.environ.get("FUNCTION_TARGET") == "webhook" else ()
    log.hide(*(secret.decode() for secret in secrets))
    return secrets


log.configure()
try:
    _SETTINGS = load_settings(os.environ)
    # A door without a lock does not open: with no secret, or a short one, the process does not start.
    _SECRETS = LiveSecrets(
        _read_secrets(hurry=False),
        lambda: _read_secrets(hurry=True),
        lambda error: log.warning(f"the known secrets stay in use: {error}"),
    )
except DeployerError as error:
    raise SystemExit(f"error: {error}") from None


def webhook(request: Request) -> Response | tuple[dict[str, Any], int]:
    """Take one of GitHub's deliveries (public): verify it, pass its event on to the queue, answer in JSON."""
    headers = {name: value for name in HEADERS if (value := request.headers.get(name)) is not None}
    delivery = delivery_id(headers)
    try:
        with body_of(request) as body:
            read = _read(headers, body)
    except RefusedBodyError as refused:
        log.seldom(f"rejected: {refused}", delivery=delivery)
        return _refused(refused.status, refused.reason)
    match read:
        case Rejected(status, reason):
            log.seldom(f"rejected: {reason}", delivery=delivery)
            return {"error": reason}, status
        case Ping():
            return {"message": "pong"}, 200
        case Ignored(reason):
            log.info(f"ignored because {reason}", delivery=delivery)
            return {"ignored": f"ignored because {reason}"}, 200
        case Event() as event if _SETTINGS.queue == "pubsub":
            return _publish(event)
        case Event() as event:
            # Imported here: a delivery that is rejected needs none of what a job needs.
            from deployer.queue import inline

            return inline.run(event, _SETTINGS)


def sync(request: Request) -> Response | tuple[dict[str, Any], int]:
    """Take what Pub/Sub pushes (private): an event becomes jobs, a job is run. What is answered with 2xx is done with.

    Messages that can never be understood are done with, too, and logged: pushed again, they would be no better.
    """
    from deployer.queue import dead_letter
    from deployer.queue.envelope import MalformedError, read_push
    from deployer.queue.oidc import RefusedTokenError, push_tokens

    if request.method != "POST":
        return _refused(405, "this takes what Pub/Sub pushes, with POST")
    try:
        if tokens := push_tokens(_SETTINGS):
            tokens.check(request.headers.get("Authorization"))
        with body_of(request) as body:
            pushed = read_push(body)
        if pushed.dead_letter:
            return dead_letter.bury(pushed)
        from deployer.queue import pubsub

        return pubsub.receive(pushed, _SETTINGS)
    except (RefusedTokenError, RefusedBodyError) as refused:
        log.seldom(f"rejected: {refused}")
        return _refused(refused.status, refused.reason)
    except MalformedError as error:
        log.error(f"a message is thrown away: {error}")
        return {"ignored": "the message cannot be understood; the log says why"}, 200


def reconcile(request: Request) -> tuple[dict[str, Any], int]:
    """Look at every application (private, for the schedule): heal drift, make up for lost deliveries, end rollouts."""
    if _SETTINGS.queue == "pubsub":
        from deployer.queue import pubsub

        return pubsub.reconcile(_SETTINGS)
    from deployer.queue import inline

    return inline.reconcile(_SETTINGS)


def _publish(event: Event) -> tuple[dict[str, Any], int]:
    """Publish an event, and answer when that is confirmed."""
    # Imported here: a delivery that is rejected needs no connection.
    from deployer.queue.message import of_event
    from deployer.queue.publisher import publisher_of

    try:
        publisher_of(_SETTINGS).publish([of_event(event)])
    except QueueError as error:
        log.error(f"an event is not queued: {error}", delivery=event.delivery)
        return {"error": "the event cannot be queued now; the log says why. The next reconcile makes up for it"}, 503
    what = f"{event.kind} of {event.repository}"
    log.info(f"queued: {what}", delivery=event.delivery)
    return {"queued": what}, 200


def _refused(status: int, reason: str) -> Response:
    # Streamed, because functions-framework reads the rest of the body, however large, after any other answer.
    return Response(iter([json.dumps({"error": reason})]), status, content_type="application/json")


def _read(headers: dict[str, str], body: bytes | memoryview) -> Event | Ping | Ignored | Rejected:
    """Read a delivery, once more where its secret may be newer than those that are known."""
    secrets = _SECRETS.current()
    read = read_delivery(headers, body, secrets)
    if isinstance(read, WrongSignature) and _SECRETS.others_than(secrets):
        return read_delivery(headers, body, _SECRETS.current())
    return read
