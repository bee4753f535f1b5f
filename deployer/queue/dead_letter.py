"""Dead letters: messages that Pub/Sub has given up after the attempts of their subscription.

https://cloud.google.com/pubsub/docs/handling-failures#dead_letter_topic
"""

from typing import Any

from deployer.job import Job
from deployer.queue.envelope import DEAD_LETTER, Pushed
from deployer.queue.message import UnreadableError, parse
from deployer.report import log

_COUNT = "CloudPubSubDeadLetterSourceDeliveryCount"


def bury(pushed: Pushed) -> tuple[dict[str, Any], int]:
    """Log a dead letter as an error; returns the answer, which keeps Pub/Sub from pushing it again.

    Nothing else is to be done: the next reconcile looks at every application in any case.
    """
    about: dict[str, Any] = {"message_id": pushed.message_id}
    try:
        content = parse(pushed.data)
    except UnreadableError as error:
        what = f"a message that cannot be read, as {error}"
    else:
        about["delivery"] = content.delivery
        if isinstance(content, Job):
            what = f"the {content.action} of application {content.application}"
            about["application"] = content.application
        else:
            what = f"a {content.kind} event of {content.repository}"
    where, count = pushed.attributes[DEAD_LETTER], pushed.attributes.get(_COUNT, "all")
    log.error(f"subscription {where} has given up {what} after {count} attempts: see the log of sync then", **about)
    return {"ignored": "a dead letter; it is logged"}, 200
