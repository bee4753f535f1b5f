"""One Kubernetes object as the source wants it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from deployer.errors import RenderError


class ObjectKey(NamedTuple):
    """What identifies an object in a cluster, whatever version it is read in."""

    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        """`Deployment/web`, as people write it; the namespace and the group are told where they matter."""
        return f"{self.kind}/{self.name}"


def words(text: str) -> tuple[str, ...]:
    """The words of a comma list, each once, without the white space around them and without empty ones.

    The rule is `GetAnnotationCSVs` of Argo CD's gitops-engine, `pkg/sync/resource/annotations.go`.
    """
    return tuple(dict.fromkeys(filter(None, map(str.strip, text.split(",")))))


@dataclass(frozen=True)
class Manifest:
    """A desired object and where it stands in the source.

    `body` is the object as parsed JSON, never changed after rendering, which guarantees that `apiVersion`, `kind` and
    `metadata.name` (of a hook, that or `metadata.generateName`) are there; `place` tells a person where it came from,
    such as `web/deployment.yaml, document 2`.
    """

    body: Mapping[str, Any]
    place: str

    @property
    def api_version(self) -> str:
        """Group and version, such as `apps/v1` or `v1`."""
        return str(self.body["apiVersion"])

    @property
    def group(self) -> str:
        """The API group; `""` is the core group."""
        return self.api_version.rpartition("/")[0]

    @property
    def version(self) -> str:
        """The API version without its group, such as `v1`."""
        return self.api_version.rpartition("/")[2]

    @property
    def kind(self) -> str:
        """The kind, such as `Deployment`."""
        return str(self.body["kind"])

    @property
    def name(self) -> str:
        """`metadata.name`; where there is none, what the names that are made for it begin with."""
        metadata = self.body["metadata"]
        return str(metadata.get("name") or metadata["generateName"])

    @property
    def namespace(self) -> str:
        """`metadata.namespace`; `""` where there is none."""
        return str(self.body["metadata"].get("namespace") or "")

    @property
    def annotations(self) -> Mapping[str, str]:
        """`metadata.annotations`; empty where there are none."""
        return self.body["metadata"].get("annotations") or {}

    @property
    def labels(self) -> Mapping[str, str]:
        """`metadata.labels`; empty where there are none."""
        return self.body["metadata"].get("labels") or {}

    @property
    def key(self) -> ObjectKey:
        """The identity of the object in its cluster."""
        return ObjectKey(self.group, self.kind, self.namespace, self.name)

    def listed(self, annotation: str) -> tuple[str, ...]:
        """The words of an annotation that is a comma list; none where it is not there."""
        return words(self.annotations.get(annotation, ""))

    def error(self, annotation: str, problem: str, field: str = "annotations") -> RenderError:
        """Say what is wrong with one annotation, or label, with the object and its place."""
        return RenderError(f"{self.place}: {self.key}: metadata.{field}: {annotation}: {problem}")
