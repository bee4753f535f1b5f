"""Where something stands is said by the line that is meant."""

from deployer.rendering.kustomize.text import Text


def test_lines_are_those_of_what_is_meant() -> None:
    text = Text("k.yaml", b"resources:\n- ../base2\n- ../base\nconfigMapGenerator:\n- files:\n  - x=../one\n")
    assert text.place("../base") == "k.yaml, line 3"
    assert text.place("../one") == "k.yaml, line 6"
    assert text.place("../two") == "k.yaml"
    assert Text("k.yaml", b'{"a": "\\/b"\t}\x7f').place("c") == "k.yaml"


def test_a_line_is_sought_behind_the_field_first() -> None:
    text = Text("k.yaml", b"namePrefix: a\nresources:\n- a\npatches:\n- path: b\n- target: {name: a}\n  path: a\n")
    assert text.place("a", "patches") == "k.yaml, line 6"
    assert text.place("path", "patches", 1) == "k.yaml, line 7"
    assert text.place("a", "RESOURCES") == "k.yaml, line 3", "Kustomize takes it for the same"
    assert text.place("namePrefix", "patches") == "k.yaml, line 1", "else it is sought everywhere"
    assert text.place("c", "patches") == "k.yaml"


def test_lines_of_a_document_are_those_of_the_file() -> None:
    assert Text("k.yaml", b"a: b\n", above=4).place("b") == "k.yaml, line 5"
