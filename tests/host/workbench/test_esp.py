"""esptool itself against a scripted ROM loader: what is asked, what is written, and what is said when it goes wrong."""

import fcntl
import hashlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.host.workbench.image_files import esp_file, esp_program
from tests.host.workbench.rom_loader import C3, C6, FLASH_DATA, PSRAM_2_MB, PSRAM_8_MB, S3, RomLoader

from iastm_host.events import Problem
from iastm_host.transports.base import BUSY, NOT_FOUND, TransportError
from iastm_host.transports.ports import Holder
from iastm_host.workbench.boards import KINDS
from iastm_host.workbench.esp import EspChip, Esptool, check_image
from iastm_host.workbench.images import Image, read_image

pytest.importorskip("esptool")
_MB = 1024 * 1024
_ONE_TRY = ("--connect-attempts", "1")


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
def image(tmp_path: Path) -> Image:
    path = tmp_path / "micropython.bin"
    application = esp_program(S3.number, (random.Random(7).randbytes(60_000),))
    path.write_bytes(esp_file(S3.number, application=application))
    return read_image(path)


def esptool(port: str, **more: Any) -> Esptool:
    # Without a stub: the scripted loader runs no machine code.
    return Esptool(port, options=("--no-stub", *_ONE_TRY), **more)


@pytest.mark.parametrize(
    ("rom", "psram", "flash_mb", "kind", "psram_bytes"),
    [
        (C3, 0, 4, "esp32_c3", 0),
        (S3, PSRAM_2_MB, 4, "esp32_s3", 2 * _MB),
        (S3, 0, 8, "esp32_s3_8m", 0),
        (S3, PSRAM_8_MB, 16, "esp32_s3_octal", 8 * _MB),
        (C6, 0, 4, None, 0),
    ],
)
def test_a_chip_is_known_by_what_it_says_of_itself_and_nothing_is_written_for_it(
    loader: Callable[..., RomLoader], rom: Any, psram: int, flash_mb: int, kind: str | None, psram_bytes: int
) -> None:
    played = loader(rom, psram=psram, flash_mb=flash_mb)
    chip = esptool(played.port).identify()
    assert (chip.name, chip.flash_bytes, chip.psram_bytes) == (rom.name, flash_mb * _MB, psram_bytes)
    assert chip.kind is (KINDS[kind] if kind else None)
    assert f"{flash_mb} MB flash" in chip.words
    assert FLASH_DATA not in played.commands
    assert played.flash.count(0xFF) == len(played.flash)


def test_an_image_lies_in_the_flash_byte_for_byte_and_all_around_it_is_left_alone(
    loader: Callable[..., RomLoader], image: Image
) -> None:
    played = loader(S3, psram=PSRAM_2_MB)
    data = image.path.read_bytes()
    end = -(-len(data) // 4096) * 4096
    played.flash[end : end + 9] = b"calibrate"
    tool = esptool(played.port)
    steps: list[tuple[int, int]] = []
    tool.write(image, tool.identify(), lambda done, total: steps.append((done, total)))
    assert bytes(played.flash[: len(data)]) == data
    assert bytes(played.flash[end : end + 9]) == b"calibrate"
    assert [done for done, _ in steps] == sorted({done for done, _ in steps})
    assert steps[-1] == (len(data), len(data))
    assert len(steps) > 20


def test_with_its_stub_as_on_a_real_board_esptool_writes_the_same_and_erases_where_it_is_told_to(
    loader: Callable[..., RomLoader], image: Image
) -> None:
    played = loader(S3, psram=PSRAM_2_MB)
    played.flash[-9:] = b"calibrate"
    tool = Esptool(played.port, options=_ONE_TRY)
    chip = tool.identify()
    tool.write(image, chip, lambda _done, _total: None)
    assert played.stub_runs
    assert bytes(played.flash[: image.bytes_]) == image.path.read_bytes()
    assert bytes(played.flash[-9:]) == b"calibrate"
    played.stub_runs = False
    tool.write(image, chip, lambda _done, _total: None, erase=True)
    assert bytes(played.flash[: image.bytes_]) == image.path.read_bytes()
    assert bytes(played.flash[-9:]) == b"\xff" * 9


def test_the_image_of_the_tests_passes_esptools_own_checks(image: Image) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "esptool", "--chip", "esp32s3", "image-info", str(image.path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    assert "(valid)" in ran.stdout


def test_an_image_for_another_chip_is_refused_before_anything_is_sent(
    loader: Callable[..., RomLoader], image: Image
) -> None:
    played = loader(C3)
    tool = esptool(played.port)
    chip = tool.identify()
    sent = len(played.commands)
    with pytest.raises(Problem, match=r"Wrong chip: .*ESP32-S3.*ESP32-C3.*Nothing was written"):
        tool.write(image, chip, lambda _done, _total: None)
    assert len(played.commands) == sent


def test_a_board_that_was_exchanged_after_it_was_asked_is_not_written_to(
    loader: Callable[..., RomLoader], image: Image
) -> None:
    first = esptool(loader(S3).port).identify()
    played = loader(C3)
    with pytest.raises(Problem, match=r"Wrong chip: .*ESP32-S3.*ESP32-C3.*Nothing was written"):
        esptool(played.port).write(image, first, lambda _done, _total: None)
    assert played.erased_bytes == 0
    assert FLASH_DATA not in played.commands


def test_an_image_that_needs_more_flash_than_there_is_is_refused(image: Image) -> None:
    small = EspChip("ESP32-S3", "ESP32-S3", 1 * _MB, 0)
    with pytest.raises(Problem, match="needs a flash of 4 MB, and this board has 1 MB") as raised:
        check_image(image, small)
    assert "FLASH_4M" in raised.value.fix


def test_no_answer_says_how_to_hold_boot_and_press_reset(loader: Callable[..., RomLoader]) -> None:
    played = loader(S3, silent=True)
    with pytest.raises(Problem, match="answers as an Espressif bootloader") as raised:
        esptool(played.port).identify()
    assert "Hold BOOT" in raised.value.fix
    assert "RESET" in raised.value.fix


def test_a_cable_that_is_pulled_in_mid_flash_is_told_and_that_flashing_again_cures_it(
    loader: Callable[..., RomLoader], image: Image, tmp_path: Path
) -> None:
    quick = tmp_path / "esptool.cfg"
    quick.write_text("[esptool]\nconnect_attempts = 1\n")
    played = loader(S3, gone_after=20_000)
    tool = esptool(played.port, environment={**os.environ, "ESPTOOL_CFGFILE": str(quick)})
    chip = tool.identify()
    done: list[int] = []
    with pytest.raises(Problem, match="went away in the middle of being written") as raised:
        tool.write(image, chip, lambda now, _total: done.append(now))
    assert "flashing again cures it" in raised.value.fix
    assert 0 < max(done) < image.bytes_
    assert played.written_bytes >= 20_000


def test_flashing_again_cures_it(loader: Callable[..., RomLoader], image: Image) -> None:
    played = loader(S3)
    played.flash[:30_000] = bytes(30_000)
    tool = esptool(played.port)
    tool.write(image, tool.identify(), lambda _done, _total: None)
    assert hashlib.sha256(played.flash[: image.bytes_]).hexdigest() == image.sha256


def test_a_flash_that_reads_back_otherwise_is_told(loader: Callable[..., RomLoader], image: Image) -> None:
    played = loader(S3, wrong_md5=True)
    tool = esptool(played.port)
    chip = tool.identify()
    with pytest.raises(Problem, match="is not what was written") as raised:
        tool.write(image, chip, lambda _done, _total: None)
    assert "flashing again cures it" in raised.value.fix


def test_a_port_that_another_program_holds_names_it(loader: Callable[..., RomLoader]) -> None:
    played = loader(S3)
    held = os.open(played.port, os.O_RDWR | os.O_NOCTTY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with pytest.raises(TransportError, match=r"busy: screen \(process 4711\) has it open") as raised:
            esptool(played.port, holders=lambda _port: [Holder(4711, "screen")]).identify()
    finally:
        os.close(held)
    assert raised.value.reason == BUSY


def test_a_port_that_is_not_there_is_told() -> None:
    with pytest.raises(TransportError) as raised:
        esptool("/dev/ttyACM97").identify()
    assert raised.value.reason == NOT_FOUND


def test_an_installation_without_esptool_names_the_extra(tmp_path: Path) -> None:
    tool = Esptool("/dev/ttyACM97", program=(sys.executable, "-S", "-m", "esptool"), environment={})
    with pytest.raises(Problem, match="not installed") as raised:
        tool.identify()
    assert "iastm-toolkit[workbench]" in raised.value.fix


def test_an_interrupt_ends_esptool_before_it_is_passed_on(loader: Callable[..., RomLoader], image: Image) -> None:
    played = loader(S3)
    tool = esptool(played.port)
    chip = tool.identify()

    def interrupted(done: int, _total: int) -> None:
        if done > 5_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tool.write(image, chip, interrupted)
    # Nobody holds the port any more: it can be written anew at once.
    tool.write(image, tool.identify(), lambda _done, _total: None)
    assert bytes(played.flash[: image.bytes_]) == image.path.read_bytes()


def test_erasing_is_done_only_where_it_is_asked_for(tmp_path: Path, image: Image) -> None:
    script = tmp_path / "esptool.py"
    script.write_text(
        "import json, sys\n"
        f"open({str(tmp_path / 'asked')!r}, 'a').write(json.dumps(sys.argv[1:]) + '\\n')\n"
        "print('Hash of data verified.')\n"
    )
    tool = Esptool("/dev/ttyACM0", program=(sys.executable, str(script)))
    chip = EspChip("ESP32-S3", "ESP32-S3", 4 * _MB, 0)
    tool.write(image, chip, lambda _done, _total: None)
    tool.write(image, chip, lambda _done, _total: None, erase=True)
    asked = [json.loads(line) for line in (tmp_path / "asked").read_text().splitlines()]
    assert [("--erase-all" in words) for words in asked] == [False, True]
    assert all(words[words.index("--chip") + 1] == "esp32s3" for words in asked)


def test_a_write_that_was_not_compared_is_no_success(tmp_path: Path, image: Image) -> None:
    script = tmp_path / "esptool.py"
    script.write_text("print('Cannot verify written data if encrypted or in secure download mode.')\n")
    tool = Esptool("/dev/ttyACM0", program=(sys.executable, str(script)))
    with pytest.raises(Problem, match="could not be read back"):
        tool.write(image, EspChip("ESP32-S3", "ESP32-S3", 4 * _MB, 0), lambda _done, _total: None)


@pytest.mark.parametrize(
    ("said", "words", "advice"),
    [
        ("[Errno 13] could not open port /dev/ttyACM0: [Errno 13] Permission denied", "no right", "dialout"),
        ("The chip stopped responding.", "answers as an Espressif bootloader", "Hold BOOT"),
        ("'flash-id' command is not available in Secure Download Mode.", "locked", "not locked"),
        ("[Errno 5] Input/output error", "went away while it was asked", "cable"),
        ("Something nobody thought of", "Something nobody thought of", "Nothing was written"),
    ],
)
def test_each_failure_of_esptool_has_its_words_and_its_cure(tmp_path: Path, said: str, words: str, advice: str) -> None:
    script = tmp_path / "esptool.py"
    error = f"ERROR: A fatal error occurred: {said}"
    script.write_text(f"import sys\nprint({error!r})\nsys.exit(2)\n")
    with pytest.raises(Problem) as raised:
        Esptool("/dev/ttyACM0", program=(sys.executable, str(script))).identify()
    assert words in raised.value.what
    assert advice in raised.value.fix


def test_the_frozen_firmware_is_needed_where_there_is_no_psram() -> None:
    assert EspChip("ESP32-S3", "", 8 * _MB, 0).frozen_only
    assert not EspChip("ESP32-S3", "", 8 * _MB, 2 * _MB).frozen_only
