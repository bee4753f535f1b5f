"""What the doctor says of the pubsub queue: Google's own address by way of a proxy, and emulators."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployer.cli.checks.queue import check_queue
from deployer.cli.checks.section import Check, Section
from deployer.settings import Settings
from local.ports import free_ports
from tests.cli.clinic import Clinic
from tests.google_apis import Answer, Tunnel, as_an_account
from tests.push_server import PushServer

TOPIC = "projects/acme/topics/deployer"
ASKED = f"/v1/{TOPIC}:testIamPermissions"


@pytest.fixture
def google(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tunnel]:
    with as_an_account(tmp_path, monkeypatch) as google:
        yield google


def checks(settings: Settings) -> dict[str, Check]:
    section = Section("Pub/Sub")
    check_queue(section, settings)
    return {check.name: check for check in section.checks}


def settings(number: int, endpoint: str = "") -> Settings:
    """Settings of a test's own: a process keeps its publisher for those that are alike."""
    return Settings(queue="pubsub", pubsub_topic=TOPIC, pubsub_endpoint=endpoint, request_timeout=number)


def test_who_may_publish_is_well(google: Tunnel) -> None:
    google.answers[":testIamPermissions"] = [Answer(200, {"permissions": ["pubsub.topics.publish"]})]
    assert checks(settings(101))[TOPIC].status == "ok"
    (seen,) = google.asked(":testIamPermissions")
    assert (seen.method, seen.path) == ("POST", ASKED)
    assert json.loads(seen.body) == {"permissions": ["pubsub.topics.publish"]}
    assert seen.headers["authorization"] == "Bearer ya29.first"
    assert google.published == [], "nothing is written anywhere"


def test_who_may_not_is_told_which_role(google: Tunnel) -> None:
    # Of a topic that is not there, Google says the same.
    google.answers[":testIamPermissions"] = [Answer(200, {})]
    check = checks(settings(102))[TOPIC]
    assert (check.status, "may not publish there, or there is no such topic" in check.message) == ("failed", True)
    assert "roles/pubsub.publisher" in check.hint


def test_what_google_refuses_is_told(google: Tunnel) -> None:
    google.answers[":testIamPermissions"] = [Answer(403, {"error": {"code": 403, "message": "no"}})]
    check = checks(settings(103))[TOPIC]
    assert (check.status, "403 (no)" in check.message) == ("failed", True)


def test_an_emulator_that_does_not_say_is_no_fault() -> None:
    with PushServer() as server:
        check = checks(settings(104, server.endpoint))[TOPIC]
    assert (check.status, "does not say who may publish" in check.message) == ("skipped", True)


def test_an_emulator_that_is_not_there_is() -> None:
    (port,) = free_ports(1)
    check = checks(settings(105, f"127.0.0.1:{port}"))[TOPIC]
    assert (check.status, "cannot be reached" in check.message) == ("failed", True)


def test_a_request_that_may_take_longer_than_pubsub_waits() -> None:
    with PushServer() as server:
        found = checks(settings(601, server.endpoint))
        assert found["request timeout"].status == "warning"
        assert "601 s" in found["request timeout"].message
        assert "request timeout" not in checks(settings(600, server.endpoint))


def test_the_doctor_has_a_section_for_it(clinic: Clinic) -> None:
    with PushServer() as server:
        found = clinic.examine(
            DEPLOYER_QUEUE="pubsub", DEPLOYER_PUBSUB_TOPIC=TOPIC, DEPLOYER_PUBSUB_ENDPOINT=server.endpoint
        )
    assert found.of("settings", "queue")[0] == "ok"
    assert found.statuses("Pub/Sub") == {TOPIC: "skipped"}
    assert "Pub/Sub" not in {section for section, _ in clinic.examine().checks}
