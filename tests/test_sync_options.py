import pytest

from deployer.errors import ConfigurationError
from deployer.fields import Fields
from deployer.sync_options import parse_sync_options


def parse(*options: str) -> dict[str, str]:
    return parse_sync_options(Fields({"syncOptions": list(options)}, "a.yaml", "spec.syncPolicy"))


@pytest.mark.parametrize(
    "option",
    [
        *("CreateNamespace=true", "CreateNamespace=false", "ServerSideApply=true", "ServerSideApply=false"),
        *("ApplyOutOfSyncOnly=true", "ApplyOutOfSyncOnly=false", "Validate=true", "SkipDryRunOnMissingResource=false"),
        *("PruneLast=false", "PruneLast=true", "Delete=true", "PrunePropagationPolicy=foreground", "Replace=false"),
        *(
            "PrunePropagationPolicy=background",
            "PrunePropagationPolicy=orphan",
            "Prune=true",
            "Prune=false",
            "Prune=confirm",
        ),
        *("Force=false", "ClientSideApplyMigration=true", "FailOnSharedResource=false"),
        "FailOnSharedResource=true",
        "RespectIgnoreDifferences=false",
    ],
)
def test_what_asks_for_nothing_more_is_accepted(option: str) -> None:
    assert parse(option) == dict([option.split("=")])


@pytest.mark.parametrize(
    "option",
    [
        *("Validate=false", "SkipDryRunOnMissingResource=true"),
        *("Delete=false", "Delete=confirm"),
        *("Replace=true", "Force=true", "ClientSideApplyMigration=false"),
        "RespectIgnoreDifferences=true",
    ],
)
def test_what_is_not_supported_yet_is_refused_by_name(option: str) -> None:
    name = option.partition("=")[0]
    with pytest.raises(ConfigurationError, match=f"syncOptions: {option} is not supported yet; allowed: {name}="):
        parse(option)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["CreateNamespaces=true"],
            r"unknown option 'CreateNamespaces=true'; did you mean CreateNamespace\?; allowed: ",
        ),
        (["Zzz"], r"unknown option 'Zzz'; allowed: CreateNamespace, "),
        (["CreateNamespace"], r"'CreateNamespace' is not a value of CreateNamespace; allowed: CreateNamespace=true, "),
        (["CreateNamespace=yes"], r"'CreateNamespace=yes' is not a value of CreateNamespace"),
        (["Prune=no"], r"'Prune=no' is not a value of Prune; allowed: Prune=true, Prune=false, Prune=confirm$"),
        (["CreateNamespace=true", "CreateNamespace=false"], r"CreateNamespace is set twice"),
    ],
)
def test_what_is_not_known_is_refused(options: list[str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^a.yaml: spec\.syncPolicy\.syncOptions: {message}"):
        parse(*options)


def test_no_options() -> None:
    assert parse() == {}
