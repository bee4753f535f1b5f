"""The reading of the same texts by each side, and by the deployer twice."""

import pytest

from bench.reading import measure

# As large as it must be for the second reading to be surely the faster one.
_TEXTS = [b"a:\n" + b"".join(b"- b%d: c\n  d: [e, =]\n" % number for number in range(3_000)), b"e: ="]


def test_the_deployer_reads_each_text_twice_a_round_and_remembers_it() -> None:
    took = measure(_TEXTS, 3)
    assert list(took) == ["PyYAML's CSafeLoader", "the deployer, the first time", "the deployer, the second time"]
    assert [len(seconds) for seconds in took.values()] == [3, 3, 3]
    theirs, first, again = (min(seconds) for seconds in took.values())
    assert 0 < again < first / 2, "a round's texts are new to the first, and known to the second"
    assert theirs > again


def test_what_cannot_be_read_is_no_measurement() -> None:
    # Which PyYAML reads.
    with pytest.raises(RuntimeError, match=r"bench\.yaml, document 1, line 2: the key 'a' stands twice"):
        measure([b"a: 1\na: 2\n"], 1)
