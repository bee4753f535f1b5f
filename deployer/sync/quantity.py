"""Quantities as an API server writes them. Pure."""

import json
import re
from fractions import Fraction
from typing import Any

_FORM = re.compile(r"(-?)(0|[1-9]\d*|)(?:\.(\d+))?(?:([KMGTPE]i)|([mkMGTPE]?))", re.ASCII)
_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_DECIMAL = ("m", "", "k", "M", "G", "T", "P", "E")
_LARGEST = 2**63 - 1


def canonical(value: Any) -> str | None:
    """Write a quantity as the server stores it: `1000m` as `1`, `0.5` as `500m`, `1024Mi` as `1Gi`, 1000 as `1k`.

    The suffix stays binary or decimal as it was, with the largest unit that leaves a whole number
    (kubernetes, apimachinery/pkg/api/resource, `Quantity`).

    Args:
        value: a JSON value, a text or a number.

    Returns:
        The canonical text; None for what is no quantity, and for the few forms that the server keeps as they are, or
        rounds: with a plus or a leading zero, an exponent, three digits behind the point, less than a thousandth.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    found = _FORM.fullmatch(value if isinstance(value, str) else json.dumps(value))
    if not found or not (found[2] or found[3]):
        return None
    sign, whole, fraction, binary, decimal = found.groups("")
    if fraction and not binary and len(fraction) % 3 == 0:
        return None
    unit = 1024 ** _BINARY.index(binary) if binary else Fraction(1000) ** (_DECIMAL.index(decimal) - 1)
    amount = Fraction(f"{whole or 0}.{fraction or 0}") * unit
    if amount > _LARGEST:
        return None
    base, units = (1024, _BINARY) if binary and amount >= 1024 else (1000, _DECIMAL)
    count = amount if base == 1024 else amount * 1000
    if count.denominator != 1:
        return None
    return sign + _in_units(int(count), base, units) if count else "0"


def _in_units(count: int, base: int, units: tuple[str, ...]) -> str:
    unit = 0
    while count % base == 0 and unit < len(units) - 1:
        count, unit = count // base, unit + 1
    return f"{count}{units[unit]}"
