"""Which function gets which settings, and what starts with which queue."""

import pytest

from deployer.settings import SETTINGS, load_settings
from local.functions import Queue, of_target
from local.leash import Leash
from local.pubsub import TOPIC

SETTING = {
    "DEPLOYER_CONFIG": "/config",
    "DEPLOYER_WEBHOOK_SECRET": "a secret of sixteen bytes",
    "DEPLOYER_GITHUB_TOKEN": "token",
    "DEPLOYER_GITHUB_API_URL": "http://127.0.0.1:1/api/v3",
    "DEPLOYER_SECRET_MANAGER_ENDPOINT": "127.0.0.1:2",
}
PUBSUB = {
    "DEPLOYER_QUEUE": "pubsub",
    "DEPLOYER_PUBSUB_TOPIC": TOPIC,
    "DEPLOYER_PUBSUB_ENDPOINT": "127.0.0.1:3",
}


def test_with_pubsub_the_public_door_has_its_secret_and_the_topic_alone() -> None:
    assert of_target("webhook", {**SETTING, **PUBSUB}) == {
        "DEPLOYER_WEBHOOK_SECRET": SETTING["DEPLOYER_WEBHOOK_SECRET"],
        **PUBSUB,
    }


def test_inline_the_public_door_runs_the_jobs_itself() -> None:
    assert of_target("webhook", SETTING) == SETTING


@pytest.mark.parametrize("target", ["sync", "reconcile"])
@pytest.mark.parametrize("queue", [{}, PUBSUB])
def test_nobody_else_has_the_secret(target: str, queue: dict[str, str]) -> None:
    everything = {**SETTING, **queue}
    assert {
        **of_target(target, everything),
        "DEPLOYER_WEBHOOK_SECRET": SETTING["DEPLOYER_WEBHOOK_SECRET"],
    } == everything
    assert "DEPLOYER_WEBHOOK_SECRET" not in of_target(target, everything)


def test_the_queue_says_its_settings(leash: Leash) -> None:
    assert Queue().settings(leash) == {}
    settings = Queue("pubsub", endpoint="127.0.0.1:3").settings(leash)
    assert settings == PUBSUB
    assert load_settings(settings).pubsub_topic == TOPIC
    assert settings.keys() <= {setting.name for setting in SETTINGS}
