"""YAML for people to compare: as `deployer render` writes it, but a line of it for every line of a text. Pure."""

from typing import Any

import yaml

from deployer.rendering.scalars import plain

_ESCAPES = {"\t": "\\t", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def as_text(value: Any) -> list[str]:
    """Write a JSON value as the lines of a YAML document.

    A text of several lines is a literal block, with its tabs and trailing spaces, and no line is ever folded: one
    changed line of a ConfigMap's file is one changed line here. A text with characters that could steer a terminal is
    quoted, with escapes for them; so different values have different lines.

    Returns:
        Lines without their ends; every character of them is printable, or a tab.
    """
    text = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=float("inf"))
    lines = text.split("\n")[:-1]
    return lines[:-1] if lines[-1] == "..." else lines  # the end of a document whose last text ends with empty lines


def style_of(text: str) -> str | None:
    """Choose the style of a text in YAML, for PyYAML's `represent_scalar`.

    A block where it has several lines, quotes where kubectl would read something else than text, else None: plain,
    if the emitter finds that it can be.
    """
    return "|" if "\n" in text else '"' if plain(text) != text else None


class _Dumper(yaml.SafeDumper):
    """PyYAML's own emitter: libyaml's quotes, and folds, each text that has a tab or a space at the end of a line."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def text(self, data: str) -> yaml.ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style_of(data))

    def analyze_scalar(self, scalar: str) -> yaml.emitter.ScalarAnalysis:
        analysis = super().analyze_scalar(scalar)
        analysis.allow_block = analysis.multiline and all(one.isprintable() or one in "\n\t" for one in scalar)
        if not scalar.isprintable():
            analysis.allow_block_plain = analysis.allow_flow_plain = analysis.allow_single_quoted = False
        return analysis

    def write_double_quoted(self, text: str, split: bool = True) -> None:
        # YAML 1.2.2, 7.3.1: a line break behind a backslash, and spaces that begin the next line, are no content.
        lines = ["".join(map(_escaped, line)) for line in text.split("\n")]
        lines[1:] = [f"\\{line}" if line.startswith(" ") else line for line in lines[1:]]
        between = "\\n\\\n" + " " * (self.indent or 0)
        self.write_indicator(f'"{between.join(lines)}"', True)


def _escaped(one: str) -> str:
    if one in _ESCAPES:
        return _ESCAPES[one]
    if one.isprintable():
        return one
    return f"\\x{ord(one):02X}" if one <= "\xff" else f"\\U{ord(one):08X}"


_Dumper.add_representer(str, _Dumper.text)
