"""The public door, as GitHub and the internet meet it: a real functions-framework process over a real socket."""

import hashlib
import hmac
import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from deployer.webhook import MAX_BODY
from local.function import start_function
from local.leash import Leash

SECRET = "a secret of more than sixteen bytes"
MAIN = Path(__file__).parents[1] / "main.py"


@dataclass(frozen=True)
class Door:
    url: str
    leash: Leash

    def log(self) -> str:
        return (self.leash.folder / "function.log").read_text()


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    folder = tmp_path_factory.mktemp("door")
    config = folder / "config"
    config.mkdir()
    with Leash(folder / "leash") as leash:
        settings = {
            "DEPLOYER_CONFIG": str(config),
            "DEPLOYER_WEBHOOK_SECRET": SECRET,
            "DEPLOYER_GITHUB_TOKEN": "t",
        }
        yield Door(start_function(leash, settings), leash)


def sign(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def push_payload(**changes: Any) -> dict[str, Any]:
    repository = {"clone_url": "https://github.com/acme/shop.git", "default_branch": "main"}
    return {"ref": "refs/heads/main", "before": "1" * 40, "after": "2" * 40, "repository": repository, **changes}


@contextmanager
def connection(door: Door) -> Iterator[http.client.HTTPConnection]:
    with closing(http.client.HTTPConnection(urlsplit(door.url).netloc, timeout=30)) as connection:
        yield connection


def deliver(door: Door, body: bytes, headers: dict[str, str]) -> tuple[int, Any]:
    defaults = {"Content-Type": "application/json", "X-GitHub-Event": "push", "X-Hub-Signature-256": sign(body)}
    with connection(door) as to:
        to.request("POST", "/", body, {**defaults, **headers})
        answer = to.getresponse()
        return answer.status, json.loads(answer.read())


@pytest.mark.parametrize(
    ("headers", "status", "said"),
    [
        ({"X-Hub-Signature-256": sign(b"another body")}, 403, "the signature is wrong"),
        ({"X-Hub-Signature-256": sign(b"{}", "another secret of sixteen")}, 403, "the signature is wrong"),
        ({"X-Hub-Signature-256": "sha256=\u00e4\u00f6"}, 403, "the signature is wrong"),
        ({"X-Hub-Signature-256": ""}, 403, "the signature is wrong"),
        ({"Content-Type": "text/plain"}, 415, "the content type must be application/json"),
        ({"X-GitHub-Event": "ping"}, 200, "pong"),
        ({"X-GitHub-Event": "issues"}, 200, "ignored because issues events start nothing"),
        ({}, 400, "ref is missing"),
    ],
)
def test_a_delivery_gets_the_answer_it_deserves(door: Door, headers: dict[str, str], status: int, said: str) -> None:
    got, answer = deliver(door, b"{}", headers)
    assert got == status
    assert said in json.dumps(answer)


def test_sha_1_alone_is_not_accepted(door: Door) -> None:
    body = b"{}"
    sha1 = "sha1=" + hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest()
    with connection(door) as to:
        to.request("POST", "/", body, {"X-Hub-Signature": sha1, "Content-Type": "application/json"})
        answer = to.getresponse()
        assert answer.status == 403
        assert "there is no X-Hub-Signature-256 header" in answer.read().decode()


def test_a_body_that_says_it_is_too_large_is_not_read(door: Door) -> None:
    with connection(door) as to:
        to.putrequest("POST", "/")
        to.putheader("Content-Length", str(MAX_BODY + 1))
        to.endheaders()  # and nothing is sent
        answer = to.getresponse()
        assert answer.status == 413
        answer.read()


def test_a_body_that_does_not_say_how_large_it_is_is_cut_off(door: Door) -> None:
    chunks = (b"x" * 1024 * 1024 for _ in range(26))
    with connection(door) as to:
        to.request("POST", "/", chunks, {"Transfer-Encoding": "chunked"}, encode_chunked=True)
        answer = to.getresponse()
        assert answer.status == 413
        answer.read()


def test_a_form_is_read_like_json(door: Door) -> None:
    body = f"payload={quote(json.dumps(push_payload()))}".encode()
    status, answer = deliver(door, body, {"Content-Type": "application/x-www-form-urlencoded"})
    assert (status, answer) == (
        200,
        {"ignored": "ignored because no application watches refs/heads/main of acme/shop"},
    )


def test_a_deleted_branch_deploys_nothing(door: Door) -> None:
    body = json.dumps(push_payload(deleted=True, after="0" * 40)).encode()
    status, answer = deliver(door, body, {})
    assert status == 200
    assert "was deleted: that deploys nothing and deletes nothing" in answer["ignored"]


def test_a_broken_configuration_is_told_to_the_log_and_not_to_the_sender(door: Door) -> None:
    broken = door.leash.folder.parent / "config" / "broken.yaml"
    broken.write_text("kind: Gizmo\n")
    try:
        status, answer = deliver(door, json.dumps(push_payload()).encode(), {})
    finally:
        broken.unlink()
    assert (status, answer) == (500, {"error": "the deployer's configuration is not valid; its log says where"})
    assert "broken.yaml, document 1: kind: 'Gizmo'" in door.log()


def test_headers_and_secrets_are_never_logged(door: Door) -> None:
    deliver(door, b"{}", {"X-Hub-Signature-256": "sha256=feedface", "X-GitHub-Hook-Secret": SECRET})
    assert SECRET not in door.log()
    assert "feedface" not in door.log()


@pytest.mark.parametrize(
    ("secret", "said"), [(None, "DEPLOYER_WEBHOOK_SECRET is not set"), ("short", "fewer than 16; make one with")]
)
def test_without_a_good_secret_it_does_not_start(secret: str | None, said: str) -> None:
    environment = {"PATH": "/usr/bin:/bin", **({"DEPLOYER_WEBHOOK_SECRET": secret} if secret else {})}
    done = subprocess.run(
        [*(sys.executable, "-m", "functions_framework", "--target", "webhook"), *("--source", str(MAIN))],
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 1
    assert said in done.stderr


def test_a_rejected_delivery_needs_no_heavy_library() -> None:
    heavy = {"kubernetes", "github", "google.cloud.secretmanager", "yaml"}
    program = f"import sys, main; print(*sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=MAIN.parent, env={"PATH": ""}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""
