"""Google's Pub/Sub emulator as the world has it, and which subscription wants which message."""

import base64
import http.client
import json
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.front import Front
from local.leash import Leash
from local.pubsub import TOPIC, MissingError, Subscription, create, find_emulator, passes, start_emulator, subscriptions
from tests.local import instances
from tests.local.instances import seen

NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True)


def ask(endpoint: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    with closing(http.client.HTTPConnection(endpoint, timeout=20)) as connection:
        connection.request(method, f"/v1/{path}", json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def publish(endpoint: str, text: str, key: str = "", **attributes: str) -> None:
    message = {"data": base64.b64encode(text.encode()).decode(), "attributes": attributes, "orderingKey": key}
    assert ask(endpoint, "POST", f"{TOPIC}:publish", {"messages": [message]})[0] == 200


def wait_for(folder: Path, count: int) -> list[dict[str, Any]]:
    deadline = time.monotonic() + 20
    while len(found := seen(folder)) < count:
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return found


@given(st.lists(NAMES, min_size=1, max_size=4, unique=True), st.none() | NAMES)
def test_each_message_is_for_one_subscription(clusters: list[str], cluster: str | None) -> None:
    attributes = {} if cluster is None else {"cluster": cluster}
    wanted = [one.name.rpartition("/")[2] for one in subscriptions(clusters) if passes(one.filter, attributes)]
    assert wanted == [
        "events" if cluster is None else f"cluster-{cluster}" if cluster in clusters else "other-clusters"
    ]


def test_jobs_are_ordered_and_events_are_not() -> None:
    assert [one.ordered for one in subscriptions(["staging"])] == [False, True, True]


@pytest.mark.parametrize(
    ("text", "attributes", "through"),
    [
        ("", {}, True),
        ("attributes:a", {"a": ""}, True),
        ("attributes:a", {"b": "a"}, False),
        ("NOT attributes:a", {"b": "a"}, True),
        ('attributes.a = "1"', {"a": "1"}, True),
        ('attributes.a = "1"', {"a": "2"}, False),
        ('attributes.a != "1"', {"a": "2"}, True),
        ('NOT attributes.a = "1"', {"a": "1"}, False),
        ('attributes:a AND attributes.a != "1"', {"a": "1"}, False),
        ('attributes:a AND attributes.a != "1"', {}, False),
    ],
)
def test_a_filter(text: str, attributes: dict[str, str], through: bool) -> None:
    assert passes(text, attributes) is through


@pytest.mark.parametrize("text", ["attributes", 'hasPrefix(attributes.a, "b")', "attributes:a OR attributes:b"])
def test_a_filter_that_is_not_known_is_no_filter(text: str) -> None:
    with pytest.raises(ValueError, match="is no filter that is known here"):
        passes(text, {"a": "b"})


def test_messages_go_where_they_belong(emulator: Path, leash: Leash) -> None:
    endpoint = start_emulator(leash)
    wanted = subscriptions(["staging", "production"])
    with Front(instances.start(leash, "one"), filters={one.name: one.filter for one in wanted}) as front:
        create(endpoint, front.url, wanted)
        publish(endpoint, "an event")
        publish(endpoint, "a job", "shop", cluster="staging")
        publish(endpoint, "another", "shop", cluster="elsewhere")
        wait_for(leash.folder, 3)
        time.sleep(0.5)  # whatever else would come
    found = {base64.b64decode(one["message"]["data"]).decode(): one["subscription"] for one in seen(leash.folder)}
    assert len(seen(leash.folder)) == 3
    assert found == {
        "an event": "projects/local/subscriptions/events",
        "a job": "projects/local/subscriptions/cluster-staging",
        "another": "projects/local/subscriptions/other-clusters",
    }


def test_the_subscriptions_are_as_on_google_cloud(emulator: Path, leash: Leash) -> None:
    endpoint = start_emulator(leash)
    create(endpoint, "http://127.0.0.1:9/", [Subscription("projects/local/subscriptions/one", "attributes:a")])
    made = ask(endpoint, "GET", "projects/local/subscriptions/one")[1]
    assert (made["topic"], made["pushConfig"]) == (TOPIC, {"pushEndpoint": "http://127.0.0.1:9/"})
    assert (made["ackDeadlineSeconds"], made["filter"], made["enableMessageOrdering"]) == (600, "attributes:a", True)
    with pytest.raises(RuntimeError, match=rf"did not make {TOPIC}: 409 .*already exists"):
        create(endpoint, "http://127.0.0.1:9/", [])


def test_it_listens_on_loopback_and_ends_with_its_leash(emulator: Path, tmp_path: Path) -> None:
    with Leash(tmp_path / "leash") as leash:
        port = start_emulator(leash).rpartition(":")[2]
        assert listening(int(port)) in ({"0100007F"}, {"0000000000000000FFFF00000100007F"})  # 127.0.0.1, as v4 or v6
        assert any(f"--port={port}".encode() in command for command in commands())
    assert not any(f"--port={port}".encode() in command for command in commands())


def listening(port: int) -> set[str]:
    """The local addresses, as /proc writes them, that something listens on at a port."""
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return {row[1].partition(":")[0] for row in rows if row[3] == "0A" and int(row[1].partition(":")[2], 16) == port}


def commands() -> list[bytes]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            found.append((entry / "cmdline").read_bytes())
        except OSError:  # it has just ended
            continue
    return found


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing on it but a `sh`."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "sh").symlink_to("/bin/sh")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    return folder


def put(program: Path, script: str) -> None:
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_without_gcloud_it_says_what_to_install(path: Path) -> None:
    with pytest.raises(MissingError, match=r"gcloud is missing, .*install the Google Cloud CLI"):
        find_emulator()


@pytest.mark.parametrize("root", ["", "/nowhere"])
def test_without_the_emulator_it_says_what_to_install(path: Path, root: str) -> None:
    put(path / "gcloud", f"echo '{root}'")
    with pytest.raises(MissingError, match=r"gcloud has no Pub/Sub emulator, .*its part `pubsub-emulator`"):
        find_emulator()


def test_without_java_it_says_what_to_install(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(path / "gcloud", f"echo '{tmp_path}'")
    launcher = tmp_path / "platform" / "pubsub-emulator" / "bin" / "cloud-pubsub-emulator"
    put(launcher, "true")
    with pytest.raises(MissingError, match=r"java is missing, .*install a Java runtime"):
        find_emulator()
    monkeypatch.setenv("JAVA_HOME", "/somewhere")
    assert find_emulator() == launcher


def test_one_that_does_not_start_shows_its_log(path: Path, tmp_path: Path, leash: Leash) -> None:
    put(path / "gcloud", f"echo '{tmp_path}'")
    put(path / "java", "true")
    put(tmp_path / "platform" / "pubsub-emulator" / "bin" / "cloud-pubsub-emulator", 'echo "no memory: $1"; exit 3')
    with pytest.raises(RuntimeError, match=r"did not start; its log ends with:\nno memory: --host=127\.0\.0\.1"):
        start_emulator(leash)
