"""Somebody at the bench, who does what a guide asks: after a human while, and now and then wrongly, as scripted.

They take plain values, as a picture shows them, so that any guide can be followed. Time is the bench's, so that what
they do is the same each time they are asked the same at the same conversions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from iastm_host.bench.bench import Bench

# What a guide shows: two of these ask for a load, two for a change of the tool, the others for an empty hook.
SEAT = "seat"
TURN = "turn"

# From being asked until it is done. Ours.
_HANGING_LOW_S, _HANGING_HIGH_S = 0.8, 2.0
_TURNING_LOW_S, _TURNING_HIGH_S = 2.0, 4.0
# Before that shows on a screen, nobody says that it is done.
_SHOWS_S = 1.0
# Who was wrong and sees that nothing goes on looks again.
_PUZZLED_S = 10.0
# A hand that leans on the tool.
_TOUCH_N = 1.2
_TOUCH_UNSTEADINESS = 0.2
_TOUCH_S = 6.0
POUND_KG = 0.45359237


class Slip(StrEnum):
    """What can go wrong."""

    WRONG_LOAD = "wrong load"
    SWAPPED = "swapped"
    FORGETS = "forgets to change"
    WRONG_UNIT = "kitchen scale shows pounds"
    TOUCHES = "touches the tool"


@dataclass(frozen=True, slots=True)
class Mistake:
    """A slip at the n-th load that is asked for, from 1: loads for exercise and those asked for again count too.

    WRONG_LOAD hangs `mass_kg`. SWAPPED takes the next heavier load of those on the table, or the next lighter for the
    heaviest, and this one once where the other is asked for. FORGETS leaves what hangs. WRONG_UNIT fills each load from
    there on by a scale that shows pounds for kilograms, until somebody notices. TOUCHES leans on the tool for some
    seconds. A guide that waits on in silence is noticed after ten seconds.
    """

    at: int
    slip: Slip
    mass_kg: float = 0.0


class Hands:
    """Hands at a bench. `loads_kg` lie on the table. With a gauge they press what the loads would pull.

    A guide that asks for a load nobody has is followed all the same: hands find one.
    """

    def __init__(
        self,
        bench: Bench,
        seed: int,
        loads_kg: Sequence[float] = (),
        mistakes: Sequence[Mistake] = (),
        *,
        against_gauge: bool = False,
    ) -> None:
        self._bench = bench
        self._rng = np.random.default_rng(np.random.SeedSequence([seed, 0x4A4D]))
        self._loads_kg = sorted(loads_kg)
        self._mistakes = {mistake.at: mistake for mistake in mistakes}
        self._against_gauge = against_gauge
        self._asked: tuple[str, float, float] | None = None
        self._due_s: float | None = None
        self._shows_s = 0.0
        self._puzzled_s: float | None = None
        self._loads_asked = 0
        self._swap: dict[float, float] = {}
        self._in_pounds = False
        self._lets_go_s: float | None = None
        self._pressed_n = 0.0
        self.done: list[str] = []

    def look(self, kind: str, mass_kg: float | None, angle_deg: float) -> bool:
        """See what is asked for and do it when its time has come; return whether it is done and shows.

        `kind` is that of the guide's picture, `mass_kg` the load that shall hang, None for none, and `angle_deg` the
        angle at which.
        """
        now_s = self._bench.now_s
        if self._lets_go_s is not None and now_s >= self._lets_go_s:
            self._lets_go_s = None
            self._bench.press(self._pressed_n)
            self._did("let go")
        if self._puzzled_s is not None and now_s >= self._puzzled_s:
            self.notice()
        asked = (kind, mass_kg or 0.0, angle_deg)
        if asked != self._asked:
            self._asked = asked
            self._puzzled_s = None
            slow = kind in (SEAT, TURN)
            low_s, high_s = (_TURNING_LOW_S, _TURNING_HIGH_S) if slow else (_HANGING_LOW_S, _HANGING_HIGH_S)
            self._due_s = now_s + float(self._rng.uniform(low_s, high_s))
        if self._due_s is not None and now_s >= self._due_s:
            self._due_s = None
            self._do(*asked)
        return self._due_s is None and self._lets_go_s is None and now_s >= self._shows_s

    def notice(self) -> None:
        """Find out that something is wrong: mend what lasts, and do again what is asked for."""
        self._swap = {}
        self._in_pounds = False
        if self._lets_go_s is not None:
            self._lets_go_s = self._bench.now_s
        self._asked = None

    def _do(self, kind: str, mass_kg: float, angle_deg: float) -> None:
        if kind == SEAT:
            self._bench.reseat()
            self._did("seated")
        if angle_deg != self._bench.angle_deg:
            self._unload()
            self._bench.tilt(angle_deg)
            self._did(f"turned to {angle_deg:g}°")
        if mass_kg:
            self._load(mass_kg)
        else:
            self._unload()

    def _load(self, asked_kg: float) -> None:
        self._loads_asked += 1
        mistake = self._mistakes.get(self._loads_asked)
        slip = mistake.slip if mistake is not None else None
        if slip not in (None, Slip.TOUCHES) or self._swap or self._in_pounds:
            self._puzzled_s = self._bench.now_s + _PUZZLED_S
        if slip is Slip.FORGETS:
            self._did("nothing")
            return
        if slip is Slip.SWAPPED:
            other_kg = self._neighbour_kg(asked_kg)
            self._swap = {asked_kg: other_kg, other_kg: asked_kg}
        self._in_pounds |= slip is Slip.WRONG_UNIT
        mass_kg = self._swap.pop(asked_kg, asked_kg) * (POUND_KG if self._in_pounds else 1.0)
        if mistake is not None and slip is Slip.WRONG_LOAD:
            mass_kg = mistake.mass_kg
        if self._against_gauge:
            self._pressed_n = self._bench.truth.pull_n(mass_kg)
            self._bench.press(self._pressed_n)
        elif mass_kg != self._bench.hung_kg:
            self._bench.hang(mass_kg)
        self._did(f"loaded {mass_kg:g} kg")
        if slip is Slip.TOUCHES:
            self._bench.press(self._pressed_n + _TOUCH_N, _TOUCH_UNSTEADINESS)
            self._lets_go_s = self._bench.now_s + _TOUCH_S
            self._did("touched")

    def _unload(self) -> None:
        if self._pressed_n:
            self._pressed_n = 0.0
            self._bench.press(0.0)
            self._did("let go")
        if self._bench.hung_kg:
            self._bench.take_off()
            self._did("took off")

    def _neighbour_kg(self, mass_kg: float) -> float:
        heavier = [load for load in self._loads_kg if load > mass_kg]
        lighter = [load for load in self._loads_kg if load < mass_kg]
        return (heavier[:1] or lighter[-1:] or [mass_kg])[0]

    def _did(self, what: str) -> None:
        self._shows_s = self._bench.now_s + _SHOWS_S
        self.done.append(what)
