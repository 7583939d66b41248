"""The daily check: the tool without load, then with one that is known; each taken after two steady seconds.

It looks at what a user sees: newtons by the calibration and the zero in force on the tool. Nothing is changed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from iastm_calibration.daily_check import LEAST_LOAD_N, DailyCheck, judge
from iastm_host.app.calibrating.live import Source
from iastm_host.app.calibrating.steadiness import OF_WEIGHTS, WANTED_S, Steadiness, steadiness
from iastm_host.events import CalibrationReport, Event, Problem

ZERO, LOAD, OVER = "zero", "load", "over"
# So much of the load has to be there, or gone: a hand on its way is neither.
_THERE_SHARE = 0.5
_SHOWN_S = 0.25
# Of a page; a minute is meant for both. Who is called away comes back to a clear word.
PATIENCE_US = 180_000_000


@dataclass(frozen=True, slots=True)
class DailyView:
    """What to do now and what is seen: page is zero, load or over; forces in newtons, None where none is there."""

    page: str
    instruction: str
    hint: str
    reading_n: float | None
    held_s: float
    wanted_s: float
    check: DailyCheck | None


class DailyCheckRun:
    """One check; fed in one thread, looked at from any. `wall_clock` stamps it, `by` is who makes it."""

    def __init__(self, wall_clock: Callable[[], datetime], by: str, note: str = "") -> None:
        self._applied_n = 0.0
        self._label = ""
        self._wall_clock = wall_clock
        self._by = by
        self._note = note
        self._lock = threading.Lock()
        self._source = Source(in_newtons=True)
        self._first_us: int | None = None
        self._zero_n: float | None = None
        self._check: DailyCheck | None = None

    @property
    def calibration(self) -> CalibrationReport | None:
        """What the tool measures by, None before it said so."""
        with self._lock:
            return self._source.calibration

    def begin(self, applied_n: float, label: str) -> None:
        """State the load (N) and what it is called: what comes from now on is checked.

        Raises Problem for a load that is too small to check with, or beyond what the cell is made for.
        """
        with self._lock:
            calibration = self._source.calibration
            if applied_n < LEAST_LOAD_N:
                what = f"{label} pulls with {applied_n:.3g} N: too little to check with."
                raise Problem(what, f"Take at least {LEAST_LOAD_N:g} N, best near the forces that you work with.")
            if calibration is not None and applied_n > calibration.capacity_n:
                what = f"{label} pulls with {applied_n:.3g} N, beyond the {calibration.capacity_n:g} N of the cell."
                raise Problem(what, "Take a lighter weight.")
            self._applied_n, self._label = applied_n, label
            self._source.begin_page()

    def feed(self, event: Event) -> None:
        """Take an event of the tool's run."""
        with self._lock:
            if self._source.feed(event) is None or not self._applied_n or self._check is not None:
                return
            arrived_us = self._source.window.last_arrived_us
            if self._first_us is None:
                self._first_us = arrived_us
            if not self._steadiness().steady or not self._is_there():
                return
            mean_n = float(self._source.window.of_last(WANTED_S).mean())
            if self._zero_n is None:
                self._zero_n = mean_n
                self._first_us = arrived_us
                self._source.begin_page()
            else:
                self._check = self._judge(self._zero_n, mean_n)

    def view(self, now_us: int) -> DailyView:
        """Return what to show. Raises Problem where nothing was steady for minutes."""
        with self._lock:
            if self._check is not None:
                return DailyView(OVER, "", "", None, 0.0, WANTED_S, self._check)
            if self._first_us is not None and now_us - self._first_us > PATIENCE_US:
                raise Problem("Nothing was steady for minutes.", "Clamp the tool or lay it down, then check again.")
            there = self._source.there(now_us)
            last = self._source.window.of_last(_SHOWN_S)
            reading_n = float(last.mean()) if there and len(last) else None
            if not self._applied_n:
                return DailyView(ZERO, "Wait for the tool", "", reading_n, 0.0, WANTED_S, None)
            page = ZERO if self._zero_n is None else LOAD
            instruction = "Leave the tip free" if page == ZERO else f"Hang {self._label} on the tip"
            hint = "" if there else "No new data"
            if page == LOAD and reading_n is not None and self._steadiness().steady and not self._is_there():
                added_n = reading_n - (self._zero_n or 0.0)
                hint = f"{added_n:.2f} N hangs there, {self._applied_n:.2f} N is expected."
            if page == ZERO and there and not self._is_there():
                instruction = "Take the load off the tip"
            return DailyView(page, instruction, hint, reading_n, self._steadiness().held_s, WANTED_S, None)

    def _steadiness(self) -> Steadiness:
        return steadiness(self._source.window, OF_WEIGHTS, 1.0, self._zero_n or 0.0, self._source.since_us)

    def _is_there(self) -> bool:
        """Tell whether the load is where the page wants it."""
        last = self._source.window.of_last(_SHOWN_S)
        if not len(last):
            return False
        added_n = float(last.mean()) - (self._zero_n or 0.0)
        half_n = _THERE_SHARE * self._applied_n
        return abs(added_n) < half_n if self._zero_n is None else added_n > half_n

    def _judge(self, zero_n: float, read_n: float) -> DailyCheck:
        tool, calibration = self._source.tool, self._source.calibration
        return judge(
            zero_n,
            self._applied_n,
            read_n,
            checked_at=self._wall_clock().isoformat(timespec="seconds"),
            serial_number=tool.serial_number if tool is not None else "",
            calibration_id=calibration.calibration_id if calibration is not None else "",
            by=self._by,
            note=self._note,
            temperature_c=self._source.temperature_c,
        )
