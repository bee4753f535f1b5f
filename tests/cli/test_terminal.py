"""What a person sees, with a terminal and without one."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from deployer.cli.terminal import (
    Row,
    print_diff,
    print_line,
    print_objects,
    print_rows,
    progress_printer,
    say,
    say_error,
    say_fault,
    show_waiting,
)
from deployer.cluster.health import Health, Status
from deployer.manifest import ObjectKey
from deployer.sync.result import Action, ObjectResult, Step, SyncResult
from tests.cli.conftest import on_terminal

LONG = "the pod's own reason, which is long enough that it does not fit into one line of a terminal of 80 columns"


def one(name: str, action: Action, health: Health | None = None, message: str = "") -> ObjectResult:
    return ObjectResult(ObjectKey("apps", "Deployment", "shop", name), "v1", action, health, message)


def test_without_a_terminal_lines_are_plain(capsys: pytest.CaptureFixture[str]) -> None:
    say_error(LONG, "try again")
    say("  1.0 s ", "[red]waiting[/]")
    print_line(f"12 objects: {LONG}", "green")
    out, err = capsys.readouterr()
    assert err == f"error: {LONG}\nhint:  try again\n  1.0 s  [red]waiting[/]\n"
    assert out == f"12 objects: {LONG}\n"


def test_an_error_without_a_hint_has_none(capsys: pytest.CaptureFixture[str]) -> None:
    say_error("no")
    assert capsys.readouterr().err == "error: no\n"


def test_what_could_steer_a_terminal_is_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    steering = "\x1b[2Jpod\x07\u202e"
    say("error:", f"first\n{steering}")
    print_line(steering, "green")
    print_objects(SyncResult("failed", "", "", (one("web", "failed", message=steering),)))
    out, err = capsys.readouterr()
    assert err == "error: first\n�[2Jpod��\n"
    assert out == "�[2Jpod��\nfailed\tDeployment/web\tshop\t-\t�[2Jpod��\n"


def test_a_fault_is_shown_with_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise KeyError("missing")
    except KeyError:
        say_fault()
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-2] == "KeyError: 'missing'"
    assert lines[-1].startswith("error: this is a fault in the deployer itself; please report it")


DIFF = ["--- live", "+++ desired", "@@ -1 +1 @@", " same", f"-\t{LONG} [b]", "+new\x1b[2J "]


def test_a_diff_keeps_every_tab_and_space_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_diff("► Deployment/\x1bweb changed", DIFF)
    assert capsys.readouterr().out.split("\n") == ["► Deployment/�web changed", *DIFF[:5], "+new�[2J ", "", ""]


def test_objects_are_lines_of_cells_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    objects = (
        one("new", "created", Health(Status.HEALTHY, "of no interest")),
        one("same", "unchanged", Health(Status.HEALTHY, "")),
        one("asleep", "unchanged", Health(Status.SUSPENDED, "paused")),
        one("ill", "unchanged", Health(Status.DEGRADED, "it\ncrashes")),
        one("unseen", "unchanged"),
        one("late", "skipped"),
        one("bad", "failed", message="refused"),
    )
    print_objects(SyncResult("failed", "", "", objects))
    assert capsys.readouterr().out.splitlines() == [
        "created\tDeployment/new\tshop\tHealthy\t",
        "unchanged\tDeployment/ill\tshop\tDegraded\tit crashes",
        "skipped\tDeployment/late\tshop\t-\t",
        "failed\tDeployment/bad\tshop\t-\trefused",
    ]


def test_hooks_stand_where_they_run_with_their_phase(capsys: pytest.CaptureFixture[str]) -> None:
    def hook(name: str, phase: str, status: Status, message: str, said: str = "") -> ObjectResult:
        key, lost = ObjectKey("batch", "Job", "shop", name), status is Status.DEGRADED
        action: Action = "failed" if lost else "created"
        return ObjectResult(key, "v1", action, Health(status, message), said, phase=phase)

    hooks = (
        hook("report", "PostSync", Status.DEGRADED, "it crashes"),
        hook("migrate", "PreSync", Status.HEALTHY, "of no interest", "of no interest"),
        ObjectResult(ObjectKey("batch", "Job", "shop", "refused"), "v1", "failed", None, "no", phase="PreSync"),
    )
    print_objects(SyncResult("failed", "", "", (one("web", "updated"),), hooks=hooks))
    assert capsys.readouterr().out.splitlines() == [
        "created\tJob/migrate (PreSync)\tshop\tHealthy\t",
        "failed\tJob/refused (PreSync)\tshop\t-\tno",
        "updated\tDeployment/web\tshop\t-\t",
        "failed\tJob/report (PostSync)\tshop\tDegraded\tit crashes",
    ]


def test_where_nothing_was_written_only_what_is_to_blame_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    print_objects(SyncResult("failed", "", "", (one("a", "skipped"), one("b", "failed", message="refused"))))
    assert capsys.readouterr().out == "failed\tDeployment/b\tshop\t-\trefused\n"


def test_what_left_git_and_stays_is_shown_where_nothing_was_written(capsys: pytest.CaptureFixture[str]) -> None:
    kept = one("old", "skipped", message="left Git; not pruned: why")
    print_objects(SyncResult("succeeded", "", "", (one("same", "unchanged"), kept)))
    print_objects(SyncResult("succeeded", "", "", (one("gone", "pruned"), kept)))
    line = "skipped\tDeployment/old\tshop\t-\tleft Git; not pruned: why\n"
    assert capsys.readouterr().out == f"{line}pruned\tDeployment/gone\tshop\t-\t\n{line}"


ROWS = [
    Row(("7", "failed", "-", LONG), "7 failed", (f"first: {LONG}", "second [b]\tline\n\x1b[2J")),
    Row(("6", "succeeded", "-", "a push"), "6 succeeded"),
]


def test_rows_are_lines_with_their_notes_as_the_last_cell_without_a_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_rows(("id", "result", "changes", "why"), ROWS)
    show_waiting(["nothing without a terminal"])
    out, err = capsys.readouterr()
    print_rows(("id", "result", "changes", "why"), ROWS, err=True)
    assert capsys.readouterr() == ("", out), "no data"
    assert out.splitlines() == [
        f"7\tfailed\t-\t{LONG}\tfirst: {LONG}; second [b] line �[2J",
        "6\tsucceeded\t-\ta push\t",
    ]
    assert err == ""


def test_rows_are_a_table_with_the_notes_below_on_a_terminal(tmp_path: Path) -> None:
    program = f"""
from deployer.cli.terminal import *
show_waiting(["this and that"])
show_waiting([])
print_rows(("id", "result", "changes", "why"), {ROWS!r})
print_rows(("id",), [])
"""
    screen = on_terminal([sys.executable, "-c", program], tmp_path)
    assert screen.status == 0
    assert screen.raw.startswith("\r\x1b[2Kwaiting for this and that\r\x1b[2K")
    assert screen.lines[-6:] == [
        "\x1b[2Kid  result     why",
        "7   failed     the pod's own reason, which is long enough that it does not fit",
        "               into one line of a terminal of 80 columns",
        "6   succeeded  a push",
        f"7 failed: first: {LONG}",
        "7 failed: second [b] line �[2J",
    ]


def test_a_line_comes_again_only_after_a_while(capsys: pytest.CaptureFixture[str]) -> None:
    show = progress_printer(again=0.2)
    to, fro = Step("waiting: Pod/a: ErrImagePull", "Pod/a: ErrImagePull"), Step("waiting: Pod/a: ImagePullBackOff")
    for step in (to, fro, to, fro):
        show(step)
    assert [line.split(" s  ")[1] for line in capsys.readouterr().err.splitlines()] == [to.message, fro.message]
    time.sleep(0.2)
    show(to)
    assert capsys.readouterr().err.endswith(f" s  {to.message}\n")


PROGRAM = f"""
from deployer.cli.terminal import *
from deployer.cluster.health import Health, Status
from deployer.manifest import ObjectKey
from deployer.sync.result import ObjectResult, Step, SyncResult
show = progress_printer()
show(Step("applying"))
show(Step("waiting [1/2 healthy]: " + {LONG!r}, "why"))
def one(name, action, health=None, message=""):
    return ObjectResult(ObjectKey("apps", "Deployment", "shop", name), "v1", action, health, message)
objects = one("web", "created"), one("a-name-" + "x" * 60, "failed", None, {LONG!r}), one("bold[b]", "updated")
print_objects(SyncResult("failed", "", "", objects))
print_objects(SyncResult("succeeded", "", "", ()))
print_diff("heading", {DIFF!r})
say_error({LONG!r}, "try again")
print_line("all is well", "green")
"""


TABLE = """\
action   object                        namespace  message
created  Deployment/web                shop
failed   Deployment/a-name-xxxxxxxxxx  shop       the pod's own reason, which is
         xxxxxxxxxxxxxxxxxxxxxxxxxxxx             long enough that it does not
         xxxxxxxxxxxxxxxxxxxxxx                   fit into one line of a
                                                  terminal of 80 columns
updated  Deployment/bold[b]            shop
""".splitlines()


def test_a_terminal_gets_colour_a_table_and_lines_that_wrap_between_words(tmp_path: Path) -> None:
    screen = on_terminal([sys.executable, "-c", PROGRAM], tmp_path)
    assert screen.status == 0
    assert "\x1b[31merror:" in screen.raw
    assert "\x1b[32mcreated" in screen.raw
    assert "\x1b[31mfailed" in screen.raw
    assert "\x1b[33m   0.0 s" in screen.raw, "what holds a rollout up stands out"
    assert "\x1b[32mall is well" in screen.raw
    assert screen.lines == [
        "   0.0 s  applying",
        "   0.0 s  waiting [1/2 healthy]: the pod's own reason, which is long enough that",
        "          it does not fit into one line of a terminal of 80 columns",
        *TABLE,
        *("heading", "--- live", "+++ desired", "@@ -1 +1 @@", " same", f"-       {LONG} [b]", "+new�[2J", ""),
        "error: the pod's own reason, which is long enough that it does not fit into one",
        "       line of a terminal of 80 columns",
        "hint:  try again",
        "all is well",
    ]
    assert max(len(line) for line in screen.lines if "[b]" not in line) <= 80, "what is wrapped is no diff any more"
    for coloured in ("\x1b[33mheading", "\x1b[31m--- live", "\x1b[32m+++ desired", "\x1b[36m@@ -1", "\x1b[32m+new"):
        assert coloured in screen.raw


@pytest.mark.parametrize("changes", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colour_is_left_out_where_it_is_not_wanted(tmp_path: Path, changes: dict[str, str]) -> None:
    screen = on_terminal([sys.executable, "-c", PROGRAM], tmp_path, changes)
    assert "\x1b" not in screen.raw
    assert "action   object" in screen.raw, "a table all the same"


def test_colour_never_leaves_a_terminal(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "\x1b" not in done.stdout + done.stderr
    assert "created\tDeployment/web\tshop\t-\t\n" in done.stdout
