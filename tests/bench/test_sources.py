import pytest
import yaml

from bench.sources import config_maps, with_tag

_IMAGE = """\
containers:
- name: web
  image: registry.example:5000/web:1.2
  imagePullPolicy: Always
"""


def test_with_tag() -> None:
    assert with_tag(_IMAGE, "round-3") == _IMAGE.replace("1.2", "round-3")


@pytest.mark.parametrize(("text", "count"), [("kind: ConfigMap\n", 0), (_IMAGE * 2, 2)])
def test_with_tag_wants_one_image(text: str, count: int) -> None:
    with pytest.raises(ValueError, match=f"{count} images"):
        with_tag(text, "1.3")


def test_config_maps() -> None:
    files = config_maps("many-7")
    assert len(files) == 20
    for name, text in files.items():
        namespace, *rest = yaml.safe_load_all(text)
        assert namespace["kind"] == "Namespace"
        assert f"{namespace['metadata']['name']}.yaml" == name
        assert name.startswith("many-7-")
        assert {one["kind"] for one in rest} == {"ConfigMap"}
        assert {one["metadata"]["namespace"] for one in rest} == {namespace["metadata"]["name"]}
        assert len({one["metadata"]["name"] for one in rest}) == 50
