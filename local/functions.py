"""The functions of a world: the entry points of `main.py`, each with the settings that it needs and no others."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

from local.front import Front
from local.function import Function
from local.leash import Leash
from local.pubsub import TOPIC, create, start_emulator, subscriptions

# What is behind the public door can be reached through it, once somebody finds a way: with the pubsub queue that is one
# secret, and the topic that it may publish to. GitHub's token and the clusters' credentials are behind none.
_OF_WEBHOOK = (
    "DEPLOYER_WEBHOOK_SECRET",
    "DEPLOYER_QUEUE",
    "DEPLOYER_PUBSUB_TOPIC",
    "DEPLOYER_PUBSUB_ENDPOINT",
)


@dataclass(frozen=True)
class Queue:
    """How jobs travel in a world.

    With `name` "pubsub", `sync` has so many instances, and each takes so many requests at once. `endpoint` is the
    HOST:PORT of a Pub/Sub that is there already; where it is empty, Google's emulator is started.
    """

    name: str = "inline"
    instances: int = 2
    concurrency: int = 4
    endpoint: str = ""

    @property
    def pubsub(self) -> bool:
        """Whether jobs travel through Pub/Sub."""
        return self.name == "pubsub"

    def settings(self, leash: Leash) -> dict[str, str]:
        """Return its settings, once there is a Pub/Sub.

        Raises:
            MissingError: Google's emulator is to be started, and not installed.
            RuntimeError: it does not start; with the end of its log.
        """
        if not self.pubsub:
            return {}
        return {
            "DEPLOYER_QUEUE": self.name,
            "DEPLOYER_PUBSUB_TOPIC": TOPIC,
            "DEPLOYER_PUBSUB_ENDPOINT": self.endpoint or start_emulator(leash),
        }


@dataclass(frozen=True)
class Functions:
    """The functions that run: the addresses of `webhook` and `reconcile`, and what is before `sync` if that runs."""

    webhook: str
    reconcile: str
    sync: Front | None


def start_functions(
    stack: ExitStack, leash: Leash, settings: Mapping[str, str], clusters: Sequence[str], queue: Queue
) -> Functions:
    """Start the functions, and with the pubsub queue let its subscriptions push to `sync`.

    Args:
        stack: what ends the front of `sync`.
        leash: what ends the processes.
        settings: all `DEPLOYER_` variables.
        clusters: their names.
        queue: how jobs travel.

    Raises:
        RuntimeError: one does not start, with the end of its log; or Pub/Sub refuses the subscriptions.
    """
    webhook = Function(leash, of_target("webhook", settings), "webhook", "function")
    reconcile = Function(leash, of_target("reconcile", settings), "reconcile", "reconcile")
    logs = ["sync", *(f"sync-{number}" for number in range(2, queue.instances + 1))] if queue.pubsub else []
    instances = [Function(leash, of_target("sync", settings), "sync", log, queue.concurrency) for log in logs]
    with ThreadPoolExecutor(len(logs) + 2) as pool:
        list(pool.map(Function.start, [webhook, reconcile, *instances]))
    if not instances:
        return Functions(webhook.url, reconcile.url, None)
    wanted = subscriptions(clusters)
    sync = stack.enter_context(Front(instances, queue.concurrency, {one.name: one.filter for one in wanted}))
    create(settings["DEPLOYER_PUBSUB_ENDPOINT"], sync.url, wanted)
    return Functions(webhook.url, reconcile.url, sync)


def of_target(target: str, settings: Mapping[str, str]) -> dict[str, str]:
    """Return the settings that an entry point gets.

    With the inline queue `webhook` runs the jobs itself, so that it needs all of them. Nobody else gets its secret.
    """
    if target != "webhook":
        return {name: value for name, value in settings.items() if name != "DEPLOYER_WEBHOOK_SECRET"}
    if settings.get("DEPLOYER_QUEUE") == "pubsub":
        return {name: value for name, value in settings.items() if name in _OF_WEBHOOK}
    return dict(settings)
