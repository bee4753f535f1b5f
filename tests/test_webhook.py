import hashlib
import hmac
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.repository import Repository
from deployer.webhook import MAX_BODY, Event, Ignored, Ping, Rejected, read_delivery, verify_signature

ROOT = Path(__file__).parents[1]
SECRET = b"It's a Secret to Everybody"
GUID = "72d3162e-cc78-11e3-81ab-4c9367dc0958"
BEFORE, AFTER, ZEROS = "1" * 40, "a" * 40, "0" * 40
PUSH: dict[str, Any] = {
    "ref": "refs/heads/main",
    "before": BEFORE,
    "after": AFTER,
    "created": False,
    "deleted": False,
    "forced": False,
    "repository": {
        "id": 1,
        "full_name": "Acme/Web",
        "clone_url": "https://github.com/Acme/Web.git",
        "default_branch": "main",
    },
    "commits": [],
}


def sign(body: bytes, secret: bytes = SECRET) -> str:
    return "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()


def deliver(body: bytes | object, kind: str = "push", **headers: str | None) -> Event | Ping | Ignored | Rejected:
    """Read a signed delivery; headers may be changed, or taken out with None (`_` stands for `-`)."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent: dict[str, str | None] = {
        "X-GitHub-Event": kind,
        "X-GitHub-Delivery": GUID,
        "X-Hub-Signature-256": sign(raw),
        "Content-Type": "application/json",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return read_delivery({name: value for name, value in sent.items() if value is not None}, raw, [SECRET])


def push(**changes: Any) -> Event | Ping | Ignored | Rejected:
    return deliver({**PUSH, **changes})


def repository(**changes: Any) -> dict[str, Any]:
    return {**PUSH["repository"], **changes}


def test_the_official_vector() -> None:
    """From GitHub's "Validating webhook deliveries"."""
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert verify_signature(SECRET, b"Hello, World!", signature)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "sha256=",
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e18",
        "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        "sha1=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        "sha256=é",
        "sha256=\udcff",
        "sha256=\x00",
    ],
)
def test_what_is_no_signature(header: str | None) -> None:
    assert not verify_signature(SECRET, b"Hello, World!", header)


def test_an_empty_secret_verifies_nothing() -> None:
    assert not verify_signature(b"", b"x", sign(b"x", b""))


def test_a_push() -> None:
    web = Repository("github.com", "acme/web")
    assert push() == Event("push", web, "refs/heads/main", BEFORE, AFTER, "main", None, GUID)


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"ref": "refs/tags/v1"}, "ref", "refs/tags/v1"),
        ({"before": ZEROS, "created": True}, "before", ZEROS),
        ({"forced": True}, "after", AFTER),
        ({"installation": {"id": 12, "node_id": "x"}}, "installation", 12),
        ({"installation": None}, "installation", None),
        ({"repository": repository(default_branch="trunk")}, "default_branch", "trunk"),
        (
            {"repository": repository(clone_url="http://127.0.0.1:4321/acme/web.git")},
            "repository",
            Repository("127.0.0.1:4321", "acme/web"),
        ),
    ],
)
def test_what_a_push_says(changes: dict[str, Any], field: str, value: object) -> None:
    event = push(**changes)
    assert isinstance(event, Event)
    assert getattr(event, field) == value


def test_a_form() -> None:
    body = urlencode({"payload": json.dumps(PUSH)}).encode()
    assert deliver(body, Content_Type="application/x-www-form-urlencoded") == push()


def test_headers_in_any_case() -> None:
    body = json.dumps(PUSH).encode()
    headers = {
        "x-github-event": "push",
        "X-GITHUB-DELIVERY": GUID,
        "x-Hub-signature-256": sign(body),
        "CONTENT-TYPE": "Application/JSON; charset=utf-8",
    }
    assert read_delivery(headers, body, [SECRET]) == push()


@pytest.mark.parametrize("delivery", [None, "", "x", GUID + "\n", "<script>", GUID + "0"])
def test_a_delivery_id_that_is_none(delivery: str | None) -> None:
    event = deliver(PUSH, X_GitHub_Delivery=delivery)
    assert isinstance(event, Event)
    assert event.delivery == ""


def test_a_ping() -> None:
    assert deliver({"zen": "Design for failure.", "hook_id": 1}, "ping") == Ping()


ONLY_THESE = "push, check_run, check_suite, status, workflow_run, deployment"


@pytest.mark.parametrize("kind", ["pull_request", "deployment_status", "workflow_job", "repository"])
def test_another_event_is_ignored_by_name(kind: str) -> None:
    assert deliver({"action": "created"}, kind) == Ignored(f"{kind} events start nothing; only these do: {ONLY_THESE}")


@pytest.mark.parametrize("changes", [{"deleted": True, "after": ZEROS}, {"after": ZEROS}, {"deleted": True}])
def test_a_deletion_is_ignored(changes: dict[str, Any]) -> None:
    said = push(ref="refs/heads/old", head_commit=None, **changes)
    assert said == Ignored("refs/heads/old of acme/web was deleted: that deploys nothing and deletes nothing")


def test_a_ref_that_nobody_can_watch_is_ignored() -> None:
    assert push(ref="refs/notes/commits") == Ignored("refs/notes/commits is neither a branch nor a tag")


@pytest.mark.parametrize(
    ("headers", "status", "reason"),
    [
        ({"X_Hub_Signature_256": None}, 403, "there is no X-Hub-Signature-256 header"),
        ({"X_Hub_Signature_256": None, "X_Hub_Signature": "sha1=x"}, 403, "there is no X-Hub-Signature-256 header"),
        ({"X_Hub_Signature_256": "sha256=" + "0" * 64}, 403, "the signature is wrong"),
        ({"X_Hub_Signature_256": "sha256=ü"}, 403, "the signature is wrong"),
        ({"Content_Type": None}, 415, "the content type must be application/json or"),
        ({"Content_Type": "text/plain"}, 415, "the content type must be application/json or"),
        ({"X_GitHub_Event": None}, 400, "the X-GitHub-Event header does not name an event"),
        ({"X_GitHub_Event": "Push\n"}, 400, "the X-GitHub-Event header does not name an event"),
    ],
)
def test_wrong_headers(headers: dict[str, str | None], status: int, reason: str) -> None:
    said = deliver(PUSH, "push", **headers)
    assert isinstance(said, Rejected)
    assert said.status == status
    assert said.reason.startswith(reason)


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b"not JSON", b"\xff", json.dumps(PUSH).encode()], ids=["deep", "text", "bytes", "push"]
)
def test_nothing_is_parsed_before_the_signature_is_right(body: bytes) -> None:
    wrong = sign(body, b"another secret, long enough")
    said = deliver(body, X_Hub_Signature_256=wrong, Content_Type="text/plain")
    assert isinstance(said, Rejected)
    assert said.status == 403


def test_a_body_that_is_too_large() -> None:
    said = deliver(b"x" * (MAX_BODY + 1), X_Hub_Signature_256="sha256=")
    assert said == Rejected(413, "the body is larger than 25 MB, the most that GitHub sends")


def test_a_body_as_large_as_allowed() -> None:
    head = b'{"pad": "'
    assert deliver(head + b"x" * (MAX_BODY - len(head) - 2) + b'"}', "ping") == Ping()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "the payload is not JSON"),
        (b"{", "the payload is not JSON"),
        (b"{}{}", "the payload is not JSON"),
        (b'{"a": NaN}', "the payload is not JSON"),
        (b'{"a": -Infinity}', "the payload is not JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "the payload is not JSON"),
        (b"\xff\xfe", "the payload is not JSON"),
        (b'\xef\xbb\xbf{"a": 1}', "the payload is not JSON"),
        ('{"a": 1}'.encode("utf-16"), "the payload is not JSON"),
        (b"[" * 100_000, "the payload is nested too deeply"),
        (b'{"a":' * 100_000, "the payload is nested too deeply"),
        (b"[]", "the payload is not a JSON object"),
        (b'"push"', "the payload is not a JSON object"),
        (b"null", "the payload is not a JSON object"),
    ],
)
def test_what_is_no_payload(body: bytes, reason: str) -> None:
    assert deliver(body) == Rejected(400, reason)


def test_what_starts_nothing_is_not_read() -> None:
    assert deliver(b"[" * 100_000, "ping") == Ping()
    assert deliver(b"not JSON", "issues") == Ignored(f"issues events start nothing; only these do: {ONLY_THESE}")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"payload=",
        b"payload=%7B",
        b"other=%7B%7D",
        b"payload=%ff",
        b"&".join([b"a=b"] * 11) + b"&payload=%7B%7D",
        b"\xff",
    ],
)
def test_what_is_no_form(body: bytes) -> None:
    said = deliver(body, Content_Type="application/x-www-form-urlencoded")
    assert said == Rejected(400, "the payload is not JSON in the form's field payload")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"ref": None}, "ref is missing, or not a text"),
        ({"ref": ["refs/heads/main"]}, "ref is missing, or not a text"),
        ({"ref": "refs/heads/a b"}, "ref is no ref"),
        ({"ref": "refs/heads/\ud800"}, "ref is no ref"),
        ({"ref": ""}, "ref is no ref"),
        ({"ref": "refs/heads/" + "a" * 1014}, "ref is no ref"),
        ({"before": "x"}, "before is not a commit of 40 hexadecimal digits"),
        ({"before": BEFORE + "\n"}, "before is not a commit of 40 hexadecimal digits"),
        ({"after": 0}, "after is missing, or not a text"),
        ({"after": "A" * 40}, "after is not a commit of 40 hexadecimal digits"),
        ({"repository": None}, "repository is missing, or not an object"),
        ({"repository": "acme/web"}, "repository is missing, or not an object"),
        ({"repository": repository(clone_url=None)}, "repository.clone_url is missing, or not a text"),
        ({"repository": repository(default_branch=1)}, "repository.default_branch is missing, or not a text"),
        ({"repository": repository(default_branch="..")}, "repository.default_branch is no branch"),
        ({"installation": 12}, "installation.id is not the number of an installation"),
        ({"installation": {}}, "installation.id is not the number of an installation"),
        ({"installation": {"id": True}}, "installation.id is not the number of an installation"),
        ({"installation": {"id": 2**63}}, "installation.id is not the number of an installation"),
        ({"installation": {"id": "12"}}, "installation.id is not the number of an installation"),
    ],
)
def test_a_push_of_the_wrong_shape(changes: dict[str, Any], reason: str) -> None:
    assert push(**changes) == Rejected(400, reason)


def test_an_address_of_the_wrong_shape() -> None:
    said = push(repository=repository(clone_url="https://ada:hunter2@github.com/acme/web.git"))
    assert isinstance(said, Rejected)
    assert said.status == 400
    assert said.reason.startswith("repository.clone_url holds a user name or a password")
    assert "hunter2" not in said.reason


@pytest.mark.parametrize("size", [65_535, 65_536, 65_537, 65_538, 200_000])
def test_a_long_form_is_read_whole(size: int) -> None:
    # An escape must not be torn apart, wherever it stands.
    payload = {**PUSH, "pad": "x" * size, "ref": "refs/heads/a+b%é😀"}
    said = deliver(
        urlencode({"payload": json.dumps(payload, ensure_ascii=False)}).encode(),
        Content_Type="application/x-www-form-urlencoded",
    )
    assert isinstance(said, Event)
    assert said.ref == payload["ref"]


ATTACK = """
import hashlib, hmac, pathlib, re, sys
from deployer.webhook import read_delivery
body, secret = sys.stdin.buffer.read(), b"x" * 16
headers = {
    "X-Hub-Signature-256": "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest(),
    "X-GitHub-Event": "push",
    "Content-Type": sys.argv[1],
}
said = read_delivery(headers, body, [secret])
print(said.status, re.search("VmHWM:[^0-9]+([0-9]+)", pathlib.Path("/proc/self/status").read_text())[1])
"""
# As many values as a payload may hold, and one without end.
ATTACKS: dict[str, Callable[[], bytes]] = {
    "deep": lambda: b"[" * MAX_BODY,
    "objects without end": lambda: b'{"a":[' + b"{}," * (MAX_BODY // 3 - 10),
    "objects": lambda: b'{"a":[' + b",".join([b'{"a":1}'] * 374_000) + b"]}",
    "lists": lambda: b'{"a":[' + b",".join([b"[[]]"] * 249_000) + b"]}",
    "texts": lambda: b'{"a":[' + b",".join(b'"%030d"' % number for number in range(749_000)) + b"]}",
    "one text": lambda: b'{"a":"' + b"\\u00e9" * 4_300_000 + b'"}',
    "one number": lambda: b'{"a":' + b"9" * 26_000_000 + b"}",
    "form of objects": lambda: b"payload=" + b"%7B%7D%2C" * 2_900_000,
    "form of one text": lambda: b"payload=%22" + b"%F0%9F%98%80" * 2_180_000 + b"%22",
}


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells how much memory was taken")
@pytest.mark.parametrize("attack", ATTACKS)
def test_no_signed_payload_takes_more_than_300_mb(attack: str) -> None:
    """Argo CD CVE-2024-40634: one request was enough for "out of memory"."""
    content_type = "application/x-www-form-urlencoded" if attack.startswith("form") else "application/json"
    body = ATTACKS[attack]()
    assert MAX_BODY * 0.9 < len(body) <= MAX_BODY or body.count(b",") + body.count(b"{") + body.count(b"[") > 700_000
    done = subprocess.run(
        [sys.executable, "-c", ATTACK, content_type], input=body, cwd=ROOT, capture_output=True, timeout=60, check=True
    )
    status, kilobytes = map(int, done.stdout.split())
    assert status == 400
    assert kilobytes < 300_000


def test_a_key_that_stands_there_twice_does_not_crash() -> None:
    body = json.dumps(PUSH).encode()[:-1] + b', "ref": "refs/heads/other"}'
    said = deliver(body)
    assert isinstance(said, Event)
    assert said.ref == "refs/heads/other"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=10,
)
NEARLY_A_PUSH = st.fixed_dictionaries(
    {},
    optional={
        "ref": JSON | st.just("refs/heads/main"),
        "before": JSON | st.just(BEFORE),
        "after": JSON | st.just(AFTER),
        "deleted": JSON,
        "installation": JSON | st.fixed_dictionaries({"id": JSON}),
        "repository": JSON
        | st.fixed_dictionaries(
            {"clone_url": JSON | st.just("https://github.com/a/b"), "default_branch": JSON | st.just("main")}
        ),
    },
)


@given(
    payload=JSON | NEARLY_A_PUSH,
    kind=st.sampled_from(["push", "ping", "issues"]) | st.text(max_size=8),
    delivery=st.text(max_size=8),
)
def test_any_signed_json_gets_an_answer(payload: object, kind: str, delivery: str) -> None:
    said = deliver(payload, kind, X_GitHub_Delivery=delivery)
    assert not isinstance(said, Rejected) or 400 <= said.status < 500
    if isinstance(said, Ignored | Rejected):
        assert said.reason.encode()


@given(body=st.binary(max_size=64), kind=st.sampled_from(["push", "ping"]), form=st.booleans())
def test_any_signed_bytes_get_an_answer(body: bytes, kind: str, form: bool) -> None:
    content_type = "application/x-www-form-urlencoded" if form else "application/json"
    said = deliver(body, kind, Content_Type=content_type)
    assert isinstance(said, Ping if kind == "ping" else Rejected)


@given(header=st.text(max_size=80))
def test_any_wrong_signature_is_refused(header: str) -> None:
    said = deliver(PUSH, X_Hub_Signature_256=header)
    assert isinstance(said, Rejected)
    assert said.status == 403
