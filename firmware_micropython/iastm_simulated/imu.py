"""A motion sensor for the simulated tool: what it shows follows the rows that are played.

A hand holds the tool tip down at 45°. Where contact begins it draws it along its x axis by a stated length in 0.8 s,
tilting it by 8°, waits for the end of contact, and goes back in 0.6 s. It trembles as a hand does. Stated times in
which the tool lies on a table, is turned in a cloth, or in which the sensor does not answer go before that.
"""

import math
from array import array

_RATE_HZ = 100
_PERIOD_US = 10000
_PASS_US = 800000
_BACK_US = 600000
_WIPE_US = 660000
_TREMOR_US = 110000
# Contact as a stroke of the domain has it.
_ON_UN = 800000
_OFF_UN = 520000

_STEPS = 64
_TILT = math.radians(45)
_TILTED = math.radians(8)
_WIPE_SWING = math.radians(40)
_G_MG = 1000
_MG_PER_MM_S2 = 1 / 9.80665
_DDPS_PER_RAD_S = 1800 / math.pi
_TREMOR_MG = 12
_TREMOR_DDPS = 16

_AT_START = 0
_FORTH = 1
_THERE = 2
_BACK = 3


def _way_table(length_mm, duration_us, forth):
    # ax, az in mg and gy in tenths of a degree per second, along a way whose speed is half a sine.
    table = array("h")
    duration_s = duration_us / 1e6
    sign = 1 if forth else -1
    for i in range(_STEPS + 1):
        u = i / _STEPS
        share = (1 - math.cos(math.pi * u)) / 2
        tilt = _TILT + _TILTED * (share if forth else 1 - share)
        push = sign * length_mm * math.pi**2 / 2 / duration_s**2 * math.cos(math.pi * u) * _MG_PER_MM_S2
        turn = sign * _TILTED * math.pi / 2 / duration_s * math.sin(math.pi * u) * _DDPS_PER_RAD_S
        table.append(round(push * math.cos(tilt) - _G_MG * math.sin(tilt)))
        table.append(round(push * math.sin(tilt) + _G_MG * math.cos(tilt)))
        table.append(round(turn))
    return table


def _wipe_table():
    # ay, az in mg and gx in tenths of a degree per second, over one turn of the cloth forth and back.
    table = array("h")
    for i in range(_STEPS + 1):
        phase = 2 * math.pi * i / _STEPS
        roll = _WIPE_SWING * math.sin(phase)
        table.append(round(_G_MG * math.sin(roll)))
        table.append(round(_G_MG * math.cos(roll)))
        table.append(round(_WIPE_SWING * 2 * math.pi * 1e6 / _WIPE_US * math.cos(phase) * _DDPS_PER_RAD_S))
    return table


def _tremor_table():
    return array("h", [round(256 * math.sin(2 * math.pi * i / _STEPS)) for i in range(_STEPS + 1)])


def _in_us(spans):
    return [(int(at_s * 1e6), int((at_s + for_s) * 1e6)) for at_s, for_s in spans]


class SimulatedImu:
    """Follows `rows` (rows.py) by `elapsed_us`, a clock that never goes back; passes go `pass_mm`, below 0 against x.

    `lying`, `wiping`, `failing`: [[at_s, for_s], …] from the start. The rest is as drivers/lsm6ds.py has it.
    """

    name = "simulated"
    rate_hz = _RATE_HZ

    def __init__(self, rows, elapsed_us, pass_mm=120, lying=(), wiping=(), failing=()):
        self._rows = rows
        self._elapsed_us = elapsed_us
        self._lying = _in_us(lying)
        self._wiping = _in_us(wiping)
        self._failing = _in_us(failing)
        self._forth = _way_table(pass_mm, _PASS_US, True)
        self._back = _way_table(pass_mm, _BACK_US, False)
        self._wipe = _wipe_table()
        self._tremor = _tremor_table()
        self._phase = _AT_START
        self._phase_us = 0
        self._touches = False
        self._made = -1
        self.values = array("h", [0] * 6)

    def start(self):
        """Do nothing; raises OSError while the sensor does not answer."""
        for _ in self.starting():
            pass

    def starting(self):
        """Return an iterator of the pieces of a start, each giving how many ms to wait after it."""
        yield 1
        self._answer()

    def wake_on_motion(self):
        """Do nothing: a simulated tool has nothing to wake."""
        self._answer()

    def read(self):
        """Return True where there is a new conversion, then in `values`; raises OSError while it does not answer."""
        self._answer()
        now_us = self._elapsed_us()
        made = now_us // _PERIOD_US
        if made == self._made:
            return False
        self._made = made
        self._follow(now_us)
        values = self.values
        i = 0
        while i < 6:
            values[i] = 0
            i += 1
        if _holds(self._lying, now_us):
            values[2] = _G_MG
        elif _holds(self._wiping, now_us):
            at = now_us % _WIPE_US
            values[1] = _between(self._wipe, 3, 0, at, _WIPE_US)
            values[2] = _between(self._wipe, 3, 1, at, _WIPE_US)
            values[3] = _between(self._wipe, 3, 2, at, _WIPE_US)
        else:
            self._hold(now_us)
        return True

    def _answer(self):
        if _holds(self._failing, self._elapsed_us()):
            raise OSError(5, "the simulated sensor does not answer")

    def _follow(self, now_us):
        force_un = self._rows.force_un()
        self._touches = force_un >= _OFF_UN if self._touches else force_un > _ON_UN
        phase = self._phase
        passed_us = now_us - self._phase_us
        if phase == _AT_START and self._touches:
            self._go(_FORTH, now_us)
        elif phase == _FORTH and passed_us >= _PASS_US:
            self._go(_THERE, now_us)
        elif phase == _THERE and not self._touches:
            self._go(_BACK, now_us)
        elif phase == _BACK and passed_us >= _BACK_US:
            self._go(_AT_START, now_us)

    def _go(self, phase, now_us):
        self._phase = phase
        self._phase_us = now_us

    def _hold(self, now_us):
        values = self.values
        phase = self._phase
        if phase in (_FORTH, _BACK):
            table, whole_us = (self._forth, _PASS_US) if phase == _FORTH else (self._back, _BACK_US)
            at = now_us - self._phase_us
            values[0] = _between(table, 3, 0, at, whole_us)
            values[2] = _between(table, 3, 1, at, whole_us)
            values[4] = _between(table, 3, 2, at, whole_us)
        else:
            tilt = _TILT if phase == _AT_START else _TILT + _TILTED
            values[0] = -int(_G_MG * math.sin(tilt))
            values[2] = int(_G_MG * math.cos(tilt))
        tremor = _between(self._tremor, 1, 0, now_us % _TREMOR_US, _TREMOR_US)
        values[1] += _TREMOR_MG * tremor // 256
        values[3] += _TREMOR_DDPS * tremor // 256


def _holds(spans, now_us):
    return any(begin_us <= now_us < end_us for begin_us, end_us in spans)


def _between(table, columns, column, at_us, whole_us):
    # The value at a time between two steps of a table, along a straight line.
    at = at_us * _STEPS
    step = min(_STEPS - 1, at // whole_us)
    rest = at - step * whole_us
    low = table[step * columns + column]
    high = table[(step + 1) * columns + column]
    return low + (high - low) * rest // whole_us
