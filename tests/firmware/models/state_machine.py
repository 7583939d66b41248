"""A state machine of the RP2040 in virtual time, with the instructions that the driver of the HX711 uses.

Stands in for the module rp2 (data sheet of the RP2040, 3.4 and 3.5; MicroPython's documentation of rp2.asm_pio). Each
instruction takes one clock; `wait` looks every 20 µs here, which a real one does every clock. `push(noblock)` throws
away where the queue, eight deep when it is joined, is full.
"""

import sys
from array import array

from tests.firmware.models.wire import NEVER

from iastm_protocol._compat import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

_DEPTH = 8
_WAIT_NS = 20_000


def _asm_pio(**settings):
    assert settings["in_shiftdir"] == PIO.SHIFT_LEFT
    assert settings["fifo_join"] == PIO.JOIN_RX

    def assembled(function):
        program: list[Any] = []
        names = function.__globals__
        kept = names.copy()
        names.clear()
        for name in ("wrap_target", "wrap", "label", "set", "wait", "in_", "jmp", "push", "irq"):
            names[name] = _instruction(program, name)
        for name in ("pins", "x", "x_dec", "pin", "noblock"):
            names[name] = name
        names["rel"] = _rel
        function()
        names.clear()
        names.update(kept)
        return program

    return assembled


def _instruction(program, name):
    def assemble(*arguments):
        program.append((name,) + arguments)  # noqa: RUF005 -- MicroPython has no star there

    return assemble


def _rel(number):
    return number


class PIO:
    """Constants of rp2.PIO."""

    OUT_LOW = 2
    SHIFT_LEFT = 0
    JOIN_RX = 2


class StateMachine:
    """As rp2.StateMachine. `world` is the one that the next is made in."""

    world: "Any" = None

    def __init__(self, _number):
        self.next_ns = NEVER
        self.pending = False
        self.handler = None
        self._world = StateMachine.world
        self._program: list[Any] = []
        self._labels: dict[str, int] = {}
        self._clock_ns = 0
        self._at = self._x = self._shifted = 0
        self._data: Any = None
        self._clock: Any = None
        self._queue = array("i", [0] * _DEPTH)
        self._first = self._waiting = 0
        self._world.add(self)
        self._world.add_pin(self)

    def init(self, program, freq, in_base, set_base):
        """Take a program and its pins, and empty the queue."""
        self._program = []
        for step in program:
            if step[0] == "label":
                self._labels[step[1]] = len(self._program)
            elif step[0] not in ("wrap_target", "wrap"):
                self._program.append(step)
        self._clock_ns = 1_000_000_000 // freq
        self._data = in_base
        self._clock = set_base
        self._at = self._shifted = self._waiting = 0
        self._drive(0)

    def active(self, value):
        """Run, or stop where it is."""
        self.next_ns = self._world.now_ns + self._clock_ns if value else NEVER

    def irq(self, handler, trigger=1, hard=False):
        """Have a handler called when the program says so."""
        assert hard
        assert trigger == 1
        self.handler = handler

    def rx_fifo(self):
        """Return how many readings wait."""
        self._world.advance(1_000)
        return self._waiting

    def get(self):
        """Return the oldest reading; a real one waits for it."""
        self._world.advance(1_000)
        assert self._waiting, "waits for a reading"
        value = self._queue[self._first]
        self._first = (self._first + 1) % _DEPTH
        self._waiting -= 1
        return value

    def _drive(self, level):
        if level != self._clock.level:
            self._clock.level = level
            self._clock.chip.edge(self._clock, level)

    def happen(self):
        """Do one instruction."""
        step = self._program[self._at]
        self.next_ns = self._world.now_ns + self._clock_ns
        if step[0] == "wait" and self._data.level != step[1]:
            self.next_ns = self._world.now_ns + _WAIT_NS
            return
        self._at = (self._at + 1) % len(self._program)
        if step[0] == "set" and step[1] == "x":
            self._x = step[2]
        elif step[0] == "set":
            self._drive(step[2])
        elif step[0] == "in_":
            self._shifted = self._shifted << 1 | self._data.level
        elif step[0] == "jmp" and self._x:
            self._x -= 1
            self._at = self._labels[step[2]]
        elif step[0] == "push":
            if self._waiting < _DEPTH:
                self._queue[(self._first + self._waiting) % _DEPTH] = self._shifted
                self._waiting += 1
            self._shifted = 0
        elif step[0] == "irq":
            self.pending = self.handler is not None


class _Module:
    PIO = PIO
    StateMachine = StateMachine
    asm_pio = staticmethod(_asm_pio)


sys.modules["rp2"] = _Module  # type: ignore[assignment]
