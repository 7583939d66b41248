r"""The host's bytes on the port that is also the board's REPL, and the way back to it.

While the firmware runs, Ctrl-C (0x03) is a byte like any other. Two things end it, and the board is at its prompt:

- `\r\x03` and 50 ms of silence: a person, or a program that interrupts. A frame ends with a zero byte, so that no
  frame and silence read like this.
- `\r\x03\r` where a frame would begin: mpremote, which goes on at once. What follows is left for the REPL to read. A
  frame can't begin like this: 0x0D, 0x03 would be a PING of twelve bytes up to its first zero, and it has nine.

Where its host stops reading, the port of TinyUSB (ESP32-S3, RP2) holds a write for up to a second: 500 ms for room for
a piece of it, and as long for the next one. It runs meanwhile what was scheduled (MicroPython's mp_usbd_cdc.c and
scheduler.c), and so the alarm goes on; where its poll tells that nothing more goes in, nothing more is written. The
serial/JTAG port of an ESP32-C3 (usb_serial_jtag.c) holds one write for 200 ms, runs nothing meanwhile, and drops what
comes then until its host reads again: so long an alarm may wait there, once.
"""

import select

from iastm_firmware.clock import ticks_between
from iastm_firmware.stream import ByteStream
from iastm_protocol._compat import TYPE_CHECKING, const

if TYPE_CHECKING:
    from typing import Any

_CTRL_C = const(3)
_OFF = const(-1)
_SILENCE_US = const(50000)
_INTERRUPT = b"\r\x03"
_MPREMOTE = b"\x00\r\x03\r"
# mpremote in the middle of a frame that a host did not end: it is heard too, but must ask a second time.
_LATE_MPREMOTE = b"\r\x03\r\x01"


class Console(ByteStream):
    """A ByteStream of a board: `source` and `sink` are `sys.stdin.buffer` and `sys.stdout.buffer`.

    `kbd_intr` is that of module micropython; Ctrl-C is off from here until `close`. `read` raises KeyboardInterrupt
    where the REPL is asked for. `schedule` is that of module micropython too: `meanwhile`, where it is not None, is
    called again and again while the port holds a write, and must not raise.
    """

    def __init__(self, source, sink, kbd_intr, ticks_us, schedule=None):
        super().__init__(source, sink)
        self._kbd_intr = kbd_intr
        self._schedule = schedule
        # Made once: a bound method takes memory.
        self._again = self._go_on
        self._writes = False
        self._waits = False
        self.meanwhile: "Any" = None
        self._room = None
        if schedule is not None:
            self._room = select.poll()
            self._room.register(sink, select.POLLOUT)
        self._ticks_us = ticks_us
        self._tail = b"\x00"
        self._since_ticks = 0
        kbd_intr(_OFF)

    def read(self):
        """Return the bytes that have come, at most 64; raises KeyboardInterrupt where they ask for the REPL."""
        data = super().read()
        if data:
            self._since_ticks = self._ticks_us()
        elif self._asked() and ticks_between(self._since_ticks, self._ticks_us()) >= _SILENCE_US:
            raise KeyboardInterrupt
        return data

    def write(self, data):
        """Write what the port takes of `data`; return how many bytes that was, 0 where it is full."""
        if self._room is None:
            return super().write(data)
        if not self._has_room():
            return 0
        self._writes = True
        self._ask()
        try:
            return super().write(data)
        finally:
            self._writes = False

    def close(self):
        """Give the port back: Ctrl-C interrupts again."""
        self._kbd_intr(_CTRL_C)

    def _read_byte(self):
        data = super()._read_byte()
        if data:
            self._tail = self._tail[-3:] + data
            if self._tail == _MPREMOTE:
                raise KeyboardInterrupt
        return data

    def _has_room(self):
        for _ in self._room.ipoll(0):
            return True
        return False

    def _ask(self):
        if self._waits or self.meanwhile is None:
            return
        try:
            self._schedule(self._again, None)
            self._waits = True
        except RuntimeError:
            pass  # Too much is scheduled already: the next write asks again.

    def _go_on(self, _):
        self._waits = False
        if self._writes:
            self.meanwhile()
            self._ask()

    def _asked(self):
        return self._tail == _LATE_MPREMOTE or self._tail.endswith(_INTERRUPT)
