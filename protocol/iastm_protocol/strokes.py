"""Stroke detection, in the caller's unit: counts from zero on the tool, newtons on the host.

A stroke is contact from the first sample above `on` until the last one that is not below `off`, at least
`min_samples` long. A NaN neither begins nor ends contact and makes the total NaN. Whole blocks go through
`max`, `min` and `sum`; only a block in which contact begins or ends is walked. Nothing is allocated per sample
(asked with one reused list on the tool).
"""

from collections import namedtuple

from iastm_protocol._compat import micropython

# The running total is kept in two parts so that neither leaves a board's 31-bit integers.
_CARRY = 1 << 28


class StrokeSpan(namedtuple("StrokeSpan", ("first_index", "last_index", "peak_index", "peak", "total", "truncated"))):
    """A finished stroke by sample index; `total` is the sum of its samples; truncated: an end was not seen."""


class StrokeDetector:
    """Finds strokes in blocks of samples with consecutive indices.

    `in_contact`, `first_index` and `peak` tell of the stroke under way.
    """

    def __init__(self, on, off, min_samples):
        if not off < on:
            raise ValueError("off must lie below on")
        self.on = on
        self.off = off
        self.min_samples = min_samples
        self.in_contact = False
        self.first_index = 0
        self.peak_index = 0
        self.peak = 0
        self._next_index = 0
        self._low = 0
        self._high = 0
        self._truncated = False
        self._unseen = True

    @micropython.native
    def feed(self, first_index, samples):
        """Take a block (a list of numbers); return the StrokeSpans that ended in it, () if none."""
        if not samples:
            return ()
        self._next_index = first_index + len(samples)
        if self.in_contact:
            if min(samples) >= self.off:
                self._extend(first_index, samples)
                return ()
        elif max(samples) <= self.on:
            self._unseen = False
            return ()
        return self._walk(first_index, samples)

    def gap(self):
        """Close the stroke under way, its end unseen; return its StrokeSpan in a list, () if there is none."""
        span = None
        if self.in_contact:
            self._truncated = True
            span = self._close(self._next_index - 1)
        self._unseen = True
        return () if span is None else [span]

    @micropython.native
    def _extend(self, first_index, samples):
        top = max(samples)
        if top > self.peak:
            self.peak = top
            self.peak_index = first_index + samples.index(top)
        self._add(sum(samples))

    def _add(self, amount):
        self._low += amount
        if self._low >= _CARRY:
            carry = int(self._low // _CARRY)
            self._high += carry
            self._low -= carry * _CARRY

    def _walk(self, first_index, samples):
        done = None
        on = self.on
        off = self.off
        index = first_index
        for value in samples:
            if self.in_contact:
                if value < off:
                    span = self._close(index - 1)
                    if span is not None:
                        if done is None:
                            done = []
                        done.append(span)
                else:
                    if value > self.peak:
                        self.peak = value
                        self.peak_index = index
                    self._add(value)
            elif value > on:
                self.in_contact = True
                self.first_index = index
                self.peak_index = index
                self.peak = value
                self._low = value
                self._high = 0
                # Contact on the first sample that is seen: where it began is unknown.
                self._truncated = self._unseen
            self._unseen = False
            index += 1
        return done or ()

    def _close(self, last_index):
        self.in_contact = False
        if last_index - self.first_index + 1 < self.min_samples:
            return None
        total = self._low + self._high * _CARRY if self._high else self._low
        return StrokeSpan(self.first_index, last_index, self.peak_index, self.peak, total, self._truncated)
