"""What the webhooks of a repository tell of themselves. Pure.

https://docs.github.com/en/rest/repos/webhooks
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from deployer.cli.checks.section import GITHUB, Section
from deployer.report.words import in_short

_NAME = "webhook"
_HEARD = {
    "push": "pushes",
    "check_run": "check runs",
    "check_suite": "check suites",
    "status": "statuses",
    "workflow_run": "workflow runs",
    "deployment": "deployments",
}
"""What starts something, as GitHub's page calls it."""

_CHECKS = ("check_run", "check_suite", "status", "workflow_run")
_ELSEWHERE = "a webhook of the organisation, or of a GitHub App, is not shown here: look there before you make one"


def check_hooks(section: Section, hooks: Sequence[Mapping[str, Any]], requiring: Sequence[str] = ()) -> None:
    """Judge each active webhook for pushes that GitHub lists for a repository.

    Which of them leads to the function is not known here: that one fails is a failure only where all of them do, and
    that one does not hear of checks is worth a word only where none does.

    Args:
        section: takes the checks.
        hooks: as GitHub lists them.
        requiring: the applications whose commits wait for checks.
    """
    pushed = [hook for hook in hooks if _hears(hook, "push")]
    active = [hook for hook in pushed if hook.get("active")]
    if not pushed:
        told = "the repository has none for pushes" if hooks else "the repository has none"
        section.warn(_NAME, told, f"{_ELSEWHERE}; {GITHUB} says what it needs")
    elif not active:
        section.fail(_NAME, f"{address(pushed[0])} is not active", "tick Active in the repository's Settings, Webhooks")
    sure = all(_failed(hook) for hook in active)
    deaf = requiring if not any(_hears(hook, *_CHECKS) for hook in active) else ()
    for hook in active:
        # The number is in the address of the webhook's own page in the repository's settings.
        _judge(section, _NAME if len(active) == 1 else f"{_NAME} {hook.get('id')}", hook, deaf, sure=sure)


def address(hook: Mapping[str, Any]) -> str:
    """Where a webhook leads: scheme and host. User, password, query and even the path may be secrets, of others too.

    Slack's and Discord's have their token in the path (https://api.slack.com/messaging/webhooks,
    https://discord.com/developers/docs/resources/webhook).
    """
    parts = urlsplit(str((hook.get("config") or {}).get("url", "")))
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _hears(hook: Mapping[str, Any], *events: str) -> bool:
    """Whether any of these events is sent to a webhook."""
    return not {*events, "*"}.isdisjoint(hook.get("events") or [])


def _events(hook: Mapping[str, Any]) -> str:
    """What a webhook hears of that concerns a deployer, such as `pushes and check runs`."""
    heard = [words for event, words in _HEARD.items() if _hears(hook, event)]
    return " and ".join([", ".join(heard[:-1]), heard[-1]] if len(heard) > 1 else heard)


def _said(hook: Mapping[str, Any]) -> tuple[int | None, str]:
    """What the last delivery was answered with: a status, None before the first one, and words."""
    last = hook.get("last_response") or {}
    return last.get("code"), f"{last.get('code')} {last.get('message') or last.get('status')}"


def _was_late(hook: Mapping[str, Any]) -> bool:
    said = _said(hook)[1].lower()
    return "timed out" in said or "timeout" in said


def _failed(hook: Mapping[str, Any]) -> bool:
    code = _said(hook)[0]
    return code is not None and not 200 <= code < 300 and not _was_late(hook)


def _judge(section: Section, name: str, hook: Mapping[str, Any], deaf: Sequence[str], *, sure: bool) -> None:
    """Judge an active webhook; `deaf` are the applications that no webhook tells of their checks."""
    config, (code, said) = hook.get("config") or {}, _said(hook)
    told = f"{address(hook)} is active, for {_events(hook)}, as {config.get('content_type')}"
    if _failed(hook):
        failure = f"{told}; the last delivery failed ({said})"
        if sure:
            section.fail(name, failure, advice(code))
        else:
            section.warn(name, failure, f"if this is the deployer's: {advice(code)}")
    elif str(config.get("insecure_ssl", "0")) != "0":
        section.warn(name, f"{told}, and does not check the certificate", "enable SSL verification in its settings")
    elif deaf:
        section.warn(
            name,
            f"{told}, but not for checks, which {in_short(deaf)} {'requires' if len(deaf) == 1 else 'require'}",
            "tick Check runs in its settings, and Statuses for what is none of GitHub Actions: without, a commit waits "
            "for the next reconcile after they are green",
        )
    elif code is None:
        section.warn(name, f"{told}, and nothing has been delivered yet", "push, or have it send a ping again")
    elif _was_late(hook):
        section.warn(
            name,
            f"{told}; the last delivery took longer than GitHub's ten seconds",
            "with the inline queue, a rollout may; it goes on, and the commit is told how it ends",
        )
    else:
        section.ok(name, f"{told}; the last delivery was taken ({said})")


def advice(code: object) -> str:
    """Say what to do about a delivery that was answered with an HTTP status."""
    if code == 403:
        return "set the webhook's secret on GitHub to the value of DEPLOYER_WEBHOOK_SECRET"
    return "look at Recent Deliveries in the repository's Settings, Webhooks, and at the function's log"
