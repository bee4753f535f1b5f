"""A world where jobs travel through Google's Pub/Sub emulator: what runs in it, and what each of these is given."""

from pathlib import Path

from deployer.settings import load_settings
from local.functions import Queue
from local.world import World
from tests.push_server import PushServer
from tests.world import Bench, config_map


def environment_of(url: str) -> dict[str, str]:
    """The `DEPLOYER_` variables of the function's process at an address."""
    port = url.rpartition(":")[2].encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command, environment = (folder / "cmdline").read_bytes(), (folder / "environ").read_bytes()
        except OSError:  # it has just ended
            continue
        if port in command.split(b"\0") and b"functions_framework" in command:
            pairs = (line.partition("=") for line in environment.decode().split("\0"))
            return {name: value for name, _, value in pairs if name.startswith("DEPLOYER_")}
    raise AssertionError(f"nothing runs at {url}")


def test_the_public_function_can_verify_and_publish_and_no_more(pubsub_world: World) -> None:
    exports = pubsub_world.exports
    webhook = environment_of(exports["DEPLOYER_LOCAL_WEBHOOK_URL"])
    assert webhook == {
        "DEPLOYER_WEBHOOK_SECRET": exports["DEPLOYER_LOCAL_WEBHOOK_SECRET"],
        "DEPLOYER_QUEUE": "pubsub",
        "DEPLOYER_PUBSUB_TOPIC": "projects/local/topics/deployer",
        "DEPLOYER_PUBSUB_ENDPOINT": exports["DEPLOYER_PUBSUB_ENDPOINT"],
    }
    assert not set(webhook.values()) & {exports["DEPLOYER_GITHUB_TOKEN"], exports["DEPLOYER_CONFIG"]}


def test_the_private_functions_have_all_but_the_webhooks_secret(pubsub_world: World) -> None:
    assert pubsub_world.sync
    exports = pubsub_world.exports
    wanted = {
        name: value
        for name, value in exports.items()
        if not name.startswith("DEPLOYER_LOCAL_") and name != "DEPLOYER_WEBHOOK_SECRET"
    }
    for url in (exports["DEPLOYER_LOCAL_RECONCILE_URL"], *(one.url for one in pubsub_world.sync.instances)):
        assert environment_of(url) == wanted


def test_the_exports_are_settings_of_the_command_line(pubsub_world: World) -> None:
    settings = load_settings(pubsub_world.exports)
    assert (settings.queue, settings.pubsub_topic) == ("pubsub", "projects/local/topics/deployer")


def test_there_are_as_many_instances_as_wanted_each_with_its_log(pubsub_world: World) -> None:
    assert pubsub_world.sync
    assert [one.log for one in pubsub_world.sync.instances] == ["sync", "sync-2"]
    for name in ("function", "sync", "sync-2", "reconcile", "pubsub"):
        assert (pubsub_world.folder / f"{name}.log").exists()


def test_a_pubsub_that_is_there_already_takes_the_emulators_place(tmp_path: Path) -> None:
    with PushServer() as server:
        queue = Queue("pubsub", instances=1, concurrency=2, endpoint=server.endpoint)
        with (
            World(tmp_path / "world", ["staging"], lambda line: None, queue=queue) as world,
            Bench(world, tmp_path) as bench,
        ):
            assert not (world.folder / "pubsub.log").exists()
            assert bench.deploy({"a.yaml": config_map("a")})[0] == "success"
            assert server.drained()
            event, *jobs = server.published["projects/local/topics/deployer"]
            assert (event.attributes, event.ordering_key) == ({}, "")
            assert {(one.attributes["cluster"], one.ordering_key) for one in jobs} == {("staging", bench.name)}
            sent = server.subscriptions["projects/local/subscriptions/cluster-staging"].sent
            assert {one.status for one in sent} == {200}
