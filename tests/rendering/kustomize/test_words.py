"""Kustomize is heard, without what Secrets hold, and in no more time than that is worth."""

import time

import pytest

from deployer.errors import DeployerError
from deployer.kustomize import Kustomize
from deployer.rendering.kustomize.build import build
from deployer.rendering.kustomize.reach import reach
from deployer.rendering.kustomize.words import explain, secret_texts
from tests.rendering.kustomize.building import DEPLOYMENT, config_map
from tests.trees import MemoryTree

SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {a: hunter2secret}\n"
SAYS = "Kustomize says: "


def said(kustomization: str, files: dict[str, str | bytes] | None = None) -> str:
    tree = MemoryTree({"kustomization.yaml": kustomization, **(files or {})})
    with pytest.raises(DeployerError) as caught:
        build(reach(tree, ".", Kustomize()))
    return str(caught.value)


def secret(fields: str) -> dict[str, str | bytes]:
    return {"s.yaml": SECRET.replace("stringData: {a: hunter2secret}", fields)}


RESOURCE = "resources: [s.yaml]"
JSON_PATCH = "resources: [s.yaml]\npatches:\n- target: {kind: Secret}\n  patch: "


@pytest.mark.parametrize(
    ("kustomization", "files", "part"),
    [
        (RESOURCE, secret("stringData: {password: *hunter2secret}"), "s.yaml, document 1, line 4: an alias"),
        (RESOURCE, secret("stringData: {password: !!int hunter2secret}"), "s.yaml, document 1, line 4: "),
        (RESOURCE, secret("stringData: {a: hunter2secret"), "s.yaml, document 1, line 5: "),
        (RESOURCE, {"s.yaml": SECRET.replace("{name: a}", "hunter2secret")}, SAYS),
        (RESOURCE, secret("stringData: {a: 'hunter2secret"), "s.yaml, document 1, line "),
        (
            "resources: [s.yaml]\ntransformers: [t.yaml]",
            {
                "s.yaml": SECRET,
                "t.yaml": "apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: a}\npatch: '[hunter2secret'",
            },
            "t.yaml, line 4: PatchTransformer: the patch, document 1, line 2: ",
        ),
        (
            "secretGenerator: [{name: a, envs: [PASSWORD=hunter2secret]}]",
            {},
            "kustomization.yaml, line 1: secretGenerator.envs: one of its entries is not in acme/web",
        ),
        ("secretGenerator: [{name: a, files: [PASSWORD=hunter2secret]}]", {}, "files: one of its entries is not in"),
        ("secretGenerator: [{name: a, files: [A=hunter2=secret]}]", {}, "files: one of its entries is neither PATH"),
        (
            "secretGenerator: [{name: a, files: ['https://u:hunter2@a/b']}]",
            {},
            "files: one of its entries is elsewhere",
        ),
        ("resources: ['https://u:hunter2@a/b']", {}, "resources: a text that is neither a path nor valid YAML is else"),
        (
            "patchesStrategicMerge: ['stringData: [password, hunter2secret']",
            {},
            "patchesStrategicMerge: a text that is neither a path nor valid YAML is not in acme/web",
        ),
        ("patchesStrategicMerge: ['stringData: {password: hunter2secret']", {}, "the text, document 1, line 2: "),
        ("secretGenerator: [{name: a, literals: [hunter2secret]}]", {}, SAYS),
        ("secretGenerator: [{name: a, literals: ['=hunter2secret']}]", {}, SAYS),
        ("SECRETGENERATOR: [{name: a, Literals: [hunter2secret]}]", {}, SAYS),
        ("secretGenerator: [{name: a, envs: [a.env]}]", {"a.env": b"a=hunter2secret\xff"}, SAYS),
        ("secretGenerator: [{name: a, literals: [a=hunter2secret, a=hunter2secret]}]", {}, SAYS),
        (
            "generators: [g.yaml]",
            {"g.yaml": "apiVersion: builtin\nkind: SecretGenerator\nmetadata: {name: a}\nliterals: [hunter2secret]"},
            SAYS,
        ),
        (
            "generators:\n- |\n  {apiVersion: builtin, kind: SecretGenerator, metadata: {name: a}, name: a, "
            "literals: [hunter2secret]}",
            {},
            SAYS,
        ),
        (
            "resources: [s.yaml]\npatches:\n- patch: |\n    kind: Secret\n    stringData: {a: hunter2secret}",
            {"s.yaml": SECRET},
            "kustomization.yaml, line 3: patches: the patch is neither a list of operations nor an object",
        ),
        (
            "resources: [s.yaml]\npatches:\n- patch: |\n    kind: Secret\n    stringData: {a: hunter2secret",
            {"s.yaml": SECRET},
            "kustomization.yaml, line 3: patches: the patch, document 1, line 3: ",
        ),
        (
            "resources: [s.yaml]\npatches: [{path: p.yaml}]",
            {"s.yaml": SECRET, "p.yaml": SECRET.replace("{a: hunter2secret}", "[hunter2secret]")},
            f"{SAYS}wrong node kind: expected MappingNode but got SequenceNode",
        ),
        (
            "resources: [s.yaml]\npatches: [{path: p.yaml}]",
            {"s.yaml": SECRET, "p.yaml": "[{op: add, path: /x, value: hunter2secret}]"},
            SAYS,
        ),
        (f"{JSON_PATCH}'[{{op: add, path: /x, value: hunter2secret}}]'", {"s.yaml": SECRET}, "begins with `[`"),
        (f"""{JSON_PATCH}'[{{"op": "add", "path": "/x/y", "value": "hunter2secret"}}]'""", {"s.yaml": SECRET}, SAYS),
        (f"""{JSON_PATCH}'[{{"op": "hunter2secret"}}]'""", {"s.yaml": SECRET}, SAYS),
        (
            "resources: [s.yaml]\nreplacements:\n- source: {kind: Secret, name: a, fieldPath: stringData.a}\n"
            "  targets: [{select: {kind: Secret}, fieldPaths: [stringData.a.b]}]",
            {"s.yaml": SECRET},
            SAYS,
        ),
    ],
)
def test_no_error_holds_what_a_secret_holds(kustomization: str, files: dict[str, str | bytes], part: str) -> None:
    text = said(kustomization, files)
    assert "hunter2" not in text
    assert "104 117 110" not in text, "nor as numbers"
    assert part in text


@pytest.mark.parametrize(
    ("kustomization", "files", "words"),
    [
        (
            "resources: [base]",
            {"base/kustomization.yaml": "kind: Component\nresources: []"},
            ".: Kustomize says: base: expected kind != 'Component' for path 'base'",
        ),
        ("", {}, ".: Kustomize says: kustomization.yaml is empty"),
        (
            "resources: [web.yaml, web.yaml]",
            {"web.yaml": DEPLOYMENT},
            ".: Kustomize says: web.yaml: may not add resource with an already registered id: "
            "Deployment.v1.apps/web.[noNs]",
        ),
        (
            "resources: [base]",
            {"base/kustomization.yaml": "resources: [a.yaml]", "base/a.yaml": "apiVersion: v1\nkind: ConfigMap\n"},
            ".: Kustomize says: base: a.yaml: missing metadata.name in object {{v1 ConfigMap} {{ } map[] map[]}}",
        ),
        (
            "resources: [web.yaml]\npatches: [{path: p.yaml}]",
            {"web.yaml": DEPLOYMENT, "p.yaml": "kind: x"},
            ".: Kustomize says: trouble configuring builtin PatchTransformer unable to parse SM or JSON patch from "
            '[path: "p.yaml"]',
        ),
        (
            "resources: [web.yaml]\ncommonLabels: {a: b}\npatches:\n- patch: '{kind: A, metadata: {name: b}}'",
            {"web.yaml": DEPLOYMENT},
            '.: Kustomize says: no resource matches strategic merge patch "A.[noVer].[noGrp]/b.[noNs]": no matches '
            "for Id A.[noVer].[noGrp]/b.[noNs]; failed to find unique target for patch A.[noVer].[noGrp]/b.[noNs]",
        ),
    ],
)
def test_kustomize_is_heard_in_few_words(kustomization: str, files: dict[str, str | bytes], words: str) -> None:
    assert said(kustomization, files) == words


def test_short_values_and_names_of_secrets_leave_the_words_alone() -> None:
    files = secret("stringData: {a: a, b: in, c: 'id', d: '1'}\ndata: {e: MQ==}")
    text = said("resources: [s.yaml, s.yaml]", files)
    assert text == (
        ".: Kustomize says: s.yaml: may not add resource with an already registered id: Secret.v1.[noGrp]/a.[noNs]"
    )


@pytest.mark.parametrize(
    ("words", "known"),
    [
        ("x hunter2 y", "hunter2"),
        ("x hunter2 y", "aHVudGVyMg=="),
        ("x aHVudGVyMg== y", "hunter2"),
        ("x hunter2 y", "first\n  KEY='hunter2'\n"),
        ('x hun\\"ter2 y', 'hun"ter2'),
        ("x hunter2 y", "hunter\nhunter2"),
    ],
)
def test_a_value_is_masked_in_each_form(words: str, known: str) -> None:
    assert explain(words, "/root", [known]) == "x *** y"


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("error: with config: `\na: `b\n`: why", "why"),
        ("cannot unmarshal !!str `hunter2...` into int", "cannot unmarshal !!str `…` into int"),
        ('from [patch: "a\\"]b"]', "from the patch"),
        ("considering x: node contents:\na: b\n", "considering x: node contents: …"),
        ("decoding [{op: x}]: invalid", "decoding …"),
        ("while decoding JSON: json: why", "while decoding JSON: json: why"),
        ("line [104 117] has invalid utf8 bytes : hu", "a line has invalid utf8 bytes"),
        ("# Warning: 'bases' is deprecated.\nerror: /root/a: why", "a: why"),
        ("", "it said nothing"),
    ],
)
def test_what_the_program_quotes_is_left_out(words: str, shown: str) -> None:
    assert explain(words, "/root", []) == shown


def test_a_secret_that_is_a_part_of_the_private_path_leaves_the_path_out() -> None:
    assert explain("/tmp/source/a.yaml: why", "/tmp/source", ["source"]) == "a.yaml: why"


def test_long_words_are_cut_in_the_middle_and_longer_ones_not_shown() -> None:
    text = explain("start " + "x" * 2_000 + " end", "/root", [])
    assert (len(text), text[:6], text[-4:]) == (703, "start ", " end")
    assert explain("x " * 6_000, "/root", []).startswith("what is not shown here")


def test_secrets_of_any_shape_are_found() -> None:
    value = {
        "items": [{"kind": "Secret", "type": "Opaque", "metadata": {"name": "a"}, "data": {"a": ["b", {"c": 12345}]}}],
        "secretGenerator": [{"name": "n", "literals": ["d=e"]}, "f"],
        "patch": {"data": {"g": "h"}},
        "operations": [{"op": "add", "value": "i"}],
        "other": {"kind": "ConfigMap", "data": {"j": "k"}},
    }
    assert sorted(secret_texts([value])) == ["12345", "b", "d=e", "f", "h", "i"]


def test_a_text_that_aliases_repeat_is_looked_at_once() -> None:
    bomb = "kind: Secret\\na: &a [x,x,x,x,x,x,x,x,x]\\n" + "".join(
        f"{key}: &{key} [{','.join([f'*{before}'] * 9)}]\\n" for before, key in zip("abcde", "bcdef", strict=True)
    )
    text = f'apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ns: &s "{bomb}"\nl: [{"*s, " * 3_900}]\n'
    start = time.monotonic()
    assert SAYS in said("resources: [r.yaml, bad.yaml]", {"r.yaml": text, "bad.yaml": "a: b"})
    assert time.monotonic() - start < 10


def test_many_generators_of_one_large_file_take_no_time() -> None:
    text = "".join(f"key{number}=value{number}\n" for number in range(400_000))
    generators = "".join(f"- {{name: a{number}, envs: [f.txt]}}\n" for number in range(20))
    start = time.monotonic()
    told = said(f"secretGenerator:\n{generators}resources: [bad.yaml]\n", {"f.txt": text, "bad.yaml": "a: b"})
    assert "what is not shown here, as it may hold whole Secrets; run `kubectl kustomize`" in told
    assert time.monotonic() - start < 20


def test_the_secrets_are_not_shown_with_what_was_reached() -> None:
    tree = MemoryTree({"kustomization.yaml": "resources: [s.yaml]", "s.yaml": SECRET, "map.yaml": config_map("a")})
    reached = reach(tree, ".", Kustomize())
    assert reached.secrets == {"hunter2secret"}
    assert "hunter2secret" not in repr(reached)
