"""Google's Pub/Sub emulator as a process of the world, and the topic and subscriptions that the deployer needs."""

import http.client
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.leash import Leash
from local.ports import free_ports

TOPIC = "projects/local/topics/deployer"
ACK_DEADLINE = 600
"""Seconds, the most that Pub/Sub allows: a push that is not answered by then is sent once more."""

_SUBSCRIPTIONS = "projects/local/subscriptions"
_TIMEOUT = 30.0
_HOW = "install the Google Cloud CLI (https://cloud.google.com/sdk/docs/install) and its part `pubsub-emulator`"
# Started in 1 s instead of 1.3 s; without its performance data, which the JVM keeps outside the world's folder.
_JAVA_OPTIONS = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData"
# Enough of https://cloud.google.com/pubsub/docs/subscription-message-filter for the filters of our subscriptions.
_TERM = re.compile(r'(?P<no>NOT )?attributes(?::(?P<has>[\w-]+)|\.(?P<key>[\w-]+) (?P<sign>!?=) "(?P<value>[^"]*)")')


class MissingError(RuntimeError):
    """The emulator, or what it needs, is not on this machine; the text says what to install."""


@dataclass(frozen=True)
class Subscription:
    """A push subscription to the topic: its full name, the messages that it wants, and whether keys order them."""

    name: str
    filter: str
    ordered: bool = True


def subscriptions(clusters: Sequence[str]) -> list[Subscription]:
    """Return the subscriptions of a world: for events, for the jobs of each cluster, and for those of any other.

    The last is for a Cluster that is configured while the world is up.
    """
    others = "".join(f' AND attributes.cluster != "{cluster}"' for cluster in clusters)
    return [
        Subscription(f"{_SUBSCRIPTIONS}/events", "NOT attributes:cluster", ordered=False),
        *(Subscription(f"{_SUBSCRIPTIONS}/cluster-{one}", f'attributes.cluster = "{one}"') for one in clusters),
        Subscription(f"{_SUBSCRIPTIONS}/other-clusters", f"attributes:cluster{others}"),
    ]


def passes(text: str, attributes: Mapping[str, str]) -> bool:
    """Tell whether a filter lets a message through that has these attributes; an empty filter lets all through.

    Raises:
        ValueError: the filter is none of the simple ones that are known here: terms with `AND` between them.
    """
    return all(_holds(term, attributes) for term in text.split(" AND ")) if text else True


def _holds(term: str, attributes: Mapping[str, str]) -> bool:
    found = _TERM.fullmatch(term)
    if not found:
        raise ValueError(f"{term!r} is no filter that is known here")
    if found["has"]:
        holds = found["has"] in attributes
    else:
        holds = (attributes.get(found["key"]) == found["value"]) == (found["sign"] == "=")
    return holds != bool(found["no"])


def find_emulator() -> Path:
    """Return the emulator's launcher, which gcloud knows the place of.

    Raises:
        MissingError: gcloud, its emulator or Java is not installed.
    """
    gcloud = shutil.which("gcloud")
    if gcloud is None:
        raise MissingError(f"gcloud is missing, whose Pub/Sub emulator the pubsub queue needs: {_HOW}")
    asked = [gcloud, "info", "--format=value(installation.sdk_root)"]
    root = subprocess.run(asked, capture_output=True, text=True, timeout=_TIMEOUT).stdout.strip()
    launcher = Path(root, "platform", "pubsub-emulator", "bin", "cloud-pubsub-emulator")
    if not root or not launcher.exists():
        raise MissingError(f"gcloud has no Pub/Sub emulator, which the pubsub queue needs: {_HOW}")
    if not os.environ.get("JAVA_HOME") and not shutil.which("java"):
        raise MissingError("java is missing, which the Pub/Sub emulator needs: install a Java runtime, 11 or later")
    return launcher


def start_emulator(leash: Leash) -> str:
    """Start the emulator, and wait until it answers.

    Its own launcher is started, not `gcloud beta emulators pubsub start`: that leaves the leash's process group.

    Returns:
        Where it is: HOST:PORT.

    Raises:
        MissingError: it is not installed.
        RuntimeError: it ended, or did not answer within half a minute; with the end of its log.
    """
    launcher = find_emulator()
    (port,) = free_ports(1)
    endpoint = f"127.0.0.1:{port}"
    environment = {**os.environ, "JAVA_OPTS": _JAVA_OPTIONS}
    emulator = leash.run("pubsub", [str(launcher), "--host=127.0.0.1", f"--port={port}"], env=environment)
    deadline = time.monotonic() + _TIMEOUT
    while not _answers(endpoint):
        if emulator.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the Pub/Sub emulator did not start; its log ends with:\n{leash.tail('pubsub')}")
        time.sleep(0.05)
    return endpoint


def create(endpoint: str, push_to: str, wanted: Sequence[Subscription]) -> None:
    """Make the topic, and its subscriptions, which push to an address.

    Raises:
        RuntimeError: Pub/Sub refused; with its reason.
    """
    _put(endpoint, TOPIC, {})
    for one in wanted:
        subscription = {
            "topic": TOPIC,
            "pushConfig": {"pushEndpoint": push_to},
            "ackDeadlineSeconds": ACK_DEADLINE,
            "filter": one.filter,
            "enableMessageOrdering": one.ordered,
        }
        _put(endpoint, one.name, subscription)


def _put(endpoint: str, name: str, body: Mapping[str, Any]) -> None:
    with closing(http.client.HTTPConnection(endpoint, timeout=_TIMEOUT)) as connection:
        connection.request("PUT", f"/v1/{name}", json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read().decode()
        if answer.status != http.client.OK:
            raise RuntimeError(f"Pub/Sub at {endpoint} did not make {name}: {answer.status} {text}")


def _answers(endpoint: str) -> bool:
    with closing(http.client.HTTPConnection(endpoint, timeout=5)) as connection:
        try:
            connection.request("GET", "/")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
