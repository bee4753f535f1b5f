"""What terraform makes, held against what Google allows and what the deployer needs.

The providers' schemas say nothing of ranges, and nothing of what one resource must be for another.
"""

import re
from pathlib import Path

import pytest

from deployer.settings import SETTINGS, load_settings
from tests.terraform.case import Case, resources, texts
from tests.terraform.terraform import served

# All that the webhook needs where it only publishes: nothing of GitHub, a cluster or the configuration.
_TO_PUBLISH = {"DEPLOYER_WEBHOOK_SECRET", "DEPLOYER_QUEUE", "DEPLOYER_PUBSUB_TOPIC"}


def _settings(function: dict[str, dict[str, str]]) -> dict[str, str]:
    return {name: value for name, value in function["environment_variables"].items() if name.startswith("DEPLOYER_")}


def _seconds(text: str) -> float:
    assert re.fullmatch(r"\d+(\.\d+)?s", text), f"{text!r} is no duration"
    return float(text[:-1])


def test_a_second_plan_changes_nothing(case: Case) -> None:
    assert "No changes." in case.again


def test_the_functions_there_are(case: Case) -> None:
    runner = [] if case.conditions["inline"] else ["sync"]
    scheduled = ["reconcile"] if case.conditions["schedule"] else []
    assert sorted(case.functions()) == sorted(["webhook", *runner, *scheduled])


def test_the_deployer_understands_its_settings(case: Case) -> None:
    known = {setting.name for setting in SETTINGS}
    for function in case.functions().values():
        assert _settings(function).keys() <= known
        load_settings(_settings(function))  # raises if any is wrong


def test_the_webhook_has_no_credentials_where_it_only_publishes(case: Case) -> None:
    if case.conditions["pubsub"]:
        assert _settings(case.functions()["webhook"]).keys() == _TO_PUBLISH
    for name, function in case.functions().items():
        assert ("DEPLOYER_WEBHOOK_SECRET" in _settings(function)) == (name == "webhook")


def test_no_secret_has_a_value(case: Case) -> None:
    # Neither as a resource nor in the environment: a state is read by many.
    made = list(resources(case.state))
    assert not [one["address"] for one in made if re.search("secret_version|service_account_key", one["type"])]
    for one in made:
        for path, text in texts(one["values"]):
            assert not re.search(r"secret_data|private_key|password|access_token", path) or text.startswith("computed-")
            assert not re.search(r"-----BEGIN|ghp_|github_pat_", text), f"{one['address']}: {path}"
    for function in case.functions().values():
        for name, value in _settings(function).items():
            if re.search("SECRET|TOKEN|KEY$", name):
                assert re.fullmatch(r"projects/[\w-]+/secrets/[\w-]+", value), f"{name} is no place of a secret"
        assert function["secret_environment_variables"] == function["secret_volumes"] == []


def test_functions_are_such_as_google_allows(case: Case) -> None:
    for name, function in case.functions().items():
        memory = int(re.sub("[MG]i$", "", function["available_memory"])) * (
            1024 if "Gi" in function["available_memory"] else 1
        )
        cpu, concurrency = float(function["available_cpu"]), function["max_instance_request_concurrency"]
        # https://cloud.google.com/run/docs/configuring/services/cpu and …/about-concurrency
        assert concurrency == 1 or cpu >= 1, f"{name}: more than one request at once needs a whole CPU"
        assert memory <= 512 or cpu >= 0.5, f"{name}: more than 512 MiB needs half a CPU"
        assert 1 <= concurrency <= 1000
        assert 1 <= function["timeout_seconds"] <= 3600
        assert function["max_instance_count"] >= 1
        assert function["environment_variables"]["THREADS"] == str(concurrency)
        assert bool(function["vpc_connector"]) + bool(function["direct_vpc_network_interface"]) <= 1
        timeout = int(_settings(function).get("DEPLOYER_REQUEST_TIMEOUT", function["timeout_seconds"]))
        assert timeout <= function["timeout_seconds"], f"{name} is ended before it gives up"


def test_subscriptions_are_such_as_google_allows(case: Case) -> None:
    # https://cloud.google.com/pubsub/docs/subscription-properties
    for address, one in case.of("google_pubsub_subscription").items():
        assert 10 <= one["ack_deadline_seconds"] <= 600, address
        (retry,) = one["retry_policy"]
        assert 0 <= _seconds(retry["minimum_backoff"]) <= _seconds(retry["maximum_backoff"]) <= 600, address
        assert [policy["ttl"] for policy in one["expiration_policy"]] == [""], f"{address} ends when nobody uses it"
        assert len((one["filter"] or "").encode()) <= 256, address
        for policy in one["dead_letter_policy"]:
            assert 5 <= policy["max_delivery_attempts"] <= 100, address


def test_jobs_reach_sync(case: Case) -> None:
    if case.conditions["inline"]:
        assert case.of("google_pubsub_subscription") == {}
        return
    sync = case.functions()["sync"]
    subscriptions = {one["name"]: one for one in case.of("google_pubsub_subscription").values()}
    clusters = {f"{case.prefix}-cluster-{name}": f'attributes.cluster = "{name}"' for name in case.inputs["clusters"]}

    filters = {name: one["filter"] for name, one in subscriptions.items() if name != f"{case.prefix}-dead-letters"}
    assert filters == {f"{case.prefix}-events": "NOT attributes:cluster", **clusters}
    for name, one in subscriptions.items():
        (push,) = one["push_config"]
        assert push["push_endpoint"] == sync["uri"]
        assert push["oidc_token"] == [
            {"audience": sync["uri"], "service_account_email": case.fill("NAME-push@PROJECT.iam.gserviceaccount.com")}
        ]
        assert bool(one["enable_message_ordering"]) == (name in clusters)
        dead_letters = [policy["dead_letter_topic"] for policy in one["dead_letter_policy"]]
        if name == f"{case.prefix}-dead-letters":
            assert dead_letters == []
            assert one["topic"] == case.fill("projects/PROJECT/topics/NAME-dead-letters")
        else:
            assert dead_letters == [case.fill("projects/PROJECT/topics/NAME-dead-letters")]
            assert one["topic"] == _settings(sync)["DEPLOYER_PUBSUB_TOPIC"]
            assert one["ack_deadline_seconds"] > sync["timeout_seconds"], (
                f"{name} delivers again while a job still runs"
            )
    for topic in case.of("google_pubsub_topic").values():
        # Messages are in order only where all are published in one region.
        assert topic["message_storage_policy"][0]["allowed_persistence_regions"] == [case.inputs["region"]]


def test_the_schedule_reaches_reconcile(case: Case) -> None:
    jobs = list(case.of("google_cloud_scheduler_job").values())
    assert len(jobs) == case.conditions["schedule"]
    for job in jobs:
        reconcile = case.functions()["reconcile"]
        (target,) = job["http_target"]
        assert target["uri"] == reconcile["uri"]
        (token,) = target["oidc_token"]
        assert token["audience"] == reconcile["uri"]
        assert token["service_account_email"] == case.fill("NAME-scheduler@PROJECT.iam.gserviceaccount.com")
        # https://cloud.google.com/scheduler/docs/reference/rest/v1/projects.locations.jobs
        assert 15 <= _seconds(job["attempt_deadline"]) <= 1800
        assert _seconds(job["attempt_deadline"]) >= reconcile["timeout_seconds"], "given up while it still runs"


def test_each_account_is_used_by_one_thing(case: Case) -> None:
    accounts = {one["account_id"] for one in case.of("google_service_account").values()}
    users = {function["service_account_email"].partition("@")[0] for function in case.functions().values()}
    assert users == {f"{case.prefix}-{name}" for name in case.functions()}
    assert accounts >= users
    builders = {
        one["build_config"][0]["service_account"].rsplit("/", 1)[-1].partition("@")[0]
        for one in case.of("google_cloudfunctions2_function").values()
    }
    assert builders == {f"{case.prefix}-build"}


def test_what_may_have_labels_has_them(complete: Case) -> None:
    wanted = complete.inputs["labels"]
    labels = {
        one["address"]: one["values"][name]
        for one in resources(complete.state)
        for name in ("labels", "user_labels")
        if one["address"].startswith("module.") and name in one["values"]
    }
    assert wanted
    assert labels == dict.fromkeys(labels, wanted)
    assert len(labels) > 10


@pytest.mark.parametrize("folder", ["examples/complete", "examples/smallest"])
def test_the_functions_may_wait_for_the_secrets(folder: str, module: Path) -> None:
    """`deploy_functions = false` makes all that the functions need, and nothing that runs or calls them."""
    with served(module / folder, module) as terraform:
        first = terraform.plan("-var=deploy_functions=false")["planned_values"]
    kinds = {one["type"] for one in resources(first)}
    assert (
        kinds & {"google_cloudfunctions2_function", "google_pubsub_subscription", "google_cloud_scheduler_job"} == set()
    )
    assert kinds >= {"google_secret_manager_secret", "google_service_account", "google_artifact_registry_repository"}


def test_a_bucket_goes_before_it_comes_anew(module: Path) -> None:
    """Two cannot have its name: without this, no other region could be applied."""
    with served(module / "examples/smallest", module) as terraform:
        terraform.apply()
        said = terraform.must("plan", "-no-color", "-replace=module.deployer.google_storage_bucket.source")
    assert re.search(r'\n *-/\+ resource "google_storage_bucket" "source"', said)
