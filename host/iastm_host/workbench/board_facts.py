"""What a new board's file says of chips, converters and motion sensors, for whoever fills it in.

The firmware's own check (iastm_firmware/pins.py) decides; a test holds these facts to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class ChipFacts:
    """A chip: its pins, what has some of them, those that decide something at reset, and those that measure a voltage.

    `i2c` and `spi` say where those buses may be, "" where any pin will do, after the number that is taken first.
    """

    name: str
    pins: Spans
    taken: Mapping[str, Spans]
    straps: tuple[int, ...]
    analog: tuple[int, ...]
    i2c_id: int
    spi_id: int
    i2c: str = ""
    spi: str = ""
    has_pio: bool = False
    light: str = ""


@dataclass(frozen=True, slots=True)
class ConverterFacts:
    """A converter: its bus ("i2c", "spi" or ""), its pins, the rate that is taken first, and what to know of it.

    `reach_mv_v` is the largest input, either way, that it converts, in millivolts per volt of the bridge's supply.
    """

    name: str
    bus: str
    pins: tuple[str, ...]
    rate_hz: int
    reach_mv_v: float
    note: str
    more: Mapping[str, int] = field(default_factory=dict)
    needs_pio: bool = False


_FLASH, _USB, _RADIO = "the flash", "USB", "the radio"
_S3_TAKEN: dict[str, Spans] = {_FLASH: ((26, 32),), _USB: ((19, 20),)}
_RP_I2C = "bus 0 has sda at 0, 4, 8, 12, 16 or 20, bus 1 at 2, 6, 10, 14, 18, 22 or 26; scl is the next pin of that bus"
_RP_SPI = (
    "bus 0 has miso at 0, 4, 16 or 20, sck at 2, 6, 18 or 22, mosi at 3, 7 or 19; "
    "bus 1 has miso at 8, 12 or 28, sck at 10, 14 or 26, mosi at 11, 15 or 27"
)


def _rp(name: str) -> ChipFacts:
    return ChipFacts(
        name,
        ((0, 28),),
        {_RADIO: ((23, 25),)},
        (),
        (26, 27, 28),
        0,
        0,
        _RP_I2C,
        _RP_SPI,
        has_pio=True,
        # MicroPython's own name, wherever the board has it.
        light="LED",
    )


def _s3(name: str, taken: dict[str, Spans]) -> ChipFacts:
    return ChipFacts(name, ((0, 21), (26, 48)), taken, (0, 3, 45, 46), tuple(range(1, 11)), 0, 1)


CHIPS: dict[str, ChipFacts] = {
    facts.name: facts
    for facts in (
        _s3("ESP32-S3", _S3_TAKEN),
        # With eight-line PSRAM or flash: modules that end in R8 or R16V.
        _s3("ESP32-S3 octal", {**_S3_TAKEN, _FLASH: ((26, 37),)}),
        ChipFacts(
            "ESP32-C3",
            ((0, 21),),
            {_FLASH: ((11, 17),), _USB: ((18, 19),)},
            (2, 8, 9),
            tuple(range(5)),
            0,
            1,
        ),
        _rp("RP2040"),
        _rp("RP2350"),
    )
}

# Largest inputs: half the reference by the gain of 128 (data sheets of HX711, NAU7802, ADS1232), the whole reference by
# it (ADS1220), where the reference is the bridge's own supply.
_HALF_MV_V, _WHOLE_MV_V = 500 / 128, 1000 / 128

CONVERTERS: dict[str, ConverterFacts] = {
    facts.name: facts
    for facts in (
        ConverterFacts(
            "NAU7802",
            "i2c",
            (),
            80,
            _HALF_MV_V,
            '10, 20, 40, 80 or 320 conversions per second; 320 needs its DRDY pin wired: "ready": its pin.',
            {"gain": 128},
        ),
        ConverterFacts(
            "HX711",
            "",
            ("data", "clock"),
            80,
            _HALF_MV_V,
            "10 or 80 conversions per second: 80 needs the board's RATE pin high, and most boards come with it low.",
            {"gain": 128},
        ),
        ConverterFacts(
            "HX711_PIO",
            "",
            ("data", "clock"),
            80,
            _HALF_MV_V,
            "10 or 80 conversions per second: 80 needs the board's RATE pin high, and most boards come with it low.",
            needs_pio=True,
        ),
        ConverterFacts(
            "ADS1232",
            "",
            ("data", "clock", "power_down"),
            80,
            _HALF_MV_V,
            "10 or 80 conversions per second, by its SPEED pin; its gain pins set 128.",
        ),
        ConverterFacts(
            "ADS1220",
            "spi",
            ("select", "ready"),
            330,
            _WHOLE_MV_V,
            "20, 45, 90, 175, 330, 600, 1000 or 2000 conversions per second.",
            {"gain": 128},
        ),
    )
}

MOTION_SENSORS = {
    "LSM6DS": "LSM6DS3, LSM6DS3TR-C or LSM6DSOX.",
    "BMI270": "It needs its maker's configuration as a file on the board, named here.",
}
