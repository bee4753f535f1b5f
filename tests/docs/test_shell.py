"""What runs the pages: that it runs them as a reader would, and sees where a page is wrong."""

import os
from pathlib import Path

import pytest

from tests.docs.commands import steps
from tests.docs.shell import fits, run

PAGE = """
% file: a/b.txt
```yaml
name: acme
```

```sh
name=ada
cat a/b.txt
```

```sh
test -t 1 && echo "$name, on a terminal"
```

```sh
false
```

```sh
until false || true; do :; done
(exit 3)
echo on
```
"""


def done(page: str, folder: Path, timeout: float = 20) -> list[tuple[int, str]]:
    (clone := folder / "clone").mkdir()
    ran = run(steps(page), clone, os.environ, timeout)
    return [(one.status, one.printed) for one in ran]


def test_blocks_and_files_are_done_in_one_shell(tmp_path: Path) -> None:
    assert done(PAGE, tmp_path) == [(0, ""), (0, "name: acme\n"), (0, "ada, on a terminal\n"), (1, ""), (3, "on\n")]


@pytest.mark.parametrize(
    ("last", "said"), [("echo a; exit 0", "a\n"), ('echo "$not_set"', "not_set"), ("echo a; sleep 60", "a\n")]
)
def test_a_block_that_does_not_end_is_told(tmp_path: Path, last: str, said: str) -> None:
    first, (status, printed) = done(f"```sh\ntrue\n```\n\n```sh\n{last}\n```\n\n```sh\nls\n```", tmp_path, 3)
    assert (first, status) == ((0, ""), -1)
    assert said in printed


@pytest.mark.parametrize(
    ("said", "printed"),
    [
        ("1a2b3c4 is live 2.6 s after", "9f8e7d6 is live 10 s after"),
        ("pod/web-57f4fcb4f8-5cl7g   37s", "pod/web-df7cd7b7b-hc2s2 8m12s"),
        ("shop  staging   x", "  shop staging\tx  "),
        ("a\n…\nd", "a\nb\nc\nd"),
        ("a\n…\nd", "a\nd"),
        ("a … c", "a b b c"),
        ("http://127.0.0.1:1/x at 10:03 on 2026-01-02", "http://127.0.0.1:45678/x at 23:59:59 on 2027-12-31"),
    ],
)
def test_what_varies_fits(said: str, printed: str) -> None:
    assert fits(said, printed)


@pytest.mark.parametrize(
    ("said", "printed"),
    [
        ("4 objects in staging: 1 changed", "4 objects in staging: 2 changed"),
        ("Synced", "OutOfSync"),
        ("a", "a\nb"),
        ("a\nb", "a"),
        ("a\n…\nd", "a\nb\nc"),
        ("a.c", "abc"),
        ("", "a"),
        ("1a2b3c4 is live", "is live"),
    ],
)
def test_what_is_wrong_does_not_fit(said: str, printed: str) -> None:
    assert not fits(said, printed)
