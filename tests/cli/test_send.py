"""`deployer send`: real processes, to the world's function and to a receiver that shows what was sent."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from deployer.cli import cli
from deployer.webhook import Ping, read_delivery
from tests.cli.conftest import DEPLOYER, Run, environment
from tests.local.github.helpers import Received, Receiver
from tests.world import Bench, config_map

Deployer = Callable[..., subprocess.CompletedProcess[str]]
SECRET = "s3cret-s3cret-s3cret"
FILES = {"a.yaml": config_map("a")}
AFTER = "2" * 40


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def send(run: Run, receiver: Receiver) -> Run:
    """`deployer send` to the receiver, with a secret and no other settings."""

    def send(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        return run("send", *arguments, "--url", receiver.url, **{"DEPLOYER_WEBHOOK_SECRET": SECRET, **changes})

    return send


def said(received: Received) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads(received.body)
    return payload


def test_a_ping_is_signed_with_the_secret_of_the_settings(send: Run, receiver: Receiver) -> None:
    done = send("ping")
    assert (done.returncode, done.stderr) == (0, "")
    (received,) = receiver.received
    assert read_delivery(received.headers, received.body, [SECRET.encode()]) == Ping()
    assert received.headers["x-github-delivery"] in done.stdout
    assert said(received)["hook"]["config"]["url"] == receiver.url
    assert json.loads(done.stdout.partition("\n")[2]) == {"ok": True}
    assert SECRET not in done.stdout


def test_a_mounted_secret_signs_too(send: Run, receiver: Receiver, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET + "\n")
    assert send("ping", DEPLOYER_WEBHOOK_SECRET=f"file:{tmp_path}/secret").returncode == 0
    (received,) = receiver.received
    assert read_delivery(received.headers, received.body, [SECRET.encode()]) == Ping()


def test_json_is_one_document(send: Run, receiver: Receiver) -> None:
    receiver.status, receiver.text = 413, "too large"
    done = send("ping", "-o", "json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert set(document) == {"status", "body", "delivery", "seconds"}
    assert (document["status"], document["body"]) == (413, "too large")
    assert document["delivery"] == receiver.received[0].headers["x-github-delivery"]
    assert 0 < document["seconds"] < 10


@pytest.mark.parametrize(
    ("status", "text", "advice"),
    [
        (403, '{"error": "the signature is wrong"}', "the function has another secret"),
        (500, '{"error": "the configuration is not valid"}', "the function's log says more"),
        (403, "<html>Forbidden</html>", "everybody may call the function"),
        (302, "", "check --url"),
    ],
)
def test_an_answer_that_is_no_success_says_what_to_do(
    send: Run, receiver: Receiver, status: int, text: str, advice: str
) -> None:
    receiver.status, receiver.text = status, text
    done = send("ping")
    assert done.returncode == 1
    assert done.stdout.startswith(f"{status} after ")
    assert f"error: the function answered {status}" in done.stderr
    assert advice in done.stderr


def test_nobody_there(run: Run) -> None:
    done = run("send", "ping", "--url", "http://127.0.0.1:1", "-o", "json", DEPLOYER_WEBHOOK_SECRET=SECRET)
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert (document["status"], document["body"], document["seconds"]) == (None, None, None)
    assert "http://127.0.0.1:1 cannot be reached" in done.stderr


def test_the_time_to_wait_can_be_set(send: Run, receiver: Receiver) -> None:
    receiver.delay = 1.3
    done = send("ping", "--timeout", "1")
    assert done.returncode == 1
    assert "did not answer within 1 s" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "changes", "named"),
    [
        (("ping",), {}, "--url"),
        (("ping", "--url", "http://example.com"), {}, "unprotected"),
        (("ping", "--url", "http://127.0.0.1:1"), {"DEPLOYER_WEBHOOK_SECRET": ""}, "DEPLOYER_WEBHOOK_SECRET"),
        (("ping", "--url", "http://127.0.0.1:1"), {"DEPLOYER_WEBHOOK_SECRET": "short"}, "has 5 bytes"),
        (("ping", "--url", "http://127.0.0.1:1"), {"DEPLOYER_NOTHING": "x"}, "DEPLOYER_NOTHING is no setting"),
        (("push", "--url", "http://127.0.0.1:1"), {}, "an APP or a --repository"),
        (("push", "shop", "--repository", "https://github.com/acme/shop", "--url", "http://127.0.0.1:1"), {}, "either"),
        (("push", "shop", "--url", "http://127.0.0.1:1"), {}, "DEPLOYER_CONFIG is not set"),
        (("push", "--repository", "nothing", "--url", "http://127.0.0.1:1"), {}, "--repository is not the address"),
        (("push", "--repository", "https://github.com/a/b", "--after", "2", "--url", "http://127.0.0.1:1"), {}, "40"),
        (
            ("push", "--repository", "https://github.com/a/b", "--url", "http://127.0.0.1:1"),
            {},
            "only GitHub knows: set DEPLOYER_GITHUB_TOKEN, or DEPLOYER_GITHUB_APP_ID and DEPLOYER_GITHUB_APP_KEY, or",
        ),
        (
            ("push", "--repository", "https://github.com/a/b", "--ref", "a..b", "--url", "http://127.0.0.1:1"),
            {},
            "no name of a branch",
        ),
        (
            ("push", "--repository", "https://github.com/a/b", "--url", "http://127.0.0.1:1"),
            {"DEPLOYER_GITHUB_TOKEN": "t", "DEPLOYER_GITHUB_API_URL": "http://127.0.0.1:1/api/v3"},
            "a/b is at github.com, and 127.0.0.1:1 is asked",
        ),
    ],
)
def test_bad_input_is_told_before_anything_is_sent(
    arguments: tuple[str, ...], changes: dict[str, str], named: str
) -> None:
    environ = {"DEPLOYER_WEBHOOK_SECRET": SECRET, **changes}
    for output in ((), ("-o", "json")):
        done = CliRunner().invoke(cli, ["send", *arguments, *output], env=environ)
        assert (done.exit_code, done.stdout) == (2, "")
        assert named in done.stderr
        assert SECRET not in done.stderr


@pytest.mark.parametrize("command", ["ping", "push"])
def test_the_help_says_when_there_is_a_document(command: str) -> None:
    told = CliRunner().invoke(cli, ["send", command, "--help"]).stdout
    assert "Print one JSON document, once there is a delivery." in " ".join(told.split())


def test_without_github_all_that_matters_is_given(send: Run, receiver: Receiver) -> None:
    done = send(
        *("push", "--repository", "git@github.com:acme/shop.git"),
        *("--ref", "refs/tags/v1", "--before", "1" * 40, "--after", AFTER),
    )
    assert done.returncode == 0, done.stderr
    payload = said(receiver.received[0])
    assert receiver.received[0].headers["x-github-event"] == "push"
    assert (payload["ref"], payload["before"], payload["after"]) == ("refs/tags/v1", "1" * 40, AFTER)
    assert payload["repository"]["clone_url"] == "https://github.com/acme/shop.git"
    assert payload["repository"]["default_branch"] == "main"


@pytest.fixture
def ready(bench: Bench) -> Bench:
    """An application whose pushes start nothing by themselves."""
    bench.world.github.wait_for_delivery(bench.push(FILES))
    return bench


@pytest.mark.parametrize(
    ("target_revision", "option", "ref"),
    [
        ("main", (), "refs/heads/main"),
        ("HEAD", (), "refs/heads/main"),
        ("v1", (), "refs/tags/v1"),
        ("refs/heads/main", (), "refs/heads/main"),
        ("^1.2", (), "refs/tags/v1.10.0"),
        ("main", ("--ref", "next"), "refs/heads/next"),
    ],
)
def test_what_an_application_watches_is_asked_of_github(
    deployer: Deployer, receiver: Receiver, ready: Bench, target_revision: str, option: tuple[str, ...], ref: str
) -> None:
    ready.configure(targetRevision=target_revision)
    ready.clone.git("tag", "-a", "v1", "-m", "first")
    ready.clone.git("tag", "v1.10.0")
    ready.clone.git("tag", "v1.9.0")
    ready.clone.git("branch", "next")
    ready.clone.push("--tags", "next")
    done = deployer("send", "push", ready.name, *option, "--url", receiver.url)
    assert done.returncode == 0, done.stderr
    payload = said(receiver.received[0])
    # Of an annotated tag, GitHub tells the tag object.
    assert (payload["ref"], payload["after"]) == (ref, ready.clone.git("rev-parse", ref))
    assert payload["before"] == "0" * 40
    host = ready.world.github.git_url.removeprefix("http://")
    assert payload["repository"]["clone_url"] == f"https://{host}/{ready.repository}.git"


def test_a_ref_that_github_does_not_know(deployer: Deployer, receiver: Receiver, ready: Bench) -> None:
    ready.configure()
    done = deployer("send", "push", ready.name, "--ref", "nowhere", "--url", receiver.url)
    assert (done.returncode, receiver.received) == (2, [])
    assert f"{ready.repository} has no branch or tag nowhere" in done.stderr


def test_a_token_that_github_refuses(deployer: Deployer, receiver: Receiver, ready: Bench) -> None:
    ready.configure()
    done = deployer("send", "push", ready.name, "--url", receiver.url, DEPLOYER_GITHUB_TOKEN="wr0ng")
    assert (done.returncode, receiver.received) == (1, [])
    assert "refused the token (401" in done.stderr


def test_a_token_that_may_not_read(deployer: Deployer, receiver: Receiver, ready: Bench) -> None:
    ready.configure()
    ready.world.github.tokens.add("github_pat_blind", permissions={})
    done = deployer("send", "push", ready.name, "--url", receiver.url, DEPLOYER_GITHUB_TOKEN="github_pat_blind")
    assert (done.returncode, receiver.received) == (1, [])
    assert "contents=read" in done.stderr


def test_a_push_to_the_function_deploys_what_the_ref_points_at(deployer: Deployer, ready: Bench) -> None:
    ready.configure()
    done = deployer("send", "push", ready.name, "--after", AFTER, "-o", "json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["body"] == {"applications": [{"application": ready.name, "outcome": "succeeded"}]}
    assert ready.statuses(ready.clone.head())[-1][0] == "success", "not what the delivery says"
    assert document["delivery"] in ready.log()


def test_the_function_is_asked_where_the_local_world_says(deployer: Deployer) -> None:
    done = deployer("send", "ping")
    assert done.returncode == 0
    assert json.loads(done.stdout.partition("\n")[2]) == {"message": "pong"}


def test_another_secret_than_the_functions(deployer: Deployer) -> None:
    done = deployer("send", "ping", DEPLOYER_WEBHOOK_SECRET=SECRET)
    assert done.returncode == 1
    assert "the function has another secret" in done.stderr


@pytest.mark.parametrize(("command", "count"), [((), 2), (("ping",), 2), (("push",), 3)])
def test_the_examples_of_the_help_work(
    deployer: Deployer, bench: Bench, tmp_path: Path, command: tuple[str, ...], count: int
) -> None:
    bench.deploy(FILES)
    text = deployer("send", *command, "--help").stdout
    assert "..." not in text.split("Options:")[1].replace("[ARGS]...", ""), "no sentence is cut off"
    below = text.split("Examples:\n")[1].split("\n\n")[0].replace("\\\n", "")
    commands = [" ".join(line.split()) for line in below.splitlines()]
    assert len(commands) == count
    (tmp_path / "deployer").write_text(f'#!/bin/sh\nexec {" ".join(DEPLOYER)} "$@"\n')
    (tmp_path / "deployer").chmod(0o700)
    env = environment(bench.world.exports)
    env["PATH"] = f"{tmp_path}{os.pathsep}{env['PATH']}"
    for line in commands:
        # The documentation's own application and address are not in the world.
        there = line.replace("shop", bench.name, 1) if "push shop" in line else line
        there = there.replace("https://deployer.example.com", bench.world.exports["DEPLOYER_LOCAL_WEBHOOK_URL"])
        done = subprocess.run(["sh", "-c", there], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{there}\n{done.stderr}"


def test_no_secret_is_taken_from_the_command_line(run: Run) -> None:
    """Everybody on the machine could read it there."""
    for command in ("ping", "push"):
        assert "secret" not in run("send", command, "--help").stdout.split("Options:")[1].lower()
