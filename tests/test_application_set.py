import copy
from typing import Any

import pytest

from deployer.application import Application, parse_application
from deployer.application_set import parse_application_set
from deployer.cluster_document import ClusterDocument
from deployer.errors import ConfigurationError

PLACE = "sets/web.yaml, document 2"
CLUSTERS = tuple(
    ClusterDocument(name, (), "projects/acme/secrets/x", {"env": name}, "c.yaml") for name in ("staging", "production")
)


def document(**changes: Any) -> dict[str, Any]:
    """A document, with fields changed by path: `document(**{"spec.template": x})`; `...` takes a field out."""
    made: dict[str, Any] = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "ApplicationSet",
        "metadata": {"name": "web"},
        "spec": {
            "generators": [{"clusters": {"values": {"branch": "env/{{name}}"}}}],
            "template": {
                "metadata": {
                    "name": "web-{{name}}",
                    "labels": {"env": "{{metadata.labels.env}}"},
                    "annotations": {"deployer/timeout": "30"},
                },
                "spec": {
                    "project": "team-{{metadata.labels.env}}",
                    "source": {
                        "repoURL": "https://github.com/acme/web.git",
                        "path": "k8s/{{name}}",
                        "targetRevision": "{{values.branch}}",
                    },
                    "destination": {"name": "{{name}}", "namespace": "web"},
                    "syncPolicy": {"automated": {"prune": True}, "syncOptions": ["CreateNamespace=true"]},
                },
            },
        },
    }
    for path, value in changes.items():
        *folders, name = path.split(".")
        inner = made
        for folder in folders:
            inner = inner.setdefault(folder, {})
        if value is ...:
            del inner[name]
        else:
            inner[name] = value
    return made


def applications(**changes: Any) -> tuple[Application, ...]:
    return parse_application_set(document(**changes), PLACE).applications(CLUSTERS)


def problem(**changes: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        applications(**changes)
    return str(caught.value)


def of(name: str) -> str:
    return f"{PLACE}, ApplicationSet web, spec.generators[0].clusters with name={name}"


def test_an_application_is_as_if_it_were_written() -> None:
    def written(name: str) -> Application:
        return parse_application(
            {
                "apiVersion": "argoproj.io/v1alpha1",
                "kind": "Application",
                "metadata": {"name": f"web-{name}", "annotations": {"deployer/timeout": "30"}},
                "spec": {
                    "project": f"team-{name}",
                    "source": {
                        "repoURL": "https://github.com/acme/web.git",
                        "path": f"k8s/{name}",
                        "targetRevision": f"env/{name}",
                    },
                    "destination": {"name": name, "namespace": "web"},
                    "syncPolicy": {"automated": {"prune": True}, "syncOptions": ["CreateNamespace=true"]},
                },
            },
            of(name),
        )

    assert applications() == (written("staging"), written("production"))


def test_the_template_stays_as_it_is() -> None:
    given = document()
    before = copy.deepcopy(given)
    found = parse_application_set(given, PLACE)
    assert found.applications(CLUSTERS) == found.applications(CLUSTERS)
    assert given == before
    assert found.name == "web"


def test_a_set_of_nothing() -> None:
    nowhere = {"clusters": {"selector": {"matchLabels": {"env": "gone"}}}}
    assert applications(**{"spec.generators": [nowhere, {"list": {"elements": []}}]}) == ()
    assert parse_application_set(document(), PLACE).applications(()) == ()


def test_what_asks_for_nothing_else_is_allowed() -> None:
    assert len(
        applications(
            **{
                "status": {"resourcesCount": 2},
                "metadata.namespace": "argocd",
                "metadata.annotations": {
                    "argocd.argoproj.io/application-set-refresh": "true",
                    "argocd.argoproj.io/tracking-id": "x",
                    "notifications.example.com/a": "b",
                },
                "metadata.finalizers": ["resources-finalizer.argocd.argoproj.io"],
                "spec.goTemplate": False,
                "spec.goTemplateOptions": [],
                "spec.strategy": {},
                "spec.applyNestedSelectors": True,
                "spec.syncPolicy": {"preserveResourcesOnDeletion": True, "applicationsSync": "create-update"},
                "spec.template.metadata.namespace": "argocd",
                "spec.template.metadata.finalizers": ["resources-finalizer.argocd.argoproj.io"],
            }
        )
    ) == len(CLUSTERS)


@pytest.mark.parametrize("how", [None, "sync", "create-update"])
def test_applications_sync(how: str | None) -> None:
    assert len(applications(**{"spec.syncPolicy": {"applicationsSync": how}})) == len(CLUSTERS)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"operation": {}}, ": operation: unknown field"),
        ({"metadata.name": "Web"}, ": metadata.name: 'Web' is no name"),
        (
            {"metadata.annotations": {"deployer/timeout": "3"}},
            ": metadata.annotations.deployer/timeout: is for an appl",
        ),
        (
            {"metadata.annotations": {"argocd.argoproj.io/sync-wave": "1"}},
            ": metadata.annotations.argocd.argoproj.io/sync-wave: is for an application; write it into spec.template.",
        ),
    ],
)
def test_what_is_wrong_with_the_document(changes: dict[str, Any], message: str) -> None:
    assert problem(**changes).startswith(f"{PLACE}{message}")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"spec": ...}, "spec.generators: is missing"),
        ({"spec.generators": [{"git": {"repoURL": "x"}}]}, "spec.generators[0].git: this generator is not supported"),
        (
            {"spec.goTemplate": True},
            "spec.goTemplate: Go templates are not supported; write plain parameters, such as {{",
        ),
        ({"spec.goTemplate": "yes"}, "spec.goTemplate: must be true or false"),
        ({"spec.goTemplateOptions": ["missingkey=error"]}, "spec.goTemplateOptions: Go templates are not supported"),
        ({"spec.templatePatch": "spec: {}"}, "spec.templatePatch: Go templates are not supported"),
        ({"spec.strategy": {"type": "RollingSync"}}, "spec.strategy: applications are synced all at once"),
        ({"spec.preservedFields": {"labels": ["a"]}}, "spec.preservedFields: there are no applications but those"),
        ({"spec.ignoreApplicationDifferences": [{"name": "a"}]}, "spec.ignoreApplicationDifferences: there are no"),
        ({"spec.generator": []}, "spec.generator: unknown field; did you mean generators?"),
        ({"spec.syncPolicy": {"automated": {}}}, "spec.syncPolicy.automated: unknown field"),
        (
            {"spec.syncPolicy": {"preserveResourcesOnDeletion": "x"}},
            "spec.syncPolicy.preserveResourcesOnDeletion: must",
        ),
        (
            {"spec.syncPolicy": {"applicationsSync": "create-only"}},
            "spec.syncPolicy.applicationsSync: 'create-only' is not supported: a change of the template always counts; "
            "allowed: sync, create-update",
        ),
        ({"spec.template.kind": "Application"}, "spec.template.kind: unknown field"),
        ({"spec.template.metadata.generateName": "web-"}, "spec.template.metadata.generateName: unknown field"),
    ],
)
def test_what_is_wrong_with_the_set(changes: dict[str, Any], message: str) -> None:
    assert problem(**changes).startswith(f"{PLACE}, ApplicationSet web: {message}")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"spec.template": ...}, "metadata.name: is missing"),
        ({"spec.template.metadata.name": "{{foo}}"}, "metadata.name: there is no parameter {{foo}}; there is: name, "),
        (
            {"spec.template.metadata.name": "{{ .name }}"},
            "metadata.name: there is no parameter {{.name}}; did you mean",
        ),
        ({"spec.template.spec.source.path": "{{name}"}, "spec.source.path: a {{ has no }} behind it"),
        (
            {"spec.template.spec.destination.namespace": "{{name}}_"},
            "spec.destination.namespace: 'staging_' is no name",
        ),
        # As in Argo CD, only texts have parameters in them.
        (
            {"spec.template.spec.syncPolicy.automated.prune": "{{name}}"},
            "spec.syncPolicy.automated.prune: must be true",
        ),
        ({"spec.template.spec.source.helm": {"x": "y"}}, "spec.source.helm: Helm is not supported yet"),
        ({"spec.template.metadata.annotations": {"deployer/{{name}}": "1"}}, "metadata.annotations.deployer/staging: "),
    ],
)
def test_what_is_wrong_with_an_application(changes: dict[str, Any], message: str) -> None:
    assert problem(**changes).startswith(f"{of('staging')}: {message}")


def test_what_is_wrong_with_one_application_of_several() -> None:
    elements = [{"name": "a", "env": "x"}, {"name": "b", "env": "X!"}]
    told = problem(
        **{
            "spec.generators": [{"list": {"elements": elements}}],
            "spec.template.metadata": {"name": "web-{{name}}-{{env}}"},
            "spec.template.spec.project": "default",
            "spec.template.spec.source.targetRevision": "main",
        }
    )
    place = f"{PLACE}, ApplicationSet web, spec.generators[0].list.elements[1] with name=b, env=X!"
    assert told.startswith(f"{place}: metadata.name: 'web-b-X!' is no name")
