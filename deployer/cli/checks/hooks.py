"""What the webhooks of a repository tell of themselves. Pure.

https://docs.github.com/en/rest/repos/webhooks
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from deployer.cli.checks.section import WEBHOOK, Section

_NAME = "webhook"
_ELSEWHERE = "a webhook of the organisation, or of a GitHub App, is not shown here: look there before you make one"


def check_hooks(section: Section, hooks: Sequence[Mapping[str, Any]]) -> None:
    """Judge the webhooks that GitHub lists for a repository; which of them leads to the function is not known here."""
    pushed = [hook for hook in hooks if {"push", "*"} & set(hook.get("events") or [])]
    active = [hook for hook in pushed if hook.get("active")]
    if not pushed:
        told = "the repository has none for pushes" if hooks else "the repository has none"
        section.warn(_NAME, told, f"{_ELSEWHERE}; {WEBHOOK}, says what it needs")
    elif not active:
        section.fail(_NAME, f"{address(pushed[0])} is not active", "tick Active in the repository's Settings, Webhooks")
    else:
        _judge(section, min(active, key=_badness))


def address(hook: Mapping[str, Any]) -> str:
    """Where a webhook leads, without what may be secret in it: user, password and query."""
    parts = urlsplit(str((hook.get("config") or {}).get("url", "")))
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _badness(hook: Mapping[str, Any]) -> int:
    """0 for a webhook whose last delivery was taken, 1 for one never used, 2 for one in trouble."""
    code = (hook.get("last_response") or {}).get("code")
    return 1 if code is None else 0 if 200 <= code < 300 else 2


def _judge(section: Section, hook: Mapping[str, Any]) -> None:
    config, last = hook.get("config") or {}, hook.get("last_response") or {}
    said = f"{last.get('code')} {last.get('message') or last.get('status')}"
    told = f"{address(hook)} is active, for pushes, as {config.get('content_type')}"
    if str(config.get("insecure_ssl", "0")) != "0":
        section.warn(_NAME, f"{told}, and does not check the certificate", "enable SSL verification in its settings")
    elif _badness(hook) == 0:
        section.ok(_NAME, f"{told}; the last delivery was taken ({said})")
    elif last.get("code") is None:
        section.warn(_NAME, f"{told}, and nothing has been delivered yet", "push, or have it send a ping again")
    elif "timed out" in said.lower() or "timeout" in said.lower():
        section.warn(
            _NAME,
            f"{told}; the last delivery took longer than GitHub's ten seconds",
            "with the inline queue, a rollout may; it goes on, and the commit is told how it ends",
        )
    else:
        section.fail(_NAME, f"{told}; the last delivery failed ({said})", advice(last.get("code")))


def advice(code: object) -> str:
    """Say what to do about a delivery that was answered with an HTTP status."""
    if code == 403:
        return "set the webhook's secret on GitHub to the value of DEPLOYER_WEBHOOK_SECRET"
    return "look at Recent Deliveries in the repository's Settings, Webhooks, and at the function's log"
