import threading
import tracemalloc
from typing import Any

import pytest

from deployer.errors import RenderError
from deployer.limits import DEFAULT_LIMITS, Limits
from deployer.rendering.documents import read
from deployer.rendering.loader import Budget
from deployer.rendering.parsed import Parsed

TEXT = b"a: &x [1, b, 1.5, true, ~, \xc3\xa9]\nc: *x\n---\n# empty\n---\n- {}\n"
VALUES: list[Any] = [{"a": (x := [1, "b", 1.5, True, None, "é"]), "c": x}, None, [{}]]


def budget(limits: Limits = DEFAULT_LIMITS) -> Budget:
    return Budget(limits)


def spent(one: Budget) -> tuple[int, int, int]:
    return one.documents, one.nodes, one.characters


def values(text: bytes, one: Budget, path: str = "web.yaml") -> list[Any]:
    documents, problem = read(path, text, one)
    assert problem is None
    assert [place for place, _ in documents] == [f"{path}, document {number + 1}" for number in range(len(documents))]
    return [value for _, value in documents]


def kept(text: bytes, limits: Limits = DEFAULT_LIMITS, size: int = 2_000) -> Parsed:
    """Somewhere the documents of a text are kept in, as though they had cost 3, 20 and 30."""
    parsed, after = Parsed(size), budget(limits)
    assert after.afford(20, 30, 3)
    parsed.keep(text, VALUES, budget(limits), after, is_json=False)
    return parsed


def test_what_was_read_is_read_again_at_the_same_cost() -> None:
    first, again = budget(), budget()
    assert values(TEXT, first) == values(TEXT, again, "other.yaml") == VALUES
    assert spent(first) == spent(again)
    assert spent(first)[0] == 3


def test_it_is_taken_from_memory() -> None:
    parsed, one = kept(b"whatever"), budget()
    assert parsed.recall(b"whatever", one, is_json=False) == VALUES
    assert parsed.recall(b"whatever", one, is_json=False) == VALUES
    assert spent(one) == (6, 40, 60)


def test_who_changes_it_is_alone_with_that() -> None:
    parsed = kept(b"")
    one = parsed.recall(b"", budget(), is_json=False)
    assert one is not None
    one[0]["a"].append("changed")
    assert one[0]["c"] == one[0]["a"], "an alias is the same value"
    assert parsed.recall(b"", budget(), is_json=False) == VALUES


def test_another_text_or_kind_of_file_is_another() -> None:
    parsed = kept(b"{}")
    assert parsed.recall(b"{} ", budget(), is_json=False) is None
    assert parsed.recall(b"{}", budget(), is_json=True) is None
    text = b"a: 1\n"
    assert values(text, budget()) == [{"a": 1}]
    assert "not valid JSON" in str(read("web.json", text, budget())[1])


@pytest.mark.parametrize("limits", [Limits(documents=5), Limits(nodes=39), Limits(total_bytes=59)])
def test_what_would_be_too_much_is_not_counted_and_not_known(limits: Limits) -> None:
    parsed, one = kept(b"", limits), budget(limits)
    assert parsed.recall(b"", one, is_json=False) == VALUES
    assert parsed.recall(b"", one, is_json=False) is None
    assert spent(one) == (3, 20, 30)


@pytest.mark.parametrize(
    ("limits", "problem"),
    [
        (Limits(documents=2), "web.yaml, document 3, line 6: up to here are more than 2 documents"),
        (Limits(nodes=15), "more than 15 keys and values"),
        (Limits(depth=1), "nested more than 1 deep"),
    ],
)
def test_whoever_reads_too_much_learns_where_that_is(limits: Limits, problem: str) -> None:
    values(TEXT, budget())
    with pytest.raises(RenderError, match=problem):
        values(TEXT, budget(limits))


def test_what_cannot_be_read_is_told_each_time() -> None:
    told = [str(read("web.yaml", b"a: 1\n---\nb: [\n", budget())[1]) for _ in range(2)]
    assert told[0] == told[1]
    assert told[0].startswith("web.yaml, document 2, line 4: did not find expected node content")


def test_what_was_read_last_is_kept_within_so_many_bytes() -> None:
    parsed = kept(b"1", size=10_000)
    after = budget()
    for text in (b"2", b"3"):
        parsed.keep(text, ["x" * 4_200], budget(), after, is_json=False)
    assert parsed.recall(b"1", budget(), is_json=False) is None
    assert parsed.recall(b"2", budget(), is_json=False) == parsed.recall(b"3", budget(), is_json=False) == ["x" * 4_200]
    parsed.keep(b"4", ["x" * 10_000], budget(), after, is_json=False)
    assert parsed.recall(b"4", budget(), is_json=False) is None, "it is too large by itself"
    assert parsed.recall(b"3", budget(), is_json=False) is not None


def test_small_files_take_no_more_memory_than_that() -> None:
    tracemalloc.start()
    try:
        parsed = Parsed(1_000_000)
        for number in range(10_000):
            parsed.keep(b"%d" % number, [{}], budget(), budget(), is_json=False)
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert 500_000 < taken < 1_000_000


def test_threads_share_it() -> None:
    parsed, wrong = Parsed(3_000), []

    def use(name: int) -> None:
        for number in range(300):
            text = b"%d" % (number % 7)
            found = parsed.recall(text, budget(), is_json=False)
            if found not in (None, [text.decode()]):
                wrong.append((name, found))
            parsed.keep(text, [text.decode()], budget(), budget(), is_json=False)

    threads = [threading.Thread(target=use, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
