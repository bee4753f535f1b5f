"""What is made of the webhooks that GitHub lists."""

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


def judge(*hooks: dict[str, Any]) -> Check:
    section = Section("repository acme/shop")
    check_hooks(section, hooks)
    (check,) = section.checks
    assert check.name == "webhook"
    return check


@pytest.mark.parametrize(
    ("hooks", "status", "said", "hint"),
    [
        ([], "warning", "the repository has none", "of the organisation"),
        ([hook(events=["issues"])], "warning", "none for pushes", "of the organisation"),
        ([hook()], "ok", "https://deployer.example.com/hook is active, for pushes, as json", ""),
        ([hook(events=["*"])], "ok", "for pushes", ""),
        ([hook(config=other(content_type="form"))], "ok", "as form", ""),
        ([hook(active=False)], "failed", "hook is not active", "tick Active"),
        ([hook(last_response=UNUSED)], "warning", "nothing has been delivered yet", "push"),
        ([hook(last_response=REFUSED)], "failed", "403 Invalid HTTP Response: 403", "DEPLOYER_WEBHOOK_SECRET"),
        ([hook(last_response={**REFUSED, "code": 500})], "failed", "500", "Recent Deliveries"),
        ([hook(last_response=LATE)], "warning", "ten seconds", "the commit is told how it ends"),
        ([hook(config=other(insecure_ssl="1"))], "warning", "does not check the certificate", "SSL"),
        ([hook(last_response=REFUSED), hook(active=False), hook()], "ok", "200 OK", ""),
        ([hook(last_response=REFUSED), hook(last_response=UNUSED)], "warning", "nothing", "push"),
        ([hook(active=False), hook(last_response=REFUSED)], "failed", "403", ""),
        ([{"active": True, "events": ["push"]}], "warning", "nothing has been delivered yet", ""),
    ],
)
def test_the_webhook_that_does_best_is_judged(hooks: list[dict[str, Any]], status: str, said: str, hint: str) -> None:
    check = judge(*hooks)
    assert (check.status, said in check.message, hint in check.hint) == (status, True, True), check
    assert bool(check.hint) == (status != "ok")


def test_an_address_is_shown_without_what_may_be_secret_in_it() -> None:
    url = "https://user:pa55@example.com:8443/hook?token=s3cret#x"
    assert address(hook(config=other(url=url))) == "https://example.com:8443/hook"
    assert "s3cret" not in str(judge(hook(config=other(url=url))))
