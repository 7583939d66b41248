r"""The host's bytes on the port that is also the board's REPL, and the way back to it.

While the firmware runs, Ctrl-C (0x03) is a byte like any other. Two things end it, and the board is at its prompt:

- `\r\x03` and 50 ms of silence: a person, or a program that interrupts. A frame ends with a zero byte, so that no
  frame and silence read like this.
- `\r\x03\r` where a frame would begin: mpremote, which goes on at once. What follows is left for the REPL to read. A
  frame can't begin like this: 0x0D, 0x03 would be a PING of twelve bytes up to its first zero, and it has nine.
"""

from iastm_firmware.clock import ticks_between
from iastm_firmware.stream import ByteStream
from iastm_protocol._compat import const

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
    where the REPL is asked for.
    """

    def __init__(self, source, sink, kbd_intr, ticks_us):
        super().__init__(source, sink)
        self._kbd_intr = kbd_intr
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

    def _asked(self):
        return self._tail == _LATE_MPREMOTE or self._tail.endswith(_INTERRUPT)
