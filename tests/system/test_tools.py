"""`iastm tools`, and what other commands keep for it: real tools, a real update of a played board."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.played_board.played import PlayedBoard, played_boards

from iastm_host.app.tools_page.as_text import as_text
from iastm_host.app.tools_page.page import FIRMWARE, LOG
from iastm_host.app.tools_page.surroundings import Target
from iastm_host.app.tools_page.tools_page import READ, UPDATE, ToolsPage
from iastm_host.cli.tools import surroundings
from iastm_host.records.known_tools import KnownTool, KnownTools
from iastm_host.transports.runtime import source_hash

WAIT_S = 120.0
SEEN = "2026-11-21T10:00:00+01:00"


def test_a_computer_that_met_no_tool_says_what_to_do(iastm: Any) -> None:
    ran = iastm("tools", "--headless")
    assert ran.code == 0, ran.err
    assert "No tool yet" in ran.out
    assert "iastm flash" in ran.out
    # There is nothing to press in what was printed.
    assert "press" not in ran.out


@pytest.mark.parametrize(
    "command",
    [
        ("tool", "show", "--simulated", "--json"),
        ("link-test", "--simulated", "--duration", "1"),
        ("demo", "--headless", "--duration", "2"),
    ],
    ids=lambda command: command[0],
)
def test_whatever_meets_a_tool_makes_it_known(iastm: Any, command: tuple[str, ...]) -> None:
    assert iastm(*command).code in (0, 1)
    ran = iastm("tools", "--headless")
    assert ran.code == 0, ran.err
    (row,) = (line for line in ran.out.splitlines() if line.startswith("SIM-0001"))
    assert "Up to date" in row
    assert "82 %" in row


def test_a_tool_that_is_named_and_not_there_is_a_sentence_and_not_a_traceback(iastm: Any) -> None:
    ran = iastm("tools", "--headless", "--port", "/dev/ttyNOTHERE")
    assert ran.code == 2
    assert "There is no port /dev/ttyNOTHERE" in ran.out
    assert "Traceback" not in ran.out + ran.err


def test_a_tool_that_can_not_be_kept_is_shown_with_the_warning(iastm: Any, tmp_path: Path) -> None:
    folder = tmp_path / "iastm" / "known tools"
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("no folder")
    ran = iastm("tools", "--headless", "--simulated", XDG_DATA_HOME=str(tmp_path))
    assert ran.code == 2
    assert "This is not kept" in ran.out
    assert "SIM-0001" in ran.out


def test_without_a_display_it_says_what_headless_does(iastm: Any) -> None:
    ran = iastm("tools", DISPLAY=":4711", QT_QPA_PLATFORM="xcb")
    assert ran.code == 2
    assert "add --headless. That prints the list" in " ".join(ran.err.split())


def test_two_tools_can_not_be_named_at_once(iastm: Any) -> None:
    ran = iastm("tools", "--simulated", "--port", "/dev/ttyACM0")
    assert ran.code == 2
    assert "One tool is needed" in ran.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_window_opens_asks_the_tool_and_ends_with_a_signal(
    started: Callable[..., subprocess.Popen[str]], environment: dict[str, str], number: signal.Signals
) -> None:
    process = started("tools", "--simulated", QT_QPA_PLATFORM="offscreen")
    folder = known_folder(environment)
    until(lambda: folder.is_dir() and any(folder.glob("SIM-0001.json")))
    process.send_signal(number)
    out, err = process.communicate(timeout=WAIT_S)
    # The first by the window, the others where it was not there yet.
    assert process.returncode in (0, 130, 143)
    assert (out, err) == ("", "")


def known_folder(environment: dict[str, str]) -> Path:
    if sys.platform == "darwin":
        return Path(environment["HOME"]) / "Library" / "Application Support" / "iastm" / "known tools"
    return Path(environment["HOME"]) / ".local" / "share" / "iastm" / "known tools"


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def board(tmp_path: Path) -> Iterator[PlayedBoard]:
    with played_boards(tmp_path) as make:
        yield make()


@pytest.fixture
def own_folders(tmp_path: Path) -> Iterator[Path]:
    """Let this process keep its things below a folder of the test."""
    before = {name: os.environ.get(name) for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME")}
    os.environ |= dict.fromkeys(before, str(tmp_path / "kept"))
    yield tmp_path / "kept"
    for name, value in before.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value


@pytest.mark.skipif(sys.platform != "linux", reason="the folders of other systems are not told by XDG")
def test_a_board_without_firmware_gets_it_by_an_update_of_the_page_and_then_has_the_same(
    board: PlayedBoard, own_folders: Path
) -> None:
    board.put({"/board_name.txt": b"demo"})
    board.power_on()
    port = str(board.port)
    KnownTools(own_folders / "iastm" / "known tools").keep(KnownTool("T-03", "serial", port, SEEN))
    page = ToolsPage(surroundings(None))
    page.begin()
    assert page.wait(WAIT_S)
    page.turn_to(FIRMWARE)
    assert "Unknown" in page.text()
    page.do(UPDATE)
    page.answer(UPDATE)
    assert page.wait(WAIT_S)
    said = as_text(page.snapshot().blocks)
    assert "Updated" in said, said
    assert f"Sources\t{source_hash()}\t{source_hash()}" in said
    # The tool is asked again, and needs nothing.
    page.do(UPDATE)
    page.answer(UPDATE)
    assert page.wait(WAIT_S)
    assert "Nothing was written" in page.text()
    page.turn_to(LOG)
    for _ in range(2):
        page.do(READ)
        assert page.wait(WAIT_S)
    assert "nothing is new" in page.text()


def test_a_tool_at_a_port_is_the_target_that_was_named(own_folders: Path) -> None:
    page = ToolsPage(surroundings(None), Target("serial", "/dev/ttyNOTHERE"))
    page.begin()
    assert page.wait(WAIT_S)
    assert "There is no port" in page.text()
