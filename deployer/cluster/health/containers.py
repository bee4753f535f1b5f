"""What a container's status says, in words."""

from deployer.cluster.health.status import Object, dig, number, objects, said, text

_MAX = 200  # characters; a runtime's message on an image that it cannot pull may be a page long


def shorten(message: str) -> str:
    """Bring a message onto one line of at most 200 characters."""
    line = " ".join(message.split())
    return line if len(line) <= _MAX else line[: _MAX - 1] + "…"


def waiting_reason(container: Object) -> str:
    """Return why a container is waiting, such as `CrashLoopBackOff`; `""` where it is not."""
    return text(container, "state", "waiting", "reason")


def waiting(container: Object) -> str:
    """Say what a container is waiting for; `""` where it is not."""
    words = said(dig(container, "state", "waiting") or {})
    return words and f"container {text(container, 'name')}: {shorten(words)}"


def ending(pod: Object, container: Object, state: str = "state") -> str:
    """Say how a container ended, such as `OOMKilled, exit code 137`; `""` where it did not, or ended well.

    `state` is `state` or `lastState`. The termination message is left out where it may be the end of the log
    (`terminationMessagePolicy: FallbackToLogsOnError`): logs hold secrets, and this goes onto commits.
    """
    ended = dig(container, state, "terminated")
    code = number(ended, "exitCode")
    if not code:
        return ""
    reason = text(ended, "reason")
    words = f"exit code {code}" if reason in ("", "Error") else f"{reason}, exit code {code}"
    message = "" if _is_from_log(pod, text(container, "name")) else text(ended, "message").strip()
    return shorten(f"{words}: {message}" if message else words)


def _is_from_log(pod: Object, name: str) -> bool:
    specs = [*objects(pod, "spec", "containers"), *objects(pod, "spec", "initContainers")]
    policies = {text(spec, "name"): text(spec, "terminationMessagePolicy") for spec in specs}
    return policies.get(name) == "FallbackToLogsOnError"
