"""What tool and reference gauge say just now: samples, who they are, whether they are there."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from iastm_host.app.calibrating import scale
from iastm_host.app.calibrating.scale import Scale
from iastm_host.app.calibrating.steadiness import (
    NOTHING,
    OF_HANDS,
    OF_WEIGHTS,
    WANTED_S,
    Limits,
    Steadiness,
    steadiness,
)
from iastm_host.app.calibrating.warm_up import WarmUp
from iastm_host.app.calibrating.window_of_samples import SampleWindow
from iastm_host.events import (
    Arrived,
    CalibrationReport,
    Event,
    ForceBlock,
    LinkChanged,
    StatusReport,
    ToolDescription,
    ZeroReport,
)
from iastm_host.tool import states

# Past this a number is not shown as live, and nothing is steady.
STALE_US = 500_000
_SHOWN_S = 0.25
# Hands that aim at a force of a gauge: within this share of it.
_AIM_SHARE = 0.25


class Source:
    """One gauge as its events tell it."""

    def __init__(self, *, in_newtons: bool) -> None:
        self.window = SampleWindow(in_newtons=in_newtons)
        self.link = ""
        self.reason = ""
        self.tool: ToolDescription | None = None
        self.calibration: CalibrationReport | None = None
        self.zero: ZeroReport | None = None
        self.temperature_c: float | None = None
        # Its samples carry no raw counts.
        self.countless = False
        # Tool time from which samples belong to the page that is open.
        self.since_us = 0.0

    def feed(self, event: Event) -> ForceBlock | None:
        """Take an event; return its samples where they are new: they come as they arrive, and again in order."""
        match event:
            case Arrived(block=block) | (ForceBlock() as block):
                self.countless = block.raw_counts is None
                return block if self.window.feed(block) else None
            case LinkChanged():
                self.link, self.reason = event.state, event.reason
                if event.state != states.STREAMING:
                    self.window.clear()
            case ToolDescription():
                self.tool = event
            case CalibrationReport():
                self.calibration = event
            case ZeroReport():
                self.zero = event
            case StatusReport():
                self.temperature_c = event.temperature_c
            case _:
                pass
        return None

    def begin_page(self) -> None:
        """Let only samples from now on count: the load of the page before does not make this one steady."""
        times = self.window.tool_us
        self.since_us = float(times[-1]) + 1 if len(times) else self.since_us

    def there(self, now_us: int) -> bool:
        """Tell whether samples come."""
        arrived = self.window.last_arrived_us
        streaming = self.link in ("", states.STREAMING)
        return streaming and arrived is not None and now_us - arrived <= STALE_US

    def lost(self) -> bool:
        """Tell whether its link was there and is not."""
        return self.link not in ("", states.STREAMING)


@dataclass(frozen=True, slots=True)
class Means:
    """Two seconds of both: mean raw counts with the spread of samples and their number, and the gauge's mean force."""

    counts: float
    spread_counts: float
    samples: int
    gauge_n: float | None


class Live:
    """The tool under calibration, and the gauge beside it."""

    def __init__(self) -> None:
        self.tool = Source(in_newtons=False)
        self.gauge = Source(in_newtons=True)
        self.warm_up = WarmUp()

    def feed(self, event: Event) -> bool:
        """Take an event of the tool; return whether it restarted just now."""
        before = self.tool.window.boot_id
        block = self.tool.feed(event)
        if block is not None:
            self.warm_up.feed(block)
        restarted = before is not None and self.tool.window.boot_id != before
        if restarted:
            # Its clock began anew.
            self.tool.since_us = 0.0
        return restarted

    def feed_gauge(self, event: Event) -> None:
        """Take an event of the reference gauge."""
        before = self.gauge.window.boot_id
        self.gauge.feed(event)
        if before is not None and self.gauge.window.boot_id != before:
            self.gauge.since_us = 0.0

    def begin_page(self) -> None:
        """Let a new page begin."""
        self.tool.begin_page()
        self.gauge.begin_page()

    def tool_scale(self) -> Scale | None:
        """Return the calibration in force on the tool."""
        return None if self.tool.calibration is None else scale.of_tool(self.tool.calibration.coefficients)

    def shown_counts(self) -> float | None:
        """Return the mean raw counts of the last quarter of a second."""
        return _mean(self.tool.window.of_last(_SHOWN_S))

    def shown_gauge_n(self) -> float | None:
        """Return the mean force of the gauge over the last quarter of a second, as it reads."""
        return _mean(self.gauge.window.of_last(_SHOWN_S))

    def steady(self, newtons_per_count: float, zero_counts: float, gauge_zero_n: float | None) -> Steadiness:
        """Return how steady the load is, in newtons; with a gauge (its zero is stated) both have to be.

        Spread and trend are the tool's.
        """
        limits = OF_WEIGHTS if gauge_zero_n is None else OF_HANDS
        until_us = None if gauge_zero_n is None else self._both_until_us()
        own = self._of(self.tool, limits, newtons_per_count, zero_counts, until_us)
        own = replace(
            own,
            spread=None if own.spread is None else own.spread * newtons_per_count,
            trend_per_s=None if own.trend_per_s is None else own.trend_per_s * newtons_per_count,
        )
        if gauge_zero_n is None:
            return own
        other = self._of(self.gauge, limits, 1.0, gauge_zero_n, until_us)
        return replace(own, held_s=min(own.held_s, other.held_s), noisy=own.noisy or other.noisy)

    def means(self, *, with_gauge: bool) -> Means | None:
        """Return the last two seconds, of both over the same host time, None where less is there."""
        tool, gauge = self.tool.window, self.gauge.window
        if not with_gauge:
            return _means(tool.of_last(WANTED_S), None)
        until_us = self._both_until_us()
        return _means(tool.of_last(WANTED_S, until_us), gauge.of_last(WANTED_S, until_us))

    def recent_n(self, used: Scale, zero_counts: float) -> NDArray[np.float64]:
        """Return the newest forces (n,) in newtons, unbroken."""
        net = self.tool.window.values - zero_counts
        force_n: NDArray[np.float64] = np.polynomial.polynomial.polyval(net, np.array(used.coefficients))
        return force_n

    @staticmethod
    def _of(
        source: Source, limits: Limits, newtons_per_unit: float, offset: float, until_us: float | None
    ) -> Steadiness:
        if source.window.saturated:
            return NOTHING
        return steadiness(source.window, limits, newtons_per_unit, offset, source.since_us, until_us)

    def _both_until_us(self) -> float:
        """Return the host time until which both are there: what came of one only since then has no pair yet."""
        ends = [source.window.host_us[-1:] for source in (self.tool, self.gauge)]
        return float(np.concatenate(ends).min()) if all(map(len, ends)) else -np.inf


def aimed(target_n: float, force_n: float) -> str:
    """Return whether a hand presses about as hard as a page asks: "", or which way it is off."""
    if target_n <= 0 or abs(force_n - target_n) <= _AIM_SHARE * target_n:
        return ""
    return "Too little load" if force_n < target_n else "Too much load"


def _mean(values: NDArray[np.float64]) -> float | None:
    return float(values.mean()) if len(values) else None


def _means(counts: NDArray[np.float64], gauge_n: NDArray[np.float64] | None) -> Means | None:
    if len(counts) < 2 or (gauge_n is not None and not len(gauge_n)):
        return None
    mean_n = None if gauge_n is None else float(gauge_n.mean())
    return Means(float(counts.mean()), float(counts.std(ddof=1)), len(counts), mean_n)
