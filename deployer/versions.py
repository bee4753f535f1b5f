"""Ranges of versions, which `targetRevision` may name: which tags fit one, and which of those is the newest. Pure.

The rules are those of github.com/Masterminds/semver v3, with which Argo CD reads ranges (`MaxVersion` in its
`util/versions`): what npm, Cargo and Python mean by the same signs is not the same.
"""

import operator as op
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

_MOST_CHARACTERS = 255
"""Of a range; a ref's name has no more either."""

_MOST_DIGITS = 20
_TOO_MUCH = 2**64  # the library's numbers have 64 bits

_IDENTIFIERS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_VERSION = re.compile(rf"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-({_IDENTIFIERS}))?(?:\+{_IDENTIFIERS})?", re.ASCII)
_SHORT = rf"v?[0-9xX*]+(?:\.[0-9xX*]+){{0,2}}(?:-{_IDENTIFIERS})?(?:\+{_IDENTIFIERS})?"
_TERM = re.compile(
    rf"\s*(?:(?P<first>{_SHORT})\s+-\s+(?P<last>{_SHORT})"
    rf"|(?P<operator>>=|=>|<=|=<|!=|~>|[=<>~^]|)\s*(?P<version>{_SHORT}))",
    re.ASCII,
)
_BETWEEN = re.compile(r"\s*,\s*|\s+", re.ASCII)
_SPELLINGS = {"": "=", "=>": ">=", "=<": "<=", "~>": "~"}
_COMPARISONS = {"<": op.lt, "<=": op.le, "=": op.eq, "!=": op.ne, ">=": op.ge, ">": op.gt}

_Numbers = tuple[int, int, int]
_Rank = tuple[tuple[int, int, str], ...]
_RELEASED: _Rank = ((2, 0, ""),)


class Version(NamedTuple):
    """A version, less than those after it.

    `rank` is the place among the versions of the same three numbers: prereleases first, each of their identifiers a
    number (0, number, "") or a later text (1, 0, text), then the release (https://semver.org/#spec-item-11).
    """

    numbers: _Numbers
    rank: _Rank = _RELEASED

    @property
    def is_prerelease(self) -> bool:
        """Whether it comes before the release of its numbers, as 1.0.0-rc.1 does."""
        return self.rank != _RELEASED


@dataclass(frozen=True)
class _Comparison:
    """One part of a range; of its version's numbers, the first `given` are given, and the others are zeros."""

    operator: str
    version: Version
    given: int

    def holds(self, found: Version) -> bool:
        if compare := _COMPARISONS.get(self.operator):
            return bool(compare(self._compared(found), self._compared(self.version)))
        same = self._same()
        return found >= self.version and found.numbers[:same] == self.version.numbers[:same]

    def _compared(self, version: Version) -> tuple[Any, ...]:
        """What counts of a version: 1.2.4 is not above `>1.2.x`, which is about the first two numbers only."""
        match self.operator, self.given:
            case ((">" | "<=" | "!="), 1):
                return version.numbers[:1]
            case ((">" | "<="), 2):
                return version.numbers[:2]
            case "<=", 0:  # `<=x` is `<=0.0` to the library
                return version.numbers[:2]
            case "!=", 2:
                return version.numbers[:2], version.rank
        return version

    def _same(self) -> int:
        """How many of the first numbers must be the same, for `^` and `~`."""
        if self.given == 1:
            return 1
        major, minor, patch = self.version.numbers
        if self.operator == "^":
            return 1 if major else 2 if minor or self.given == 2 else 3
        # `~0.0.0` is anything to the library, as `x` is.
        return 2 if self.given == 2 or major or minor or patch else 0


@dataclass(frozen=True)
class Range:
    """What versions may be: all comparisons of one of these groups must hold; `text` is how it is written."""

    text: str
    groups: tuple[tuple[_Comparison, ...], ...]

    def fits(self, version: Version) -> bool:
        """Say whether a version fits; a prerelease does only where its group names one, as `>=1.2-0` does."""
        return any(
            all(one.holds(version) for one in group)
            for group in self.groups
            if not version.is_prerelease or any(one.version.is_prerelease for one in group)
        )


def parse_version(text: str) -> Version | None:
    """Read a version, such as `v1.2.3-rc.1+build.5`: numbers that are left out are zeros; None where it is none."""
    found = _VERSION.fullmatch(text)
    if found is None:
        return None
    major, minor, patch = (_number(part or "0") for part in found.group(1, 2, 3))
    rank = tuple(map(_identifier, found[4].split("."))) if found[4] else _RELEASED
    if major is None or minor is None or patch is None or None in rank:
        return None
    return Version((major, minor, patch), tuple(filter(None, rank)))


@lru_cache(maxsize=1024)  # each push asks it of each application
def parse_range(text: str) -> Range | None:
    """Read a range, such as `^1.2`, `1.x`, `>=1 <2`, `1.2 - 1.4 || 2.x`; None where it is none, or a plain version."""
    if len(text) > _MOST_CHARACTERS or parse_version(text):
        return None
    groups = tuple(map(_group, text.split("||")))
    return Range(text, groups) if all(groups) else None


def newest(wanted: Range, tags: Iterable[str]) -> str | None:
    """Return the tag of the newest version that fits, None where none does.

    Tags that are no versions do not count. Of tags that only differ in what does not count, as 1.2, v1.2.0 and
    1.2.0+build do, the last by name is taken.
    """
    fitting = [(version, tag) for tag in tags if (version := parse_version(tag)) and wanted.fits(version)]
    return max(fitting)[1] if fitting else None


def nearest(wanted: Range, tags: Iterable[str]) -> tuple[str, ...]:
    """Return the tags next to where a range begins: the last version below, and the first from there on, if any."""
    begin = wanted.groups[0][0].version
    versions = sorted((version, tag) for tag in tags if (version := parse_version(tag)))
    below = [tag for version, tag in versions if version < begin]
    above = [tag for version, tag in versions if version >= begin]
    return (*below[-1:], *above[:1])


def _group(text: str) -> tuple[_Comparison, ...]:
    """The comparisons of one alternative; none where it is not written as one."""
    found: list[_Comparison | None] = []
    at = 0
    while term := _TERM.match(text, at):
        if term["first"]:
            found += [_comparison(">=", term["first"]), _comparison("<=", term["last"])]
        else:
            found.append(_comparison(term["operator"], term["version"]))
        if not text[term.end() :].strip():
            return tuple(filter(None, found)) if None not in found else ()
        between = _BETWEEN.match(text, term.end())
        if not between:
            break
        at = between.end()
    return ()


def _comparison(operator: str, text: str) -> _Comparison | None:
    core = re.split(r"[-+]", text.removeprefix("v"), maxsplit=1)[0]
    parts = core.split(".")
    given = next((at for at, part in enumerate(parts) if part in ("x", "X", "*")), len(parts))
    prerelease = re.search(rf"-{_IDENTIFIERS}", text.partition("+")[0])
    version = parse_version(".".join((*parts[:given], *("0" * (3 - given)))) + (prerelease[0] if prerelease else ""))
    operator = _SPELLINGS.get(operator, operator)
    if operator == "=" and given < 3:  # `1.x` is `~1.x`
        operator = "~"
    return _Comparison(operator, version, given) if version else None


def _number(digits: str) -> int | None:
    number = int(digits) if len(digits) <= _MOST_DIGITS else _TOO_MUCH
    return number if number < _TOO_MUCH else None


def _identifier(text: str) -> tuple[int, int, str] | None:
    if not re.fullmatch("[0-9]+", text):
        return (1, 0, text)
    if text.startswith("0") and text != "0":
        return None
    number = _number(text)
    return (1, 0, text) if number is None else (0, number, "")
