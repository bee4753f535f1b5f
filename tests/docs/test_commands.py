"""Every command of the documentation is one that is understood, and is run by a test or says why it is not."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests.docs.commands import PAGES, ROOT, SHELLS, Fence, commands, fences, parse, steps
from tests.docs.test_pages import PAGES as RUN

REASONS = {
    "needs Google Cloud": r"gcloud|terraform|projects/",
    "needs GitHub": r"\bgh\b|github|GITHUB",
    "needs Argo CD": r"argocd",
    "needs Jenkins": r"jenkins",
    "needs a cluster of yours": r"kubectl|KUBECONFIG",
    "needs a reader's names": r"<[^>]+>|acme|APP|-m deployer ",
    "runs until it is stopped": r"functions-framework|while|ngrok|cloudflared|make run|local up|make test",
}
"""Why a block may not run here, and what in it, or in one so marked before it on the page, shows that it is so."""


_SECRET = re.compile(r"--(token|password|from-literal)\b")
"""Options that take a secret as an argument."""


def faults(name: str, text: str, run: bool) -> Iterator[str]:
    """What is wrong with the shell blocks of a page: nothing runs one, or its mark does not hold.

    Args:
        name: of the page, from the repository's root.
        text: of the page.
        run: whether the test of the pages runs it.
    """
    shown: set[str] = set()
    for fence in fences(text):
        place = f"{name}:{fence.line}"
        if re.sub(r"^\{code-block\} *", "", fence.language) in (*SHELLS, *(["sh"] if "{" in fence.language else [])):
            yield f"{place}: a shell's block is ```sh here, so that it is found"
        if fence.language != "sh":
            continue
        if argument := _SECRET.search(fence.text):
            yield f"{place}: {argument[0]}: whoever lists the processes reads it; use a pipe, or a file"
        if (reason := fence.marks.get("not run")) is not None:
            yield from (f"{place}: {fault}" for fault in _wrong_reason(reason, fence, shown))
        elif (test := fence.marks.get("run by")) is not None:
            if not (ROOT / test).is_file() or Path(name).name not in (ROOT / test).read_text():
                yield f"{place}: {test} is no test that names this page"
        elif not run and "file" not in fence.marks:
            yield f"{place}: nothing runs it: add the page to tests/docs/test_pages.py, or say why: % not run: REASON"


def _wrong_reason(reason: str, fence: Fence, shown: set[str]) -> Iterator[str]:
    begins = reason.partition(",")[0]
    if begins not in REASONS:
        yield f"{reason!r} is no reason; those are {', '.join(REASONS)}"
    elif begins not in shown and not re.search(REASONS[begins], fence.text):
        yield f"{begins!r}, and nothing in it shows that"
    shown.add(begins)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_is_run_or_says_why_not(page: Path) -> None:
    name = str(page.relative_to(ROOT))
    assert list(faults(name, page.read_text(), name in RUN)) == []


def test_every_page_that_is_run_is_there() -> None:
    assert [one for one in RUN if ROOT / one not in PAGES] == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("```sh\nkubectl get pods\n```", "nothing runs it"),
        ("% not-run: needs GitHub\n```sh\ngh x\n```", "nothing runs it"),
        ("% not run: needs GitHub\n\n```sh\ngh x\n```", "nothing runs it"),
        ("- x\n\n  ```sh\n  kubectl get pods\n  ```", "nothing runs it"),
        ("% not run: no time\n```sh\ngh x\n```", "'no time' is no reason"),
        ("% not run: needs Google Cloud\n```sh\nls\n```", "nothing in it shows that"),
        ("% run by: tests/docs/test_nothing.py\n```sh\nls\n```", "is no test that names this page"),
        ("% run by: tests/conftest.py\n```sh\nls\n```", "is no test that names this page"),
        ("% not run: needs GitHub\n```sh\ngh x --token=$t\n```", "lists the processes"),
        ("```bash\nls\n```", "a shell's block is ```sh"),
        ("```{code-block} console\nls\n```", "a shell's block is ```sh"),
        ("```{code-block} sh\nls\n```", "a shell's block is ```sh"),
    ],
)
def test_a_block_that_nothing_runs_is_found(text: str, fault: str) -> None:
    (found,) = faults("docs/how-to/page.md", text, run=False)
    assert fault in found


@pytest.mark.parametrize(
    "text",
    [
        "% not run: needs Google Cloud, too\n```sh\ngcloud x\n```\n\n% not run: needs Google Cloud\n```sh\nls\n```",
        "<!-- not run: needs GitHub -->\n```sh\ngh x\n```",
        "```text\nls\n```\n\n```yaml\na: 1\n```",
        "````md\n```sh\nls\n```\n````",
    ],
)
def test_a_block_that_says_why_is_left(text: str) -> None:
    assert list(faults("docs/how-to/page.md", text, run=False)) == []


def test_the_steps_of_a_page_are_what_a_reader_does() -> None:
    page = """
% file: a.yaml
```yaml
a: 1
```

% not run: needs GitHub
```sh
gh x
```

```text
its words
```

% exit status: 1
```sh
ls
```

Which prints:

```text
a.yaml
```

% not printed
```text
other
```
"""
    found = steps(page)
    assert [(step.fence.text, step.printed) for step in found] == [("a: 1\n", None), ("ls\n", "a.yaml\n")]
    assert found[0].fence.marks == {"file": "a.yaml"}
    assert found[1].fence.marks == {"exit status": "1"}


OURS = [
    pytest.param(module, arguments, id=f"{page.stem}:{fence.line}: {arguments.strip()[:40]}")
    for page in PAGES
    for fence in fences(page.read_text())
    if fence.language == "sh"
    for module, arguments in commands(fence.text)
]


@pytest.mark.parametrize(("module", "arguments"), OURS)
def test_every_command_of_ours_is_one_that_is_understood(module: str, arguments: str) -> None:
    parse(module, arguments)


def test_every_command_of_ours_is_found() -> None:
    script = 'eval "$(python -m local env)" # x\npython -m deployer sync \\\n ./a --name "$B" > c; python -m local up\n'
    assert [(module, shlex.split(arguments)) for module, arguments in commands(script)] == [
        ("local", ["env"]),
        ("deployer", ["sync", "./a", "--name", "$B"]),
        ("local", ["up"]),
    ]
    assert len(OURS) > 50


@pytest.mark.parametrize(
    ("module", "wrong"),
    [
        ("deployer", "synk shop"),
        ("deployer", "sync"),
        ("deployer", "sync shop --nowait"),
        ("deployer", "sync shop --timeout soon"),
        ("deployer", "send pong"),
        ("local", "up --clusters"),
        ("local", "push now"),
    ],
)
def test_a_command_that_is_wrong_would_be_found(module: str, wrong: str) -> None:
    with pytest.raises(click.UsageError):
        parse(module, wrong)
