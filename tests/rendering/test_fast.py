"""Whatever is read fast is read as the exact reader does it, in value and costs: it is the judge here."""

import re
import time
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deployer.limits import DEFAULT_LIMITS, Limits
from deployer.rendering.documents import decode, load, split
from deployer.rendering.fast import Fast, read_fast
from deployer.rendering.loader import Budget, InvalidDocumentError, LimitError, load_yaml
from tests.rendering import test_agreement as agreement
from tests.rendering.conftest import HEAD, FileJudge
from tests.rendering.emitters import manifests
from tests.rendering.test_loader import READ

SHARED = Path(__file__).parents[3] / "shared" / "manifests"
EXAMPLES = Path(__file__).parents[2] / "examples"
many = settings(
    max_examples=1_000,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def exact(text: bytes, limits: Limits = DEFAULT_LIMITS) -> Fast | None:
    """What the exact reader makes of a text; None where it refuses."""
    budget = Budget(limits)
    try:
        return Fast(load_yaml(text, budget), budget.nodes, budget.characters)
    except InvalidDocumentError:
        return None


def same(one: Any, other: Any) -> bool:
    """Equal in all types, and in the order of keys."""
    return repr(one) == repr(other)


def agrees(text: str) -> bool:
    """Check that a text is read alike, if it is read fast; tell whether it is."""
    data = text.encode()
    fast = read_fast(data, DEFAULT_LIMITS)
    assert fast is None or same(fast, exact(data)), text
    return fast is not None


# Each is read fast.
FAST = [
    "a: 1\n",
    "---\na: b\n",
    "--- # c\n- a\n",
    "# c\n\n  # c\na: b # c\n\n# c\n",
    "a:\n  b:\n    c: d\n  e: f\ng: h\n",
    "a:\n- b\n- c\nd:\n  - e\nf: g\n",
    "- a: b\n  c: d\n-   e: f\n    g: h\n-\n  i: j\n-\n- - k\n  - l\n- - - m\n",
    "a:\nb: # c\n  - d\nc:\n-\n- # c\n  d: e\n",
    "  a: b\n  c: d\n",
    "a: 'it''s # no comment: x'  # c\nb: \"\"\nc: ''\n",
    'a: "\\n\\t\\"\\\\" # c\n"b c": d\n\'e\': f\n"<<": g\n',
    "a: {}\nb: [] # c\n",
    "a: [b, 'c, d', \"e\", 1, on, 007, ./f]\nb: [ g ] # c\nc: [ ]\n",
    "a: -1\nb: --c\nc: :d\nd: ?e\ne: a:b\nf: a#b\ng: a [b] {c}, d & *e !f | > 'g' \"h\" %i @j `k\n",
    "y: on\n1: 0x1F\n1.10: ~\n.a: 1e3\n$b: =\n",
    "a: |\n  b\n   c\n\n  # d\n\n\ne: |-\n    f\ng: |\n\n h\n",
    "a: |\n  b\n \n      \n  c\n   \nd: e\n",
    "- |\n b\n- c: |\n    d\n  e: >-\n   f\n   g\n\n   h\n\n\n   i\n- >\n  j\n",
    "a: |\n  b\tc\n  \td\n",
    "a: ü\nb: 日本語 🎉\xa0\nc: '\xa0'\n",
    "a: " + "word " * 1_000 + "\n",
]
# Each is left to the exact reader, which reads it otherwise, or refuses it.
SLOW = [
    *("", "a: 1", "# c\n", "---\n", "a", "- a\nb: c\n", "a: b\n c: d\n", "a: b\n  c\n", "a:\n  b: c\n d: e\n"),
    *("a:\n b\n", "a: b: c\n", "a: b:\n", "a: - b\n", "a: -\n", "a: ?\n", "a: ? b\n", "? a\n", "a: 1\na: 2\n"),
    *("1: a\n'1': b\n", "a: &b c\n", "a: *b\n", "a: !c d\n", "<<: {}\n", "a: {b: c}\n", "a: [[b]]\n", "a: [b c]\n"),
    *("a: [b,]\n", "a: [\n b]\n", "a: 'b\n  c'\n", 'a: "b\n  c"\n', "a: 'b' c\n", "a: 'b'#c\n", 'a: "\\x41"\n'),
    *('a: "\\/"\n', "a: '\n", "'a''b': c\n", "a:\tb\n", "a: b\t# c\n", "- \ta\n", "a: 'b\tc'\n", "\ta: b\n"),
    *("a: b\r\nc: d\n", "a: b\x85", "a: b\u2028c: d\n", "\ufeffa: b\n", "a: \ufeffb\n", "a: \x01\n", "a: \x7f\n"),
    *("a: \x80\n", "a: \ufffe\n", "%YAML 1.1\n---\na: b\n", "a: b\n---\nc: d\n", "a: b\n...\n", "---a: b\n"),
    *("--- a: b\n", "a: @b\n", "a: `b\n", "a: %b\n", "a: ,b\n", "a: ]\n", "a: |\n", "a: |+\n  b\n\n"),
    *("a: |2\n   b\n", "a: | # c\n  b\n", "a: |\n \n  b\n", "a: |\n\tb\n", "a: |\nb: c\n", "a: |x\n  b\n"),
    *("a: >\n  b\n   c\n", "a: >\n  b\n  \tc\n", "a: >+\n  b\n", "a:\n  b: |\n  c\n", "a:\n  - |\n   b\n  c\n"),
    *("a: .inf\n", "~: a\n", "a : b\n", "a b: c\n", "a:b\n", "- a\n - b\n", "a: b\n- c\n", "é: b\n"),
    *("a" * 1_100 + ": b\n", "- - a\n - b\n", "{a: b}\n", "[a]\n", "'a'\n", "|\n a\n", "a:\n  b: c\n- d\n"),
    *("a: |\n   b\n  c\n"),
]  # fmt: skip


@pytest.mark.parametrize("text", FAST)
def test_what_manifests_are_made_of_is_read_fast(text: str) -> None:
    assert agrees(text)
    assert exact(text.encode()) is not None


@pytest.mark.parametrize("text", SLOW)
def test_what_only_the_exact_reader_knows_is_left_to_it(text: str) -> None:
    assert read_fast(text.encode(), DEFAULT_LIMITS) is None


def test_the_exact_readers_own_table_is_read_alike() -> None:
    assert Counter(agrees(text) for text, _ in READ)[True] > 3


@many
@given(manifests())
def test_manifests_as_people_write_them_are_read_alike(text: str) -> None:
    agrees(text)


def test_most_of_them_are_read_fast() -> None:
    read: Counter[bool] = Counter()

    @settings(many, max_examples=300)
    @given(manifests())
    def count(text: str) -> None:
        read[agrees(text)] += 1

    count()
    assert read[True] > read.total() / 4, "else nothing much was compared"


@many
@given(st.builds(lambda dump, value: dump(value), agreement.yaml_dumps | agreement.json_dumps, agreement.values))
def test_any_value_in_any_style_is_read_alike(text: str) -> None:
    agrees(text)
    agrees(text.replace("\r\n", "\n"))


@many
@given(agreement.scalars | agreement.numbers | agreement.texts(agreement.FRAGMENTS, 12).map("x: {}".format))
def test_any_text_is_read_alike(text: str) -> None:
    agrees(f"{text}\n")


def test_kubectl_reads_it_alike(kubectl_files: FileJudge) -> None:
    read: Counter[bool] = Counter()

    @agreement.few
    @given(agreement.batches(manifests(), 30))
    def compare(texts: list[str]) -> None:
        indented = (re.sub("^(?=.)", "  ", text.removeprefix("---\n"), flags=re.MULTILINE) for text in texts)
        below = [f"x:\n{text}" for text in indented]
        agreement.assert_agreement(kubectl_files, below)
        read.update(agrees(f"{HEAD}{text}\n") for text in below)

    compare()
    assert read[True] > read.total() / 4, "else kubectl was compared with the exact reader"


def documents(folder: Path) -> list[str]:
    """Every document of a folder's YAML files."""
    files = sorted(folder.rglob("*.y*ml"))
    return [
        chunk.text.decode()
        for file in files
        for chunk in split(decode(file.name, file.read_bytes()).replace(b"\r", b""))
    ]


MANIFESTS = documents(EXAMPLES)
PIECES = [
    "",
    " ",
    "  ",
    "\n",
    "\n\n",
    ": ",
    ":",
    " #",
    "#",
    "- ",
    "-",
    "'",
    '"',
    "|",
    ">-",
    "[]",
    "{",
    "&a ",
    "\t",
    "\\",
    "é",
]


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """Draw some lines of an example, with a few changes."""
    lines = draw(st.sampled_from(MANIFESTS)).split("\n")
    start = draw(st.integers(0, len(lines) - 1))
    lines = lines[start : start + draw(st.integers(1, 20))]
    margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    lines = [line[margin:] for line in lines]
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        column = draw(st.integers(0, len(lines[at])))
        left, right, piece = lines[at][:column], lines[at][column:], draw(st.sampled_from(PIECES))
        other = draw(st.integers(0, len(lines) - 1))
        match draw(st.sampled_from(["insert", "delete", "indent", "dedent", "swap", "double"])):
            case "insert":
                lines[at] = left + piece + right
            case "delete":
                lines[at] = left + right[1:]
            case "indent":
                lines[at] = " " * draw(st.integers(1, 4)) + lines[at]
            case "dedent":
                lines[at] = lines[at].removeprefix(" " * draw(st.integers(1, 4)))
            case "swap":
                lines[at], lines[other] = lines[other], lines[at]
            case _:
                lines.insert(at, lines[other])
    return "\n".join([*lines, ""])


@many
@given(mutated())
def test_a_manifest_that_somebody_has_broken_is_read_alike(text: str) -> None:
    agrees(text)


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.exists(), reason="the real manifests are not here")
def test_real_manifests_are_read_alike_and_fast() -> None:
    read = Counter({fast: sum(len(text) for text in texts) for fast, texts in _by_reader().items()})
    assert read[True] > 0.99 * read.total() > 5_000_000


def _by_reader() -> dict[bool, list[str]]:
    found: dict[bool, list[str]] = {True: [], False: []}
    for text in documents(SHARED):
        found[agrees(text)].append(text)
    return found


TREE = "a:\n  b: [x, yy]\n  c: |\n    zzz\nd:\n- e: {}\n"
"""Of 14 keys and values, 12 characters, and 4 levels."""


@pytest.mark.parametrize(
    ("limits", "problem"),
    [
        (Limits(nodes=13), "more than 13 keys and values"),
        (Limits(total_bytes=11), "more than 11 characters"),
        (Limits(depth=3), "nested more than 3 deep"),
    ],
)
def test_limits_are_those_of_the_exact_reader(limits: Limits, problem: str) -> None:
    for reader in (load, load_yaml):
        with pytest.raises(LimitError, match=problem):
            reader(TREE.encode(), Budget(limits))
    alone = limits.nodes < 14 or limits.depth < 4
    assert (read_fast(TREE.encode(), limits) is None) == alone, "characters are for who asked to count"
    more = Limits(nodes=limits.nodes + 1, depth=limits.depth + 1, total_bytes=limits.total_bytes + 1)
    budget = Budget(more)
    fast = read_fast(TREE.encode(), more)
    assert fast is not None
    assert same(load(TREE.encode(), budget), fast.value)
    assert (budget.nodes, budget.characters) == (fast.nodes, fast.characters) == (14, 12)


def test_what_is_deeper_than_the_process_can_read_is_left_to_who_says_so() -> None:
    def nested(levels: int) -> bytes:
        return b"".join(b" " * level + b"a:\n" for level in range(levels))

    deep = Limits(depth=10_000)
    assert read_fast(nested(150), deep) is not None
    assert read_fast(nested(151), deep) is None
    assert read_fast(b"a:\n" + b"- " * 149 + b"[]\n", deep) is None


@pytest.mark.parametrize(
    ("start", "unit", "end"),
    [
        ("a: |\n", "  é\n", ""),
        ("a: |\n", "\n", "  b\n"),
        ("a: >-\n", " b\n", ""),
        ("a: ", "b", "\n"),
        ("a: '", "''", "'\n"),
        ('a: "', "\\n", '"\n'),
        ("a: [", "b,", "b]\n"),
        ("", "# c\n", "a: b\n"),
    ],
)
def test_what_is_long_is_left_to_who_needs_less_memory_for_it(start: str, unit: str, end: str) -> None:
    assert agrees("b: c\n" + start + unit * (190_000 // len(unit)) + end)
    assert not agrees("b: c\n" + start + unit * (210_000 // len(unit)) + end)


def test_of_many_keys_and_scalars_not_all_are_remembered() -> None:
    lines = [f"'k{number}': 'a{number}{'x' * 100}'\n" for number in range(20_000)]
    assert agrees("".join(lines))
    text = "".join(lines).encode()
    tracemalloc.start()
    try:
        fast = read_fast(text, DEFAULT_LIMITS)
        kept, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert fast is not None
    assert most < kept + 2 * len(text), "besides what was read, there was the text once, and little more"


def test_what_is_read_has_no_collection_in_common_with_anything() -> None:
    text = b"a: {}\nb: {}\nc: [x]\nd: [x]\n"
    one, other = (load(text, Budget(DEFAULT_LIMITS)) for _ in range(2))
    one["a"]["x"] = one["c"]
    one["c"].append("y")
    assert one["b"] == other["a"] == {}
    assert one["d"] == other["c"] == ["x"]


UNITS = [
    "\n",
    "#\n",
    "  \n",
    "a: |\n",
    "a: |\n\n",
    "- |\n",
    "-",
    "- ",
    "'",
    "a: '",
    "[",
    "a: |\n a\n\n",
    " - a\n",
    "a,",
    "\n ",
]


@pytest.mark.parametrize("start", ["", "a: ", "a: [", "a: |\n"])
@pytest.mark.parametrize("unit", UNITS)
def test_no_text_is_looked_at_again_and_again(start: str, unit: str) -> None:
    text = start.encode() + unit.encode() * (500_000 // len(unit)) + b"\n"
    begin = time.process_time()
    read_fast(text, Limits(nodes=1_000))
    assert time.process_time() - begin < 1, "it takes milliseconds, or else minutes"
