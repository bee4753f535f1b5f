import json
import math
from collections.abc import Callable
from typing import Any

import pytest

from deployer.rendering.scalars import json_key, json_value, plain, tagged

Judge = Callable[[list[str]], list[Any]]

PLAIN = [
    *((text, True) for text in ("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON")),
    *((text, False) for text in ("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF")),
    *((text, None) for text in ("", "~", "null", "Null", "NULL")),
    *((text, text) for text in ("yEs", "oN", "nUll", "none", "tRUE", "t", "f", "nil", "=", "<", "é", "_1", "a1")),
    ("0", 0),
    ("00", 0),
    ("-0", 0),
    ("+7", 7),
    ("0644", 420),
    ("-0644", -420),
    ("0o644", 420),
    ("0O644", 420),
    ("0x1F", 31),
    ("-0X1f", -31),
    ("0b101", 5),
    ("-0B1", -1),
    ("0b-1", -1),
    ("1_000", 1000),
    ("1__0_", 10),
    ("0x_f", 15),
    ("08", 8),
    ("0o8", "0o8"),
    ("0x", "0x"),
    ("0b2", "0b2"),
    ("+", "+"),
    ("+-1", "+-1"),
    ("1e3", 1000),
    ("1E+3", 1000),
    ("1.", 1),
    ("1.5", 1.5),
    ("1_0.5", 10.5),
    (".5", 0.5),
    ("+.5", 0.5),
    (".5_0", 0.5),
    (".1e1_0", 10**9),
    *((text, text) for text in ("._5", ".5_", ".5__0", ".1_e3")),
    (".", "."),
    (".e3", ".e3"),
    ("1e999", "1e999"),
    ("1e-7", 1e-7),
    ("1e20", 10**20),
    ("1e21", 1e21),
    ("0x1p3", "0x1p3"),
    ("9223372036854775807", 9223372036854775807),
    ("9223372036854775808", 9223372036854776000),
    ("12345678901234567890", 12345678901234567000),
    ("-9223372036854775809", -9223372036854776000),
    ("0xFFFFFFFFFFFFFFFF", 18446744073709552000),
    ("+0xFFFFFFFFFFFFFFFF", "+0xFFFFFFFFFFFFFFFF"),
    ("0x1FFFFFFFFFFFFFFFF", "0x1FFFFFFFFFFFFFFFF"),
    ("1234567890123456789012345", 1.2345678901234568e24),
    ("0" * 90 + "7", 7),
    ("1" * 100, 1.111111111111111e99),
    ("0b" + "1" * 65, "0b" + "1" * 65),
    ("12:30:45", "12:30:45"),
    ("1:30", "1:30"),
    ("2001-01-01", "2001-01-01"),
    ("2001-12-14t21:59:43.10-05:00", "2001-12-14t21:59:43.10-05:00"),
    ("1.2.3", "1.2.3"),
    ("100m", "100m"),
    ("10e", "10e"),
    ("inf", "inf"),
    ("NaN", "NaN"),
]

TAGGED = [
    ("!!str", "123", "123"),
    ("!!str", "", ""),
    ("!!int", "3", 3),
    ("!!int", "0x10", 16),
    ("!!float", "3", 3),
    ("!!float", "9223372036854775807", 9223372036854776000),
    ("!!float", "0.5", 0.5),
    ("!!float", "18446744073709551616", 18446744073709552000),
    ("!!bool", "yes", True),
    ("!!null", "~", None),
    ("!!timestamp", "2001-01-01", "2001-01-01"),
    ("!!binary", "aGVsbG8=", "hello"),
    ("!local", "5", "5"),
    ("!", "5", "5"),
    ("!!merge", "5", "5"),
]

KEYS = [
    ("a", "a"),
    ("on", "true"),
    ("n", "false"),
    ("8080", "8080"),
    ("0x10", "16"),
    ("1.10", "1.1"),
    ("-1.5", "-1.5"),
    ("-0.0", "-0"),
    ("100000.0", "100000"),
    ("1e6", "1e+06"),
    ("16777217.0", "1.6777216e+07"),
    ("12345678.9", "1.2345679e+07"),
    ("0.0001", "0.0001"),
    ("0.00001", "1e-05"),
    ("1e-45", "1e-45"),
    ("3.4e39", ".inf"),
    ("-.inf", "-.inf"),
    (".nan", ".nan"),
    ("2001-01-01", "2001-01-01"),
]


@pytest.mark.parametrize(("text", "value"), PLAIN)
def test_a_plain_scalar_is_what_kubectl_takes_it_for(text: str, value: Any) -> None:
    assert same(json_value(plain(text)), value)


@pytest.mark.parametrize(("tag", "text", "value"), TAGGED)
def test_a_tag_says_what_a_scalar_is(tag: str, text: str, value: Any) -> None:
    assert same(json_value(tagged(tag.replace("!!", "tag:yaml.org,2002:"), text)), value)


@pytest.mark.parametrize(
    ("tag", "text"),
    [
        ("int", "1.5"),
        ("int", "secret"),
        ("int", "yes"),
        ("float", "secret"),
        ("float", "true"),
        ("float", "9223372036854775808"),
        ("bool", "1"),
        ("null", "secret"),
        ("timestamp", "secret"),
        ("timestamp", "5"),
        ("binary", "secret!"),
        ("binary", "/w=="),
    ],
)
def test_a_tag_that_does_not_fit_is_refused_without_quoting_the_value(tag: str, text: str) -> None:
    with pytest.raises(ValueError, match=f"!!{tag}") as error:
        tagged(f"tag:yaml.org,2002:{tag}", text)
    assert text not in str(error.value)


@pytest.mark.parametrize(("text", "key"), KEYS)
def test_a_key_becomes_text_as_in_kubectl(text: str, key: str) -> None:
    assert json_key(plain(text)) == key


@pytest.mark.parametrize("value", [None, 2**63, [], {}])
def test_what_kubectl_makes_no_key_of_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="is no key"):
        json_key(value)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_json_has_no_infinity(value: float) -> None:
    with pytest.raises(ValueError, match="no JSON numbers"):
        json_value(value)


def test_the_tables_are_what_kubectl_says(kubectl_reads: Judge) -> None:
    scalars = [(text, value) for text, value in PLAIN] + [(f"{tag} '{text}'", value) for tag, text, value in TAGGED]
    judged = kubectl_reads([f"value: {text}\n" for text, _ in scalars])
    assert [text for (text, value), read in zip(scalars, judged, strict=True) if not same(read, {"value": value})] == []
    judged = kubectl_reads([f"? {text}\n: here\n" for text, _ in KEYS])
    assert [text for (text, key), read in zip(KEYS, judged, strict=True) if read != {key: "here"}] == []


def same(one: Any, other: Any) -> bool:
    """Equal, and of one JSON type: True is not 1."""
    return json.dumps(one) == json.dumps(other)
