"""What docs/hardware and docs/firmware.md say in tables is what the code has; every link leads somewhere."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from iastm_firmware import pins, signals
from iastm_firmware.boards import parts
from iastm_host.tool import words
from iastm_protocol import gestures
from iastm_protocol.limits import DEBOUNCE_SAMPLES

ROOT = Path(__file__).parents[2]
BUILD_ONE = ROOT / "docs/hardware/build-one.md"
FIRMWARE = ROOT / "docs/firmware.md"
PAGES = [BUILD_ONE, FIRMWARE, ROOT / "docs/boards.md", ROOT / "docs/hardware/wiring/README.md"]
_COLOURS = {signals.WHITE: "white", signals.YELLOW: "yellow", signals.RED: "red", signals.BLUE: "blue"}


def _rows(page: Path, heading: str) -> list[list[str]]:
    """Return the cells of the first table below a heading, without its head."""
    _, _, below = page.read_text(encoding="utf-8").partition(f"# {heading}\n")
    (table,) = re.findall(r"(?:^\|.*\n)+", below.split("\n#", maxsplit=1)[0], re.MULTILINE)[:1]
    lines = table.strip().split("\n")[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def _milliseconds(steps: tuple[int, ...]) -> str:
    return ", ".join(str(step) for step in steps)


def _said(pattern: signals.Pattern) -> list[str]:
    rhythm = _milliseconds(pattern.light_ms) if len(pattern.light_ms) > 1 else "steady"
    pulses = _milliseconds(pattern.pulse_ms) + (", again and again" if pattern.repeats else "")
    tone = f"{pattern.buzzer_hz} Hz" if pattern.buzzer_hz else "–"
    return [pattern.name, _COLOURS[pattern.light], rhythm, tone, pulses or "–"]


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_what_light_buzzer_and_motor_say_is_the_firmwares_table() -> None:
    rows = _rows(BUILD_ONE, "What light, buzzer and motor say")
    assert [row[:5] for row in rows] == [_said(pattern) for pattern in signals.PATTERNS]


def test_the_buttons_gestures_are_those_of_the_one_table() -> None:
    told = [(row[0], row[2]) for row in _rows(BUILD_ONE, "The button")]
    table = (*gestures.GESTURES, gestures.HOLD_AT_START)
    assert told == [(gesture.name, gesture.does) for gesture in table]
    text = BUILD_ONE.read_text(encoding="utf-8")
    for time_ms in (gestures.LONG_MS, gestures.DOUBLE_WITHIN_MS, gestures.SAFE_HOLD_MS):
        assert f"{time_ms} ms" in text


def test_every_trouble_that_is_explained_is_one_that_the_firmware_says() -> None:
    firmware = ROOT / "firmware_micropython/iastm_firmware"
    # Words that a line's end divides are one text.
    code = " ".join(path.read_text(encoding="utf-8") for path in sorted(firmware.rglob("*.py")))
    said = [phrase for row in _rows(BUILD_ONE, "When hello says trouble") for phrase in re.findall("`(.+?)`", row[0])]
    assert len(said) > 10
    assert [phrase for phrase in said if phrase not in code] == []


def test_every_fault_has_its_cause_and_cure() -> None:
    rows = _rows(FIRMWARE, "Faults")
    assert [row[0] for row in rows] == list(words.FAULTS.values())
    assert all(len(row) == 3 and all(row) for row in rows)


def test_a_tips_weight_in_the_picture_is_that_of_the_page() -> None:
    words_of_picture = (BUILD_ONE.parent / "where-the-cell-sits.svg").read_text(encoding="utf-8")
    weight_n = 0.050 * 9.81
    assert f"{weight_n:.2f} N pulls" in words_of_picture
    assert f"{weight_n / 2:.2f} N, half of it" in words_of_picture
    assert f"a tip of 50 g moves zero by up to {weight_n:.2f} N" in BUILD_ONE.read_text(encoding="utf-8")


def test_every_converter_of_the_firmware_is_named_where_one_is_chosen() -> None:
    text = BUILD_ONE.read_text(encoding="utf-8")
    assert [name for name in parts.CONVERTERS if name not in text] == []


def test_the_latency_from_skin_to_motor_is_the_sum_of_its_parts() -> None:
    rates_hz = {
        "NAU7802": 80,
        "NAU7802, its ready pin wired": 320,
        "ADS1220": 330,
        "HX711": 80,
        "ADS1232": 80,
    }
    # Conversions until a filter is settled (four; one of the ADS1220), and one for a step that comes amid the first.
    conversions = {"NAU7802": 5, "ADS1220": 2, "HX711": 5, "ADS1232": 5}
    rows = _rows(FIRMWARE, "Latency")
    assert {row[0] for row in rows} == set(rates_hz)
    for kind, rate, settled, second, looked_at, total in rows:
        name = kind.split(",")[0]
        period_ms = 1000 / rates_hz[kind]
        assert rates_hz[kind] in parts.CONVERTERS[name].rates_hz
        assert rate == f"{rates_hz[kind]}/s"
        assert float(settled) == pytest.approx(conversions[name] * period_ms, abs=0.06)
        assert float(second) == pytest.approx((DEBOUNCE_SAMPLES - 1) * period_ms, abs=0.06)
        assert float(total) == pytest.approx(conversions[name] * period_ms + period_ms + float(looked_at), abs=0.06)


def test_the_latency_of_the_tool_as_delivered_stands_first_with_the_rate_of_the_boards() -> None:
    first = _rows(FIRMWARE, "Latency")[0]
    for module in ("esp32_s3", "esp32_c3", "pico_w", "pico_2_w"):
        adc = importlib.import_module(f"iastm_firmware.boards.{module}").WIRING["adc"]
        assert first[:2] == [adc["driver"], f"{adc['rate_hz']}/s"]


def test_the_wire_that_320_conversions_per_second_need_is_at_a_pin_that_is_free() -> None:
    modules = {"Feather ESP32-S3": "esp32_s3", "QT Py ESP32-C3": "esp32_c3", "Pico 2 WH": "pico_2_w"}
    rows = _rows(BUILD_ONE, "320 conversions per second")
    assert {row[0] for row in rows} == set(modules)
    for board, _, ready in rows:
        wiring = dict(importlib.import_module(f"iastm_firmware.boards.{modules[board]}").WIRING)
        wiring["adc"] = {"driver": "NAU7802", "rate_hz": 320, "gain": 128, "ready": int(ready)}
        assert pins.faults_of(wiring) == [], board


def test_the_flash_that_the_code_takes_is_what_it_takes_within_a_tenth() -> None:
    (told,) = re.findall(r"the code takes about (\d+) kB of flash", FIRMWARE.read_text(encoding="utf-8"))
    script = ROOT / "scripts/firmware_sizes.py"
    done = subprocess.run([sys.executable, script, "--json"], capture_output=True, text=True, timeout=120, check=True)
    sizes = json.loads(done.stdout).values()
    for architecture in next(iter(sizes)):
        assert sum(size[architecture] for size in sizes) == pytest.approx(1000 * int(told), rel=0.1), architecture


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file_and_a_heading_that_there_are(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if not link.startswith("http")]
    assert links
    for link in links:
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.is_file(), link
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in [_anchor(heading) for heading in headings], link
