"""A wiring is checked in words before a pin is touched."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_firmware import pins
from iastm_firmware.boards import parts

Wiring = dict[str, Any]

_BOARDS = {"esp32_s3": "ESP32-S3", "esp32_c3": "ESP32-C3", "pico_w": "RP2040", "pico_2_w": "RP2350"}


def _wiring_of(module: str) -> Wiring:
    found: Wiring = importlib.import_module(f"iastm_firmware.boards.{module}").WIRING
    return found


def _s3(**changes: Any) -> Wiring:
    """A wiring of an ESP32-S3 with every part, and `changes`; a change to Ellipsis takes the part away."""
    wiring = {
        "name": "bench",
        "chip": "ESP32-S3",
        "i2c": {"id": 0, "sda": 8, "scl": 9, "hz": 400000},
        "spi": {"id": 1, "sck": 12, "mosi": 11, "miso": 13},
        "adc": {"driver": "HX711", "data": 4, "clock": 5, "rate_hz": 80, "gain": 128},
        "imu": {"driver": "LSM6DS", "interrupt": 6, "axes": (2, -1, 3), "tip_mm": 90},
        "light": {"kind": "RGB", "red": 15, "green": 16, "blue": 17, "on": 0},
        "buzzer": 18,
        "motor": 21,
        "button": 7,
        "battery": {"kind": "divider", "pin": 1, "ratio": 2.0},
        "power": (14,),
        "cell": {"id": "made up", "capacity_n": 50, "coefficients": (0.0, 1e-5)},
        "idle_s": 600,
        "watchdog_ms": 8000,
        "bluetooth": True,
        "ring_depth": 4000,
    }
    wiring.update(changes)
    return {name: value for name, value in wiring.items() if value is not ...}


def _with(part: str, **changes: Any) -> Wiring:
    wiring = _s3()
    wiring[part] = {name: value for name, value in {**wiring[part], **changes}.items() if value is not ...}
    return wiring


def _pico(**changes: Any) -> Wiring:
    return {**_wiring_of("pico_w"), **changes}


@pytest.mark.parametrize(("module", "chip"), _BOARDS.items())
def test_nothing_is_wrong_with_the_wiring_of_a_board_that_comes_along(module: str, chip: str) -> None:
    assert pins.faults_of(_wiring_of(module), chip) == []


@pytest.mark.parametrize("module", _BOARDS)
def test_every_board_leads_with_the_build_that_needs_no_solder(module: str) -> None:
    wiring = _wiring_of(module)
    assert wiring["adc"] == {"driver": "NAU7802", "rate_hz": 80, "gain": 128}
    # 2 mV/V of 128 times the supply, on a scale of half the supply.
    newtons_at_full_load = 2e-3 * 128 * 2 * 2**23 * wiring["cell"]["coefficients"][1]
    assert newtons_at_full_load == pytest.approx(wiring["cell"]["capacity_n"], rel=1e-4)


def test_a_wiring_with_every_part_is_fine() -> None:
    assert pins.faults_of(_s3(), "ESP32-S3") == []


@pytest.mark.parametrize(
    ("wiring", "fault"),
    [
        pytest.param(_s3(buzzer=21), "pin 21 is used twice: buzzer and motor", id="twice"),
        pytest.param(_with("adc", clock=4), "pin 4 is used twice: adc data and adc clock", id="twice in a part"),
        pytest.param(_with("i2c", sda=7), "pin 7 is used twice: i2c sda and button", id="bus and button"),
        pytest.param(_s3(power=(18,)), "pin 18 is used twice: buzzer and power", id="power"),
        pytest.param(_s3(motor=22), "motor: there is no pin 22", id="no such pin"),
        pytest.param(_s3(motor=-1), "motor: there is no pin -1", id="below zero"),
        pytest.param(_s3(motor=49), "motor: there is no pin 49", id="beyond the last"),
        pytest.param(_s3(motor=27), "motor: pin 27 belongs to the flash", id="flash"),
        pytest.param(_s3(button=19), "button: pin 19 belongs to the USB port", id="usb"),
        pytest.param(
            _s3(chip="ESP32-S3 octal", motor=35), "motor: pin 35 belongs to the flash", id="flash of eight lines"
        ),
        pytest.param(
            _s3(button=0),
            "button: pin 0 decides how the chip starts at reset; where the board's maker wired it so, list it in "
            "'strapping'",
            id="strapping",
        ),
        pytest.param(_s3(strapping=(5,)), "strapping: pin 5 decides nothing at reset", id="no strap"),
        pytest.param(_s3(strapping=0), "strapping must be a tuple of pins, as (0,), and is int 0", id="strap, bare"),
        pytest.param(_s3(motor="21"), "motor: a pin is a number, not str '21'", id="text for a pin"),
        pytest.param(_s3(motor=True), "motor: a pin is a number, not bool True", id="truth for a pin"),
        pytest.param(_s3(motor="LED"), "motor: only a light can be at pin 'LED'", id="a motor at the LED"),
        pytest.param(
            _s3(light={"kind": "LED", "pin": "LED"}), "light: there is no pin 'LED' for it", id="no LED by name"
        ),
        pytest.param(
            _with("battery", pin=2, ratio=0.5),
            "battery ratio must be 1 to 20, battery voltage by pin voltage, and is 0.5",
            id="ratio",
        ),
        pytest.param(
            _s3(battery={"kind": "divider", "pin": 20 - 6, "ratio": 2}, power=()),
            "battery: pin 14 measures no voltage; 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 do",
            id="no analogue pin",
        ),
        pytest.param(_s3(battery={"pin": 1}), "battery lacks 'kind'", id="battery of no kind"),
        pytest.param(
            _with("adc", rate_hz=320),
            "adc: HX711 can't make 320 conversions per second; it makes 10, 80",
            id="rate impossible",
        ),
        pytest.param(
            _with("adc", rate_hz="80"),
            "adc: HX711 can't make '80' conversions per second; it makes 10, 80",
            id="rate as text",
        ),
        pytest.param(_with("adc", gain=100), "adc gain can't be 100; it is one of 32, 64, 128", id="gain"),
        pytest.param(
            _with("adc", driver="HX712"),
            "adc driver can't be 'HX712'; it is one of ADS1220, ADS1232, HX711, HX711_PIO, NAU7802",
            id="unknown driver",
        ),
        pytest.param(
            _with("adc", driver="HX711_PIO", gain=...),
            "adc: HX711_PIO needs the PIO of an RP2040 or RP2350; take HX711",
            id="PIO on an ESP32",
        ),
        pytest.param(_with("adc", data=...), "adc lacks 'data'", id="missing pin"),
        pytest.param(_with("adc", data=None), "adc data: a pin is a number, not NoneType None", id="pin of nothing"),
        pytest.param(_with("adc", driver=...), "adc lacks 'driver'", id="missing driver"),
        pytest.param(_s3(adc=...), "WIRING lacks 'adc'", id="missing part"),
        pytest.param(_s3(chip=...), "WIRING lacks 'chip'", id="missing chip"),
        pytest.param(_s3(adc="HX711"), "adc must be a table {…}, and is str 'HX711'", id="text for a table"),
        pytest.param(_s3(light=15), "light must be a table {…}, and is int 15", id="number for a table"),
        pytest.param(
            _s3(adc={"driver": "NAU7802", "rate_hz": 80}, i2c=..., imu=None),
            "adc: NAU7802 needs 'i2c', and WIRING has none",
            id="no bus",
        ),
        pytest.param(_with("i2c", id=2), "i2c id can't be 2; it is one of 0, 1", id="no such bus"),
        pytest.param(_with("i2c", hz=5), "i2c hz must be a whole number, 10000 to 1000000, and is 5", id="bus speed"),
        pytest.param(
            _pico(i2c={"id": 0, "sda": 6, "scl": 5}), "i2c sda: pin 6 is none of bus 0", id="pin of another bus"
        ),
        pytest.param(_pico(motor=24), "motor: pin 24 belongs to the radio", id="radio"),
        pytest.param(
            _pico(watchdog_ms=9000), "watchdog_ms must be a whole number, 2000 to 8388, and is 9000", id="dog"
        ),
        pytest.param(_pico(battery={"kind": "divider", "pin": 26}), "battery lacks 'ratio'", id="no ratio"),
        pytest.param(
            _s3(cell={"id": "x", "capacity_n": 0, "coefficients": (0.0, 1.0)}),
            "cell capacity_n must be above 0, up to 10000, and is 0",
            id="capacity",
        ),
        pytest.param(
            _s3(cell={"id": "x", "capacity_n": 50.0, "coefficients": (0.0, 0.0)}),
            "cell coefficients must be 2 to 4 numbers, newtons by counts, the second not 0",
            id="no slope",
        ),
        pytest.param(
            _s3(cell={"id": "x", "capacity_n": 50.0, "coefficients": (float("nan"), 1.0)}),
            "cell coefficients must be 2 to 4 numbers, newtons by counts, the second not 0",
            id="not a number",
        ),
        pytest.param(
            _with("imu", axes=(2, 1, 3)),
            "imu axes must be 1, 2 and 3, each once and with its sign, right-handed: not (2, 1, 3)",
            id="left hand",
        ),
        pytest.param(
            _with("imu", driver="BMI270"),
            "imu: BMI270 needs 'config', the name of a file with its maker's configuration",
            id="no configuration",
        ),
        pytest.param(_s3(bluetooth=1), "bluetooth must be True or False", id="bluetooth"),
        pytest.param(_s3(name=""), "name must be a text of 1 to 40 bytes", id="name"),
        pytest.param(_s3(idle_s=-1), "idle_s must be a whole number, 0 to 86400, and is -1", id="idle"),
    ],
)
def test_what_can_not_be_is_said_in_words_and_alone(wiring: Wiring, fault: str) -> None:
    assert pins.faults_of(wiring) == [fault]


def test_a_misspelt_part_is_not_passed_over() -> None:
    (fault,) = pins.faults_of(_s3(buzer=18, buzzer=...))
    assert fault.startswith("WIRING: nothing is called 'buzer'; known: adc, battery, bluetooth, button, buzzer, ")


def test_a_wiring_for_another_chip_is_told() -> None:
    assert pins.faults_of(_wiring_of("esp32_c3"), "ESP32-S3") == [
        "the wiring is one for ESP32-C3, and this is ESP32-S3"
    ]
    assert pins.faults_of(_s3(chip="ESP32-S3 octal"), "ESP32-S3") == []


def test_an_output_on_a_pin_that_is_an_input_only_is_told() -> None:
    chip = pins.Chip("esp32", tuple(range(40)), {}, (34, 35), {}, (), (0, 1), (1, 2), False, False, 60000)
    wiring = _s3(motor=34, chip="ESP32", battery=None)
    assert pins.faults_of(wiring, "", {"ESP32": chip}) == ["motor: pin 34 is an input only"]
    assert pins.faults_of({**wiring, "motor": 21, "button": 34}, "", {"ESP32": chip}) == []


def test_all_that_is_wrong_is_said_at_once() -> None:
    faults = pins.faults_of(_s3(motor=27, buzzer=22, button="7"))
    assert faults == [
        "buzzer: there is no pin 22",
        "motor: pin 27 belongs to the flash",
        "button: a pin is a number, not str '7'",
    ]


@pytest.mark.parametrize("wiring", [None, [], "WIRING", 5])
def test_what_is_no_table_is_no_wiring(wiring: Any) -> None:
    (fault,) = pins.faults_of(wiring)
    assert fault.startswith("WIRING must be a table {…}, and is ")


@pytest.mark.parametrize("driver", sorted(parts.CONVERTERS))
def test_every_rate_of_every_driver_can_be_wired_on_a_pico(driver: str) -> None:
    part = parts.CONVERTERS[driver]
    for rate_hz in part.rates_hz:
        adc: dict[str, Any] = {"driver": driver, "rate_hz": rate_hz}
        adc.update(zip(part.pins + part.spare_pins, (0, 1, 2), strict=False))
        wiring = _pico(adc=adc, spi={"id": 1, "sck": 10, "mosi": 11, "miso": 12})
        assert pins.faults_of(wiring, "RP2040") == []


def test_a_converter_that_nobody_hears_ready_is_asked_no_faster_than_a_tool_surely_asks() -> None:
    assert pins.faults_of(_s3(adc={"driver": "NAU7802", "rate_hz": 80})) == []
    assert pins.faults_of(_s3(adc={"driver": "NAU7802", "rate_hz": 320, "ready": 10})) == []
    (fault,) = pins.faults_of(_s3(adc={"driver": "NAU7802", "rate_hz": 320}))
    assert "needs its 'ready' pin (DRDY) wired" in fault
    assert fault.endswith("or take 80/s")


def test_a_converter_of_ones_own_states_its_rate_and_its_pins() -> None:
    make = dict
    assert pins.faults_of(_s3(adc={"driver": make, "rate_hz": 320, "pins": (4, 5)})) == []
    assert pins.faults_of(_s3(adc={"driver": make, "rate_hz": 320, "pins": (4, 21)})) == [
        "pin 21 is used twice: adc and motor"
    ]
    assert pins.faults_of(_s3(adc={"driver": make})) == ["adc lacks 'rate_hz'"]


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=3),
    max_leaves=5,
)


@given(_ANYTHING)
def test_nothing_that_board_py_may_hold_ends_the_check(wiring: object) -> None:
    assert pins.faults_of(wiring, "RP2040")


@given(st.sampled_from(sorted(_s3())), st.none() | st.integers(0, 3), _ANYTHING)
def test_no_value_of_a_part_ends_the_check(part: str, depth: int | None, value: object) -> None:
    wiring = _s3()
    table = wiring[part]
    if depth is not None and isinstance(table, dict):
        name = sorted(table)[depth % len(table)]
        wiring[part] = {**table, name: value}
    else:
        wiring[part] = value
    assert all(isinstance(fault, str) and fault for fault in pins.faults_of(wiring))
