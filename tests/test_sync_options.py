import pytest

from deployer.errors import ConfigurationError
from deployer.fields import Fields
from deployer.object_options import APPLICATION_OPTIONS
from deployer.sync_options import parse_sync_options


def parse(*options: str) -> dict[str, str]:
    return parse_sync_options(Fields({"syncOptions": list(options)}, "a.yaml", "spec.syncPolicy"))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        *(
            (name, "true false")
            for name in (
                *("CreateNamespace", "ServerSideApply", "ApplyOutOfSyncOnly", "Validate", "PruneLast", "Replace"),
                *("SkipDryRunOnMissingResource", "ClientSideApplyMigration", "FailOnSharedResource"),
                "RespectIgnoreDifferences",
            )
        ),
        *((name, "true false confirm") for name in ("Prune", "Delete")),
        ("PrunePropagationPolicy", "foreground background orphan"),
    ],
)
def test_every_value_that_argo_cd_has_is_accepted(name: str, values: str) -> None:
    assert tuple(values.split()) == APPLICATION_OPTIONS[name]
    for value in values.split():
        assert parse(f"{name}={value}") == {name: value}


@pytest.mark.parametrize("value", ["true", "false"])
def test_what_is_for_objects_only_is_refused_and_told_where_it_belongs(value: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        parse("Prune=false", f"Force={value}")
    assert str(error.value) == (
        f"a.yaml: spec.syncPolicy.syncOptions: Force={value} is for single objects; write it into the annotation "
        "argocd.argoproj.io/sync-options of one"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["CreateNamespaces=true"],
            r"unknown option 'CreateNamespaces=true'; did you mean CreateNamespace\?; allowed: CreateNamespace, ",
        ),
        (["Zzz"], r"unknown option 'Zzz'; allowed: CreateNamespace, "),
        ([" Prune=true"], r"unknown option ' Prune=true'; did you mean Prune\?"),
        (["CreateNamespace"], r"'CreateNamespace' is not a value of CreateNamespace; allowed: CreateNamespace=true, "),
        (["CreateNamespace=yes"], r"'CreateNamespace=yes' is not a value of CreateNamespace"),
        (["Prune=no"], r"'Prune=no' is not a value of Prune; allowed: Prune=true, Prune=false, Prune=confirm$"),
        (["Prune=true", "Prune=false"], r"Prune is set twice, as true and false; keep one$"),
        (["Prune=true", "Validate=true", "Prune=true"], r"Prune is set twice, as true and true; keep one$"),
    ],
)
def test_what_is_not_known_is_refused(options: list[str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^a.yaml: spec\.syncPolicy\.syncOptions: {message}"):
        parse(*options)


def test_no_options() -> None:
    assert parse() == {}
