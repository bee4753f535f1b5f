"""What on GitHub is the deployer's own: it starts nothing, and opens no gate."""

OURS = "deployer"
"""What our statuses, checks and deployments are called, or what is called before a `/`: `deployer/shop`."""


def is_ours(name: str) -> bool:
    """Say whether a status, a check or the task of a deployment bears our name, in upper or lower case."""
    return name.casefold().partition("/")[0] == OURS
