"""Raspberry Pi Pico WH (with its headers), wired with jumper cables: no soldering but for buzzer and motor.

A NAU7802 board hangs on a cable from Qwiic to four sockets: black GND, red 3V3, blue GP4, yellow GP5. An LSM6DSOX board
goes into its second connector. The button is one to ground. The buzzer is a passive piezo, the motor switched by a
transistor with a resistor that keeps it off while nobody drives the pin; set to None what is not there. The light is
the board's own. A battery would be measured over a divider of two equal resistors at GP28: see docs/boards.md.
"""

WIRING = {
    "name": "Pico W",
    "chip": "RP2040",
    "i2c": {"id": 0, "sda": 4, "scl": 5},
    "adc": {"driver": "NAU7802", "rate_hz": 80, "gain": 128},
    "imu": {"driver": "LSM6DS"},
    "light": {"kind": "LED", "pin": "LED"},
    "buzzer": 18,
    "motor": 19,
    "button": 15,
    "battery": None,
    # 50 N at 2 mV/V and a gain of 128: 85,899 counts per newton. In force until a calibration of your cell is kept.
    "cell": {"id": "uncalibrated 50 N", "capacity_n": 50.0, "coefficients": (0.0, 1 / 85899)},
    "idle_s": 0,
}
