"""An answer with a list of a tree is read."""

import json
import tracemalloc
from typing import Any

import pytest

from deployer.errors import SourceError
from deployer.github.trees import MAX_ENTRIES, TREES, read_entry, read_list
from deployer.tree import Entry

SHA = "a1" * 20


def entry(path: str, mode: str = "100644", **other: Any) -> dict[str, Any]:
    size = {"size": 7} if mode.startswith("1") and mode != "160000" else {}
    return {"path": path, "mode": mode, "type": "x", "sha": SHA, "url": "https://x/" + "0" * 90, **size, **other}


def answer(*entries: object, truncated: bool = False) -> str:
    return json.dumps({"sha": SHA, "url": "x", "tree": entries, "truncated": truncated})


def test_entries_are_put_into_their_folders() -> None:
    text = answer(
        entry("a"),
        entry("b", "040000"),
        entry("b/c", "040000"),
        entry("b/c/d", "120000"),
        entry("b/e", "160000"),
        entry("b/f", "100755"),
        entry("g", "040000"),
    )
    listed = read_list(text, "GET x", recursive=True)
    folder, file = Entry("040000", SHA, 0), Entry("100644", SHA, 7)
    assert listed.folders == {
        "": {"a": file, "b": folder, "g": folder},
        "b": {"c": folder, "e": Entry("160000", SHA, 0), "f": Entry("100755", SHA, 7)},
        "b/c": {"d": Entry("120000", SHA, 7)},
        "g": {},
    }
    assert (listed.entries, listed.is_cut) == (7, False)


def test_the_folders_below_are_unknown_where_they_were_not_asked_for() -> None:
    listed = read_list(answer(entry("a"), entry("b", "040000")), "GET x", recursive=False)
    assert set(listed.folders) == {""}


def test_half_a_list_is_none() -> None:
    listed = read_list(answer(entry("a"), truncated=True), "GET x", recursive=True)
    assert (listed.is_cut, dict(listed.folders[""])) == (True, {})


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("[]", "something that is no JSON object"),
        ("<html>", "something that is no JSON object"),
        (json.dumps({"tree": []}), "has no 'truncated'"),
        (json.dumps({"truncated": False}), "has no 'tree'"),
        (json.dumps({"tree": {}, "truncated": False}), "has no 'tree'"),
        (answer({}), "has no 'tree'"),
        (answer(1), "has no 'tree'"),
        (answer(None), "has no 'tree'"),
        (answer(entry("a"), None), "has no 'tree'"),
        (answer(entry("a"), entry("b", inside=entry("c"))), "has no 'tree'"),
        (answer(entry("a"), entry("d/\ufffd.yaml"), entry("d/\ufffd.yaml")), "has 'd/\ufffd.yaml' twice.* rename one"),
        (answer({**entry("a"), "path": 1}), "has no 'tree'"),
        (answer({**entry("a"), "mode": 1}), "has no 'tree'"),
        (answer(entry("a", sha=None)), "has no 'tree'"),
        (answer(entry("a", sha="../../x")), "has no 'tree'"),
        (answer(entry("a", size=None)), "has no 'size'"),
        (answer(entry("a", "120000", size="1")), "has no 'size'"),
    ],
)
def test_what_is_no_list_is_told(text: str, field: str) -> None:
    with pytest.raises(SourceError, match=f"GET x.*{field}"):
        read_list(text, "GET x", recursive=True)


def test_no_more_is_held_than_there_may_be() -> None:
    listed = read_list(answer(*[entry(str(at)) for at in range(MAX_ENTRIES + 5)]), "GET x", recursive=True)
    assert (listed.entries, len(listed.folders[""])) == (MAX_ENTRIES + 5, MAX_ENTRIES)
    assert listed.entries > TREES.kept.maxsize, "what is not whole is not kept"


def test_fifty_thousand_entries_take_little_memory() -> None:
    paths = (f"teams/{at // 2_000}/services/{at // 50}/deploy/file-{at}.yaml" for at in range(50_000))
    text = answer(*(entry(path, sha=f"{at:040x}") for at, path in enumerate(paths)))
    tracemalloc.start()
    try:
        listed = read_list(text, "GET x", recursive=True)
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert listed.entries == 50_000
    assert peak < 16_000_000
    assert kept < 16_000_000


def test_lists_of_few_entries_count_for_what_they_take() -> None:
    listed = [
        read_list(answer(entry("b", "040000"), entry("b/a", sha=f"{at:040x}")), "GET x", recursive=True)
        for at in range(2)
    ]
    keys = [("github.com", "acme/web", str(at)) for at in range(2)]
    TREES.get(keys, lambda _: dict(zip(keys, listed, strict=True)))
    assert TREES.kept.currsize == 2 * (2 + 2 * 2 + 3)


def test_an_entry_keeps_one_text_for_each_mode() -> None:
    modes = [read_entry(entry("a", "".join(["100", "644"])), "GET x").mode for _ in range(2)]
    assert modes[0] is modes[1]
