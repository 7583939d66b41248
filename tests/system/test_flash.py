"""`iastm flash` as its users start it: drives as folders, an ESP32 as a scripted ROM loader, a board that runs.

The command is always given its port: without one it would look for boards on the computer that runs the tests.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.host.workbench.flash_bench import RP2040_INFO, RP2350_INFO
from tests.host.workbench.image_files import BANNER, ESP32_C3, ESP32_S3, RP2350_ARM_S, esp_file, esp_program, uf2_file
from tests.host.workbench.rom_loader import PSRAM_2_MB, S3, RomLoader
from tests.played_board.played import PlayedBoard, played_boards

from iastm_host.cli.flash import Helpers, Wish, make_tool
from iastm_host.cli.flash import _what_runs as what_runs
from iastm_host.cli.tool import is_played
from iastm_host.cli.wiring_deploy import deploy_to
from iastm_host.transports.ports import SerialPort
from iastm_host.transports.repl import RawRepl
from iastm_host.transports.runtime import source_hash
from iastm_host.workbench.deploy import RUNS, Step
from iastm_host.workbench.drives import IMAGE_NAME, INFO_FILE
from iastm_host.workbench.esp import Esptool
from iastm_host.workbench.flash_target import Desk, find_target

pytestmark = pytest.mark.skipif(os.name == "nt", reason="plays ports as pseudo-terminals")
pytest.importorskip("mpremote")
pytest.importorskip("esptool")

Iastm = Callable[..., Any]
Started = Callable[..., subprocess.Popen[str]]
FROZEN = BANNER + b"iastm_firmware/app.py\0" + bytes(300_000)
PICO_2_W = "Raspberry Pi Pico 2 W with RP2350"
PATIENCE_S = 60.0


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    folder = tmp_path / "RPI-RP2"
    folder.mkdir()
    (folder / INFO_FILE).write_bytes(RP2040_INFO)
    return folder


@pytest.fixture
def drive_2350(tmp_path: Path) -> Path:
    folder = tmp_path / "RP2350"
    folder.mkdir()
    (folder / INFO_FILE).write_bytes(RP2350_INFO)
    return folder


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "tool.uf2"
    path.write_bytes(uf2_file(FROZEN))
    return path


@pytest.fixture
def loader() -> Iterator[Callable[..., RomLoader]]:
    made: list[RomLoader] = []

    def make(*arguments: Any, **more: Any) -> RomLoader:
        made.append(RomLoader(*arguments, **more))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Callable[..., PlayedBoard]]:
    with played_boards(tmp_path) as make:
        yield make


def refused(ran: Any, *words: str) -> None:
    assert ran.code == 2, ran.err
    for word in words:
        assert word in ran.err
    assert "Traceback" not in ran.err


def until(condition: Callable[[], object]) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(0.001)


def esp_image(tmp_path: Path, chip: int, *holds: bytes) -> Path:
    path = tmp_path / "tool.bin"
    application = esp_program(chip, (BANNER + b"".join(holds) + os.urandom(100_000),))
    path.write_bytes(esp_file(chip, application=application))
    return path


def test_an_image_for_another_chip_is_refused_before_anything_is_written(
    iastm: Iastm, drive: Path, tmp_path: Path
) -> None:
    ran = iastm("flash", "--port", drive, "--image", esp_image(tmp_path, ESP32_C3), "--yes")
    refused(ran, "Wrong chip", "ESP32-C3", "RP2040", "Nothing was written", "--image")
    assert sorted(path.name for path in drive.iterdir()) == [INFO_FILE]


@pytest.mark.parametrize("board", ["pico_w", "pico"])
def test_a_board_that_can_not_hold_the_tool_is_told_so_before_anything_is_written(
    iastm: Iastm, drive: Path, tmp_path: Path, board: str
) -> None:
    plain = tmp_path / "plain.uf2"
    plain.write_bytes(uf2_file())
    ran = iastm("flash", "--port", drive, "--board", board, "--image", plain, "--yes")
    refused(ran, "only frozen into the image", "Nothing was written", "docs/boards.md", "--anyway")
    assert not (drive / IMAGE_NAME).exists()


def test_nothing_is_written_or_downloaded_where_nobody_can_be_asked(
    iastm: Iastm, drive: Path, drive_2350: Path, image: Path
) -> None:
    ran = iastm("flash", "--port", drive, "--image", image)
    refused(ran, "Nobody is here to be asked", "--yes")
    ran = iastm("flash", "--port", drive_2350, "--board", "pico_2")
    refused(ran, "https://micropython.org/resources/firmware/RPI_PICO2-", "--yes", "--image")
    assert not (drive / IMAGE_NAME).exists()
    assert not (drive_2350 / IMAGE_NAME).exists()


def test_a_pico_that_is_unplugged_in_mid_flash_is_told_what_cures_it(
    started: Started, drive: Path, image: Path
) -> None:
    flashing = started("flash", "--port", drive, "--image", image, "--yes")
    until(lambda: (drive / IMAGE_NAME).exists() or flashing.poll() is not None)
    (drive / INFO_FILE).unlink()
    _, err = flashing.communicate(timeout=PATIENCE_S)
    assert flashing.returncode == 2
    # Where the last piece was on its way already, what is missing is the board's port.
    assert "went away in the middle of being written" in err or "does not come back with a port" in err
    assert "flashing again cures it" in err
    assert "Traceback" not in err


def test_a_drive_without_room_is_told(iastm: Iastm, tmp_path: Path, image: Path) -> None:
    place = tmp_path / "small"
    place.mkdir()
    if (
        os.geteuid() != 0
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64k", "drive", str(place)], check=False, capture_output=True
        ).returncode
    ):
        pytest.skip("only root mounts a file system")
    try:
        (place / INFO_FILE).write_bytes(RP2040_INFO)
        refused(iastm("flash", "--port", place, "--image", image, "--yes"), "There is no room", "BOOTSEL")
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_port_that_another_program_holds_names_it(iastm: Iastm, tmp_path: Path, image: Path) -> None:
    master, slave = os.openpty()
    port = os.ttyname(slave)
    script = tmp_path / "serial_plotter.py"
    script.write_text(
        "import serial, sys\n"
        "port = serial.Serial(sys.argv[1], exclusive=True)\n"
        "print('open', flush=True)\n"
        "sys.stdin.read()\n"
    )
    holder = subprocess.Popen(
        [sys.executable, str(script), port], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        ran = iastm("flash", "--port", port, "--image", image, "--yes")
        refused(ran, f"{port} is busy: serial_plotter.py (process {holder.pid})", "Close that program")
    finally:
        holder.communicate()
        os.close(slave)
        os.close(master)


def test_an_interrupt_in_mid_flash_says_that_flashing_again_cures_it_and_ends_esptool(
    started: Started, loader: Callable[..., RomLoader], tmp_path: Path
) -> None:
    played = loader(S3, psram=PSRAM_2_MB, stops_after=30_000)
    image = esp_image(tmp_path, ESP32_S3)
    flashing = started("flash", "--port", played.port, "--image", image, "--yes")
    assert played.stopped.wait(PATIENCE_S)
    flashing.send_signal(signal.SIGINT)
    _, err = flashing.communicate(timeout=PATIENCE_S)
    assert flashing.returncode == 130
    assert "flashing again cures it" in err
    assert "Traceback" not in err


def test_a_board_that_runs_somebody_elses_main_loop_is_left_alone_and_runs_on(
    iastm: Iastm, board: Callable[..., PlayedBoard], image: Path
) -> None:
    played = board()
    played.put({"/main.py": b"import time\nprint('robot runs')\nwhile True:\n time.sleep(0.1)\n"})
    played.power_on()
    played.wait_for("robot runs")
    ran = iastm("flash", "--port", played.port, "--image", image, "--yes")
    refused(ran, "somebody else's main.py", "runs on", "--replace-main")
    played.wait_for("robot runs")


def test_a_pico_in_its_bootloader_becomes_a_demo_tool_that_streams(
    iastm: Iastm, board: Callable[..., PlayedBoard], drive_2350: Path, tmp_path: Path, size: Callable[[int, int], int]
) -> None:
    """The drive is a folder, the board behind it a real MicroPython; deploy and hello are the real ones."""
    image = tmp_path / "RPI_PICO2_W-20260824-v1.29.0.uf2"
    image.write_bytes(uf2_file(BANNER + bytes(100_000), RP2350_ARM_S, ignored_first=True))
    played = board(implementation={"_machine": PICO_2_W})
    rom = threading.Thread(target=_take_image, args=(drive_2350, image, played))
    rom.start()
    said: list[str] = []
    steps: list[Step] = []

    port = str(played.port)
    here = SerialPort(port, 0x2E8A, 0x0005, "", "Board in FS mode", "MicroPython")
    helpers = Helpers(
        desk=Desk(
            ports=lambda: [here] if played.port.exists() else [],
            drives=list,
            repl=lambda device, within_s: RawRepl(device, open_within_s=within_s),
            esptool=Esptool,
            clock=time.monotonic,
            wait=time.sleep,
            tell=steps.append,
        ),
        cache=tmp_path / "cache",
        ask=lambda _question: True,
        know=None,
        fetch=_never,
        shown=lambda: contextlib.nullcontext(steps.append),
        deploy=deploy_to,
        confirm=what_runs,
        is_played=is_played,
        self_test=_no_test,
        say=said.append,
        warn=said.append,
    )
    code = make_tool(Wish(port=str(drive_2350), board="pico_2_w", image=image, demo=True), helpers)
    rom.join()
    text = "\n".join(said)
    assert code == 0, text
    assert [step.name for step in steps].index("write") < [step.name for step in steps].index("send")
    assert f"MicroPython v1.29.0 is on the board, which came up at {port}." in text
    assert "runs on the tool" in text
    assert f"iastm run --port {port}" in text
    # It streams the scenario, and a live view says so.
    ran = iastm("run", "--port", port, "--headless", "--duration", "4", "--json").json
    assert ran["samples"]["received"] > 200
    assert ran["strokes"]
    if not size(0, 1):
        return
    # It can be asked what it is while its firmware runs, and runs on: it is flashed again without a button.
    again = find_target(helpers.desk, port, "pico_2_w")
    assert (again.chip, again.machine) == ("RP2350", PICO_2_W)
    assert what_runs(port, source_hash()).state == RUNS


def _take_image(drive: Path, image: Path, board: PlayedBoard) -> None:
    """Play the ROM: once the image is whole, the drive goes and the board starts with an empty file system."""
    written = drive / IMAGE_NAME
    until(lambda: written.exists() and written.stat().st_size == image.stat().st_size)
    assert written.read_bytes() == image.read_bytes()
    (drive / INFO_FILE).unlink()
    board.power_on()


def _never(*_: object) -> Path:
    raise AssertionError("nothing may be downloaded")


def _no_test(_port: str) -> int:
    raise AssertionError("what is played has nothing to test")
