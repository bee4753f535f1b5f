"""When a sync may go ahead. Whether windows are open was compared with Argo CD's formula, around clock changes, too."""

from datetime import UTC, datetime
from typing import Any

import pytest

from deployer.fields import Fields
from deployer.sync_windows import SyncWindow, parse_sync_windows, window_problem

NIGHT = {"kind": "deny", "schedule": "0 22 * * *", "duration": "8h", "applications": ["*"]}
DAY = {"kind": "allow", "schedule": "0 9 * * *", "duration": "8h", "applications": ["*"]}
BERLIN = {"timeZone": "Europe/Berlin"}
NAMES = ("staging", "https://staging.example.com")


def windows(*entries: dict[str, Any]) -> tuple[SyncWindow, ...]:
    return parse_sync_windows(Fields({"syncWindows": list(entries)}, "a.yaml, document 1", "spec"))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def problem(now: str, *entries: dict[str, Any], manual: bool = False, namespace: str = "web") -> str:
    return window_problem(windows(*entries), "shop", NAMES, namespace, at(now), manual=manual)


def test_without_a_window_nothing_is_held_back() -> None:
    assert problem("2026-01-02 12:00") == ""


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-01-02 21:59:59.999999", ""),
        ("2026-01-02 22:00", "2026-01-03 06:00"),
        ("2026-01-02 23:59:59", "2026-01-03 06:00"),
        ("2026-01-03 00:00", "2026-01-03 06:00"),
        ("2026-01-03 05:59:59.999999", "2026-01-03 06:00"),
        ("2026-01-03 06:00", ""),
    ],
)
def test_a_night(now: str, until: str) -> None:
    held = f"held back until {until} UTC by the deny window 0 22 * * * (8h)" if until else ""
    assert problem(now, NIGHT) == held
    held = f"held back until {until} UTC: the allow window 0 6 * * * (16h) is not open" if until else ""
    assert problem(now, {**DAY, "schedule": "0 6 * * *", "duration": "16h"}) == held


@pytest.mark.parametrize(
    ("window", "now", "told"),
    [
        # Over days: from Friday at 18:00 to Monday at 06:00.
        ({"schedule": "0 18 * * fri", "duration": "60h"}, "2026-01-02 17:59", ""),
        ({"schedule": "0 18 * * fri", "duration": "60h"}, "2026-01-04 12:00", "2026-01-05 06:00 UTC"),
        ({"schedule": "0 18 * * fri", "duration": "60h"}, "2026-01-05 06:00", ""),
        # Ends and openings that meet: held back until the last of them ends.
        ({"schedule": "0 18-20 * * *", "duration": "1h"}, "2026-01-02 18:30", "2026-01-02 21:00 UTC"),
        ({"schedule": "0 18,20 * * *", "duration": "1h"}, "2026-01-02 18:30", "2026-01-02 19:00 UTC"),
        ({"schedule": "*/5 18 * * *", "duration": "1h"}, "2026-01-02 18:01", "2026-01-02 19:55 UTC"),
        # In a zone: its night, its date, and UTC's where that is another.
        ({**BERLIN}, "2026-01-02 20:59", ""),
        ({**BERLIN}, "2026-01-02 21:00", "2026-01-03 06:00 Europe/Berlin (05:00 UTC)"),
        ({**BERLIN}, "2026-07-02 20:00", "2026-07-03 06:00 Europe/Berlin (04:00 UTC)"),
        (
            {**BERLIN, "duration": "2h30m"},
            "2026-01-02 23:00",
            "2026-01-03 00:30 Europe/Berlin (2026-01-02 23:30 UTC)",
        ),
        ({"timeZone": "America/New_York"}, "2026-01-03 03:00", "2026-01-03 06:00 America/New_York (11:00 UTC)"),
        ({"timeZone": "Asia/Kolkata"}, "2026-01-02 16:30", "2026-01-03 06:00 Asia/Kolkata (00:30 UTC)"),
        ({"timeZone": "Etc/UTC"}, "2026-01-02 22:00", "2026-01-03 06:00 UTC"),
        # The nights in which the clock is put forward, from 02:00 to 03:00, and back, from 03:00 to 02:00.
        ({**BERLIN}, "2026-03-28 21:00", "2026-03-29 06:00 Europe/Berlin (04:00 UTC)"),
        ({**BERLIN}, "2026-03-29 04:00", ""),
        ({**BERLIN}, "2026-10-24 20:00", "2026-10-25 06:00 Europe/Berlin (05:00 UTC)"),
        ({**BERLIN}, "2026-10-25 04:59", "2026-10-25 06:00 Europe/Berlin (05:00 UTC)"),
        ({**BERLIN}, "2026-10-25 05:00", ""),
        # The hour that is left out: a window that opens in it opens after it; one that ends in it ends before it.
        ({**BERLIN, "schedule": "30 2 * * *", "duration": "1h"}, "2026-03-29 00:59", ""),
        (
            {**BERLIN, "schedule": "30 2 * * *", "duration": "1h"},
            "2026-03-29 01:00",
            "2026-03-29 03:30 Europe/Berlin (01:30 UTC)",
        ),
        (
            {**BERLIN, "schedule": "0 1 * * *", "duration": "90m"},
            "2026-03-29 00:59",
            "2026-03-29 03:00 Europe/Berlin (01:00 UTC)",
        ),
        # The hour that comes twice: a window in it is open twice.
        (
            {**BERLIN, "schedule": "15 2 * * *", "duration": "30m"},
            "2026-10-25 00:20",
            "2026-10-25 02:45 Europe/Berlin (00:45 UTC)",
        ),
        ({**BERLIN, "schedule": "15 2 * * *", "duration": "30m"}, "2026-10-25 01:00", ""),
        (
            {**BERLIN, "schedule": "15 2 * * *", "duration": "30m"},
            "2026-10-25 01:15",
            "2026-10-25 02:45 Europe/Berlin (01:45 UTC)",
        ),
        # A change of half an hour.
        (
            {"timeZone": "Australia/Lord_Howe", "schedule": "0 1 * * *", "duration": "2h"},
            "2026-10-03 15:00",
            "2026-10-04 03:00 Australia/Lord_Howe (2026-10-03 16:00 UTC)",
        ),
    ],
)
def test_until_when_a_window_denies(window: dict[str, Any], now: str, told: str) -> None:
    entry = NIGHT | window
    held = f"held back until {told} by the deny window {entry['schedule']} ({entry['duration']})" if told else ""
    assert problem(now, entry) == held


@pytest.mark.parametrize(
    ("window", "now", "told"),
    [
        ({}, "2026-01-02 08:59", "2026-01-02 09:00 UTC"),
        ({}, "2026-01-02 17:00", "2026-01-03 09:00 UTC"),
        ({"schedule": "0 9 * * mon-fri"}, "2026-01-02 17:00", "2026-01-05 09:00 UTC"),
        ({**BERLIN}, "2026-01-02 17:00", "2026-01-03 09:00 Europe/Berlin (08:00 UTC)"),
        ({**BERLIN}, "2026-03-28 17:00", "2026-03-29 09:00 Europe/Berlin (07:00 UTC)"),
        (
            {**BERLIN, "schedule": "30 2 * * *", "duration": "1h"},
            "2026-03-29 00:00",
            "2026-03-29 03:00 Europe/Berlin (01:00 UTC)",
        ),
        # All of it is in the hour that is left out: it is not open that day.
        (
            {**BERLIN, "schedule": "30 2 * * *", "duration": "20m"},
            "2026-03-29 00:00",
            "2026-03-30 02:30 Europe/Berlin (00:30 UTC)",
        ),
    ],
)
def test_when_an_allow_window_opens(window: dict[str, Any], now: str, told: str) -> None:
    entry = DAY | window
    held = f"held back until {told}: the allow window {entry['schedule']} ({entry['duration']}) is not open"
    assert problem(now, entry) == held


ALWAYS = {"schedule": "* * * * *", "duration": "1h"}


@pytest.mark.parametrize(
    ("entries", "now", "told"),
    [
        # A deny window holds back, whatever an allow window says; and then that may be closed, too.
        ([DAY, NIGHT | ALWAYS], "2026-01-02 12:00", "with no end in sight by the deny window * * * * * (1h)"),
        (
            [DAY, NIGHT | {"schedule": "0 16 * * *", "duration": "2h"}],
            "2026-01-02 16:30",
            "until 2026-01-03 09:00 UTC by the deny window 0 16 * * * (2h)",
        ),
        (
            [DAY, NIGHT | {"schedule": "0 8 * * *", "duration": "2h"}],
            "2026-01-02 08:30",
            "until 2026-01-02 10:00 UTC by the deny window 0 8 * * * (2h)",
        ),
        (
            [DAY, NIGHT | {"schedule": "0 8 * * *", "duration": "2h"}],
            "2026-01-02 07:30",
            "until 2026-01-02 10:00 UTC: the allow window 0 9 * * * (8h) is not open",
        ),
        ([DAY, NIGHT], "2026-01-02 12:00", ""),
        # Of several, one that allows is enough; of those that deny, the last to end is told.
        ([DAY, DAY | {"schedule": "0 18 * * *", "duration": "1h"}], "2026-01-02 18:30", ""),
        (
            [DAY, DAY | {"schedule": "0 18 * * *", "duration": "1h"}],
            "2026-01-02 17:30",
            "until 2026-01-02 18:00 UTC: the allow window 0 18 * * * (1h) is not open",
        ),
        (
            [NIGHT, NIGHT | {"schedule": "0 21 * * *", "duration": "2h"}],
            "2026-01-02 22:30",
            "until 2026-01-03 06:00 UTC by the deny window 0 22 * * * (8h)",
        ),
        (
            [NIGHT, NIGHT | {"schedule": "0 5 * * *", "duration": "2h"}],
            "2026-01-02 22:30",
            "until 2026-01-03 07:00 UTC by the deny window 0 22 * * * (8h)",
        ),
        # An allow window that is never open when nothing denies.
        (
            [DAY | {"schedule": "0 23 * * *", "duration": "1h"}, NIGHT],
            "2026-01-02 12:00",
            "with no end in sight: the allow window 0 23 * * * (1h) is not open",
        ),
        # What concerns others neither allows nor denies.
        ([DAY | {"applications": ["blog"]}], "2026-01-02 20:00", ""),
        ([NIGHT | {"applications": ["blog"]}], "2026-01-02 22:00", ""),
        (
            [DAY, DAY | ALWAYS | {"applications": ["blog"]}],
            "2026-01-02 20:00",
            "until 2026-01-03 09:00 UTC: the allow window 0 9 * * * (8h) is not open",
        ),
    ],
)
def test_several_windows(entries: list[dict[str, Any]], now: str, told: str) -> None:
    assert problem(now, *entries) == (f"held back {told}" if told else "")


MANUAL = {"manualSync": True}


@pytest.mark.parametrize(
    ("entries", "now", "until"),
    [
        ([NIGHT], "2026-01-02 22:00", "2026-01-03 06:00"),
        ([NIGHT | MANUAL], "2026-01-02 22:00", ""),
        ([DAY], "2026-01-02 22:00", "2026-01-03 09:00"),
        ([DAY | MANUAL], "2026-01-02 22:00", ""),
        # Each that denies must say so; then those that allow are not asked.
        ([NIGHT, NIGHT | MANUAL], "2026-01-02 22:00", "2026-01-03 06:00"),
        ([NIGHT | {"duration": "1h"}, NIGHT | MANUAL], "2026-01-02 22:00", "2026-01-02 23:00"),
        ([NIGHT | MANUAL, DAY], "2026-01-02 22:00", ""),
        ([NIGHT, DAY | MANUAL], "2026-01-02 22:00", "2026-01-03 06:00"),
        # Of those that allow, each must say so, too, unless one is open.
        ([DAY, DAY | MANUAL], "2026-01-02 22:00", "2026-01-03 09:00"),
        ([DAY, DAY | MANUAL], "2026-01-02 12:00", ""),
    ],
)
def test_a_person_may_sync_where_all_that_hold_back_say_so(entries: list[dict[str, Any]], now: str, until: str) -> None:
    told = problem(now, *entries, manual=True)
    assert told.startswith(f"held back until {until} UTC") if until else told == ""
    if not problem(now, *entries):
        assert told == "", "a person may whatever is done by itself"


@pytest.mark.parametrize(
    ("selectors", "concerns"),
    [
        ({"applications": ["shop"]}, True),
        ({"applications": ["sh*"]}, True),
        ({"applications": ["{blog,shop}"]}, True),
        ({"applications": ["Shop", "sho"]}, False),
        ({"clusters": ["staging"]}, True),
        ({"clusters": ["https://*.example.com"]}, True),
        ({"clusters": ["production"]}, False),
        ({"namespaces": ["web"]}, True),
        ({"namespaces": ["w?b"]}, True),
        ({"namespaces": ["kube-*"]}, False),
        # One is enough ...
        ({"applications": ["blog"], "clusters": ["production"], "namespaces": ["web"]}, True),
        ({"applications": ["blog"], "clusters": ["staging"], "namespaces": ["kube-*"]}, True),
        ({"applications": ["shop"], "clusters": ["production"]}, True),
        ({"applications": ["blog"], "clusters": ["production"], "namespaces": ["kube-*"]}, False),
        # ... or each that is written must.
        ({"applications": ["blog"], "namespaces": ["web"], "andOperator": True}, False),
        ({"applications": ["shop"], "clusters": ["production"], "andOperator": True}, False),
        ({"applications": ["shop"], "clusters": ["staging"], "namespaces": ["web"], "andOperator": True}, True),
        ({"clusters": ["staging"], "namespaces": ["web"], "andOperator": True}, True),
        ({"namespaces": ["kube-*"], "andOperator": True}, False),
    ],
)
def test_whom_a_window_concerns(selectors: dict[str, Any], concerns: bool) -> None:
    entry = {name: value for name, value in NIGHT.items() if name != "applications"} | ALWAYS | selectors
    assert (problem("2026-01-02 12:00", entry) != "") is concerns


def test_an_application_without_a_namespace_is_concerned_by_a_star() -> None:
    entry = {**NIGHT, **ALWAYS, "applications": [], "namespaces": ["*"]}
    assert problem("2026-01-02 12:00", entry, namespace="") != ""
