"""The `ApplicationSet` document: Argo CD's own. One template, and an Application for all that its generators give.

The applications are made when the configuration is read, and are then like those that are written: nothing is kept of
what a set made before. An element or a cluster that disappears takes its application out of the configuration, and
what that one has deployed stays as it is. Fields and meanings are those of Argo CD's
`pkg/apis/application/v1alpha1/applicationset_types.go`; what is not supported is refused by its name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deployer.annotations import HARMLESS
from deployer.application import Application, parse_application
from deployer.cluster_document import ClusterDocument
from deployer.fields import Fields, parse_metadata
from deployer.generators import Generator, parse_generators

_GO_TEMPLATES = "Go templates are not supported; write plain parameters, such as {{name}}, and remove the field"
_LIVE = "there are no applications but those that the set makes, whose fields nobody else changes; remove the field"
_LATER_IN_SPEC = {
    "goTemplateOptions": _GO_TEMPLATES,
    "templatePatch": _GO_TEMPLATES,
    "strategy": "applications are synced all at once, in no order among each other; remove the field",
    "preservedFields": _LIVE,
    "ignoreApplicationDifferences": _LIVE,
}
# The others keep a changed template away from applications that are there already. Without deletion, as `create-update`
# has it, is how it always is.
_APPLICATIONS_SYNC = ("sync", "create-update")
_HARMLESS_ANNOTATIONS = ("argocd.argoproj.io/application-set-refresh", *HARMLESS)


@dataclass(frozen=True)
class ApplicationSet:
    """One `ApplicationSet` document; `metadata` and `spec` are its template's, with parameters in them."""

    name: str
    generators: tuple[Generator, ...]
    metadata: Mapping[str, Any]
    spec: Mapping[str, Any]
    place: str

    def applications(self, clusters: Sequence[ClusterDocument]) -> tuple[Application, ...]:
        """Make its applications, in the order of its generators; `clusters` are all of the configuration.

        Each one's place names the set, the generator and its parameters. Raises ConfigurationError, at the first field
        of the first one that is wrong.
        """
        found = (one for generator in self.generators for one in generator.parameters(clusters))
        return tuple(
            parse_application(
                {
                    "apiVersion": "argoproj.io/v1alpha1",
                    "kind": "Application",
                    "metadata": parameters.fill(self.metadata, "metadata"),
                    "spec": parameters.fill(self.spec, "spec"),
                },
                parameters.place,
            )
            for parameters in found
        )


def parse_application_set(document: Mapping[str, Any], place: str) -> ApplicationSet:
    """Read the set that a document describes; `place` is the file and the document's number, for errors.

    Raises ConfigurationError, at the first field that is wrong. What the template says is looked at when it is filled.
    """
    top = Fields(document, place)
    top.allow("apiVersion", "kind", "metadata", "spec", "status")
    name = parse_metadata(top.section("metadata"))
    _check_annotations(top.section("metadata").section("annotations"))
    # From here on, an error names the set, and so do the applications' places.
    spec = Fields(top.section("spec").values, f"{place}, ApplicationSet {name}", "spec")
    spec.allow(
        # Argo CD ignores `applyNestedSelectors`.
        *("generators", "template", "syncPolicy", "goTemplate", "applyNestedSelectors"),
        unsupported=_LATER_IN_SPEC,
    )
    if spec.flag("goTemplate"):
        raise spec.error("goTemplate", _GO_TEMPLATES)
    _check_sync_policy(spec.section("syncPolicy"))
    template = spec.section("template")
    template.allow("metadata", "spec")
    metadata = template.section("metadata")
    metadata.allow("name", "namespace", "labels", "annotations", "finalizers")
    return ApplicationSet(name, parse_generators(spec), metadata.values, template.section("spec").values, place)


def _check_annotations(annotations: Fields) -> None:
    for name in map(str, annotations.values):
        if name.startswith(("deployer/", "argocd.argoproj.io/")) and name not in _HARMLESS_ANNOTATIONS:
            raise annotations.error(
                name, "is for an application; write it into spec.template.metadata.annotations, or remove it"
            )


def _check_sync_policy(policy: Fields) -> None:
    policy.allow("preserveResourcesOnDeletion", "applicationsSync")
    policy.flag("preserveResourcesOnDeletion")  # what leaves the configuration is always left as it is
    if (how := policy.text("applicationsSync")) and how not in _APPLICATIONS_SYNC:
        raise policy.error(
            "applicationsSync",
            f"{how[:40]!r} is not supported: a change of the template always counts; "
            f"allowed: {', '.join(_APPLICATIONS_SYNC)}",
        )
