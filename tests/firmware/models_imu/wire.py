"""A two-wire bus in virtual time with motion sensors on it, strict: what a data sheet forbids fails the test.

A byte takes 22.5 µs (nine bits at 400 kHz).
"""

_ETIMEDOUT = 110
_ENODEV = 19
_BYTE_NS = 22500


class ForbiddenError(Exception):
    """Something was done to a chip that its data sheet forbids. No OSError, so that no driver can swallow it."""


class VirtualTime:
    """`ns` since the start, and the functions of MicroPython's time that a driver is given."""

    def __init__(self, ticks_start=0):
        self.ns = 0
        self._ticks_start = ticks_start

    def pass_ns(self, ns):
        self.ns += ns

    def ticks_us(self):
        return (self._ticks_start + self.ns // 1000) & 0x3FFFFFFF

    def ticks_diff(self, later, earlier):
        return ((later - earlier + 0x20000000) & 0x3FFFFFFF) - 0x20000000

    def sleep_us(self, us):
        self.ns += us * 1000

    def sleep_ms(self, ms):
        self.ns += ms * 1000000


class Bus:
    """The methods of machine.I2C that drivers use. `chips` maps an address to a chip; `stuck`: the bus is held low."""

    def __init__(self, time):
        self._time = time
        self.chips = {}
        self.stuck = False
        self.longest_ns = 0

    def _chip(self, address, n):
        before = self._time.ns
        if self.stuck:
            # The port gives up after 50 ms.
            self._time.pass_ns(50000000)
            raise OSError(_ETIMEDOUT)
        self._time.pass_ns((n + 2) * _BYTE_NS)
        self.longest_ns = max(self.longest_ns, self._time.ns - before)
        chip = self.chips.get(address)
        if chip is None or not chip.answers():
            raise OSError(_ENODEV)
        return chip

    def writeto_mem(self, address, register, data):
        chip = self._chip(address, len(data))
        chip.begin_write(register)
        for value in data:
            chip.write_next(value)

    def readfrom_mem_into(self, address, register, buffer):
        chip = self._chip(address, len(buffer) + 1)
        chip.begin_read(register)
        at = 0
        while at < len(buffer):
            buffer[at] = chip.read_next()
            at += 1
