"""A kustomization's fields have the names and the types that Kustomize knows, or the line is told."""

import pytest

from deployer.errors import RenderError
from deployer.limits import DEFAULT_LIMITS
from deployer.rendering.kustomize.kustomization import folded, parse_kustomization, write_kustomization
from deployer.rendering.kustomize.reading import Reader
from deployer.rendering.kustomize.text import Text
from tests.rendering.kustomize.building import DEPLOYMENT, plain


def parsed(text: str) -> dict[str, object]:
    return parse_kustomization("k.yaml", text.encode(), Reader(DEFAULT_LIMITS))[0]


def test_names_are_as_documented_and_nulls_say_nothing() -> None:
    assert parsed("NamePrefix: a\nimages: [{NEWTAG: b, digest: null}]\nbases: null") == {
        "namePrefix": "a",
        "images": [{"newTag": "b"}],
    }
    assert parsed("") == {}


WRONG = [
    ("namePrefix: {a: b}", "k.yaml, line 1: namePrefix must be text; put quotes around a number, true or false"),
    ("\nnamespace: 5", "k.yaml, line 2: namespace must be text"),
    ("commonLabels: {a: 1}", "k.yaml, line 1: commonLabels must be a mapping of texts; put quotes around"),
    ("resources: a.yaml", "k.yaml, line 1: resources must be a list of texts; write each on a line of its own"),
    ("resources: [1]", "resources must be a list of texts"),
    ("images: {name: a}", "k.yaml, line 1: images must be a list of mappings; write each behind `- `"),
    (
        "images:\n- name: a\n  newTag: '1'\n- name: b\n  newTag: 2",
        "k.yaml, line 5: images: newTag must be text; put quotes around a number, true or false",
    ),
    ("images:\n- nam: a", "k.yaml, line 2: images: 'nam' is no field; did you mean name?; correct or remove it"),
    ("replicas: [{name: a, count: many}]", "k.yaml, line 1: replicas: count must be a whole number"),
    ("replicas: [{name: a, count: 1.5}]", "replicas: count must be a whole number"),
    ("replicas: [{name: a, count: true}]", "replicas: count must be a whole number"),
    ("labels: [{pairs: {a: b}, includeSelectors: 'yes'}]", "labels: includeSelectors must be true or false"),
    ("labels: [{pairs: {a: true}}]", "labels: pairs must be a mapping of texts"),
    ("patches: [{path: p.yaml, target: Deployment}]", "patches: target must be a mapping"),
    ("configMapGenerator: [{name: a, literal: [a=b]}]", "'literal' is no field; did you mean literals?"),
    ("secretGenerator: [{name: a, literals: hunter2secret}]", "secretGenerator: literals must be a list of texts"),
    ("resource: [a]", "k.yaml, line 1: 'resource' is no field of a kustomization; did you mean resources?"),
]


@pytest.mark.parametrize(("text", "problem"), WRONG)
def test_what_kustomize_refuses_is_refused_with_the_line(text: str, problem: str) -> None:
    with pytest.raises(RenderError) as caught:
        parsed(text)
    assert problem in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert plain({"kustomization.yaml": text, "p.yaml": DEPLOYMENT, "a.yaml": DEPLOYMENT})[1], "Kustomize refuses it"


def test_a_whole_number_may_have_a_point() -> None:
    text = "resources: [web.yaml]\nreplicas: [{name: web, count: 2.0}]\n"
    assert parsed(text)["replicas"] == [{"name": "web", "count": 2}]
    assert not plain({"kustomization.yaml": text, "web.yaml": DEPLOYMENT})[1]


def test_names_that_differ_in_case_alone_are_one() -> None:
    with pytest.raises(RenderError, match=r"^k, line 2: 'A' stands there twice; leave one$"):
        folded({"a": 1, "A": None}, ["a"], Text("k", b"a: 1\nA:\n"))


def test_no_other_parser_can_read_it_otherwise() -> None:
    odd = "\x7f\x85\x9f\u2028\u2029\ufeff\ufffe\uffff"
    written = write_kustomization({"namePrefix": f"é{odd}"})
    assert written == ('{"namePrefix": "é' + "".join(f"\\u{ord(one):04x}" for one in odd) + '"}').encode()
    assert parse_kustomization("k", written, Reader(DEFAULT_LIMITS))[0] == {"namePrefix": f"é{odd}"}
