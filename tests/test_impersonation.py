import re
from typing import Any

import pytest

from deployer.errors import ConfigurationError
from deployer.fields import Fields
from deployer.impersonation import parse_account_rules, service_account

NAMES = ("production", "in-cluster", "https://kubernetes.default.svc")
SERVER = "https://kubernetes.default.svc"


def rule(server: str = SERVER, namespace: str = "shop", account: Any = "team", **more: Any) -> dict[str, Any]:
    return {"server": server, "namespace": namespace, "defaultServiceAccount": account, **more}


def parsed(*entries: dict[str, Any]) -> Any:
    return parse_account_rules(Fields({"destinationServiceAccounts": list(entries)}, "a.yaml, document 1", "spec"))


def test_without_entries_it_is_the_deployers_own() -> None:
    assert service_account((), NAMES, "shop") == ""


@pytest.mark.parametrize(
    ("entries", "account"),
    [
        ([rule()], "shop:team"),
        ([rule(account="teams:shop.deployer")], "teams:shop.deployer"),
        # The first that fits counts.
        ([rule(namespace="blog"), rule(account="second"), rule(account="third")], "shop:second"),
        ([rule(server="*", namespace="*", account="all"), rule(account="second")], "shop:all"),
        ([rule(server="https://*", namespace="sh?p")], "shop:team"),
        # Any name of the cluster will do.
        ([rule(server="production")], "shop:team"),
        ([rule(server="{staging,in-*}")], "shop:team"),
    ],
)
def test_as_whom_objects_are_read_and_written(entries: list[dict[str, Any]], account: str) -> None:
    assert service_account(parsed(*entries), NAMES, "shop") == f"system:serviceaccount:{account}"


@pytest.mark.parametrize(
    ("entries", "namespace", "message"),
    [
        (
            [rule(namespace="blog"), rule(server="https://staging")],
            "shop",
            "no entry of its project's spec.destinationServiceAccounts fits the namespace 'shop' of the cluster "
            "production; there is: {server: 'https://kubernetes.default.svc', namespace: 'blog'}, "
            "{server: 'https://staging', namespace: 'shop'}",
        ),
        ([rule()], "", "fits no namespace in the cluster production"),
        (
            [rule(namespace="*")],
            "",
            "names team in the destination's namespace, and it has none; write NAMESPACE:team there",
        ),
    ],
)
def test_where_nothing_fits_nothing_is_synced(entries: list[dict[str, Any]], namespace: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        service_account(parsed(*entries), NAMES, namespace)


def test_a_destination_without_a_namespace_may_have_an_account_of_another() -> None:
    for namespace in ("", "*"):
        entries = parsed(rule(namespace=namespace, account="teams:team"))
        assert service_account(entries, NAMES, "") == "system:serviceaccount:teams:team"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (rule(server=""), "server: is missing"),
        (rule(server="!staging"), "server: there is no `!` here"),
        (rule(namespace="!shop"), "namespace: there is no `!` here"),
        (rule(namespace="[a"), "namespace: '[a' is no valid glob"),
        (rule(account=""), "defaultServiceAccount: is missing"),
        (rule(account=7), "defaultServiceAccount: must be text"),
        (rule(account="team*"), "defaultServiceAccount: 'team*' is none; allowed: NAME, in the destination's"),
        (rule(account="a:b:c"), "defaultServiceAccount: 'a:b:c' is none"),
        (rule(account=":team"), "':team' is none"),
        (rule(account="shop:"), "'shop:' is none"),
        (rule(account="shop.a:team"), "'shop.a:team' is none"),
        (rule(account=" team"), "' team' is none"),
        (rule(account="Team"), "'Team' is none"),
        (rule(account="team\nImpersonate-Group: system:masters"), "is none"),
        (rule(name="production"), "name: unknown field"),
    ],
)
def test_what_is_no_entry(entry: dict[str, Any], message: str) -> None:
    place = re.escape("spec.destinationServiceAccounts[0].")
    with pytest.raises(ConfigurationError, match=f"^a.yaml, document 1: {place}") as told:
        parsed(entry)
    assert message in str(told.value)
