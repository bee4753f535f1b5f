"""YAML as people and programs write it: values in the forms that manifests have, drawn by hypothesis."""

from typing import Any

from hypothesis import strategies as st

WORDS = [
    *(
        "a",
        "web",
        "nginx:1.25",
        "http://a/b?c=d#e",
        "--log-level=debug",
        "-v",
        ":sum",
        "?x",
        "a-b_c.d/e",
        "100m",
        "a  b",
    ),
    *(
        "true",
        "no",
        "null",
        "~",
        "on",
        "0",
        "007",
        "0x1F",
        "-1",
        "1.5",
        "1e3",
        "12:30",
        "2001-01-01",
        "=",
        "1_000",
        ".5",
    ),
    *(
        "é",
        "日本語 🎉",
        "a\xa0b",
        "it's",
        'say "x"',
        "a,b",
        "a[0]",
        "$(A)",
        "a#b",
        "x: y",
        "x #y",
        "- x",
        "[x",
        "x:",
        "#",
        "*",
    ),
]
KEYS = ["a", "b", "app.kubernetes.io/name", "x-y", "y", "on", "1", "1.10", "0x10", ".a", "$ref", "web.yaml", "kind"]
LINES = ["one", "  two", "# no comment", "- x: y", "", "", "   ", "é", "---", "\tz", "a: |", "'"]

scalars = st.sampled_from(WORDS)
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=8,
)
roots: st.SearchStrategy[Any] = st.lists(values, min_size=1, max_size=3) | st.dictionaries(
    st.sampled_from(KEYS), values, min_size=1, max_size=4
)


@st.composite
def manifests(draw: st.DrawFn) -> str:
    """Write a mapping or list; not all of it is YAML, or means what was to be written."""
    value = draw(roots)
    start = draw(st.sampled_from(["", "", "---\n", "--- # c\n", "# c\n\n"]))
    return start + "".join(f"{line}\n" for line in _Writer(draw).lines(value, draw(st.sampled_from([0, 0, 0, 2]))))


class _Writer:
    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def _one(self, *choices: str) -> str:
        return self._draw(st.sampled_from(choices))

    def lines(self, value: Any, indent: int) -> list[str]:
        """Write a collection that is not empty, as lines that begin in one column."""
        found: list[str] = []
        if isinstance(value, list):
            for item in value:
                found += self._item(item, indent)
        else:
            for key, inner in value.items():
                found += self._pair(key, inner, indent)
        return found

    def _item(self, value: Any, indent: int) -> list[str]:
        margin, gap = " " * indent, self._one("", "", "", "  ")
        if isinstance(value, dict | list) and value:
            dash = f"{margin}- {gap}"
            inner = self.lines(value, len(dash))
            if self._one("compact", "compact", "below") == "compact":
                return [dash + inner[0][len(dash) :], *inner[1:]]
            return [f"{margin}-{self._end()}", *inner]
        first, *rest = self._scalar(value, indent)
        return [f"{margin}- {gap}{first}", *rest]

    def _pair(self, key: str, value: Any, indent: int) -> list[str]:
        margin = " " * indent
        name = self._one(key, key, key, f'"{key}"', f"'{key}'")
        if isinstance(value, dict | list) and value:
            more = 0 if isinstance(value, list) and self._one("flush", "deep") == "flush" else 2
            return [f"{margin}{name}:{self._end()}", *self.lines(value, indent + more)]
        first, *rest = self._scalar(value, indent)
        return [f"{margin}{name}:{self._one(' ', ' ', '  ')}{first}", *rest]

    def _end(self) -> str:
        return self._one("", "", "", " ", " # c")

    def _scalar(self, value: Any, indent: int) -> list[str]:
        if value in ({}, []):
            return [f"{'{}' if isinstance(value, dict) else '[]'}{self._end()}"]
        style = self._one("plain", "plain", "single", "double", "block", "list", "nothing", "comment")
        if style == "block":
            return self._block(indent)
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        quoted = "'" + value.replace("'", "''") + "'"
        written = {
            "plain": value,
            "single": quoted,
            "double": f'"{escaped}{self._one("", chr(92) + "n", chr(92) + "t")}"',
            "list": f"[{self._one('', ' ')}{quoted}, {self._one('a', 'on', '1', quoted)}{self._one('', ' ')}]",
            "nothing": "",
            "comment": "# c",
        }
        return [written[style] + self._end()]

    def _block(self, indent: int) -> list[str]:
        margin = " " * (indent + self._draw(st.integers(1, 4)))
        lines = self._draw(st.lists(st.sampled_from(LINES), max_size=5))
        text = [f"{margin}{line}" if line else self._one("", " ") for line in ["first", *lines]]
        return [
            self._one("|", "|", "|-", ">", ">-") + self._one("", "", " "),
            *[""] * self._draw(st.integers(0, 1)),
            *text,
        ]
