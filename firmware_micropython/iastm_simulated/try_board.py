"""Tries the `board.py` of the folder that it runs in: checks its table and, asked to, starts it on a played chip.

    python -m iastm_simulated.try_board check
    python -m iastm_simulated.try_board start [spi=BYTES] [0x40=BYTES …]

Prints one line of JSON, after whatever the file prints itself: `faults` in words, where there is none the `chip` that
it is for, and where it was started `name`, `trouble` and the first `conversions` as [counts, microseconds, missed
before]. Nothing is at the played pins; an input without a pull-up is low. `0x40=BYTES` puts a chip onto the I2C bus
whose registers from 0 on are these bytes, in hex; `spi=BYTES` is what each reading of the SPI bus begins with.
"""

import binascii
import json
import sys

from iastm_firmware import start
from iastm_firmware.pins import faults_of
from iastm_simulated import played_chip as played

_MOST = 5
_LOOKS = 1000
_LOOK_EVERY_MS = 2


def _words_of(error):
    return "%s: %s" % (type(error).__name__, error)


def _wiring():
    """Return the table of board.py and what is wrong with it; where there is none to check, None and why."""
    try:
        import board
    except (Exception, SystemExit) as error:
        return None, ["it can't be read: " + _words_of(error)]
    wiring = getattr(board, "WIRING", None)
    if wiring is None and hasattr(board, "Board"):
        return None, ["it has a class Board and no WIRING: only a table can be checked without a board"]
    if wiring is None:
        return None, ["it has no WIRING"]
    return wiring, faults_of(wiring)


class _Spi:
    # A bus on which each reading begins with the same bytes.
    def __init__(self, given):
        self._given = given

    def readinto(self, buffer, write=0):
        buffer[:] = (self._given + bytes(len(buffer)))[: len(buffer)]

    def write(self, data):
        pass

    def write_readinto(self, data, buffer):
        self.readinto(buffer)


class _Chip(played.Machine):
    # A played chip with what was asked for at its buses.
    def __init__(self, port, given):
        super().__init__(port)
        self._spi = b""
        for each in given:
            where, _, values = each.partition("=")
            if where == "spi":
                self._spi = binascii.unhexlify(values)
            else:
                self.devices[int(where, 16)] = dict(enumerate(binascii.unhexlify(values)))

    def SPI(self, number, **settings):  # noqa: N802
        return _Spi(self._spi)


def _load(name):
    return played.Module(NeoPixel=played.NeoPixel) if name == "neopixel" else start.load(name)


def _stream(ticks_us):
    return played.Stream()


def _started(wiring, given):
    port = "rp2" if wiring["chip"].startswith("RP") else "esp32"
    machine = _Chip(port, given)
    ran: "list" = []
    model = played.MODELS[wiring["chip"].split(" ")[0]]
    start.start(start.System(machine, machine.times, port, model, _load, _stream, print, ran.append))
    made = ran[0]
    seen: "list" = []
    for _ in range(_LOOKS):
        try:
            while len(seen) < _MOST and made.adc.next_conversion():
                seen.append((made.adc.counts, made.adc.ticks, made.adc.missed))
        except OSError:
            pass  # Told in `trouble`.
        machine.times.sleep_ms(_LOOK_EVERY_MS)
    return {"name": made.name, "trouble": made.trouble, "conversions": seen}


def main(arguments):
    """Try the board, and print what came of it."""
    wiring, faults = _wiring()
    said = {"faults": faults}
    if not faults:
        said["chip"] = wiring["chip"]
    if arguments[0] == "start" and not faults:
        said.update(_started(wiring, arguments[1:]))
    sys.stdout.write("\n%s\n" % json.dumps(said))


if __name__ == "__main__":
    main(sys.argv[1:])
