"""What `source.kustomize` changes in a kustomization, as Argo CD has `kustomize edit` change it.

The order is that of `Build` in Argo CD's util/kustomize/kustomize.go, the rules are those of Kustomize's
kustomize/commands/edit.
"""

from collections.abc import Mapping
from typing import Any

from deployer.errors import RenderError
from deployer.kustomize import Image, Kustomize, Patch, parse_image
from deployer.rendering.kustomize.kustomization import mappings, texts
from deployer.rendering.kustomize.text import Text

_KEEP = "*"
"""Where an image has it for its new name, tag or digest, what the kustomization says of that stays."""


def edit(kustomization: Mapping[str, Any], kustomize: Kustomize, text: Text) -> dict[str, Any]:
    """Change a kustomization as an Application says.

    Args:
        kustomization: from `parse_kustomization`.
        kustomize: the settings, with their variables filled in, and the components that there are.
        text: of the kustomization's file, for errors.

    Returns:
        The kustomization to build.

    Raises:
        RenderError: a label or annotation stands there already, and is not to be forced; or a field is not valid.
    """
    found = dict(kustomization)
    names = {"namePrefix": kustomize.name_prefix, "nameSuffix": kustomize.name_suffix, "namespace": kustomize.namespace}
    found |= {name: value for name, value in names.items() if value}
    if kustomize.images:
        found["images"] = _images(found, kustomize, text)
        found.pop("imageTags", None)
    if kustomize.replicas:
        replicas = {one.name: {"name": one.name, "count": one.count} for one in kustomize.replicas}
        for known in mappings(found, "replicas", text):
            replicas.setdefault(known.get("name", ""), dict(known))
        found["replicas"] = _by_name(replicas)
    if kustomize.common_labels and kustomize.label_without_selector:
        found["labels"] = _labels(found, kustomize, text)
    elif kustomize.common_labels:
        _add(found, "commonLabels", kustomize.common_labels, kustomize.force_common_labels, text)
    if kustomize.common_annotations:
        _add(found, "commonAnnotations", kustomize.common_annotations, kustomize.force_common_annotations, text)
    if kustomize.patches:
        found["patches"] = [*mappings(found, "patches", text), *map(_patch, kustomize.patches)]
    if kustomize.components:
        components = texts(found, "components", text)
        added = dict.fromkeys(one for one in kustomize.components if one not in components)
        found["components"] = [*components, *added]
    return found


def _images(found: Mapping[str, Any], kustomize: Kustomize, text: Text) -> list[dict[str, Any]]:
    images: dict[str, dict[str, Any]] = {}
    for argument in kustomize.images:
        try:
            image = parse_image(argument)
        except ValueError as error:
            raise RenderError(f"the Application's kustomize.images: {argument[:80]!r} {error}") from None
        images[image.name] = _fields(image)
    for one in (*mappings(found, "images", text), *mappings(found, "imageTags", text)):
        name = one.get("name", "")
        images[name] = _kept(images[name], one) if name in images else dict(one)
    return _by_name({name: _kept(image, {}) for name, image in images.items()})


def _fields(image: Image) -> dict[str, Any]:
    fields = {"name": image.name, "newName": image.new_name, "newTag": image.tag, "digest": image.digest}
    return {name: value for name, value in fields.items() if value}


def _kept(image: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """An image with what stays of it in place of each `*`."""
    return {name: before.get(name, "") if value == _KEEP else value for name, value in image.items()}


def _by_name(entries: Mapping[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [entries[name] for name in sorted(entries, key=str)]


def _labels(found: Mapping[str, Any], kustomize: Kustomize, text: Text) -> list[dict[str, Any]]:
    """The `labels` with those to be added without selectors, in the first entry that does the same."""
    labels = [dict(one) for one in mappings(found, "labels", text)]
    how = (False, kustomize.label_include_templates)
    same = next((one for one in labels if _how(one) == how), None)
    if same is None:
        same = {"includeTemplates": True} if kustomize.label_include_templates else {}
        labels.append(same)
    _add(same, "pairs", kustomize.common_labels, kustomize.force_common_labels, text)
    return labels


def _how(label: Mapping[str, Any]) -> tuple[bool, bool]:
    return bool(label.get("includeSelectors")), bool(label.get("includeTemplates"))


def _add(into: dict[str, Any], field: str, pairs: Mapping[str, str], force: bool, text: Text) -> None:
    known = into.get(field) or {}
    for name in pairs:
        if name in known and not force:
            what = "annotation" if field == "commonAnnotations" else "label"
            forced = "forceCommonAnnotations" if field == "commonAnnotations" else "forceCommonLabels"
            problem = f"the {what} {name} stands there, and in the Application's kustomize, too"
            raise RenderError(f"{text.place(name, field)}: {problem}; remove one, or say {forced}: true")
    into[field] = {**known, **pairs}


def _patch(patch: Patch) -> dict[str, Any]:
    fields = {"path": patch.path, "patch": patch.text, "target": patch.target, "options": patch.options}
    return {name: dict(value) if isinstance(value, Mapping) else value for name, value in fields.items() if value}
