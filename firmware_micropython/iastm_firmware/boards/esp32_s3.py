"""Adafruit Feather ESP32-S3 (4 MB flash, 2 MB PSRAM), with a NAU7802 board at its STEMMA QT connector: no soldering.

The pins are those of Arduino's variant `adafruit_feather_esp32s3`; check them against your board's own page. An
LSM6DSOX board goes into the NAU7802 board's second connector. The light is the board's own, the button its BOOT
button: down at power-on it starts the chip's bootloader, so for safe mode press reset first, then hold it. Buzzer and
motor need a transistor each, and so two wires to be soldered: their pins are None until then.
"""

WIRING = {
    "name": "Feather ESP32-S3",
    "chip": "ESP32-S3",
    # Both are so by the maker: the BOOT button, and the STEMMA QT connector's data.
    "strapping": (0, 3),
    # The power of the STEMMA QT connector and of the light.
    "power": (7, 21),
    "i2c": {"id": 0, "sda": 3, "scl": 4},
    "adc": {"driver": "NAU7802", "rate_hz": 80, "gain": 128},
    "imu": {"driver": "LSM6DS"},
    "light": {"kind": "WS2812", "pin": 33},
    "buzzer": None,
    "motor": None,
    "button": 0,
    "battery": {"kind": "MAX17048"},
    # 50 N at 2 mV/V and a gain of 128: 85,899 counts per newton. In force until a calibration of your cell is kept.
    "cell": {"id": "uncalibrated 50 N", "capacity_n": 50.0, "coefficients": (0.0, 1 / 85899)},
    "idle_s": 900,
}
