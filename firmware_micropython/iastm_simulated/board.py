"""The simulated board: what app.py asks of a board, from a settings file and a converter that plays rows."""

import binascii
import json
import os
import struct
import sys
import time

from iastm_firmware.boards.base import BoardBase
from iastm_protocol.messages import NO_EXPIRY, Calibration

_TICKS_MASK = 0x3FFFFFFF
_UNKNOWN_TEMPERATURE = -0x8000
_ALERTS_KEPT = 100

_DEFAULTS = {
    "rate_mhz": 320000,
    # What fits beside the compiled firmware, with room, into the heap of a board. A minute at 320/s is 19200.
    "ring_depth": 2048,
    "serial_number": "SIM-0001",
    "zero_counts": 0,
    "zero_confirmed": True,
    # 50 N at 2 mV/V, as a 24-bit converter with a gain of 128 shows it at 3.3 V: about 42,000 counts per newton.
    "calibration": {
        "id": "simulated",
        "sha256": "00" * 32,
        "capacity_n": 50.0,
        "coefficients": [0.0, 1 / 42000],
    },
    "source_hash": "00" * 8,
    "battery_percent": 100,
    "ticks_start_us": 0,
    # A file to which each thing that is shown is added: ticks in µs, kind (0 nothing; of signals.py). None where empty.
    "alerts_file": "",
    # What there is of light (1), buzzer (2) and motor (4).
    "outputs": 7,
    # [[index, how many], …]: conversions that the converter makes and the tool never gets.
    "missed": [],
    # [[at_s, for_s], …]: when, in seconds from the start, the button is pressed, and for how long.
    "presses": [],
    # The key as 64 hex digits, "" for none yet. A simulated tool has no flash: a new one lives as long as the process.
    "key": "",
    # The folder in which calibration, zero, channels and log are kept, "" for as long as the process lives.
    "store": "",
    # A motion sensor: {} or {"pass_mm": 120, "lying": [[at_s, for_s]], "wiping": …, "failing": …}; None without one.
    "imu": None,
    # What the tool says that it could not start.
    "trouble": "",
}
_KEY_DIGITS = 64
_TEST_BYTES = b"written and read back"


def read_settings(path):
    """Return the settings of a JSON file over the defaults, or the defaults alone where `path` is None.

    Where `path` is "-", they are the first line of stdin, and no byte after it is taken.
    Raises ValueError for a name that no setting has, for a rate or a ring of nothing, and for what is no key.
    """
    settings: "dict" = dict(_DEFAULTS)
    if path is not None:
        if path == "-":
            given = json.loads(sys.stdin.buffer.readline())
        else:
            with open(path) as file:
                given = json.load(file)
        for name in given:
            if name not in settings:
                raise ValueError("%s: there is no setting %s" % (path, name))
        settings.update(given)
    for name in ("rate_mhz", "ring_depth"):
        if settings[name] <= 0:
            raise ValueError("%s must be above 0" % name)
    if not _is_key(settings["key"]):
        raise ValueError("key must be %d hex digits, or empty" % _KEY_DIGITS)
    return settings


def _is_key(text):
    try:
        return len(binascii.unhexlify(text)) in (0, _KEY_DIGITS // 2)
    except ValueError:
        return False


def runtime_name():
    """Return what runs this, as "micropython 1.29.0"."""
    version = sys.implementation.version
    text = "%s %d.%d.%d" % (sys.implementation.name, version[0], version[1], version[2])
    if len(version) > 3 and version[3] and version[3] != "final":
        text += "-" + version[3]
    return text


class Ticks:
    """The board's ticks, 0 to 2^30 − 1, starting at `start_us`; `elapsed_us` is a clock that never goes back."""

    def __init__(self, start_us, elapsed_us):
        self._start_us = start_us
        self.elapsed_us = elapsed_us

    def __call__(self):
        """Return the ticks now, in µs."""
        return (self._start_us + self.elapsed_us()) & _TICKS_MASK


def real_elapsed():
    """Return a function that gives real microseconds from now on."""
    last = time.ticks_us()
    elapsed = 0

    def elapsed_us():
        nonlocal last, elapsed
        now = time.ticks_us()
        elapsed += time.ticks_diff(now, last)
        last = now
        return elapsed

    return elapsed_us


def no_links(tool):
    """Return no links beside that on the board's stream."""
    return []


def _storage(folder, name):
    # Loaded where it is needed only: what only measures memory makes no such board.
    if folder:
        from iastm_firmware.slots import FileStorage

        return FileStorage(folder, name)
    from iastm_simulated.memory_store import MemoryStore

    return MemoryStore()


def _journal(folder):
    if not folder:
        return None
    from iastm_firmware.journal import Journal

    return Journal(_storage(folder, "log"))


class SimulatedOutputs:
    """Light, buzzer and motor that nobody sees. `alerts` keeps the last (ticks, kind) that were shown, a file all."""

    def __init__(self, there, ticks_us, alerts_file):
        self.there = there
        self.alerts = []
        self._ticks_us = ticks_us
        self._alerts_file = alerts_file
        self._kind = 0

    def set(self, kind, light, buzzer_hz, motor):
        """Keep what is shown, where that is something else than before."""
        if kind == self._kind:
            return
        self._kind = kind
        shown = (self._ticks_us(), kind)
        self.alerts.append(shown)
        if len(self.alerts) > _ALERTS_KEPT:
            self.alerts.pop(0)
        if self._alerts_file:
            with open(self._alerts_file, "a") as file:
                file.write("%d,%d\n" % shown)


class SimulatedBoard(BoardBase):
    """A board without hardware.

    `links` makes the links beside that on `stream`, see app.py.
    """

    def __init__(self, settings, ticks_us, adc, stream, links=no_links, imu=None):
        calibration = settings["calibration"]
        self.name = "simulated"
        self.simulated = True
        self.runtime = runtime_name()
        self.serial_number = settings["serial_number"]
        self.rate_mhz = settings["rate_mhz"]
        self.ring_depth = settings["ring_depth"]
        self.source_hash = binascii.unhexlify(settings["source_hash"])
        self.zero_counts = settings["zero_counts"]
        self.zero_confirmed = settings["zero_confirmed"]
        self.calibration = Calibration(
            calibration["id"],
            binascii.unhexlify(calibration["sha256"]),
            calibration["capacity_n"],
            tuple(calibration["coefficients"]),
            NO_EXPIRY,
            0,
        )
        self.ticks_us = ticks_us
        self.adc = adc
        self.stream = stream
        self._links = links
        self.outputs = SimulatedOutputs(settings["outputs"], ticks_us, settings["alerts_file"])
        self._battery_percent = settings["battery_percent"]
        self.calibration_storage = _storage(settings["store"], "calibration")
        self.settings_storage = _storage(settings["store"], "settings") if settings["store"] else None
        self.journal = _journal(settings["store"])
        self._store = settings["store"]
        self.imu = imu
        self.imu_tip_mm = 0
        self.trouble = settings["trouble"]
        self._key = binascii.unhexlify(settings["key"]) or None
        self._presses = sorted([(int(at_s * 1e6), int((at_s + for_s) * 1e6)) for at_s, for_s in settings["presses"]])

    def links(self, tool):
        """Return the links beside that on the stream."""
        return self._links(tool)

    def random_u32(self):
        """Return 32 random bits of the system."""
        return struct.unpack("<I", os.urandom(4))[0]

    def battery_percent(self):
        """Return the charge that the settings state."""
        return self._battery_percent

    def temperature_cdeg(self):
        """Return unknown: nothing here has a temperature."""
        return _UNKNOWN_TEMPERATURE

    def button(self):
        """Return whether the settings have the button pressed now."""
        presses = self._presses
        if not presses:
            return False
        now_us = self.ticks_us.elapsed_us()
        if now_us >= presses[0][1]:
            presses.pop(0)
            return False
        return now_us >= presses[0][0]

    def load_key(self):
        """Return the key of the settings, or the one that was made since; None where there is none."""
        return self._key

    def store_key(self, key):
        """Keep a key until the process ends."""
        self._key = key

    def test_storage(self):
        """Return whether a small file in the folder comes back; None without a folder."""
        if not self._store:
            return None
        path = self._store + "/test"
        try:
            with open(path, "wb") as file:
                file.write(_TEST_BYTES)
            with open(path, "rb") as file:
                came = file.read()
            os.remove(path)
        except OSError:
            return False
        return came == _TEST_BYTES

    def failed(self, error):
        """Print the traceback beside the stream and end the process."""
        if self.journal is not None:
            self.journal.add("failed", "%s: %s" % (type(error).__name__, error))
        sys.print_exception(error, sys.stderr)
        raise SystemExit(1)
