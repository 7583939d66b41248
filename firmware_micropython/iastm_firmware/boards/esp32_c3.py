"""Adafruit QT Py ESP32-C3, with a NAU7802 board at its STEMMA QT connector: no soldering, powered by its cable.

The pins are those of Arduino's variant `adafruit_qtpy_esp32c3`; check them against your board's own page. An LSM6DSOX
board goes into the NAU7802 board's second connector. The light is the board's own, the button its BOOT button: down at
power-on it starts the chip's bootloader, so for safe mode press reset first, then hold it. The board has no battery;
with one that is added, measure it over a divider at pin 0, 1, 3 or 4, and let the tool sleep.
"""

WIRING = {
    "name": "QT Py ESP32-C3",
    "chip": "ESP32-C3",
    # Both are so by the maker: the light, and the BOOT button.
    "strapping": (2, 9),
    "i2c": {"id": 0, "sda": 5, "scl": 6},
    "adc": {"driver": "NAU7802", "rate_hz": 80, "gain": 128},
    "imu": {"driver": "LSM6DS"},
    "light": {"kind": "WS2812", "pin": 2},
    "buzzer": None,
    "motor": None,
    "button": 9,
    "battery": None,
    # 50 N at 2 mV/V and a gain of 128: 85,899 counts per newton. In force until a calibration of your cell is kept.
    "cell": {"id": "uncalibrated 50 N", "capacity_n": 50.0, "coefficients": (0.0, 1 / 85899)},
    "idle_s": 0,
}
