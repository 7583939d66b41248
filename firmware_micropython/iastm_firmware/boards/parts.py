"""The parts that a wiring may name, and what each asks of it."""

from collections import namedtuple


class Part(namedtuple("Part", ("module", "name", "bus", "pins", "spare_pins", "rates_hz", "options", "pio"))):
    """A converter's driver: where it is, the pins it must and may have, its rates, and what else may be set.

    `bus` is "i2c", "spi" or "". `options` maps a name to its values, or to None for any whole number.
    """


_GAINS = (1, 2, 4, 8, 16, 32, 64, 128)

CONVERTERS = {
    "HX711": Part("hx711", "HX711", "", ("data", "clock"), (), (10, 80), {"gain": (32, 64, 128)}, False),
    "HX711_PIO": Part("hx711_pio", "HX711Pio", "", ("data", "clock"), (), (10, 80), {}, True),
    "NAU7802": Part(
        "nau7802",
        "NAU7802",
        "i2c",
        (),
        ("ready",),
        (10, 20, 40, 80, 320),
        {"gain": _GAINS, "ldo_mv": (2400, 2700, 3000, 3300, 3600, 3900, 4200, 4500), "address": None},
        False,
    ),
    "ADS1232": Part("ads1232", "ADS1232", "", ("data", "clock", "power_down"), (), (10, 80), {}, False),
    "ADS1220": Part(
        "ads1220",
        "ADS1220",
        "spi",
        ("select", "ready"),
        (),
        (20, 45, 90, 175, 330, 600, 1000, 2000),
        {
            "gain": _GAINS,
            "reference": ("ratiometric", "REFP0-REFN0", "supply", "internal"),
            "inputs": ("AIN0-AIN1", "AIN1-AIN2", "AIN2-AIN3"),
        },
        False,
    ),
}

# Driver → its module.
MOTION_SENSORS = {"LSM6DS": "lsm6ds", "BMI270": "bmi270"}

# Kind of light → the pins it has. "on" is the level that lights a plain one.
LIGHTS = {"WS2812": ("pin",), "LED": ("pin",), "RGB": ("red", "green", "blue")}

BATTERIES = ("divider", "MAX17048")
