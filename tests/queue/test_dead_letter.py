import pytest

from deployer.job import Job
from deployer.queue.dead_letter import bury
from deployer.queue.envelope import DEAD_LETTER, Pushed
from deployer.queue.message import of_event, of_job
from deployer.repository import Repository
from deployer.webhook import Event

EVENT = Event("push", Repository("github.com", "acme/shop"), "refs/heads/main", "1" * 40, "2" * 40, "main", None, "d1")


def dead(data: bytes, **attributes: str) -> Pushed:
    return Pushed(data, {DEAD_LETTER: "events", **attributes}, "7", None, "", None, "dead-letters", dead_letter=True)


@pytest.mark.parametrize(
    ("data", "what", "fields"),
    [
        (of_event(EVENT).data, "a push event of acme/shop", {"delivery": "d1"}),
        (
            of_job(Job("shop", "x", "rollback", "d2"), "staging").data,
            "the rollback of application shop",
            {"delivery": "d2", "application": "shop"},
        ),
        (b"c4n4ry", r"a message that cannot be read, as it is malformed (JSONDecodeError)", {}),
    ],
)
def test_it_is_logged_and_done_with(
    data: bytes, what: str, fields: dict[str, str], log: pytest.LogCaptureFixture
) -> None:
    answer, status = bury(dead(data, CloudPubSubDeadLetterSourceDeliveryCount="5"))
    assert (status, list(answer)) == (200, ["ignored"])
    (record,) = log.records
    assert record.levelname == "ERROR"
    assert record.getMessage() == f"subscription events has given up {what} after 5 attempts: see the log of sync then"
    assert record.__dict__["fields"] == {"message_id": "7", **fields}


def test_attempts_that_are_not_told_are_not_made_up(log: pytest.LogCaptureFixture) -> None:
    bury(dead(b""))
    assert "after all attempts" in log.text
