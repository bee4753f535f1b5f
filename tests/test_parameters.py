from typing import Any

import pytest

from deployer.errors import ConfigurationError
from deployer.parameters import Parameters

PARAMETERS = Parameters(
    {
        "name": "staging",
        "values.branch": "main",
        "metadata.labels.acme.example/env": "test",
        "sly": "{{name}}",
        "no": "",
    },
    "a.yaml, ApplicationSet web",
    {"server": "there is no URL; add one"},
)


@pytest.mark.parametrize(
    ("value", "filled"),
    [
        ("plain", "plain"),
        ("{{name}}", "staging"),
        ("web-{{ name }}-{{values.branch}}", "web-staging-main"),
        ("{{\tname\n}}", "staging"),
        ("{{metadata.labels.acme.example/env}}", "test"),
        ("a{{no}}b", "ab"),
        ("a }} b { c", "a }} b { c"),
        # What is filled in is not looked at again.
        ("{{sly}}", "{{name}}"),
        ([1, True, None, "{{name}}"], [1, True, None, "staging"]),
        ({"a": {"b": ["{{name}}"]}, "{{name}}": "x", 1: 2}, {"a": {"b": ["staging"]}, "staging": "x", 1: 2}),
    ],
)
def test_what_is_filled_in(value: Any, filled: Any) -> None:
    assert PARAMETERS.fill(value, "spec") == filled


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            {"source": {"path": ["x", "{{nam}}"]}},
            "spec.source.path[1]: there is no parameter {{nam}}; did you mean name?; there is: name, values.branch, "
            "metadata.labels.acme.example/env, sly, no",
        ),
        ({"{{foo}}": "x"}, "spec: there is no parameter {{foo}}; there is: name, "),
        ("{{}}", "spec: there is no parameter {{}}; there is: "),
        ("{{{name}}}", "spec: there is no parameter {{{name}}; did you mean name?; there is: "),
        ("{{.name}}", "{{.name}}; did you mean name?; Go templates are not supported; there is: "),
        ("{{ index .values `branch` }}", "; Go templates are not supported; there is: "),
        ("{{name | normalize}}", "; Go templates are not supported; there is: "),
        ("{{server}}", "spec: there is no {{server}}: there is no URL; add one"),
        ("{{name}} {{name}", "spec: a {{ has no }} behind it"),
        ({"staging": "1", "{{name}}": "2"}, "spec: two keys become 'staging'; keep one"),
    ],
)
def test_what_cannot_be_filled_in(value: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        PARAMETERS.fill(value, "spec")
    assert str(caught.value).startswith("a.yaml, ApplicationSet web: spec")
    assert message in str(caught.value)


def test_where_there_are_none() -> None:
    with pytest.raises(ConfigurationError, match=r"^here: spec: there is no parameter \{\{name\}\}; there is: none$"):
        Parameters({}, "here").fill("{{name}}", "spec")
