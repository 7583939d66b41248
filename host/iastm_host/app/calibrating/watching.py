"""What is there this moment, and what it means for the page that is open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from iastm_calibration.document import CalibrationDocument, TakenPoint
from iastm_host.app.calibrating import arrival, judging, warm_up, words
from iastm_host.app.calibrating.book import Book, Entry
from iastm_host.app.calibrating.judging import Reading
from iastm_host.app.calibrating.live import Live, aimed
from iastm_host.app.calibrating.plan import CHECK, EXERCISE, LOAD, PREPARE, RESULT, WARM_UP, ZERO
from iastm_host.app.calibrating.result import result_view
from iastm_host.app.calibrating.scale import Scale
from iastm_host.app.calibrating.snapshot import SteadyView
from iastm_host.app.calibrating.steadiness import NOTHING, WANTED_S, Steadiness
from iastm_host.app.calibrating.views import Now, showing_old
from iastm_host.events import Problem

# A trend that moves a reading by more than this in a second is one that a person should wait for.
_SETTLING_N_PER_S = 0.01
# A weight that swings stands still for a moment where it turns.
_WORD_AFTER_S = 0.5
# A reading of less than this share of a load is not of it, by whatever calibration is in force; 0.45 is a load in
# pounds that was stated in kilograms, and asked about.
_HANGS_SHARE = 0.4
# So little of the lightest load is none.
_GONE_SHARE = 0.5
_NAMED_AT_CHECK = 3

_UNCHANGED = "Not changed yet"

_Told = tuple[tuple[Entry, ...] | None, Scale | None, Scale | None, list[Reading]]


@dataclass(frozen=True, slots=True)
class Doing:
    """What the wizard does or failed to do: see WizardSnapshot; `trouble` is the draft's."""

    busy: str
    progress: float | None
    failure: Problem | None
    document: CalibrationDocument | None
    trouble: Problem | None
    finished: bool


class Watch:
    """Looks at tool and gauge with the eyes of the page that is open. It changes nothing."""

    def __init__(self, live: Live, clock: Callable[[], int], wall_clock: Callable[[], datetime]) -> None:
        self._live = live
        self._clock = clock
        self._wall_clock = wall_clock
        # What points and the calibration in force come to, for as long as both stay.
        self._told: _Told = (None, None, None, [])
        self._told_by: tuple[CalibrationDocument | None, list[Reading]] = (None, [])

    def now(self, book: Book, doing: Doing) -> Now:
        """Return what a view shows of this moment."""
        of_tool = self._live.tool_scale()
        used, read = self._by_points(book, of_tool)
        zero = self.zero_now(book)
        steady = NOTHING if used is None or zero is None else self._steadiness(book, used, zero)
        reading_n = self._reading_n(used, zero)
        blocked = self._blocked(book)
        point = self._about_to_take(book, steady)
        changed = point is None or used is None or not self._unchanged(book, point, used)
        aim = self._aim(book)
        wrong = aim or ("" if changed else _UNCHANGED) or self._wrong_load(book, reading_n)
        can_take = self._may(book, doing, steady, unblocked=blocked is None, aim=aim)
        measuring = self.measuring(book)
        return Now(
            reading_n=reading_n,
            expected_n=self._expected_n(book),
            recent_n=np.empty(0) if used is None or zero is None else self._live.recent_n(used, zero),
            period_s=self._live.tool.window.period_us / 1e6,
            steady=self._steady_view(steady, wrong),
            readings=read if doing.document is None else self._by_document(book, doing.document),
            problem=doing.failure or blocked or doing.trouble,
            result=None
            if doing.document is None
            else result_view(doing.document, written=book.written, file=book.file),
            can_take=can_take,
            ready=can_take
            and (not measuring or (steady.steady and changed))
            and self._page_is_ready(book, steady, reading_n),
            hint=self._hint(book),
            footer=self._footer(book, doing, steady, measuring=measuring),
            busy=doing.busy,
            progress=doing.progress,
        )

    def measuring(self, book: Book) -> bool:
        """Tell whether the page waits for a steady load."""
        return book.zero_due or (book.page.measures and not showing_old(book))

    def _may(self, book: Book, doing: Doing, steady: Steadiness, *, unblocked: bool, aim: str) -> bool:
        """Tell whether the page may be taken."""
        if book.asked is not None or doing.busy or doing.finished:
            return False
        if book.page.kind == RESULT:
            return doing.document is not None and not book.finished
        if book.page.kind == CHECK or (showing_old(book) and not book.zero_due):
            return True
        if not unblocked:
            return False
        return not aim and (steady.steady or self.off_scale(book)) if self.measuring(book) else True

    def _page_is_ready(self, book: Book, steady: Steadiness, reading_n: float | None) -> bool:
        """Tell whether a page has had what it asks for, besides being steady."""
        if book.zero_due or book.page.kind == ZERO:
            return self._empty(book, reading_n)
        if book.page.kind in (LOAD, EXERCISE):
            return steady.steady and not self._too_little(book, reading_n)
        return book.page.kind != WARM_UP or self.warm()

    def _too_little(self, book: Book, reading_n: float | None) -> bool:
        """Tell whether what hangs is nearer to nothing than to the load that is asked for."""
        if reading_n is None:
            return True
        if book.page.kind == EXERCISE:
            # Which way the cell is wired is not known before the first load.
            return abs(reading_n) < _HANGS_SHARE * book.setup.force_n(book.page.load_kg, book.page.angle_deg)
        expected_n = self._expected_n(book)
        return expected_n is None or reading_n < _HANGS_SHARE * expected_n

    def _wrong_load(self, book: Book, reading_n: float | None) -> str:
        """Return which way the load is plainly another than the page asks for, "" where it isn't."""
        if reading_n is None:
            return ""
        if book.page.kind == EXERCISE or (book.page.kind == LOAD and self.measuring(book) and not book.zero_due):
            return "Too little load" if self._too_little(book, reading_n) else ""
        if self.measuring(book) and not self._empty(book, reading_n):
            return "Too much load" if reading_n > 0 else "Far below zero"
        return ""

    def _empty(self, book: Book, reading_n: float | None) -> bool:
        """Tell whether nothing hangs: the load of the page before may hang still."""
        lightest_n = book.setup.force_n(min(book.setup.loads_kg), book.page.angle_deg)
        return reading_n is not None and abs(reading_n) < _GONE_SHARE * lightest_n

    def exercised(self, book: Book) -> bool:
        """Tell whether the heaviest load hung within the last seconds."""
        used, zero = self._by_points(book, self._live.tool_scale())[0], self.zero_now(book)
        if used is None or zero is None:
            return False
        return any(not self._too_little(book, float(force_n)) for force_n in self._live.recent_n(used, zero))

    def off_scale(self, book: Book) -> bool:
        """Tell whether the load of a page drives the converter to its end."""
        return book.page.kind == LOAD and not book.zero_due and self._live.tool.window.saturated

    def _blocked(self, book: Book) -> Problem | None:
        """Return what keeps points from being taken."""
        tool, gauge = self._live.tool, self._live.gauge
        serial = self.serial()
        if book.tool is not None and serial and serial != book.tool.serial_number:
            return other_tool(book.tool.serial_number, serial)
        if tool.lost():
            return Problem(f"The link to the tool is lost: {tool.reason}.", words.LINK_LOST_FIX)
        if tool.countless:
            return Problem("This gauge tells no raw counts, so it can't be calibrated here.", "Connect another tool.")
        if book.file:
            return None
        if tool.window.last_arrived_us is None:
            return Problem("The tool has sent no samples yet.", "They come by themselves.")
        if not tool.there(self._clock()):
            return Problem("No samples come from the tool.", words.LINK_LOST_FIX)
        if self._live.tool_scale() is None or tool.tool is None:
            return Problem("The tool has not told its calibration yet.", "It comes by itself.")
        if book.setup.against_gauge and gauge.window.last_arrived_us is None:
            return Problem("The reference gauge has sent no samples yet.", "They come by themselves.")
        if book.setup.against_gauge and not gauge.there(self._clock()):
            return Problem("No samples come from the reference gauge.", "Check its link. It goes on by itself.")
        return None

    def _about_to_take(self, book: Book, steady: Steadiness) -> TakenPoint | None:
        """Return the counts of now as a load of this page, to look at: of two seconds where they are steady."""
        page = book.page
        means = self._live.means(with_gauge=False) if steady.steady else None
        counts = self._live.shown_counts() if means is None else means.counts
        if counts is None or page.kind != LOAD or book.zero_due:
            return None
        applied_n = self._expected_n(book)
        if applied_n is None:
            return None
        return TakenPoint(
            page.run, page.angle_deg, page.rising, page.step, None, applied_n, counts, 0.0, 0, self.now_iso()
        )

    def _unchanged(self, book: Book, point: TakenPoint, used: Scale) -> bool:
        return arrival.unchanged(judging.came(book, book.position, point, used, None))

    def _steadiness(self, book: Book, used: Scale, zero: float) -> Steadiness:
        now_us = self._clock()
        if not self._live.tool.there(now_us):
            return NOTHING
        if book.setup.against_gauge:
            if not self._live.gauge.there(now_us):
                return NOTHING
            return self._live.steady(used.newtons_per_count, zero, self.gauge_zero_n(book))
        return self._live.steady(used.newtons_per_count, zero, None)

    def _steady_view(self, steady: Steadiness, wrong: str) -> SteadyView:
        trend = steady.trend_per_s
        if self._live.tool.window.saturated:
            word = "Out of range"
        elif not self._live.tool.there(self._clock()):
            word = "No data"
        elif steady.noisy and steady.held_s >= _WORD_AFTER_S:
            word = "Too noisy"
        elif wrong:
            word = wrong
        elif steady.held_s < WANTED_S and trend is not None and abs(trend) > _SETTLING_N_PER_S:
            word = "Settling"
        else:
            word = "Steady" if steady.held_s >= _WORD_AFTER_S else "Settling"
        spread = steady.spread
        return SteadyView(
            steady.steady and not wrong,
            0.0 if wrong else steady.held_s,
            WANTED_S,
            None if spread is None else 1000 * spread,
            word,
            None if trend is None else 1000 * trend,
        )

    def _reading_n(self, used: Scale | None, zero: float | None) -> float | None:
        counts = self._live.shown_counts()
        stale = not self._live.tool.there(self._clock())
        return None if used is None or zero is None or counts is None or stale else used.force_n(counts - zero)

    def _expected_n(self, book: Book) -> float | None:
        page = book.page
        if book.zero_due or page.kind == ZERO:
            return 0.0
        if page.kind not in (LOAD, EXERCISE):
            return None
        if not book.setup.against_gauge:
            return book.setup.force_n(page.load_kg, page.angle_deg)
        gauge_n = self._live.shown_gauge_n()
        return None if gauge_n is None else gauge_n - self.gauge_zero_n(book)

    def _aim(self, book: Book) -> str:
        expected_n = self._expected_n(book)
        if not book.setup.against_gauge or book.page.kind != LOAD or book.zero_due or expected_n is None:
            return ""
        return aimed(book.setup.force_n(book.page.load_kg, book.page.angle_deg), expected_n)

    def zero_now(self, book: Book) -> float | None:
        """Return the counts without load as far as they are known now."""
        own = book.zero_counts(book.page.series, self.now_iso())
        if own is not None:
            return own
        last = book.last_zero()
        return last[1] if last is not None else self.tool_zero()

    def gauge_zero_n(self, book: Book) -> float:
        """Return what the gauge read at the zero of this series, or at the last one."""
        last = book.last_zero()
        return 0.0 if last is None or last[2] is None else last[2]

    def tool_zero(self) -> float | None:
        """Return the zero in force on the tool, in counts."""
        zero = self._live.tool.zero
        return None if zero is None else float(zero.counts)

    def capacity_n(self) -> float | None:
        """Return what the cell is made for in newtons."""
        report = self._live.tool.calibration
        return None if report is None else report.capacity_n

    def serial(self) -> str:
        """Return the serial number of the tool that is there, "" before it said so."""
        described = self._live.tool.tool
        return "" if described is None else described.serial_number

    def now_iso(self) -> str:
        """Return the time as points carry it."""
        return self._wall_clock().isoformat(timespec="seconds")

    def _by_points(self, book: Book, of_tool: Scale | None) -> tuple[Scale | None, list[Reading]]:
        """Return the scale in use and the loads as they read; worked out anew only where points or tool changed."""
        entries, before, used, read = self._told
        if entries is not book.entries or before != of_tool:
            used, read = judging.scale_of(book, of_tool), judging.readings(book, of_tool)
            self._told = (book.entries, of_tool, used, read)
        return used, read

    def _by_document(self, book: Book, document: CalibrationDocument) -> list[Reading]:
        """Return the loads as they read by their document; its points don't change any more."""
        if self._told_by[0] is not document:
            self._told_by = (document, judging.readings_of(book, document))
        return self._told_by[1]

    # Words that need to know what is there

    def _hint(self, book: Book) -> str:
        if book.page.kind == WARM_UP:
            return self.warm_up_words()
        if book.page.kind == CHECK:
            return self.standing_apart(book)[0] or "No point is off by more than 30 mN."
        return ""

    def _footer(self, book: Book, doing: Doing, steady: Steadiness, *, measuring: bool) -> str:
        if doing.busy:
            return f"{doing.busy} …"
        if book.page.kind == PREPARE or not measuring:
            return words.KEPT
        if steady.steady:
            return words.KEPT
        return f"{words.KEPT} Ready in {WANTED_S - steady.held_s:.1f} s."

    def _drift_n_per_min(self) -> float | None:
        drift, used = self._live.warm_up.drift_per_min(), self._live.tool_scale()
        return None if drift is None or used is None else drift * used.newtons_per_count

    def drift_is_small(self) -> bool:
        """Tell whether the zero has come to rest."""
        drift_n = self._drift_n_per_min()
        return drift_n is not None and abs(drift_n) < warm_up.LIMIT_N_PER_MIN

    def warm(self) -> bool:
        """Tell whether warming up is over."""
        return self.drift_is_small() or self._live.warm_up.elapsed_s >= warm_up.LONGEST_S

    def warm_up_words(self) -> str:
        """Return how the zero drifts, in words."""
        drift_n, seconds = self._drift_n_per_min(), int(self._live.warm_up.elapsed_s)
        since = f"After {seconds // 60}:{seconds % 60:02d}"
        if drift_n is None:
            return f"{since} the drift of zero is not known yet; it takes 20 s, at most 3:00."
        limit = f"the limit is {1000 * warm_up.LIMIT_N_PER_MIN:.0f}, at most 3:00"
        return f"{since} zero drifts by {1000 * drift_n:+.0f} mN a minute; {limit}."

    def standing_apart(self, book: Book) -> tuple[str, tuple[int, ...]]:
        """Return a sentence on points that are off and carry no note, and their pages; "" for none."""
        off = [
            (residual_n, reading.entry.page)
            for reading in self._by_points(book, self._live.tool_scale())[1]
            if (residual_n := reading.residual_n) is not None
            and abs(residual_n) > arrival.RESIDUAL_LIMIT_N
            and not reading.entry.point.note
            and reading.entry.point.angle_deg == book.setup.angles_deg[0]
        ]
        if not off:
            return "", ()
        off.sort(key=lambda one: -abs(one[0]))
        named = []
        for residual_n, at in off[:_NAMED_AT_CHECK]:
            page = book.pages[at]
            way = "up" if page.rising else "down"
            named.append(f"{words.label(page, book.setup)} {way}, run {page.run}: {1000 * residual_n:+.0f} mN")
        more = f" and {len(off) - _NAMED_AT_CHECK} more" if len(off) > _NAMED_AT_CHECK else ""
        text = f"Off by more than 30 mN: {'; '.join(named)}{more}."
        return text, tuple(at for _, at in off)


def other_tool(wanted: str, there: str) -> Problem:
    """Return the problem of points that are another tool's."""
    return Problem(
        f"These points are of the tool {wanted}, and {there} is connected.",
        f"Connect {wanted}, or begin a new calibration.",
    )
