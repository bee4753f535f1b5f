"""GitHub's delivery protocol, without any input or output: headers and body in, what the delivery says out.

https://docs.github.com/en/webhooks/webhook-events-and-payloads
https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
"""

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn
from urllib.parse import unquote_to_bytes

from deployer.errors import ConfigurationError
from deployer.ours import is_ours
from deployer.repository import Repository, is_commit, is_ref_name, parse_repository

HEADERS = ("X-Hub-Signature-256", "Content-Type", "X-GitHub-Event", "X-GitHub-Delivery")
"""All that is looked at. GitHub has sent secrets in others, so nobody else gets to see those."""

MAX_BODY = 25 * 1024 * 1024  # bytes; GitHub sends no larger ones

_MOST_VALUES = 750_000
"""Lists, objects and commas in a payload: 25 MB of `{},{},…` would become a gigabyte. GitHub's have some thousands."""

_PIECES = re.compile(rb"(?:%[0-9A-Fa-f]{2}|.){1,65536}", re.DOTALL)
"""Pieces of a form's value; none of them ends within an escape."""

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_EVENT_NAME = re.compile(r"[a-z_]{1,64}")
_LONGEST_REF = 1_024  # characters
_NAME = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,1024}")  # what may stand on one line of a log
NO_COMMIT = "0" * 40  # for a ref that was not there before, or is no more


@dataclass(frozen=True)
class Event:
    """What a verified delivery says, in a few fields. It is a hint to look, never an order.

    `before` and `after` of a push are 40 hexadecimal digits: `before` is all zeros for a new ref, and `after` of an
    annotated tag is the tag object. Of other events, `after` is the commit that they are about, `before` is `""`, and
    so is `ref` where they name no branch. `installation` is the GitHub App's, if one sent it; `delivery` is GitHub's id
    of the delivery, or `""` where it sent none. `check` is the name of a check run, or the context of a status; it is
    `""` for events about several. `deployment` and `environment` are the number and the environment of a Deployment.
    """

    kind: str
    repository: Repository
    ref: str
    before: str
    after: str
    default_branch: str
    installation: int | None
    delivery: str
    check: str = ""
    deployment: int = 0
    environment: str = ""


@dataclass(frozen=True)
class Ping:
    """GitHub asks whether anybody is there, as it does for a new webhook."""


@dataclass(frozen=True)
class Ignored:
    """A delivery that is in order and starts nothing, with the reason."""

    reason: str


@dataclass(frozen=True)
class Rejected:
    """A delivery that is refused: the HTTP status, and what whoever set the webhook up should mend."""

    status: int
    reason: str


@dataclass(frozen=True)
class WrongSignature(Rejected):
    """A delivery that none of the secrets has signed."""


class _WrongShapeError(Exception):
    """The payload is not what GitHub sends; the text says where."""


def verify_signature(secret: bytes, body: bytes | memoryview, header: str | None) -> bool:
    """Say whether `X-Hub-Signature-256` is the secret's signature of the raw body. An empty secret verifies nothing."""
    if not secret or header is None:
        return False
    expected = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
    # Bytes, because compare_digest refuses text that is not ASCII.
    return hmac.compare_digest(expected.encode(), header.encode(errors="replace"))


def read_delivery(
    headers: Mapping[str, str], body: bytes | memoryview, secrets: Sequence[bytes]
) -> Event | Ping | Ignored | Rejected:
    """Read what a delivery says. Nothing of it is parsed before its signature is found right; nothing in it raises.

    `headers` are read whatever their case; `body` is raw, as it was sent and signed; any of the `secrets` may have
    signed it.
    """
    if len(body) > MAX_BODY:
        return Rejected(413, "the body is larger than 25 MB, the most that GitHub sends")
    lowered = {name.lower(): value for name, value in headers.items()}
    signature = lowered.get("x-hub-signature-256")
    if signature is None:
        return Rejected(403, "there is no X-Hub-Signature-256 header: give the webhook on GitHub a secret")
    if not any(verify_signature(secret, body, signature) for secret in secrets):
        told = "the signature is wrong: the webhook's secret on GitHub is not the one that is set here"
        return WrongSignature(403, told)
    content_type = lowered.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in ("application/json", "application/x-www-form-urlencoded"):
        return Rejected(415, "the content type must be application/json or application/x-www-form-urlencoded")
    kind = lowered.get("x-github-event", "")
    if not _EVENT_NAME.fullmatch(kind):
        return Rejected(400, "the X-GitHub-Event header does not name an event")
    if kind == "ping":
        return Ping()
    if kind not in _READERS:
        return Ignored(f"{kind} events start nothing; only these do: {', '.join(_READERS)}")
    try:
        payload = _parse(bytes(body), form=content_type != "application/json")
        return _READERS[kind](kind, payload, delivery_id(headers))
    except _WrongShapeError as error:
        return Rejected(400, str(error))


def delivery_id(headers: Mapping[str, str]) -> str:
    """Return GitHub's id of a delivery from its headers, read whatever their case; `""` where there is none."""
    found = next((value for name, value in headers.items() if name.lower() == "x-github-delivery"), "")
    return found if _GUID.fullmatch(found) else ""


def _parse(body: bytes, *, form: bool) -> Mapping[str, Any]:
    try:
        text = (_form_field(body, b"payload") if form else body).decode()
        if text.count("[") + text.count("{") + text.count(",") > _MOST_VALUES:
            raise _WrongShapeError("the payload holds more values than any push of GitHub's")
        payload = json.loads(text, parse_constant=_no_number)
    except RecursionError:
        raise _WrongShapeError("the payload is nested too deeply") from None
    except ValueError:
        raise _WrongShapeError("the payload is not JSON" + (" in the form's field payload" if form else "")) from None
    if not isinstance(payload, dict):
        raise _WrongShapeError("the payload is not a JSON object")
    return payload


def _form_field(body: bytes, name: bytes) -> bytes:
    """The first field of that name in a form, `b""` where there is none."""
    fields = (field.partition(b"=") for field in body.split(b"&", 10))
    value = next((value for found, _, value in fields if found == name), b"").replace(b"+", b" ")
    # Piece by piece: the library's own way takes two gigabytes for 25 MB.
    return b"".join(unquote_to_bytes(piece[0]) for piece in _PIECES.finditer(value))


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def _push(kind: str, payload: Mapping[str, Any], delivery: str) -> Event | Ignored:
    # https://docs.github.com/en/webhooks/webhook-events-and-payloads#push
    ref, before = _text(payload, "ref"), _commit(payload, "before")
    if not _is_ref(ref):
        raise _WrongShapeError("ref is no ref")
    event = _event(kind, payload, delivery, ref, _commit(payload, "after"))
    if payload.get("deleted") is True or event.after == NO_COMMIT:
        return Ignored(f"{ref} of {event.repository} was deleted: that deploys nothing and deletes nothing")
    if not ref.startswith(("refs/heads/", "refs/tags/")):
        return Ignored(f"{ref} is neither a branch nor a tag")
    return replace(event, before=before)


def _check_run(kind: str, payload: Mapping[str, Any], delivery: str) -> Event | Ignored:
    # https://docs.github.com/en/webhooks/webhook-events-and-payloads#check_run
    if early := _unless("completed", kind, payload):
        return early
    run = _object(payload, kind)
    name, suite = _name(run, "name", "check_run.name"), run.get("check_suite")
    if is_ours(name):
        return Ignored(f"the check {name} is our own, which starts nothing")
    ref = _branch(suite.get("head_branch"), "check_run.check_suite.head_branch") if isinstance(suite, dict) else ""
    return replace(_event(kind, payload, delivery, ref, _commit(run, "head_sha", "check_run.head_sha")), check=name)


def _checks(kind: str, payload: Mapping[str, Any], delivery: str) -> Event | Ignored:
    # https://docs.github.com/en/webhooks/webhook-events-and-payloads#check_suite, #workflow_run
    if early := _unless("completed", kind, payload):
        return early
    run = _object(payload, kind)
    app = run.get("app")
    if isinstance(app, dict) and is_ours(str(app.get("slug"))):
        return Ignored("these checks are our own, which start nothing")
    ref = _branch(run.get("head_branch"), f"{kind}.head_branch")
    return _event(kind, payload, delivery, ref, _commit(run, "head_sha", f"{kind}.head_sha"))


def _status(kind: str, payload: Mapping[str, Any], delivery: str) -> Event | Ignored:
    # https://docs.github.com/en/webhooks/webhook-events-and-payloads#status
    context, branches = _name(payload, "context"), payload.get("branches")
    if is_ours(context):
        return Ignored(f"the status {context} is our own, which starts nothing")
    if _text(payload, "state") == "pending":
        return Ignored(f"the status {context} is pending, which starts nothing")
    first = branches[0] if isinstance(branches, list) and branches else None
    ref = _branch(first.get("name"), "branches[0].name") if isinstance(first, dict) else ""
    return replace(_event(kind, payload, delivery, ref, _commit(payload, "sha")), check=context)


def _deployment(kind: str, payload: Mapping[str, Any], delivery: str) -> Event | Ignored:
    # https://docs.github.com/en/webhooks/webhook-events-and-payloads#deployment
    if early := _unless("created", kind, payload):
        return early
    deployment = _object(payload, kind)
    number = _number(deployment, "deployment.id is not the number of a deployment")
    if is_ours(_text(deployment, "task", "deployment.task")):
        return Ignored(f"deployment {number} is our own, which starts nothing")
    event = _event(kind, payload, delivery, "", _commit(deployment, "sha", "deployment.sha"))
    return replace(event, deployment=number, environment=_name(deployment, "environment", "deployment.environment"))


_READERS: Mapping[str, Callable[[str, Mapping[str, Any], str], Event | Ignored]] = {
    "push": _push,
    "check_run": _check_run,
    "check_suite": _checks,
    "status": _status,
    "workflow_run": _checks,
    "deployment": _deployment,
}


def _event(kind: str, payload: Mapping[str, Any], delivery: str, ref: str, after: str) -> Event:
    """What all events have."""
    source = _object(payload, "repository")
    try:
        repository = parse_repository(_text(source, "clone_url", "repository.clone_url"))
    except ConfigurationError as error:
        raise _WrongShapeError(f"repository.clone_url {error}") from None
    default_branch = _text(source, "default_branch", "repository.default_branch")
    if not _is_ref(default_branch):
        raise _WrongShapeError("repository.default_branch is no branch")
    return Event(kind, repository, ref, "", after, default_branch, _installation(payload), delivery)


def _unless(action: str, kind: str, payload: Mapping[str, Any]) -> Ignored | None:
    """Ignore what is not the one action that matters."""
    found = _name(payload, "action")
    return None if found == action else Ignored(f"{kind} events start nothing when {found}, only when {action}")


def _is_ref(name: str) -> bool:
    """Whether it may be a ref, or a branch; an event is small, and Git's own refs are files, whose names are short."""
    return len(name) <= _LONGEST_REF and is_ref_name(name)


def _branch(value: object, shown: str) -> str:
    """The full name of a branch; `""` where there is none."""
    if value is None:
        return ""
    if not isinstance(value, str) or not _is_ref(value):
        raise _WrongShapeError(f"{shown} is no branch")
    return f"refs/heads/{value}"


def _object(payload: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = payload.get(name)
    if not isinstance(value, dict):
        raise _WrongShapeError(f"{name} is missing, or not an object")
    return value


def _name(values: Mapping[str, Any], name: str, shown: str = "") -> str:
    value = _text(values, name, shown)
    if not _NAME.fullmatch(value):
        raise _WrongShapeError(f"{shown or name} is empty, too long, or more than one line")
    return value


def _text(values: Mapping[str, Any], name: str, shown: str = "") -> str:
    value = values.get(name)
    if not isinstance(value, str):
        raise _WrongShapeError(f"{shown or name} is missing, or not a text")
    return value


def _commit(values: Mapping[str, Any], name: str, shown: str = "") -> str:
    value = _text(values, name, shown)
    if not is_commit(value):
        raise _WrongShapeError(f"{shown or name} is not a commit of 40 hexadecimal digits")
    return value


def _installation(payload: Mapping[str, Any]) -> int | None:
    installation = payload.get("installation")
    if installation is None:
        return None
    wrong = "installation.id is not the number of an installation"
    return _number(installation if isinstance(installation, dict) else {}, wrong)


def _number(values: Mapping[str, Any], wrong: str) -> int:
    number = values.get("id")
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < 2**63:
        raise _WrongShapeError(wrong)
    return number
