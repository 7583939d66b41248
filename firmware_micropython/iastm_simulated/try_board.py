"""Tries the `board.py` of the folder that it runs in: checks its table and, asked to, starts it on a played chip.

    python -m iastm_simulated.try_board check
    python -m iastm_simulated.try_board start [spi=BYTES] [0x40=BYTES …]

Prints one line of JSON, after whatever the file prints itself: `faults` in words, where there is none the `chip` that
it is for, and where it was started `name`, `trouble`, the first `conversions` as [counts, microseconds, missed before],
and the parts that were `played`. A NAU7802 and a LSM6DS of the table are played; else nothing is at the buses and pins,
and an input without a pull-up is low. `0x40=BYTES` puts a chip onto the I2C bus whose registers from 0 on are these
bytes, in hex; `spi=BYTES` is what each reading of the SPI bus begins with.
"""

import binascii
import io
import json
import sys

from iastm_firmware import start
from iastm_firmware.pins import faults_of
from iastm_simulated import played_chip as played
from iastm_simulated import played_parts as parts

_MOST = 5
_LOOKS = 1000
_LOOK_EVERY_MS = 2


def _words_of(error):
    # CPython's words for what it can't read end with the file's name.
    what = error.msg if isinstance(error, SyntaxError) and hasattr(error, "msg") else error
    said = "%s: %s" % (type(error).__name__, what)
    number = _line_of(error)
    if not number:
        return said
    with open("board.py", encoding="utf-8") as file:
        lines = file.read().split("\n")
    stands = lines[number - 1].strip() if number <= len(lines) else ""
    return "%s, in line %d: %s" % (said, number, stands or "(nothing)")


def _line_of(error):
    # The line of board.py in which it happened, 0 where that is not told.
    number = 0
    if hasattr(sys, "print_exception"):
        told = io.StringIO()
        sys.print_exception(error, told)
        for place in told.getvalue().split('"board.py", line ')[1:]:
            number = int(place.split("\n")[0].split(",")[0])
        return number
    if isinstance(error, SyntaxError):
        return error.lineno or 0
    at = error.__traceback__
    while at is not None:
        if at.tb_frame.f_code.co_filename.replace("\\", "/").split("/")[-1] == "board.py":
            number = at.tb_lineno
        at = at.tb_next
    return number


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
    def __init__(self, port, wiring, given):
        super().__init__(port)
        self._spi = b""
        self.played = self._play(wiring)
        for each in given:
            where, _, values = each.partition("=")
            if where == "spi":
                self._spi = binascii.unhexlify(values)
            else:
                self.devices[int(where, 16)] = dict(enumerate(binascii.unhexlify(values)))

    def _play(self, wiring):
        told = []
        adc = wiring["adc"]
        if adc["driver"] == "NAU7802":
            ready = adc.get("ready")
            chip = parts.PlayedNau7802(self.times, None if ready is None else lambda: self._rise(ready))
            self.devices[adc.get("address") or parts.NAU7802_AT] = chip
            if ready is not None:
                self.outside[ready] = lambda _pin: chip.level()
            told.append("NAU7802")
        imu = wiring.get("imu")
        if imu is not None and imu["driver"] == "LSM6DS":
            self.devices[imu.get("address") or parts.LSM6DS_AT] = parts.played_lsm6ds()
            told.append("LSM6DS")
        return told

    def _rise(self, number):
        pin = self.pins.get(number)
        if pin is not None and hasattr(pin, "handler"):
            pin.handler(pin)

    def SPI(self, number, **settings):  # noqa: N802
        return _Spi(self._spi)


def _load(name):
    return played.Module(NeoPixel=played.NeoPixel) if name == "neopixel" else start.load(name)


def _stream(ticks_us):
    return played.Stream()


def _started(wiring, given):
    port = "rp2" if wiring["chip"].startswith("RP") else "esp32"
    machine = _Chip(port, wiring, given)
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
    return {"name": made.name, "trouble": made.trouble, "conversions": seen, "played": machine.played}


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
