"""The log's two forms, as a process writes them."""

import json
import os
import pty
import subprocess
import sys
from datetime import UTC, datetime, timedelta

PROGRAM = """
from deployer.report import log
log.configure()
log.configure()
log.info("synced", application="shop", revision="1a2b3c4", duration=4.2, delivery="")
log.warning("slow", application="shop")
try:
    {}["missing"]
except KeyError:
    log.error("broken", trace=True)
"""


def test_a_machine_gets_one_json_line_an_event() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    synced, slow, broken = [json.loads(line) for line in done.stderr.splitlines()]
    time = datetime.fromisoformat(synced.pop("time"))
    assert timedelta() <= datetime.now(UTC) - time < timedelta(minutes=1)
    assert synced == {
        "severity": "INFO",
        "message": "synced",
        "application": "shop",
        "revision": "1a2b3c4",
        "duration": 4.2,
    }, "an empty field is left out"
    assert (slow["severity"], slow["message"]) == ("WARNING", "slow")
    assert broken["severity"] == "ERROR"
    assert "KeyError: 'missing'" in broken["message"]


FLOOD = """
import time
from deployer.report import log
log.configure()
for _ in range(1000):
    log.seldom("rejected", delivery="first")
    log.seldom("another")
time.sleep(1)
log.seldom("rejected", delivery="last")
"""


def test_what_anybody_can_cause_does_not_fill_the_log() -> None:
    done = subprocess.run([sys.executable, "-c", FLOOD], capture_output=True, text=True, check=True)
    lines = [(line["message"], line.get("delivery")) for line in map(json.loads, done.stderr.splitlines())]
    assert lines == [
        ("rejected", "first"),
        ("another", None),
        ("rejected (999 more since the last such line)", "last"),
    ]


HIDING = """
from deployer.report import log
log.configure()
log.hide('s3cret"of\\\\mine', "")
log.info('the s3cret"of\\\\mine', token='s3cret"of\\\\mine')
try:
    int('s3cret"of\\\\mine')
except ValueError:
    log.error("broken", trace=True)
"""


def test_what_is_hidden_shows_in_no_line() -> None:
    done = subprocess.run([sys.executable, "-c", HIDING], capture_output=True, text=True, check=True)
    assert "s3cret" not in done.stderr
    line, broken = map(json.loads, done.stderr.splitlines())
    assert (line["message"], line["token"]) == ("the ***", "***")
    assert "ValueError" in broken["message"]


ENDING = """
import time
from deployer.report import log
log.configure()
log.hide("for-ever", "for-ever-as-well")
log.hide("for-ever-as-well", lasts=0.01)
for number in range(2000):
    log.hide(f"ended-{number}", lasts=0.01)
time.sleep(0.05)
log.hide("good-still", lasts=3600)
log.info("for-ever for-ever-as-well good-still ended-7")
log.info(str(len(log._hidden)))
"""


def test_what_has_ended_is_forgotten() -> None:
    """Else each token that an App makes in a year would be looked for in each line."""
    done = subprocess.run([sys.executable, "-c", ENDING], capture_output=True, text=True, check=True)
    shown, count = (json.loads(line)["message"] for line in done.stderr.splitlines())
    assert (shown, count) == ("*** *** *** ended-7", "3")


def test_a_person_gets_text() -> None:
    ours, theirs = pty.openpty()
    subprocess.run([sys.executable, "-c", PROGRAM], stderr=theirs, check=True)
    os.close(theirs)
    text = b""
    while True:
        try:
            text += os.read(ours, 65536)
        except OSError:  # how a pseudo-terminal says that its other side is closed
            break
    os.close(ours)
    lines = text.decode().splitlines()
    assert lines[0].endswith("INFO    synced  application=shop revision=1a2b3c4 duration=4.2")
    assert lines[-1] == "KeyError: 'missing'"
