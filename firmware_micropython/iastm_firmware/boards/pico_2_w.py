"""Raspberry Pi Pico 2 WH: wired as a Pico W, pin for pin."""

from iastm_firmware.boards import pico_w

WIRING = dict(pico_w.WIRING)
WIRING.update({"name": "Pico 2 W", "chip": "RP2350"})
