"""What every board may lack: a board subclasses BoardBase and states what it has."""

import binascii
import errno
import os
import struct
import sys

from iastm_firmware.built import SOURCE_HASH
from iastm_protocol import kinds
from iastm_protocol._compat import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any


class NoOutputs:
    """A tool without light, buzzer and motor."""

    there = 0

    def set(self, kind, light, buzzer_hz, motor):
        """Do nothing: there is nothing to drive."""


class BoardBase:
    """A board without anything that may be missing. app.py says what each attribute means.

    A board adds `name`, `serial_number`, `rate_mhz`, `adc`, `stream`, `calibration` and `ticks_us`.
    """

    simulated = False
    runtime = sys.implementation.name + " " + ".".join([str(part) for part in sys.implementation.version[:3]])
    # All zeros: unknown.
    source_hash = bytes(8) if SOURCE_HASH is None else binascii.unhexlify(SOURCE_HASH)
    # As much as the memory holds: a minute at 320 per second, see ring.py.
    ring_depth = 19200
    zero_counts = 0
    zero_confirmed = False
    calibration_storage: "Any" = None
    settings_storage: "Any" = None
    outputs: "Any" = NoOutputs()
    imu: "Any" = None
    # How the motion sensor is turned, and how far from the tip it is: see motion.py.
    imu_axes = (1, 2, 3)
    imu_tip_mm: "Any" = None
    journal: "Any" = None
    trouble = ""
    reset_reason = kinds.RESET_UNKNOWN
    idle_s = 0

    def links(self, tool):
        """Return no links beside that on `stream`."""
        return []

    def random_u32(self):
        """Return 32 random bits of the system."""
        return struct.unpack("<I", os.urandom(4))[0]

    def battery_percent(self):
        """Return unknown: no battery is measured."""
        return kinds.UNKNOWN_U8

    def battery_mv(self):
        """Return unknown, 0."""
        return 0

    def temperature_cdeg(self):
        """Return unknown: nothing here has a temperature."""
        return kinds.UNKNOWN_I16

    def excitation_mv(self):
        """Return unknown, 0."""
        return 0

    def button(self):
        """Return not pressed: there is none."""
        return False

    def load_key(self):
        """Return no key: there is no place for one."""

    def store_key(self, key):
        """Raise OSError: there is no place for a key."""
        raise OSError(errno.ENODEV, "this board has no place for a key")

    def feed(self):
        """Do nothing: there is no watchdog."""

    def sleep(self):
        """Return at once: this board does not sleep."""

    def test_storage(self):
        """Return None: there is no place to write to."""

    def failed(self, error):
        """End the firmware with what it failed with."""
        raise error
