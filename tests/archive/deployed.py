"""The archive's functions in the world of the tests, as terraform plans them; only addresses are this machine's."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from bench.servers import Request, delivery
from local.leash import Leash
from local.world import World
from tests.archive.image import Image, Instance
from tests.archive.planned import PROJECT, Planned
from tests.push_server import PushServer

WEBHOOK_SECRET = "the webhook's own secret, in Secret Manager"
PING = delivery("ping", b"{}", 200, secret=WEBHOOK_SECRET)
FIRST = {"webhook": PING, "sync": Request("GET", 405), "reconcile": Request("POST", 200)}
"""The first request to each entry point."""


@dataclass(frozen=True)
class Deployed:
    """What runs: the entry points by name, with all their variables, and the Pub/Sub between them.

    `leash` has their logs.
    """

    functions: dict[str, Instance]
    settings: dict[str, dict[str, str]]
    pubsub: PushServer
    leash: Leash

    def log(self) -> str:
        """All that the functions have logged, but for what functions-framework says of itself."""
        logs = [(self.leash.folder / f"{name}.log").read_text() for name in self.functions]
        return "".join(line for log in logs for line in log.splitlines(keepends=True) if line.startswith("{"))


@contextmanager
def deploy(image: Image, planned: Planned, world: World, leash: Leash) -> Iterator[Deployed]:
    """Start every function, and what is between them; GitHub's webhooks go to `webhook` meanwhile."""
    values = {
        "deployer-webhook-secret": WEBHOOK_SECRET,
        "deployer-github-token": world.exports["DEPLOYER_LOCAL_GITHUB_TOKEN"],
        "staging-kubeconfig": world.clusters["staging"].deployer_kubeconfig,
    }
    for name in planned.secrets:
        world.secret_manager.put(name, values[name.rpartition("/")[2]].encode())
    for file in (image.workspace / "config").iterdir():
        file.write_text(file.read_text().replace("https://github.com", world.github.git_url))
    with PushServer() as pubsub:
        addresses = {
            "DEPLOYER_SECRET_MANAGER_ENDPOINT": world.secret_manager.address,
            "DEPLOYER_PUBSUB_ENDPOINT": pubsub.endpoint,
        }
        settings = {target: {**given, **addresses} for target, given in planned.functions.items()}
        for given in settings.values():
            if "DEPLOYER_GITHUB_API_URL" in given:
                given["DEPLOYER_GITHUB_API_URL"] = world.github.api_url
        for topic in planned.topics:
            pubsub.create_topic(topic)
        functions = {target: image.start(leash, target, settings[target], FIRST[target]) for target in settings}
        for one in planned.subscriptions:
            policy = one["dead_letter_policy"]
            made = pubsub.subscribe(
                one["topic"],
                f"projects/{PROJECT}/subscriptions/{one['name']}",
                functions["sync"].url,
                filter=one["filter"] or "",
                ordered=bool(one["enable_message_ordering"]),
                ack_deadline=one["ack_deadline_seconds"],
                dead_letter=policy[0]["dead_letter_topic"] if policy else "",
            )
            token = one["push_config"][0]["oidc_token"][0]
            pubsub.authenticate(made, token["audience"], token["service_account_email"])
        before = world.github.webhook
        assert before
        world.github.webhook = replace(before, url=functions["webhook"].url, secret=WEBHOOK_SECRET)
        try:
            yield Deployed(functions, settings, pubsub, leash)
        finally:
            world.github.webhook = before
