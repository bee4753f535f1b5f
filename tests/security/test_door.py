"""What went wrong at the doors of systems of this kind: a test each, with the case that it is about."""

import ast
import contextlib
import hashlib
import hmac
import inspect
import json
import os
import re
import select
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deployer.body import SECONDS
from deployer.webhook import MAX_BODY, verify_signature
from local.leash import Leash
from tests.door import MAIN, SECRET, Door, peak_memory, push_payload, sign
from tests.world import Bench, config_map

WRONG = sign(b"another body")


class TestBodyReadBeforeItsSignatureWasChecked:
    """Argo Workflows CVE-2026-42294 parsed first; Argo CD CVE-2024-40634 had no size limit, and ran out of memory."""

    def test_a_length_above_the_limit_is_refused_before_a_byte_is_read(self, door: Door) -> None:
        with door.connection() as to:
            to.putrequest("POST", "/")
            to.putheader("Content-Length", str(MAX_BODY + 1))
            to.endheaders()  # and nothing is sent
            answer = to.getresponse()
            assert answer.status == 413
            answer.read()

    def test_a_body_that_does_not_end_is_cut_off(self, door: Door) -> None:
        megabyte = b"100000\r\n" + b"x" * 1024 * 1024 + b"\r\n"
        with door.connection() as to:
            to.putrequest("POST", "/")
            to.putheader("Transfer-Encoding", "chunked")
            to.endheaders()
            sent = 0
            with contextlib.suppress(ConnectionError):  # the door does not wait for the end of what it refuses
                while not select.select([to.sock], [], [], 0)[0] and sent < 200:
                    to.send(megabyte)
                    sent += 1
                assert to.getresponse().status == 413
            assert 25 <= sent < 100, "what the socket's buffers hold is sent before the answer is seen"

    @pytest.mark.parametrize("body", [b"[" * 100_000, b"not JSON", b"\xff"])
    def test_what_is_not_signed_is_not_parsed(self, door: Door, body: bytes) -> None:
        status, answer = door.deliver(body, {"X-Hub-Signature-256": WRONG})
        assert status == 403
        assert "the signature is wrong" in answer["error"]

    def test_bodies_that_do_not_arrive_do_not_hold_the_door(self, door: Door) -> None:
        """As many of them as the server has threads were enough to have everybody else wait without end."""
        threads = 4 * (os.cpu_count() or 1)
        body = json.dumps(push_payload()).encode()
        with contextlib.ExitStack() as slow:
            connections = [slow.enter_context(door.connection()) for _ in range(threads)]
            for connection in connections:
                connection.putrequest("POST", "/")
                connection.putheader("Content-Length", "1000")
                connection.endheaders()
                connection.send(b"x")
            start = time.monotonic()
            assert door.deliver(body, {"X-Hub-Signature-256": WRONG})[0] == 403
            assert time.monotonic() - start < 2 * SECONDS
            for connection in connections:
                answer = connection.getresponse()
                assert (answer.status, json.loads(answer.read())) == (
                    408,
                    {"error": "the body did not arrive within 10 s"},
                )

    @pytest.mark.skipif(sys.platform != "linux", reason="/proc tells how much memory was taken")
    def test_the_process_survives_within_300_mb(self, door: Door) -> None:
        before = peak_memory(door.url)
        for body in (b"[" * MAX_BODY, b'{"a":[' + b"{}," * (MAX_BODY // 3 - 10)):
            assert door.deliver(body)[0] == 400
            assert door.deliver(body, {"X-Hub-Signature-256": WRONG})[0] == 403
        after = peak_memory(door.url)
        assert before.keys() == after.keys(), "a process has died"
        assert after
        assert max(after.values()) < 300

    @pytest.mark.skipif(sys.platform != "linux", reason="/proc tells how much memory was taken")
    def test_many_large_bodies_at_once_do_not_fill_the_memory(self, door: Door) -> None:
        body = b"x" * MAX_BODY
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: door.deliver(body, {"X-Hub-Signature-256": WRONG})[0], range(16)))
        assert set(answers) <= {403, 503}
        assert max(peak_memory(door.url).values()) < 300


class TestSignatureComparedWithEquals:
    """Atlantis CVE-2022-24912, Jenkins CVE-2022-36885: the time of `==` tells how many bytes are right."""

    def test_the_comparison_takes_constant_time(self) -> None:
        tree = ast.parse(inspect.getsource(verify_signature))
        called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        compared = [op for node in ast.walk(tree) if isinstance(node, ast.Compare) for op in node.ops]
        assert "hmac.compare_digest" in called
        assert not [op for op in compared if isinstance(op, ast.Eq | ast.NotEq | ast.In)]

    @pytest.mark.parametrize("signature", ["sha256=\u00e4\u00f6", "\u00ff" * 71, ""])
    def test_a_header_that_is_not_ascii_is_a_403(self, door: Door, signature: str) -> None:
        assert door.deliver(b"{}", {"X-Hub-Signature-256": signature})[0] == 403


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        (None, "DEPLOYER_WEBHOOK_SECRET is not set"),
        ("", "DEPLOYER_WEBHOOK_SECRET is not set"),
        ("short", "fewer than 16; make one with"),
        ("file:/does/not/exist", "the secret in the file /does/not/exist cannot be read"),
    ],
)
def test_no_secret_means_no_check(secret: str | None, said: str) -> None:
    """Argo CD, Lighthouse and adnanh/webhook let everybody in until a secret is set; this one does not start."""
    environment = {"PATH": "/usr/bin:/bin", **({} if secret is None else {"DEPLOYER_WEBHOOK_SECRET": secret})}
    done = subprocess.run(
        [*(sys.executable, "-m", "functions_framework", "--target", "webhook"), *("--source", str(MAIN))],
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 1
    assert said in done.stderr


def test_sha_1_accepted_as_a_fallback(door: Door) -> None:
    """gidgethub and go-github take the old header where the new one is missing."""
    body = json.dumps(push_payload()).encode()
    sha1 = "sha1=" + hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest()
    with door.connection() as to:
        to.request("POST", "/", body, {"X-Hub-Signature": sha1, "Content-Type": "application/json"})
        answer = to.getresponse()
        assert answer.status == 403
        assert "there is no X-Hub-Signature-256 header" in answer.read().decode()
    assert door.deliver(body, {"X-Hub-Signature-256": sha1})[0] == 403


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
NEARLY_A_PUSH = st.fixed_dictionaries(
    {}, optional={name: JSON | st.just(value) for name, value in push_payload().items()}
) | st.fixed_dictionaries({**{name: st.just(value) for name, value in push_payload().items()}, "installation": JSON})


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    payload=JSON | NEARLY_A_PUSH,
    kind=st.sampled_from(["push", "ping", "status", "deployment", "no event!"]),
    form=st.booleans(),
)
def test_malformed_payloads_crash_the_server(door: Door, payload: object, kind: str, form: bool) -> None:
    """Argo CD CVE-2025-59537, -59538, -59531: any signed JSON gets a 2xx or a 4xx with a reason."""
    text = json.dumps(payload)
    body = f"payload={quote(text)}".encode() if form else text.encode()
    content_type = "application/x-www-form-urlencoded" if form else "application/json"
    headers = {"Content-Type": content_type, "X-GitHub-Event": kind, "X-Hub-Signature-256": sign(body)}
    status, answer = door.deliver(body, headers)
    assert 200 <= status < 500
    assert len(answer) == 1
    assert next(iter(answer.values()))


class TestErrorTextInTheResponse:
    """k8s-webhook-handler answers with its errors; functions-framework's own 400 for CloudEvents echoes all headers."""

    def test_the_log_says_what_the_server_knows_and_the_answer_does_not(self, door: Door) -> None:
        broken = door.config / "broken.yaml"
        broken.write_text("kind: Gizmo\n")
        try:
            status, answer = door.deliver(json.dumps(push_payload()).encode())
        finally:
            broken.unlink()
        assert (status, answer) == (500, {"error": "the deployer's configuration is not valid; its log says where"})
        assert "broken.yaml, document 1: kind: 'Gizmo'" in door.log()

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"X-Hub-Signature-256": WRONG},
            {"X-GitHub-Event": "no event!"},
            {"Content-Type": "text/plain"},
            {"Ce-Id": "1", "Ce-Source": "x", "Ce-Type": "y", "Ce-Specversion": "9"},
        ],
    )
    def test_no_header_comes_back(self, door: Door, headers: dict[str, str]) -> None:
        canary = {
            "Authorization": "Bearer c4n4ry",
            "Cookie": "c4n4ry",
            "X-Other": "c4n4ry",
            "X-GitHub-Delivery": "c4n4ry",
        }
        status, answer = door.deliver(b"{}", {**canary, **headers})
        assert 400 <= status < 500
        assert "c4n4ry" not in json.dumps(answer)


def test_secrets_in_logs(tmp_path: Path) -> None:
    """GitHub itself sent some deliveries with the secret in a header, from September 2025 to January 2026."""
    secret = "s3cret-that-may-be-the-name-of-a-branch"
    with Leash(tmp_path / "leash") as leash:
        door = Door.start(leash, DEPLOYER_WEBHOOK_SECRET=secret)

        def deliver(body: bytes, **headers: str) -> int:
            signed = {"X-Hub-Signature-256": sign(body, secret), "X-GitHub-Hook-Secret": secret}
            return door.deliver(body, {**signed, **{name.replace("_", "-"): value for name, value in headers.items()}})[
                0
            ]

        assert deliver(b"{}", X_Hub_Signature_256="sha256=feedface") == 403
        assert deliver(json.dumps(push_payload(ref=f"refs/heads/{secret}")).encode()) == 200
        with door.connection() as to:
            to.request("GET", f"/{secret}?secret={secret}")
            assert to.getresponse().status == 403
        assert secret not in door.log()
        assert "no application watches refs/heads/***" in door.log(), (
            "what was pushed is told, but for the secret in it"
        )
        assert "feedface" not in door.log()


def test_replay(bench: Bench) -> None:
    """An old delivery, sent again, deploys what the ref points at now; so does one whose `after` is made up."""
    bench.configure()
    first = bench.push({"a.yaml": config_map("a", "1")})
    assert bench.settled(first)[0] == "success"
    second = bench.push({"a.yaml": config_map("a", "2")})
    assert bench.settled(second)[0] == "success"
    before = bench.versions("configmaps")
    old = bench.world.github.wait_for_delivery(first).payload
    for payload in (old, {**old, "before": second, "after": first}, {**old, "after": "f" * 40, "forced": True}):
        status, answer = bench.send(payload)
        assert (status, answer["applications"][0]["outcome"]) == (200, "succeeded")
    assert bench.versions("configmaps") == before
    assert bench.live("configmap", "a")["data"]["key"] == "2"


OURS: dict[str, dict[str, Any]] = {
    "status": {"sha": "2" * 40, "context": "deployer/shop", "state": "success"},
    "check_run": {"action": "completed", "check_run": {"name": "deployer/shop", "head_sha": "2" * 40}},
    "check_suite": {"action": "completed", "check_suite": {"head_sha": "2" * 40, "app": {"slug": "deployer"}}},
    "deployment": {
        "action": "created",
        "deployment": {"id": 1, "sha": "2" * 40, "task": "deployer", "environment": "shop"},
    },
    "deployment_status": {"action": "created", "deployment_status": {"state": "success"}},
}


@pytest.mark.parametrize("kind", OURS)
def test_our_own_statuses_checks_and_deployments_start_nothing(door: Door, kind: str) -> None:
    payload = {**push_payload(), **OURS[kind]}
    status, answer = door.deliver(json.dumps(payload).encode(), {"X-GitHub-Event": kind})
    assert status == 200
    assert re.search("^ignored because .*(our own|deployment_status events start nothing)", answer["ignored"])


@pytest.mark.parametrize(
    ("kind", "path", "other", "told"),
    [
        ("status", "context", "ci", "no application of acme/shop requires the check ci"),
        ("check_run", "name", "ci", "no application of acme/shop requires the check ci"),
        ("check_suite", "app", {"slug": "ci"}, "no application of acme/shop requires a check"),
        ("deployment", "task", "deploy", "shop, the environment of deployment 1 of acme/shop, names no application"),
    ],
)
def test_those_of_others_are_looked_at(door: Door, kind: str, path: str, other: object, told: str) -> None:
    ours = OURS[kind]
    changed = {**ours, path: other} if path in ours else {**ours, kind: {**ours[kind], path: other}}
    payload = {**push_payload(), **changed}
    status, answer = door.deliver(json.dumps(payload).encode(), {"X-GitHub-Event": kind})
    assert (status, answer["ignored"][: len(told) + 16]) == (200, f"ignored because {told}")


REFUSING = """
import sys
import functions_framework
client = functions_framework.create_app("webhook", "main.py").test_client()
answer = client.post("/", data=b"{}", headers={"X-Hub-Signature-256": "sha256=" + "0" * 64})
heavy = {"kubernetes", "github", "google.cloud.secretmanager", "yaml", "requests", "urllib3", "deployer.sync"}
print(answer.status_code, *sorted(heavy & set(sys.modules)))
"""


def test_one_process_with_the_internet_in_front_and_credentials_behind() -> None:
    """A delivery that is refused needs, and loads, none of what reads clusters, repositories and configuration."""
    environment = {"PATH": "", "FUNCTION_TARGET": "webhook", "DEPLOYER_WEBHOOK_SECRET": SECRET}
    done = subprocess.run(
        [sys.executable, "-c", REFUSING], cwd=MAIN.parent, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "403"


def test_a_secret_is_rotated_while_both_are_live(tmp_path: Path) -> None:
    """GitHub had secrets of webhooks exchanged in 2026: nothing may be lost on the way."""
    current, body = tmp_path / "current", json.dumps(push_payload()).encode()
    new = "the new secret, as long as the old one"
    current.write_text(f"{SECRET}\n")
    with Leash(tmp_path / "leash") as leash:
        previous = {"DEPLOYER_WEBHOOK_SECRET_PREVIOUS": "the secret of last year, long forgotten"}
        door = Door.start(leash, DEPLOYER_WEBHOOK_SECRET=f"file:{current}", **previous)

        def signed(secret: str) -> int:
            return door.deliver(body, {"X-Hub-Signature-256": sign(body, secret)})[0]

        assert signed(SECRET) == signed(previous["DEPLOYER_WEBHOOK_SECRET_PREVIOUS"]) == 200
        current.write_text(f"{new}\n")
        assert signed(new) == 200, "read anew, because the signature was of none of those known"
        assert signed(SECRET) == 403
        current.unlink()
        assert signed(new) == 200
        assert signed(SECRET) == 403
        assert new not in door.log()
