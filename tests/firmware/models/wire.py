"""A board's wires in virtual time: pins, buses, interrupts and a clock that only moves when something is done.

Runs under MicroPython. Nothing here waits or reads a real clock: every pin operation, every byte on a bus and every
look at the ticks takes a stated number of nanoseconds, in which the chips live on. So a pulse has a width, a time-out
has a length, and an interrupt comes at its moment: between two operations of the code that it interrupts, which goes
on later by what the handler took. A handler runs with the heap locked: taking memory in it raises MemoryError, as in a
hard interrupt on a board.

A rule of a data sheet that was broken is kept in the World, whatever the driver does about it.

Assumed costs, of the order of MicroPython on an ESP32 or RP2040: 1 µs an operation on a pin, a look at the ticks, or a
switch of the interrupts; 10 µs from an edge to its handler; I²C 400 kHz, SPI 1 MHz with 5 µs a call.
"""

import errno

import micropython

NEVER = 1 << 60
TICKS_MASK = 0x3FFFFFFF
OPERATION_NS = 1_000
LATENCY_NS = 10_000


class World:
    """Virtual time and what lives in it. `parts` have `next_ns` and `happen()`; pins have `pending` and `handler`."""

    def __init__(self, start_us=0):
        self.now_ns = start_us * 1000
        self.start_ns = self.now_ns
        self.broken = 0
        self.longest_off_ns = 0
        self._parts = []
        self._pins = []
        # Places for what was broken: a handler, in which it may happen, takes no memory.
        self._broken_words = [""] * 5
        self._broken_us = [0] * 5
        self._off = False
        self._off_since_ns = 0
        self._held = False
        self._deferred_ns = 0

    def add(self, part):
        """Let a part live."""
        self._parts.append(part)

    def add_pin(self, pin):
        """Let a pin interrupt."""
        self._pins.append(pin)

    def broke(self, words):
        """Keep that a rule was broken: `broken` counts, `breaches` tells the first ones."""
        if self.broken < 5:
            self._broken_words[self.broken] = words
            self._broken_us[self.broken] = (self.now_ns - self.start_ns) // 1000
        self.broken += 1

    def breaches(self):
        """Return words of what was broken, and when; empty where nothing was."""
        return [f"{self._broken_words[i]} at {self._broken_us[i]} us" for i in range(min(5, self.broken))]

    def advance(self, span_ns):
        """Let time pass for the code that runs; what interrupts it comes on top."""
        target_ns = self.now_ns + span_ns
        while True:
            first = None
            first_ns = target_ns + 1
            for part in self._parts:
                if part.next_ns < first_ns:
                    first = part
                    first_ns = part.next_ns
            if first is None:
                break
            if first_ns > self.now_ns:
                self.now_ns = first_ns
            before_ns = self.now_ns
            first.happen()
            self._interrupt()
            target_ns += self.now_ns - before_ns
        if target_ns > self.now_ns:
            self.now_ns = target_ns
        self._interrupt()

    def hold_up(self, span_ns):
        """Let time pass in which nothing of the board runs, interrupts neither (a write to the flash, a radio)."""
        held = self._held
        self._held = True
        self.advance(span_ns)
        self._held = held
        self._interrupt()

    def interrupted(self, span_ns):
        """Another interrupt of the board takes its time: at once, or when interrupts are on again."""
        if self._off:
            self._deferred_ns += span_ns
        else:
            self.hold_up(span_ns)

    def disable_irq(self):
        """As machine.disable_irq."""
        self.advance(OPERATION_NS)
        was_on = not self._off
        if was_on:
            self._off = True
            self._off_since_ns = self.now_ns
        return was_on

    def enable_irq(self, state=True):
        """As machine.enable_irq."""
        if state and self._off:
            self._off = False
            off_ns = self.now_ns - self._off_since_ns
            if off_ns > self.longest_off_ns:
                self.longest_off_ns = off_ns
            if self._deferred_ns:
                span_ns = self._deferred_ns
                self._deferred_ns = 0
                self.hold_up(span_ns)
        self.advance(OPERATION_NS)

    def _interrupt(self):
        if self._held or self._off:
            return
        for pin in self._pins:
            while pin.pending:
                pin.pending = False
                self._held = True
                self.advance(LATENCY_NS)
                micropython.heap_lock()
                try:
                    pin.handler(pin)
                finally:
                    micropython.heap_unlock()
                    self._held = False


class Interruption:
    """Another interrupt that comes `every_ns` and takes `takes_ns`."""

    def __init__(self, world, every_ns, takes_ns):
        self.next_ns = world.now_ns + every_ns
        self._every_ns = every_ns
        self._takes_ns = takes_ns
        self._world = world
        world.add(self)

    def happen(self):
        """Take the time."""
        self.next_ns += self._every_ns
        self._world.interrupted(self._takes_ns)

    def stop(self):
        """Come no more."""
        self.next_ns = NEVER


class Pin:
    """A pin as machine.Pin has it. A chip is told by `chip.edge(pin, level)`, and sets the level by `drive`."""

    IN = 1
    OUT = 3
    PULL_UP = 1
    # Numbers of the RP2 port, so that none is taken for granted.
    IRQ_FALLING = 4
    IRQ_RISING = 8

    def __init__(self, world, level):
        self.level = level
        self.pending = False
        self.handler = None
        self.chip = None
        self._trigger = 0
        self._world = world
        # The rising edge, counted down, that is followed by an interruption that can't be masked, and its length.
        self.stretch_at = 0
        self.stretch_ns = 0
        world.add_pin(self)

    def __call__(self, value=None):
        world = self._world
        world.advance(OPERATION_NS // 2)
        if value is None:
            value = self.level
            world.advance(OPERATION_NS // 2)
            return value
        level = 1 if value else 0
        if level != self.level:
            self.level = level
            if self.chip is not None:
                self.chip.edge(self, level)
            if level and self.stretch_at:
                self.stretch_at -= 1
                if not self.stretch_at:
                    world.hold_up(self.stretch_ns)
        world.advance(OPERATION_NS // 2)
        return None

    def value(self, value=None):
        """As calling it."""
        return self(value)

    def on(self):
        """Set it high."""
        self(1)

    def off(self):
        """Set it low."""
        self(0)

    def init(self, *_arguments, **settings):
        """Configure it; only the value counts here."""
        if "value" in settings:
            self(settings["value"])

    def irq(self, handler=None, trigger=IRQ_FALLING | IRQ_RISING, hard=False):  # noqa: ARG002 -- as the real one is called
        """Have a handler called at edges from now on, an earlier edge is forgotten. `hard` changes nothing here."""
        self._world.advance(OPERATION_NS)
        self.handler = handler
        self._trigger = 0 if handler is None else trigger
        self.pending = False
        return self

    def drive(self, level):
        """A chip sets the level."""
        if level == self.level:
            return
        self.level = level
        if self._trigger & (Pin.IRQ_RISING if level else Pin.IRQ_FALLING):
            self.pending = True


class Time:
    """What drivers need of MicroPython's time."""

    def __init__(self, world):
        self._world = world

    def ticks_us(self):
        """Return the ticks, which wrap at 2^30 µs."""
        self._world.advance(OPERATION_NS)
        return self._world.now_ns // 1000 & TICKS_MASK

    def ticks_ms(self):
        """Return milliseconds, which wrap at 2^30."""
        self._world.advance(OPERATION_NS)
        return self._world.now_ns // 1_000_000 & TICKS_MASK

    def ticks_diff(self, later, earlier):
        """Return the signed difference of two ticks."""
        return ((later - earlier + 0x20000000) & TICKS_MASK) - 0x20000000

    def ticks_add(self, ticks, span):
        """Return ticks after a span."""
        return (ticks + span) & TICKS_MASK

    def sleep_us(self, span_us):
        """Sleep."""
        self._world.advance(span_us * 1000)

    def sleep_ms(self, span_ms):
        """Sleep."""
        self._world.advance(span_ms * 1_000_000)


class I2C:
    """A bus as machine.I2C has it, with one chip: `chip.begin()`, `chip.put(byte)`, `chip.get()`, `chip.address`.

    `stuck`: a line is held low; every call fails with ETIMEDOUT after `timeout_us`. `refuse`: so many calls are
    answered by nobody, as all are while the chip is not `present`.
    """

    BYTE_NS = 22_500

    def __init__(self, world, chip, timeout_us=5_000):
        self.stuck = False
        self.refuse = 0
        self.calls = 0
        self._world = world
        self._chip = chip
        self._timeout_us = timeout_us

    def _begin(self, address):
        self.calls += 1
        world = self._world
        if self.stuck:
            world.advance(self._timeout_us * 1000)
            raise OSError(errno.ETIMEDOUT)
        world.advance(self.BYTE_NS)
        if self.refuse:
            self.refuse -= 1
            raise OSError(errno.ENODEV)
        if address != self._chip.address or not self._chip.present:
            raise OSError(errno.ENODEV)

    def _put(self, buffer, first):
        chip = self._chip
        if first:
            chip.begin()
        for i in range(len(buffer)):
            self._world.advance(self.BYTE_NS)
            chip.put(buffer[i])

    def _get(self, buffer):
        for i in range(len(buffer)):
            buffer[i] = self._chip.get()
            self._world.advance(self.BYTE_NS)

    def _point(self, address, register):
        self._begin(address)
        self._chip.begin()
        self._world.advance(self.BYTE_NS)
        self._chip.put(register)

    def writeto(self, address, buffer, stop=True):  # noqa: ARG002 -- as the real one is called
        """Write bytes; return how many were taken."""
        self._begin(address)
        self._put(buffer, True)
        return len(buffer)

    def readfrom_into(self, address, buffer, stop=True):  # noqa: ARG002 -- as the real one is called
        """Read on from where the chip stands."""
        self._begin(address)
        self._get(buffer)

    def readfrom(self, address, n, stop=True):  # noqa: ARG002 -- as the real one is called
        """Read on from where the chip stands."""
        buffer = bytearray(n)
        self.readfrom_into(address, buffer)
        return bytes(buffer)

    def writeto_mem(self, address, register, buffer, addrsize=8):  # noqa: ARG002 -- as the real one is called
        """Write registers."""
        self._point(address, register)
        self._put(buffer, False)

    def readfrom_mem_into(self, address, register, buffer, addrsize=8):  # noqa: ARG002 -- as the real one is called
        """Read registers."""
        self._point(address, register)
        self._world.advance(self.BYTE_NS)
        self._get(buffer)

    def readfrom_mem(self, address, register, n, addrsize=8):  # noqa: ARG002 -- as the real one is called
        """Read registers."""
        buffer = bytearray(n)
        self.readfrom_mem_into(address, register, buffer)
        return bytes(buffer)

    def scan(self):
        """Return the addresses that answer."""
        if self.stuck:
            return []
        self._world.advance(112 * self.BYTE_NS)
        return [self._chip.address] if self._chip.present else []


class SPI:
    """A bus as machine.SPI has it (mode 1), with one chip: `chip.exchange(byte)`; nobody there reads 0xFF."""

    BYTE_NS = 8_000
    CALL_NS = 5_000

    def __init__(self, world, chip):
        self._world = world
        self._chip = chip

    def _exchange(self, value):
        self._world.advance(self.BYTE_NS // 2)
        answer = self._chip.exchange(value)
        self._world.advance(self.BYTE_NS // 2)
        return answer

    def write(self, buffer):
        """Write bytes."""
        self._world.advance(self.CALL_NS)
        for i in range(len(buffer)):
            self._exchange(buffer[i])

    def readinto(self, buffer, write=0):
        """Read bytes while `write` is sent."""
        self._world.advance(self.CALL_NS)
        for i in range(len(buffer)):
            buffer[i] = self._exchange(write)

    def read(self, n, write=0):
        """Read bytes while `write` is sent."""
        buffer = bytearray(n)
        self.readinto(buffer, write)
        return bytes(buffer)

    def write_readinto(self, out, into):
        """Write and read at once."""
        self._world.advance(self.CALL_NS)
        for i in range(len(out)):
            into[i] = self._exchange(out[i])
