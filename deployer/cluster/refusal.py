"""What an answer of an API server that is not 2xx means, and what to do about it."""

import json
import re
from collections.abc import Callable

from deployer.errors import ClusterError
from deployer.http import excerpt

_TRANSIENT = (409, 429, 500, 502, 503, 504)
"""Answers that may be others a moment later: 409 says that somebody wrote at the same time."""

_MISTYPED = "failed to create typed patch object"
"""How the server begins a 500 that no repeating mends: a field that its kind does not have, or of another type."""

_INTERNAL = "Internal error occurred: "
_WEBHOOK = "failed calling webhook"
"""How the server says that an admission webhook does not answer (apiserver, pkg/admission/plugin/webhook/errors)."""

_DUMPED = re.compile(r"Invalid value: (?P<value>[{\[].{80,}?)(?P<reason>: [a-z][^:{}\"]*(?:$|, ))", re.DOTALL)
"""A value that takes all the room of the reason why it is invalid (apimachinery, `field.Error`)."""

_FORBIDDEN = re.compile(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>\S+) '
    r'(?:path "(?P<path>[^"]*)"|resource "(?P<resource>[^"]*)" in API group "(?P<group>[^"]*)" '
    r'(?:in the namespace "(?P<namespace>[^"]*)"|at the cluster scope))'
)
"""How the server says what its authorizers refuse (apiserver, pkg/endpoints/handlers/responsewriters/errors.go)."""


def refusal(
    cluster: str,
    credentials: str,
    request: str,
    status: int,
    data: bytes,
    retry_after: str,
    hide: Callable[[str], str],
    acting_as: str = "",
) -> ClusterError:
    """Make the error for an answer that is not 2xx.

    What is wrong with one object is told in the server's own words alone: they name it, and whoever sent it knows
    the cluster.

    Args:
        cluster: its name.
        credentials: where they come from.
        request: method and path.
        status: the answer's HTTP status.
        data: its body.
        retry_after: its header of that name; `""` where there is none.
        hide: takes out of the server's words what must not be shown, before they are cut to a length for people.
        acting_as: the user of the service account that was to be impersonated; `""` where none was.

    Returns:
        The error; one that may pass for 409, 429 and 5xx.
    """
    if status == 401:
        return ClusterError(
            f"cluster {cluster} refused the credentials (401): they may have expired; renew {credentials}",
            status=status,
        )
    message = _message(data)
    shown = hide(message)
    said = excerpt(_DUMPED.sub(r"Invalid value: …\g<reason>", shown))
    if status in _TRANSIENT and not message.startswith(_MISTYPED):
        wait = float(retry_after) if retry_after.isdecimal() else None
        asked = f"cluster {cluster} answered {status} to {request}"
        told = f"{asked}: {said or 'no reason given'}; try again later"
        if _WEBHOOK in said:  # its name comes first: a commit's status has little room
            told = f"{said.removeprefix(_INTERNAL)}; {asked}; try again later"
        return ClusterError(told, status=status, transient=True, retry_after=wait)
    if not said:
        # A 404 of something in between, or of an API that is not served (which has no reason either), does not say
        # that there is no such object: it counts as no answer.
        return ClusterError(
            f"cluster {cluster} answered {status} to {request} without a reason: "
            f"check the server's address in {credentials}, and what stands in between",
            status=0 if status == 404 else status,
        )
    if status == 403 and (found := _FORBIDDEN.search(shown)):
        impersonates = acting_as and found["verb"].startswith("impersonate")
        lacks = excerpt(_not_impersonated(found["user"], acting_as) if impersonates else _not_allowed(found))
        return ClusterError(f"cluster {cluster}: {lacks}; the cluster said: {said}", status=status)
    return ClusterError(said, status=status)


def _message(data: bytes) -> str:
    """The `message` of a Status (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/)."""
    try:
        said = json.loads(data)["message"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return ""
    return said if isinstance(said, str) else ""


def _not_allowed(found: re.Match[str]) -> str:
    user, verb, path, resource, group, namespace = found.group("user", "verb", "path", "resource", "group", "namespace")
    what = path or (f"{resource}.{group}" if group else resource)
    # A Namespace is said to be in itself, where no Role can be before it is there.
    within = namespace and resource != "namespaces"
    place, role = (f" in namespace {namespace}", "Role there") if within else ("", "ClusterRole")
    return f"the account {user} may not {verb} {what}{place}: give it a {role} that allows it"


def _not_impersonated(user: str, acting_as: str) -> str:
    # Newer servers look for other verbs first (KEP-5284), and name those; this one does on all of them.
    *_, namespace, name = acting_as.split(":")
    rule = f'{{apiGroups: [""], resources: [serviceaccounts], resourceNames: [{name}], verbs: [impersonate]}}'
    return (
        f"the account {user} may not act as {acting_as}: give it a Role in namespace {namespace} with the rule {rule}"
    )
