"""Pub/Sub: whether the topic that events and jobs travel through takes what is published."""

from deployer.cli.checks.section import Section
from deployer.errors import QueueError
from deployer.queue.publisher import publisher_of
from deployer.settings import Settings

_SECONDS = 10.0
_ACK = 600
"""Seconds that Pub/Sub waits for an answer at most (https://cloud.google.com/pubsub/docs/lease-management)."""

_ROLE = "roles/pubsub.publisher"


def check_queue(section: Section, settings: Settings) -> None:
    """Check the settings of the pubsub queue, and the way to its topic."""
    if settings.request_timeout > _ACK:
        section.warn(
            "request timeout",
            f"DEPLOYER_REQUEST_TIMEOUT is {settings.request_timeout} s, but Pub/Sub sends a message once more that is "
            f"not acknowledged after {_ACK} s",
            f"set it, and the timeout of the function, to {_ACK} or less: a longer rollout is settled by reconcile",
        )
    topic = settings.pubsub_topic
    try:
        allowed = publisher_of(settings).may_publish(_SECONDS)
    except QueueError as error:
        if settings.pubsub_endpoint and error.status:
            section.skip(topic, f"the emulator at {settings.pubsub_endpoint} does not say who may publish")
        else:
            section.fail(
                topic, str(error), f"a topic is made with `gcloud pubsub topics create`, and {_ROLE} given on it"
            )
        return
    if allowed:
        section.ok(topic, "whoever runs this may publish there, as `webhook`, `sync` and `reconcile` must")
    else:
        section.fail(
            topic,
            "whoever runs this may not publish there, or there is no such topic",
            f"give the accounts of `webhook`, `sync` and `reconcile`, and who syncs by hand, {_ROLE} on it",
        )
