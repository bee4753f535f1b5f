"""`spec.syncWindows` of an AppProject: when its applications may be synced.

Fields and rules are those of Argo CD's `SyncWindow` (`pkg/apis/application/v1alpha1/types.go`): a deny window that is
open holds everything back; where allow windows concern an application and none of them is open, that does, too; and a
person may sync where all windows that hold it back say `manualSync`.

As there, a window goes by the clock on the wall of its time zone: from 22:00 for 8 hours is until 06:00, also in the
night that has an hour more or less. A window that would open in the hour that is left out opens after it, for what is
left of it, and one of the hour that comes twice is open twice. Unlike there, a zone that does not exist is no UTC but
an error, and so is a schedule that never comes up, which there is always open.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, cast
from zoneinfo import ZoneInfo

from deployer.cron import Cron, parse_cron
from deployer.duration import parse_duration
from deployer.errors import ConfigurationError
from deployer.fields import Fields
from deployer.glob import matches

_SELECTORS = ("applications", "clusters", "namespaces")
_LONGEST = timedelta(days=366)
_MINUTE = timedelta(minutes=1)

_STEPS = 1_500
"""Openings and ends that are looked at for the time when a sync may go ahead; those of every minute for a day."""


@dataclass(frozen=True)
class SyncWindow:
    """One window: it opens by `cron`, on the clock of `zone`, for `duration`.

    It concerns what one of its globs for applications, clusters or namespaces fits; with `and_operator` each of the
    three that has globs must. `written` is its schedule and duration as they are in the document.
    """

    kind: Literal["allow", "deny"]
    cron: Cron
    duration: timedelta
    zone: ZoneInfo
    applications: tuple[str, ...]
    clusters: tuple[str, ...]
    namespaces: tuple[str, ...]
    manual_sync: bool
    and_operator: bool
    written: str

    def concerns(self, application: str, cluster_names: Sequence[str], namespace: str) -> bool:
        """Whether it is about an application: its name, all names of its cluster, its destination's namespace."""
        asked = ((self.applications, (application,)), (self.clusters, cluster_names), (self.namespaces, (namespace,)))
        fits = [any(matches(one, text) for one in globs for text in texts) for globs, texts in asked if globs]
        return all(fits) if self.and_operator else any(fits)

    def ends(self, now: datetime) -> datetime | None:
        """Return when it ends, in UTC; None where it is not open now."""
        clock = _clock(now, self.zone)
        opened = self.cron.last(clock)
        if opened is None or clock >= opened + self.duration:
            return None
        return _moment(opened + self.duration, self.zone, now)

    def opens(self, now: datetime) -> datetime | None:
        """Return when it opens next, in UTC; None where it never does. The clock may be put forward past all of it."""
        opening = self.cron.next(_clock(now, self.zone))
        return _moment(opening, self.zone, now) if opening else None


def parse_sync_windows(spec: Fields) -> tuple[SyncWindow, ...]:
    """Read the windows of a project's `spec`. Raises ConfigurationError, at the first field that is wrong."""
    return tuple(_parse(entry) for entry in spec.sections("syncWindows"))


def window_problem(
    windows: Sequence[SyncWindow],
    application: str,
    cluster_names: Sequence[str],
    namespace: str,
    now: datetime,
    *,
    manual: bool,
) -> str:
    """Say which window holds a sync back, and until when.

    Args:
        windows: the project's.
        application: its name.
        cluster_names: all that destinations may call its cluster.
        namespace: its destination's; `""` where it has none.
        now: with a time zone.
        manual: whether a person asks for the sync.

    Returns:
        Such as `held back until 2026-01-02 06:00 Europe/Berlin (05:00 UTC) by the deny window 0 22 * * * (8h)`; `""`
        where a sync may go ahead. The time is when no window holds it back any more.
    """
    mine = [one for one in windows if one.concerns(application, cluster_names, namespace)]
    held = _held(mine, now, manual=manual)
    if held is None:
        return ""
    window, until = held
    for _ in range(_STEPS):
        later = _held(mine, until, manual=manual) if until else None
        if until is None or later is None:
            break
        until = later[1]
    else:
        until = None
    when = f"until {_told(until, window.zone)}" if until else "with no end in sight"
    if window.kind == "allow":
        return f"held back {when}: the allow window {window.written} is not open"
    return f"held back {when} by the deny window {window.written}"


def _held(windows: Sequence[SyncWindow], now: datetime, *, manual: bool) -> tuple[SyncWindow, datetime | None] | None:
    """The window that holds a sync back, and when it ends, or an allow window opens; None where none does."""
    ends = [(end, window) for window in windows if (end := window.ends(now))]
    if denying := [(end, window) for end, window in ends if window.kind == "deny"]:
        strict = [(end, window) for end, window in denying if not (manual and window.manual_sync)]
        last = max(strict, key=lambda one: one[0], default=None)
        return (last[1], last[0]) if last else None
    allowing = [window for window in windows if window.kind == "allow"]
    if not allowing or ends or (manual and all(window.manual_sync for window in allowing)):
        return None
    opening = [(moment, window) for window in allowing if (moment := window.opens(now))]
    first = min(opening, key=lambda one: one[0], default=None)
    return (first[1], first[0]) if first else (allowing[0], None)


def _clock(now: datetime, zone: ZoneInfo) -> datetime:
    """What the clock on the wall shows, without a zone."""
    return now.astimezone(zone).replace(tzinfo=None)


def _moment(clock: datetime, zone: ZoneInfo, now: datetime) -> datetime:
    """When the clock on the wall shows a time, or has gone past it, next after now; in UTC."""
    moment = clock.replace(tzinfo=zone).astimezone(UTC)
    if moment <= now:  # it has shown that time before, and was put back
        moment = clock.replace(tzinfo=zone, fold=1).astimezone(UTC)
    while _clock(moment - _MINUTE, zone) >= clock:  # it was put forward past that time
        moment -= _MINUTE
    return moment


def _told(moment: datetime, zone: ZoneInfo) -> str:
    """A time for people, in a zone and in UTC."""
    there = moment.astimezone(zone)
    if zone.key in ("UTC", "Etc/UTC"):
        return f"{moment:%Y-%m-%d %H:%M} UTC"
    utc = f"{moment:%H:%M}" if there.date() == moment.date() else f"{moment:%Y-%m-%d %H:%M}"
    return f"{there:%Y-%m-%d %H:%M} {zone.key} ({utc} UTC)"


def _parse(entry: Fields) -> SyncWindow:
    entry.allow(
        *("kind", "schedule", "duration", "timeZone", *_SELECTORS, "manualSync", "andOperator", "description"),
        "syncOverrun",
    )
    kind = entry.required_text("kind")
    if kind not in ("allow", "deny"):
        raise entry.error("kind", f"{kind[:20]!r} is none; allowed: allow, deny")
    schedule, duration = entry.required_text("schedule"), entry.required_text("duration")
    try:
        cron = parse_cron(schedule)
    except ValueError as error:
        raise entry.error("schedule", str(error)) from None
    seconds = parse_duration(duration)
    if seconds is None:
        raise entry.error("duration", f"{duration[:20]!r} is none; allowed: a number with a unit, as 8h, 90m, 1h30m")
    if not 1 <= seconds <= _LONGEST.total_seconds():
        raise entry.error("duration", f"{duration[:20]!r} is not between 1s and {_LONGEST.days} days")
    entry.text("description")
    # A sync that has begun is always ended here, as this asks for: half of it is worse than either.
    entry.flag("syncOverrun")
    applications, clusters, namespaces = (_globs(entry, name) for name in _SELECTORS)
    if not (applications or clusters or namespaces):
        raise entry.error("applications", "name what it is about in applications, clusters or namespaces; '*' is all")
    return SyncWindow(
        cast("Literal['allow', 'deny']", kind),
        cron,
        timedelta(seconds=seconds),
        _zone(entry),
        applications,
        clusters,
        namespaces,
        entry.flag("manualSync"),
        entry.flag("andOperator"),
        f"{schedule} ({duration})",
    )


def _globs(entry: Fields, name: str) -> tuple[str, ...]:
    for number, glob in enumerate(globs := entry.texts(name)):
        try:
            if not glob or glob.startswith("!"):
                raise ConfigurationError(f"{glob!r} fits nothing here; `!` denies in destinations and sources only")
            matches(glob, "")
        except ConfigurationError as error:
            raise entry.error(f"{name}[{number}]", str(error)) from None
    return globs


def _zone(entry: Fields) -> ZoneInfo:
    name = entry.text("timeZone") or "UTC"
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # the last where it is a folder of zones
        raise entry.error("timeZone", f"{name[:40]!r} is no zone of the IANA database, such as Europe/Berlin") from None
