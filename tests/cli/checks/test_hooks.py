"""What is made of the webhooks that GitHub lists."""

from collections.abc import Sequence
from typing import Any

import pytest

from deployer.cli.checks.hooks import address, check_hooks
from deployer.cli.checks.section import Check, Section

FINE = {"code": 200, "status": "active", "message": "OK"}
UNUSED = {"code": None, "status": "unused", "message": None}
REFUSED = {"code": 403, "status": "misconfigured", "message": "Invalid HTTP Response: 403"}
LATE = {"code": 504, "status": "timeout", "message": "Service Timeout"}


def hook(**changes: Any) -> dict[str, Any]:
    config = {"content_type": "json", "insecure_ssl": "0", "url": "https://deployer.example.com/hook"}
    return {"active": True, "events": ["push"], "config": config, "last_response": FINE, **changes}


def other(**config: str) -> dict[str, str]:
    return {**hook()["config"], **config}


def judge(*hooks: dict[str, Any], requiring: Sequence[str] = ()) -> list[Check]:
    section = Section("repository acme/shop")
    check_hooks(section, hooks, requiring)
    return section.checks


@pytest.mark.parametrize(
    ("hooks", "status", "said", "hint"),
    [
        ([], "warning", "the repository has none", "of the organisation"),
        ([hook(events=["issues"])], "warning", "none for pushes", "of the organisation"),
        ([hook()], "ok", "https://deployer.example.com is active, for pushes, as json", ""),
        (
            [hook(events=["*"])],
            "ok",
            "for pushes, check runs, check suites, statuses, workflow runs and deployments, ",
            "",
        ),
        ([hook(events=["deployment", "push"])], "ok", "for pushes and deployments, as json", ""),
        ([hook(config=other(content_type="form"))], "ok", "as form", ""),
        ([hook(active=False)], "failed", ".com is not active", "tick Active"),
        ([hook(last_response=UNUSED)], "warning", "nothing has been delivered yet", "push"),
        ([hook(last_response=REFUSED)], "failed", "403 Invalid HTTP Response: 403", "set the webhook's secret"),
        ([hook(last_response={**REFUSED, "code": 500})], "failed", "500", "Recent Deliveries"),
        ([hook(last_response=LATE)], "warning", "ten seconds", "the commit is told how it ends"),
        ([hook(config=other(insecure_ssl="1"))], "warning", "does not check the certificate", "SSL"),
        ([hook(config=other(insecure_ssl="1"), last_response=REFUSED)], "failed", "403", "secret"),
        ([hook(active=False), hook(last_response=REFUSED)], "failed", "403", "set the webhook's secret"),
        ([hook(active=False), hook(events=["issues"], last_response=REFUSED), hook()], "ok", "200 OK", ""),
        ([{"active": True, "events": ["push"]}], "warning", "nothing has been delivered yet", ""),
    ],
)
def test_one_webhook_is_judged(hooks: list[dict[str, Any]], status: str, said: str, hint: str) -> None:
    (check,) = judge(*hooks)
    assert (check.name, check.status) == ("webhook", status), check
    assert said in check.message
    assert hint in check.hint
    assert bool(check.hint) == (status != "ok")


@pytest.mark.parametrize("event", ["check_run", "check_suite", "workflow_run", "status", "*"])
def test_where_checks_are_required_one_webhook_must_hear_of_them(event: str) -> None:
    names = ["cart", "shop"]
    (deaf,) = judge(hook(events=["push", "deployment"]), requiring=names)
    assert deaf.status == "warning"
    assert "for pushes and deployments, as json, but not for checks, which cart, shop require" in deaf.message
    assert "tick Check runs" in deaf.hint
    assert "which cart requires" in judge(hook(), requiring=names[:1])[0].message
    assert [check.status for check in judge(hook(events=["push", event]), requiring=names)] == ["ok"]
    # Which of them is the deployer's is not known; one that is not for pushes is not.
    several = [hook(id=1), hook(id=2, events=["push", event])]
    assert [check.status for check in judge(*several, requiring=names)] == ["ok", "ok"]
    assert [check.status for check in judge(hook(), hook(events=["issues", event.strip("*")]), requiring=names)] == [
        "warning"
    ]


def test_a_webhook_that_fails_is_told_so_before_what_it_does_not_hear() -> None:
    (check,) = judge(hook(last_response=REFUSED), requiring=["shop"])
    assert (check.status, "403" in check.message) == ("failed", True)


@pytest.mark.parametrize(
    ("responses", "statuses"),
    [
        ([FINE, FINE], ["ok", "ok"]),
        ([FINE, REFUSED], ["ok", "warning"]),
        ([REFUSED, UNUSED], ["warning", "warning"]),
        ([LATE, REFUSED, FINE], ["warning", "warning", "ok"]),
        ([REFUSED, {**REFUSED, "code": 500}], ["failed", "failed"]),
    ],
)
def test_of_several_webhooks_each_is_told_and_fails_only_with_all(
    responses: list[dict[str, Any]], statuses: list[str]
) -> None:
    """Whichever the deployer's is, nobody is told that it is well while it fails."""
    hooks = [hook(id=number, last_response=response) for number, response in enumerate(responses)]
    checks = judge(*hooks)
    assert [check.name for check in checks] == [f"webhook {number}" for number in range(len(hooks))]
    assert [check.status for check in checks] == statuses
    for check, response in zip(checks, responses, strict=True):
        if response == REFUSED:
            assert "the last delivery failed (403" in check.message
            assert check.hint.startswith("if this is the deployer's: ") == (check.status == "warning")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:s3cret@example.com:8443/hook?token=s3cret#x", "https://example.com:8443"),
        ("https://hooks.slack.com/services/T0/B0/s3cret", "https://hooks.slack.com"),
        ("https://discord.com/api/webhooks/1/s3cret/github", "https://discord.com"),
    ],
)
def test_an_address_is_shown_without_what_may_be_secret_in_it(url: str, shown: str) -> None:
    assert address(hook(config=other(url=url))) == shown
    for changes in ({}, {"active": False}, {"last_response": REFUSED}, {"last_response": UNUSED}):
        (check,) = judge(hook(config=other(url=url), **changes))
        assert f"{shown} is " in check.message
        assert "s3cret" not in str(check)
