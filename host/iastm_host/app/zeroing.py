"""Setting a new zero: one still second first, refused in contact, asked twice where it would move far.

Far is over 1 N, and no more than where contact begins: what rests there may be a hand as well as an offset.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from iastm_host.analysis.saturation import is_saturated
from iastm_host.app.snapshot import ZeroView
from iastm_host.events import Answer, Command, ForceBlock, SetZero, Tare, ZeroReport

STILL_S = 1.0
# Noise of a cell is some millinewtons; a tool in the air sways by some hundredths; a hand that leans on skin by more.
STILL_RANGE_N = 0.1
LARGE_MOVE_N = 1.0
CONFIRM_WITHIN_US = 6_000_000
SAME_OFFSET_N = 0.2
WORD_STAYS_US = 4_000_000
# A still second that does not come ends the request.
PATIENCE_US = 5_000_000
NO_DATA = "No new data. Try again."
UNDONE = "Old zero restored. U goes back."
REDONE = "New zero restored. U goes back."
HOLES = "Samples are missing. Try again."
TARED = "Zero set. This gauge can't take it back."


@dataclass(frozen=True, slots=True)
class _Offered:
    """A large move that waits for a second press."""

    offset_n: float
    until_us: int


class Zeroing:
    """Watches samples while a request is under way; hands out the command when the second was still.

    `tares`: the gauge keeps its zero to itself, so the command is Tare; `tared`: it has done so.
    """

    def __init__(self, contact_on_n: float) -> None:
        self.tares = False
        self.tared = False
        self._contact_on_n = contact_on_n
        self._since_us: int | None = None
        self._fed_us = 0
        self._samples: list[tuple[int, float]] = []
        self._next_index: int | None = None
        self._wanted = 0
        self._offered: _Offered | None = None
        self._confirmed = False
        self._awaiting: tuple[int, str] | None = None
        self._word = ""
        self._until_us = 0
        self._undo_counts: int | None = None
        self._present: ZeroReport | None = None
        # Whether the command that goes out takes a zero back, and whether the zero in force came that way.
        self._undoing = False
        self._undone = False

    def press(self, now_us: int, rate_hz: float) -> None:
        """Ask for a new zero."""
        if (self._present is None and not self.tares) or self._awaiting is not None:
            self._say("Zero is not known yet. Wait for the tool.", now_us)
            return
        self._confirmed = self._offered is not None and now_us <= self._offered.until_us
        self._since_us = now_us
        self._samples = []
        self._next_index = None
        self._wanted = max(2, round(STILL_S * rate_hz))
        self._word = ""

    def undo(self, now_us: int) -> Command | None:
        """Return the command that restores the zero before, None where there is none."""
        if self.tares:
            self._say("This gauge can't take a zero back.", now_us)
            return None
        if self._undo_counts is None or self._awaiting is not None:
            self._say("There is no older zero to restore.", now_us)
            return None
        self._undoing = True
        return SetZero(self._undo_counts)

    def sent(self, request_id: int, word: str) -> None:
        """Tell under which id the command went out, and the word to show once it is accepted.

        Of an undo it is said which of the two zeros came back.
        """
        if self.tares:
            word = TARED
        elif self._undoing:
            word = REDONE if self._undone else UNDONE
        self._awaiting = (request_id, word)

    def answered(self, answer: Answer, now_us: int) -> None:
        """Take the answer to a command."""
        if self._awaiting is None or answer.request_id != self._awaiting[0]:
            return
        word = self._awaiting[1]
        self._awaiting = None
        if answer.accepted:
            self.tared = self.tares
            self._undone = self._undoing and not self._undone
        self._undoing = False
        self._say(word if answer.accepted else f"Zero not set: {answer.reason}", now_us)

    def reported(self, zero: ZeroReport) -> None:
        """Take the zero in force."""
        before = self._present
        if before is not None and before.counts != zero.counts:
            self._undo_counts = before.counts
        self._present = zero

    def feed(self, block: ForceBlock) -> Command | None:
        """Take samples; return the command once a still second is there."""
        if self._since_us is None or (block.raw_counts is None and not self.tares):
            return None
        now_us = block.arrived_us
        self._fed_us = now_us
        if is_saturated(block):
            self._refuse("Out of range. Check the tip, then press Z.", now_us)
            return None
        if self._next_index is not None and block.first_index != self._next_index:
            # A still second has no hole in it.
            self._samples = []
        self._next_index = block.next_index
        counts = [0] * len(block.force_n) if block.raw_counts is None else block.raw_counts.tolist()
        self._samples += zip(counts, block.force_n.tolist(), strict=True)
        if len(self._samples) < self._wanted:
            if now_us - self._since_us > PATIENCE_US:
                self._refuse(HOLES, now_us)
            return None
        still_counts, force_n = np.array(self._samples[-self._wanted :]).T
        offset_n = float(force_n.mean())
        if np.ptp(force_n) > STILL_RANGE_N:
            if abs(offset_n) > self._contact_on_n or force_n.max() > self._contact_on_n:
                self._refuse("In contact. Lift the tool, press Z.", now_us)
                return None
            if now_us - self._since_us > PATIENCE_US:
                self._refuse("Not still. Hold the tool still, press Z.", now_us)
                return None
            return None
        if abs(offset_n) > min(LARGE_MOVE_N, self._contact_on_n) and not (
            self._confirmed and self._offered is not None and abs(offset_n - self._offered.offset_n) <= SAME_OFFSET_N
        ):
            self._offered = _Offered(offset_n, now_us + CONFIRM_WITHIN_US)
            self._refuse(f"Zero would move by {offset_n:.1f} N. Nothing touches? Press Z again.", now_us)
            return None
        self._since_us = None
        self._offered = None
        self._undoing = False
        return Tare() if self.tares else SetZero(round(float(still_counts.mean())))

    def view(self, now_us: int) -> ZeroView:
        """Return what a person is told; a request for which no samples come ends here."""
        if (
            self._since_us is not None
            and now_us - self._since_us > PATIENCE_US
            and now_us - self._fed_us > round(STILL_S * 1e6)
        ):
            self._refuse(NO_DATA, now_us)
        busy = self._since_us is not None or self._awaiting is not None
        remaining_s = STILL_S * max(0.0, 1 - len(self._samples) / self._wanted) if self._since_us is not None else 0.0
        word = self._word if now_us <= self._until_us else ""
        if self._since_us is not None:
            word = "Hold still to zero"
        return ZeroView(busy, word, self._until_us, self._undo_counts is not None, remaining_s, self._undone)

    def _refuse(self, word: str, now_us: int) -> None:
        self._since_us = None
        self._say(word, now_us)

    def _say(self, word: str, now_us: int) -> None:
        self._word = word
        self._until_us = now_us + WORD_STAYS_US
