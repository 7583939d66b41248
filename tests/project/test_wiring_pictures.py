"""The pictures of docs/hardware/wiring show what the boards' tables say, and can be read."""

from __future__ import annotations

import importlib
import itertools
import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import pytest

from iastm_firmware import pins
from iastm_firmware.boards import parts

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs/hardware/wiring"
_SVG = "{http://www.w3.org/2000/svg}"


def _script(name: str) -> ModuleType:
    """Return a module of scripts/, which is no package that is installed."""
    sys.path.insert(0, str(ROOT))
    try:
        return importlib.import_module(f"scripts.{name}")
    finally:
        sys.path.remove(str(ROOT))


draw_wiring, wirings = _script("draw_wiring"), _script("wirings")


ALL = [
    pytest.param(board, chip, id=draw_wiring.name_of(board, chip)) for board in wirings.BOARDS for chip in wirings.CHIPS
]


def _texts(picture: str) -> list[tuple[float, float, str, str]]:
    """Return x, y, class and words of each text."""
    root = ElementTree.fromstring(picture)
    return [
        (float(text.attrib["x"]), float(text.attrib["y"]), text.attrib.get("class", ""), text.text or "")
        for text in root.iter(f"{_SVG}text")
    ]


def _pins_of(wiring: dict[str, Any]) -> set[int]:
    """Return the numbers of the pins that a table names for parts that may lie beside the board."""
    adc = wiring["adc"]
    named = {adc[pin] for pin in parts.CONVERTERS[adc["driver"]].pins}
    for bus in ("i2c", "spi"):
        named |= {pin for name, pin in wiring.get(bus, {}).items() if name not in {"id", "hz"}}
    return named | {wiring[part] for part in ("buzzer", "motor", "button") if wiring[part] is not None}


def test_the_committed_files_are_those_that_the_script_makes_of_the_tables_of_today() -> None:
    kept = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}
    assert kept == draw_wiring.files(), "run python -m scripts.draw_wiring"


def test_every_board_and_every_converter_has_its_picture() -> None:
    folder = Path(pins.__file__).parent / "boards"
    boards = {path.stem for path in folder.glob("*.py") if "WIRING =" in path.read_text(encoding="utf-8")}
    assert {board.module for board in wirings.BOARDS} == boards
    drivers = {wirings.wiring_of(board, chip)["adc"]["driver"] for board in wirings.BOARDS for chip in wirings.CHIPS}
    assert drivers == set(parts.CONVERTERS)


@pytest.mark.parametrize(("board", "chip"), ALL)
def test_the_firmware_finds_nothing_wrong_with_what_is_shown(board: Any, chip: str) -> None:
    assert pins.faults_of(wirings.wiring_of(board, chip)) == []


@pytest.mark.parametrize(("board", "chip"), ALL)
def test_each_pin_of_the_table_stands_in_the_picture_once(board: Any, chip: str) -> None:
    words = [text for *_, text in _texts(draw_wiring.draw(board, chip))]
    for pin in _pins_of(wirings.wiring_of(board, chip)):
        shown = [text for text in words if f"GPIO {pin})" in text or text.startswith(f"GP{pin} ")]
        assert len(shown) == 1, (pin, shown)


@pytest.mark.parametrize(("board", "chip"), ALL)
def test_the_board_file_of_the_page_is_the_table_that_is_drawn(board: Any, chip: str) -> None:
    source = wirings.board_file(board, chip)
    made: dict[str, Any] = {}
    exec(source or f"from iastm_firmware.boards.{board.module} import WIRING", made)
    assert made["WIRING"] == wirings.wiring_of(board, chip)
    assert source in draw_wiring.page()


@pytest.mark.parametrize(("board", "chip"), ALL)
def test_each_wire_has_its_colour_in_words(board: Any, chip: str) -> None:
    root = ElementTree.fromstring(draw_wiring.draw(board, chip))
    colours = {value: name for name, value in draw_wiring.COLOURS.items()}
    lines = [line.attrib for line in root.iter(f"{_SVG}line") if line.attrib["y1"] == line.attrib["y2"]]
    drawn = [(colours[line["stroke"]], float(line["y1"])) for line in lines if line["stroke-width"] == "4.5"]
    told = [(text, y + 7) for _, y, kind, text in _texts(draw_wiring.draw(board, chip)) if kind == "w"]
    assert len(drawn) >= 8
    assert sorted(drawn) == sorted(told)


@pytest.mark.parametrize(("board", "chip"), ALL)
def test_no_words_lie_on_other_words_or_outside_the_picture(board: Any, chip: str) -> None:
    picture = draw_wiring.draw(board, chip)
    _, _, width, height = (float(each) for each in ElementTree.fromstring(picture).attrib["viewBox"].split())
    places = _texts(picture)
    # As wide as the widest usual letters make it.
    letter = {"": 8.0, "t": 10.5, "h": 12.0, "n": 7.0, "w": 7.0}
    anchors = [text.attrib.get("text-anchor", "start") for text in ElementTree.fromstring(picture).iter(f"{_SVG}text")]
    boxes = []
    for (x, y, kind, words), anchor in zip(places, anchors, strict=True):
        long = letter[kind] * len(words)
        left = x - {"start": 0.0, "middle": long / 2, "end": long}[anchor]
        assert left >= 0, words
        assert left + long <= width, words
        assert 0 < y < height, words
        boxes.append((left, left + long, y, words))
    for one, other in itertools.combinations(boxes, 2):
        apart = one[1] <= other[0] or other[1] <= one[0] or abs(one[2] - other[2]) >= 14
        assert apart, (one, other)
