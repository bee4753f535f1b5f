"""`spec.destinationServiceAccounts` of an AppProject: as whom its applications' objects are read and written.

Fields and rules are those of Argo CD (`util/settings/impersonation.go`), its impersonation enabled and enforced: the
first entry that fits says whose rights count, and where entries are written and none fits, nothing is synced.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from deployer.errors import ConfigurationError
from deployer.fields import Fields
from deployer.glob import matches

# A label is a namespace's name (RFC 1123), and parts of it make a service account's. Neither has a line break or a
# colon, which would make another user of it.
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_ACCOUNT = re.compile(rf"(?:({_LABEL}):)?({_LABEL}(?:\.{_LABEL})*)")


@dataclass(frozen=True)
class AccountRule:
    """One entry: globs for the destination's cluster and namespace, and a service account.

    `account_namespace` is `""` for the destination's own.
    """

    server: str
    namespace: str
    account_namespace: str
    account: str


def parse_account_rules(spec: Fields) -> tuple[AccountRule, ...]:
    """Read the entries of a project's `spec`. Raises ConfigurationError, at the first field that is wrong."""
    return tuple(_parse(entry) for entry in spec.sections("destinationServiceAccounts"))


def service_account(rules: Sequence[AccountRule], cluster_names: Sequence[str], namespace: str) -> str:
    """Return the user as whom a destination's objects are read and written.

    Args:
        rules: the project's.
        cluster_names: all that destinations may call the cluster.
        namespace: the destination's; `""` where it has none.

    Returns:
        `system:serviceaccount:NAMESPACE:NAME`; `""`, which is the deployer's own account, where there are no rules.

    Raises:
        ConfigurationError: none of them fits, or the one that does leaves the account's namespace open.
    """
    for rule in rules:
        if matches(rule.namespace, namespace) and any(matches(rule.server, name) for name in cluster_names):
            home = rule.account_namespace or namespace
            if not home:
                raise ConfigurationError(
                    f"its project's spec.destinationServiceAccounts names {rule.account} in the destination's "
                    f"namespace, and it has none; write NAMESPACE:{rule.account} there"
                )
            return f"system:serviceaccount:{home}:{rule.account}"
    if rules:
        there_is = ", ".join(f"{{server: {one.server!r}, namespace: {one.namespace!r}}}" for one in rules)
        where = f"the namespace {namespace!r} of the cluster" if namespace else "no namespace in the cluster"
        raise ConfigurationError(
            f"no entry of its project's spec.destinationServiceAccounts fits {where} {cluster_names[0]}; "
            f"there is: {there_is}"
        )
    return ""


def _parse(entry: Fields) -> AccountRule:
    entry.allow("server", "namespace", "defaultServiceAccount")
    server, namespace = entry.required_text("server"), entry.text("namespace")
    for name, glob in (("server", server), ("namespace", namespace)):
        try:
            if "!" in glob:
                raise ConfigurationError("there is no `!` here: the first entry that fits counts")
            matches(glob, "")
        except ConfigurationError as error:
            raise entry.error(name, str(error)) from None
    account = entry.required_text("defaultServiceAccount")
    if not (found := _ACCOUNT.fullmatch(account)):
        told = f"{account[:60]!r} is none; allowed: NAME, in the destination's namespace, or NAMESPACE:NAME"
        raise entry.error("defaultServiceAccount", told)
    return AccountRule(server, namespace, found[1] or "", found[2])
