"""Numbers samples that a gauge does not number: by their times, from a 32-bit clock of microseconds.

What is missing is inferred: a step of more than one and a half periods holds samples that never came. A clock that
goes back is a new start of the gauge, once two batches in a row agree on it; a batch that nothing agrees with is
damage.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import numpy as np
from numpy.typing import NDArray

MEASURED_STEPS = 16
GAP_PERIODS = 1.5
# Where the gauge's clock and the host's part by more than this, the gauge's began anew or its times are damage. What
# waited in a radio for some seconds is neither.
CLOCKS_PART_US = 5_000_000
RATES_HZ = (1.0, 2000.0)
_WRAP = 1 << 32
_HALF = _WRAP >> 1


@dataclass(frozen=True, slots=True)
class Numbering:
    """How far the samples of a run are numbered: what the next ones go on from.

    `last_us` is the gauge's time of the newest sample (extended over its wraps), `heard_us` the host's when it came.
    `steps` between neighbours took `steps_us` in all.
    """

    boot_id: int
    next_index: int
    last_us: int
    heard_us: int
    period_us: float
    steps: int
    steps_us: int


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive samples: values (n,), the first one's time in the gauge's microseconds, host time of arrival."""

    boot_id: int
    first_index: int
    tool_us: int
    period_us: float
    values: NDArray[np.float64]
    heard_us: int


@dataclass(frozen=True, slots=True)
class Missing:
    """Samples that must have been taken and never came."""

    boot_id: int
    first_index: int
    count: int
    tool_us: int
    period_us: float


@dataclass(frozen=True, slots=True)
class _Batch:
    boot_id: int
    heard_us: int
    times_us: list[int]
    values: NDArray[np.float64]


class Unnumbered:
    """Numbers the batches of one gauge over all its links.

    `period_us` is None until it was measured over 16 steps; samples are held so long, which is 0.2 s at 80 per second.
    `dismissed` counts batches that came whole and whose times fit nothing.
    """

    def __init__(self, numbering: Numbering | None = None) -> None:
        self.period_us: float | None = None
        self.boot_id = 1
        self.dismissed = 0
        self._next_index = 0
        self._last_us: int | None = None
        self._heard_us = 0
        self._told_us: int | None = None
        self._told_boot = 1
        # Over all steps between neighbours: the longer it runs, the better it tells how many were lost.
        self._steps = 0
        self._steps_us = 0
        self._new_link = False
        self._held: list[_Batch] = []
        self._doubtful: tuple[int, list[int], NDArray[np.float64]] | None = None
        if numbering is not None:
            self.period_us = numbering.period_us
            self.boot_id = self._told_boot = numbering.boot_id
            self._next_index = numbering.next_index
            self._last_us = self._told_us = numbering.last_us
            self._heard_us = numbering.heard_us
            self._steps, self._steps_us = numbering.steps, numbering.steps_us

    @property
    def numbering(self) -> Numbering | None:
        """How far it is numbered, None before the first sample was told."""
        if self.period_us is None or self._told_us is None:
            return None
        return Numbering(
            self.boot_id,
            self._next_index,
            self._told_us,
            self._heard_us,
            self.period_us,
            self._steps,
            self._steps_us,
        )

    def new_link(self) -> None:
        """Tell that what follows comes over another link: a clock that began anew is believed at once."""
        self._new_link = True
        self._doubtful = None

    def add(self, heard_us: int, stamps_us: Sequence[int], values: NDArray[np.float64]) -> list[Run | Missing]:
        """Take a batch of samples with their 32-bit times; return what can be told.

        Raises ValueError with the reason where its times can't be.
        """
        span_us = _span_us(stamps_us)
        if self._last_us is None:
            return self._accept(heard_us, _extended(stamps_us[0], stamps_us), values)
        step_us = (stamps_us[0] - self._last_us) % _WRAP
        if self._follows(step_us, span_us, heard_us):
            self._dismiss()
            return self._accept(heard_us, _extended(self._last_us + step_us, stamps_us), values)
        if self._new_link:
            return self._begin_anew(heard_us, stamps_us, values)
        doubtful = self._doubtful
        if doubtful is not None and 0 < (stamps_us[0] - doubtful[1][-1]) % _WRAP <= CLOCKS_PART_US:
            self._doubtful = None
            return [*self._begin_anew(*doubtful), *self.add(heard_us, stamps_us, values)]
        self._dismiss()
        self._doubtful = (heard_us, list(stamps_us), values)
        return []

    def _follows(self, step_us: int, span_us: int, heard_us: int) -> bool:
        elapsed_us = heard_us - self._heard_us
        if not 0 < step_us < _HALF or step_us + span_us > elapsed_us + CLOCKS_PART_US:
            return False
        # Over one link samples may come late; over another the clock must have gone on as the host's did.
        return not self._new_link or step_us >= elapsed_us - CLOCKS_PART_US

    def _dismiss(self) -> None:
        if self._doubtful is not None:
            self._doubtful = None
            self.dismissed += 1

    def _begin_anew(self, heard_us: int, stamps_us: Sequence[int], values: NDArray[np.float64]) -> list[Run | Missing]:
        self.boot_id += 1
        return self._accept(heard_us, _extended(stamps_us[0], stamps_us), values)

    def _accept(self, heard_us: int, times_us: list[int], values: NDArray[np.float64]) -> list[Run | Missing]:
        self._new_link = False
        self._last_us = times_us[-1]
        self._heard_us = heard_us
        self._held.append(_Batch(self.boot_id, heard_us, times_us, values))
        period_us = self.period_us or self._measured_us()
        if period_us is None:
            return []
        self.period_us = period_us
        held, self._held = self._held, []
        return [told for batch in held for told in self._tell(batch, period_us)]

    def _measured_us(self) -> float | None:
        """Return the period of what is held, None where that is too little; raises ValueError where it is none."""
        steps = [
            later - earlier
            for boot_id in {batch.boot_id for batch in self._held}
            for earlier, later in pairwise(
                t for batch in self._held if batch.boot_id == boot_id for t in batch.times_us
            )
        ]
        if len(steps) < MEASURED_STEPS:
            return None
        period_us = float(median(steps))
        if not 1e6 / RATES_HZ[1] <= period_us <= 1e6 / RATES_HZ[0]:
            self._held = []
            raise ValueError(f"its samples lie {period_us:g} us apart")
        return period_us

    def _tell(self, batch: _Batch, period_us: float) -> Iterator[Run | Missing]:
        if batch.boot_id != self._told_boot:
            self._told_boot = batch.boot_id
            self._next_index = 0
            self._told_us = None
        start = 0
        for i, time_us in enumerate(batch.times_us):
            before_us, self._told_us = self._told_us, time_us
            if before_us is None:
                continue
            step_us = time_us - before_us
            if step_us <= GAP_PERIODS * period_us:
                self._steps += 1
                self._steps_us += step_us
                continue
            yield from self._tell_run(batch, start, i, period_us)
            start = i
            mean_us = self._steps_us / self._steps if self._steps else period_us
            count = max(1, round(step_us / mean_us) - 1)
            yield Missing(batch.boot_id, self._next_index, count, before_us + round(period_us), period_us)
            self._next_index += count
        yield from self._tell_run(batch, start, len(batch.times_us), period_us)

    def _tell_run(self, batch: _Batch, start: int, end: int, period_us: float) -> Iterator[Run]:
        n = end - start
        if not n:
            return
        times = batch.times_us
        own_us = (times[end - 1] - times[start]) / (n - 1) if n > 1 else period_us
        yield Run(batch.boot_id, self._next_index, times[start], own_us, batch.values[start:end], batch.heard_us)
        self._next_index += n


def _span_us(stamps_us: Sequence[int]) -> int:
    """Return the time from the first to the last of a batch; raises ValueError where it can't be one."""
    if not stamps_us:
        raise ValueError("it holds no samples")
    if any(not 0 < (later - earlier) % _WRAP < _HALF for earlier, later in pairwise(stamps_us)):
        raise ValueError("its times go back")
    span_us = sum((later - earlier) % _WRAP for earlier, later in pairwise(stamps_us))
    if span_us > CLOCKS_PART_US:
        raise ValueError(f"its times leap by {span_us / 1e6:.0f} s")
    return span_us


def _extended(first_us: int, stamps_us: Sequence[int]) -> list[int]:
    """Return the times of a batch, the first of which is `first_us`, without their wraps."""
    return [first_us + (stamp_us - stamps_us[0]) % _WRAP for stamp_us in stamps_us]
