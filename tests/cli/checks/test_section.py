"""A section, and where its hints send people."""

from pathlib import Path

from deployer.cli.checks import section
from deployer.cli.checks.section import Check, Section
from deployer.errors import ConfigurationError


def test_checks_are_kept_in_order_with_what_to_do() -> None:
    found = Section("GitHub")
    found.ok("a", "well")
    found.warn("b", "so so", "look")
    found.fail("c", "broken", "mend")
    found.skip("d", "not now")
    assert found.checks == [
        Check("GitHub", "a", "ok", "well"),
        Check("GitHub", "b", "warning", "so so", "look"),
        Check("GitHub", "c", "failed", "broken", "mend"),
        Check("GitHub", "d", "skipped", "not now"),
    ]


def test_an_attempt_that_fails_is_a_failed_check() -> None:
    found = Section("GitHub")
    assert found.attempt("a", lambda: 7, "mend") == 7
    assert found.checks == []

    def fail() -> int:
        raise ConfigurationError("it is wrong")

    assert found.attempt("a", fail, "mend") is None
    assert found.checks == [Check("GitHub", "a", "failed", "it is wrong", "mend")]


def test_a_look_that_comes_to_grief_is_a_failed_check_that_quotes_nothing() -> None:
    found = Section("GitHub")
    assert found.finish(lambda: 7) == 7
    assert found.checks == []

    def fail() -> int:
        found.ok("a", "well")
        raise ValueError("s3cret")

    assert found.finish(fail) is None
    assert [(check.name, check.status) for check in found.checks] == [("a", "ok"), ("answers", "failed")]
    assert "(ValueError in test_section.py, line " in found.checks[1].message
    assert "s3cret" not in str(found)


def test_the_pages_that_hints_name_are_there() -> None:
    pages = [value for value in vars(section).values() if isinstance(value, str) and value.startswith("docs/")]
    assert section.GITHUB in pages
    assert [page for page in pages if not (Path(__file__).parents[3] / page).is_file()] == []
