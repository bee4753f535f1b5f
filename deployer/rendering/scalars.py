"""What a YAML scalar means to kubectl.

The rules are those of the libraries that kubectl reads YAML with, go.yaml.in/yaml/v2 (`resolve.go`) and
sigs.k8s.io/yaml (`yaml.go`): YAML 1.1 with differences, such as `0o644` being octal, `1e3` a number, and times, dates
and `=` text.
"""

import base64
import binascii
import math
import re
from ctypes import c_float
from decimal import Decimal
from typing import Any

Scalar = str | int | float | bool | None

_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"], True),
    **dict.fromkeys(["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"], False),
    **dict.fromkeys(["", "~", "null", "Null", "NULL"], None),
    **dict.fromkeys([".nan", ".NaN", ".NAN"], math.nan),
    **dict.fromkeys([".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"], math.inf),
    **dict.fromkeys(["-.inf", "-.Inf", "-.INF"], -math.inf),
}
_NUMBER_STARTS = frozenset("+-.0123456789")
# The last form is go-yaml's own slip: it takes a sign behind `0b`.
_INTEGER = re.compile(
    r"(?P<sign>[-+]?)(?:0[xX](?P<x>[0-9a-fA-F]+)|0[bB](?P<b>[01]+)|0[oO]?(?P<o>[0-7]+)|(?P<d>0|[1-9][0-9]*))"
    r"|0b(?P<signed>[-+][01]+)"
)
_BASES = {"x": 16, "b": 2, "o": 8, "d": 10, "signed": 2}
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_STRAY_UNDERSCORE = re.compile(r"(?<![0-9])_|_(?![0-9])")
_TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ][0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(\.[0-9]+)?(Z|[-+][0-9:]+)?)?"
)

_INT64 = range(-(2**63), 2**63)
_UINT64 = range(2**64)

_STANDARD_TAG = "tag:yaml.org,2002:"
_TYPES: dict[str, tuple[type, ...]] = {
    "null": (type(None),),
    "bool": (bool,),
    "int": (int,),
    "float": (float, int),
}


def plain(text: str) -> Scalar:
    """Give the value of a scalar without quotes and without a tag."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_STARTS:
        return text
    # Underscores may stand anywhere in a number, but only between digits in one that starts with its decimal point.
    number = text if text[0] == "." and _STRAY_UNDERSCORE.search(text) else text.replace("_", "")
    integer = _integer(number)
    if integer is not None:
        return integer
    if _FLOAT.fullmatch(number):
        value = float(number)
        # Go cannot parse a number that is too large for a float, and leaves it as text.
        return text if math.isinf(value) else value
    return text


def tagged(tag: str, text: str) -> Scalar:
    """Give the value of a scalar with an explicit tag, quoted or not; a tag that is not one of YAML's own means text.

    Raises ValueError where the text is not of that type, with a message that does not quote it.
    """
    kind = tag.removeprefix(_STANDARD_TAG) if tag.startswith(_STANDARD_TAG) else ""
    if kind == "binary":
        return _binary(text)
    if kind == "timestamp":
        if not _TIMESTAMP.fullmatch(text):
            raise ValueError("a value tagged !!timestamp is no timestamp")
        return text
    if kind not in _TYPES:
        return text
    value = plain(text)
    # bool is a kind of int to Python alone.
    if not isinstance(value, _TYPES[kind]) or isinstance(value, bool) != (kind == "bool"):
        raise ValueError(f"a value tagged !!{kind} is none")
    if kind != "float" or not isinstance(value, int):
        return value
    if value not in _INT64:  # go-yaml's own slip: it takes smaller integers, and larger ones
        raise ValueError("an integer of more than 63 bits tagged !!float is refused, as in kubectl; write it with `.0`")
    return float(value)


def json_value(value: Any) -> Any:
    """Give a value as it is after a way through Go's JSON: `1.0` is 1, and more than 64 bits have a float's precision.

    So a number is equal to what the API server stores. Whatever is no number stays as it is. Raises ValueError for the
    numbers that JSON does not have.
    """
    if isinstance(value, int) and value not in _INT64:
        value = float(value)
    if not isinstance(value, float):
        return value
    if not math.isfinite(value):
        raise ValueError("infinity and NaN are no JSON numbers; quote the value if text is meant")
    # Go writes whole floats below 1e21 without an exponent, with the shortest digits that mean the same float.
    return int(Decimal(repr(value))) if value.is_integer() and abs(value) < 1e21 else value


def json_key(value: Any) -> str:
    """Give the text that kubectl makes of a mapping's key. Raises ValueError where it makes none."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float_key(value)
    if value is None:
        raise ValueError("null is no key; quote it if text is meant")
    if not isinstance(value, int):
        raise ValueError("a list or mapping is no key")
    if value not in _INT64:
        raise ValueError("a number of more than 64 bits is no key; quote it if text is meant")
    return str(value)


def _integer(text: str) -> int | None:
    """Read an integer as Go's strconv.ParseInt, then ParseUint, do with base 0; None where both refuse."""
    match = _INTEGER.fullmatch(text)
    if match is None or match.lastgroup is None:
        return None
    digits = match[match.lastgroup].lstrip("0")
    # No number of 64 bits has more digits, and Python's own reading of long ones is slow.
    if len(digits) > 64:
        return None
    value = int(digits or "0", _BASES[match.lastgroup])
    if match["sign"] == "-":
        value = -value
    return value if value in _INT64 or (value in _UINT64 and not match["sign"]) else None


def _binary(text: str) -> str:
    try:
        return base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise ValueError("a value tagged !!binary is not the base64 of text") from None


def _float_key(value: float) -> str:
    """Write a number as Go's `FormatFloat(value, 'g', -1, 32)`: the fewest digits that mean the same 32-bit float."""
    single = c_float(value).value
    if not math.isfinite(single):
        return ".nan" if math.isnan(single) else ".inf" if single > 0 else "-.inf"
    shortest = next(text for text in (f"{single:.{n}e}" for n in range(9)) if c_float(float(text)).value == single)
    exponent = int(shortest.partition("e")[2])
    return f"{Decimal(shortest):f}" if -4 <= exponent < 6 else shortest
