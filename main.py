"""The entry points for functions-framework: plain functions, a few lines each."""

import json
import os
from typing import Any

from flask import Request, Response

from deployer.body import RefusedBodyError, body_of
from deployer.errors import DeployerError
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
    """Take one of GitHub's deliveries (public): verify it, run the jobs of its event, answer in JSON."""
    headers = {name: value for name in HEADERS if (value := request.headers.get(name)) is not None}
    delivery = delivery_id(headers)
    try:
        with body_of(request) as body:
            read = _read(headers, body)
    except RefusedBodyError as refused:
        log.seldom(f"rejected: {refused}", delivery=delivery)
        # Streamed, because functions-framework reads the rest of the body, however large, after any other answer.
        return Response(iter([json.dumps({"error": refused.reason})]), refused.status, content_type="application/json")
    match read:
        case Rejected(status, reason):
            log.seldom(f"rejected: {reason}", delivery=delivery)
            return {"error": reason}, status
        case Ping():
            return {"message": "pong"}, 200
        case Ignored(reason):
            log.info(f"ignored because {reason}", delivery=delivery)
            return {"ignored": f"ignored because {reason}"}, 200
        case Event() as event:
            # Imported here: a delivery that is rejected needs none of what a job needs.
            from deployer.queue import inline

            return inline.run(event, _SETTINGS)


def reconcile(request: Request) -> tuple[dict[str, Any], int]:
    """Look at every application (private, for the schedule): heal drift, make up for lost deliveries, end rollouts."""
    from deployer.queue import inline

    return inline.reconcile(_SETTINGS)


def _read(headers: dict[str, str], body: bytes | memoryview) -> Event | Ping | Ignored | Rejected:
    """Read a delivery, once more where its secret may be newer than those that are known."""
    secrets = _SECRETS.current()
    read = read_delivery(headers, body, secrets)
    if isinstance(read, WrongSignature) and _SECRETS.others_than(secrets):
        return read_delivery(headers, body, _SECRETS.current())
    return read
