from collections.abc import Callable
from pathlib import Path

import pytest
from tests.host.workbench.flash_bench import (
    BRIDGE,
    PICO,
    RP2350_INFO,
    S3_FEATHER,
    S3_JTAG,
    S3_MICROPYTHON,
    Bench,
    Chip,
    Prompt,
)
from tests.host.workbench.image_files import BANNER, RP2350_ARM_S, esp_file, uf2_file

from iastm_host.events import Problem
from iastm_host.workbench.drives import IMAGE_NAME, INFO_FILE
from iastm_host.workbench.flash import INTERRUPTED, check_erase, flash_board
from iastm_host.workbench.flash_target import Target, find_target
from iastm_host.workbench.images import Image, read_image

PICO_MACHINE = "Raspberry Pi Pico 2 W with RP2350"


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def pico_image(tmp_path: Path) -> Image:
    path = tmp_path / "pico.uf2"
    path.write_bytes(uf2_file(BANNER + bytes(100_000), RP2350_ARM_S, ignored_first=True))
    return read_image(path)


@pytest.fixture
def s3_image(tmp_path: Path) -> Image:
    path = tmp_path / "s3.bin"
    path.write_bytes(esp_file())
    return read_image(path)


class Taker:
    """Plays the RP2350's ROM: once the image is whole its drive goes, and after a while MicroPython comes."""

    def __init__(self, bench: Bench, folder: Path, image: Image, comes: Callable[[], object] = lambda: None) -> None:
        self.folder = folder
        self._bench = bench
        self._image = image
        self._comes = comes
        self.got = b""
        bench.later(0.0, self.look)

    def look(self) -> None:
        written = self.folder / IMAGE_NAME
        if written.exists() and written.stat().st_size == self._image.bytes_:
            self.got = written.read_bytes()
            (self.folder / INFO_FILE).unlink()
            self._bench.drives.clear()
            self._bench.later(2.0, self._comes)
        else:
            self._bench.later(0.0, self.look)


def test_a_pico_in_its_bootloader_gets_the_image_by_its_drive_and_comes_up_at_a_port(
    bench: Bench, tmp_path: Path, pico_image: Image
) -> None:
    bench.plug_in("/dev/ttyACM0", BRIDGE)
    folder = tmp_path / "RP2350"
    bench.show_drive(folder, RP2350_INFO)
    taker = Taker(bench, folder, pico_image, lambda: bench.plug_in("/dev/ttyACM1", PICO))
    target = find_target(bench.desk(), str(folder), None)
    assert flash_board(bench.desk(), target, pico_image) == "/dev/ttyACM1"
    assert taker.got == pico_image.path.read_bytes()
    writes = [step for step in bench.steps if step.name == "write"]
    assert (writes[0].done, writes[-1].done) == (0, pico_image.bytes_)
    assert bench.names()[-2:] == ["write", "port"]


def test_a_pico_that_runs_needs_no_button(bench: Bench, tmp_path: Path, pico_image: Image) -> None:
    bench.plug_in("/dev/ttyACM0", PICO)
    folder = tmp_path / "RP2350"
    taker = Taker(bench, folder, pico_image, lambda: bench.plug_in("/dev/ttyACM0", PICO))

    def restarts() -> None:
        bench.pull("/dev/ttyACM0")
        bench.later(1.0, lambda: bench.show_drive(folder, RP2350_INFO))

    bench.prompts["/dev/ttyACM0"] = Prompt(PICO_MACHINE, into_bootloader=restarts)
    target = find_target(bench.desk(), None, None)
    assert flash_board(bench.desk(), target, pico_image) == "/dev/ttyACM0"
    assert taker.got == pico_image.path.read_bytes()
    assert bench.names().index("bootloader") < bench.names().index("write")


def test_a_pico_whose_drive_does_not_appear_runs_as_before_once_it_is_plugged_in_again(
    bench: Bench, pico_image: Image
) -> None:
    bench.plug_in("/dev/ttyACM0", PICO)
    bench.prompts["/dev/ttyACM0"] = Prompt(PICO_MACHINE, into_bootloader=lambda: bench.pull("/dev/ttyACM0"))
    target = find_target(bench.desk(), None, None)
    with pytest.raises(Problem, match=r"its drive does not appear within 20 s\. Nothing was written") as raised:
        flash_board(bench.desk(), target, pico_image)
    assert "it runs as before" in raised.value.fix


def test_an_image_that_brings_no_port_is_told_and_what_to_do(bench: Bench, tmp_path: Path, pico_image: Image) -> None:
    folder = tmp_path / "RP2350"
    bench.show_drive(folder, RP2350_INFO)
    Taker(bench, folder, pico_image)
    with pytest.raises(Problem, match="does not come back with a port within 30 s") as raised:
        flash_board(bench.desk(), find_target(bench.desk(), None, None), pico_image)
    assert "iastm deploy" in raised.value.fix
    assert "flashing again cures it" in raised.value.fix


def s3(bench: Bench, after: Callable[[], None] = lambda: None, fails: BaseException | None = None) -> Target:
    bench.plug_in("/dev/ttyACM0", S3_JTAG)
    bench.chips["/dev/ttyACM0"] = Chip(S3_FEATHER, after, fails)
    return find_target(bench.desk(), None, None)


def test_an_esp32_that_comes_back_under_another_name_is_found(bench: Bench, s3_image: Image) -> None:
    def restarts() -> None:
        bench.pull("/dev/ttyACM0")
        bench.later(2.0, lambda: bench.plug_in("/dev/ttyACM3", S3_MICROPYTHON))

    assert flash_board(bench.desk(), s3(bench, restarts), s3_image) == "/dev/ttyACM3"


def test_an_esp32_that_comes_back_under_its_own_name_is_waited_for(bench: Bench, s3_image: Image) -> None:
    def restarts() -> None:
        bench.pull("/dev/ttyACM0")
        bench.later(2.0, lambda: bench.plug_in("/dev/ttyACM0", S3_MICROPYTHON))

    assert flash_board(bench.desk(), s3(bench, restarts), s3_image) == "/dev/ttyACM0"
    assert bench.now_s >= 2.0


def test_what_another_person_plugs_in_meanwhile_is_not_taken_for_the_esp32(bench: Bench, s3_image: Image) -> None:
    def restarts() -> None:
        bench.pull("/dev/ttyACM0")
        bench.plug_in("/dev/ttyACM1", PICO)
        bench.plug_in("/dev/ttyUSB0", BRIDGE)
        bench.later(2.0, lambda: bench.plug_in("/dev/ttyACM3", S3_MICROPYTHON))

    assert flash_board(bench.desk(), s3(bench, restarts), s3_image) == "/dev/ttyACM3"


def test_an_esp32_is_known_by_its_serial_number_under_whatever_numbers_it_comes_back(
    bench: Bench, s3_image: Image
) -> None:
    bench.plug_in("/dev/ttyACM0", S3_JTAG, "84:F7:03")

    def restarts() -> None:
        bench.pull("/dev/ttyACM0")
        bench.plug_in("/dev/ttyACM1", (0x1209, 0x0001), "1")
        bench.later(2.0, lambda: bench.plug_in("/dev/ttyACM2", (0x1209, 0x0001), "84:F7:03"))

    bench.chips["/dev/ttyACM0"] = Chip(S3_FEATHER, restarts)
    assert flash_board(bench.desk(), find_target(bench.desk(), None, None), s3_image) == "/dev/ttyACM2"


def test_a_port_that_stays_as_that_of_a_bridge_does_is_taken_after_a_while(bench: Bench, s3_image: Image) -> None:
    assert flash_board(bench.desk(), s3(bench), s3_image) == "/dev/ttyACM0"
    assert 3.0 <= bench.now_s < 5.0


def test_an_esp32_that_does_not_come_back_is_told_to_press_reset(bench: Bench, s3_image: Image) -> None:
    target = s3(bench, lambda: bench.pull("/dev/ttyACM0"))
    with pytest.raises(Problem, match="does not come back") as raised:
        flash_board(bench.desk(), target, s3_image)
    assert "Press RESET" in raised.value.fix


def test_erasing_is_passed_on_to_esptool_and_refused_of_a_drive(
    bench: Bench, tmp_path: Path, s3_image: Image, pico_image: Image
) -> None:
    target = s3(bench)
    flash_board(bench.desk(), target, s3_image, erase=True)
    flash_board(bench.desk(), target, s3_image)
    assert [erased for _, erased in bench.chips["/dev/ttyACM0"].written] == [True, False]
    folder = tmp_path / "RP2350"
    bench.show_drive(folder, RP2350_INFO)
    pico = find_target(bench.desk(), str(folder), None)
    with pytest.raises(Problem, match="can't erase") as raised:
        flash_board(bench.desk(), pico, pico_image, erase=True)
    assert "flash_nuke.uf2" in raised.value.fix
    assert not (folder / IMAGE_NAME).exists()
    check_erase(pico, erase=False)


def test_an_interrupt_amid_a_write_is_known_by_its_step_and_says_that_flashing_again_cures_it(
    bench: Bench, s3_image: Image
) -> None:
    with pytest.raises(KeyboardInterrupt):
        flash_board(bench.desk(), s3(bench, fails=KeyboardInterrupt()), s3_image)
    assert "flashing again cures it" in INTERRUPTED[bench.steps[-1].name]
