"""A board with nothing wired to it, of any chip: what it tells of is played, and its hello says so.

The light is that of a Pico; where another board has one is not known.
"""

from iastm_firmware.drivers.played import COUNTS_PER_N, RATE_HZ, Played


def wiring_of(chip):
    """Return the wiring for a chip, by its name in pins.py."""
    return {
        "name": "Demo " + chip,
        "chip": chip,
        "adc": {"driver": Played, "rate_hz": RATE_HZ},
        "light": {"kind": "LED", "pin": "LED"} if chip in ("RP2040", "RP2350") else None,
        "cell": {"id": "played 50 N", "capacity_n": 50.0, "coefficients": (0.0, 1 / COUNTS_PER_N)},
    }
