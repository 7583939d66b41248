from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from tests.host.workbench.image_files import BANNER, ESP32_C3, ESP32_S3, RP2350_ARM_S, esp_file, esp_program, uf2_file

from iastm_host.events import Problem
from iastm_host.workbench.images import Image, read_image

FROZEN = BANNER + b"iastm_firmware/app.py\0"


def _write(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def test_an_image_tells_all_that_flashing_has_to_know(tmp_path: Path) -> None:
    data = uf2_file(FROZEN, RP2350_ARM_S)
    path = _write(tmp_path, "firmware.uf2", data)
    assert read_image(path) == Image(
        path=path,
        kind="uf2",
        chip="RP2350",
        bytes_=len(data),
        flash_offset=0,
        sha256=hashlib.sha256(data).hexdigest(),
        flash_bytes=256,
        micropython="v1.29.0",
        frozen=True,
    )


@pytest.mark.parametrize("before", [b"; ", b""])
def test_an_image_tells_for_which_board_it_was_made(tmp_path: Path, before: bytes) -> None:
    """As it lies in images: the words at the prompt are one string, of which a program's own name may be the end."""
    pico = uf2_file(FROZEN + b"\xff\0" + before + b"Raspberry Pi Pico W with RP2040\0")
    assert read_image(_write(tmp_path, "pico.uf2", pico)).machine == "Raspberry Pi Pico W with RP2040"
    words = BANNER + b"\0" + before + b"Generic ESP32S3 module with Octal-SPIRAM with ESP32S3\0"
    image = read_image(_write(tmp_path, "s3.bin", esp_file(application=esp_program(ESP32_S3, (words,)))))
    assert image.machine == "Generic ESP32S3 module with Octal-SPIRAM with ESP32S3"
    assert image.file_system == (2 << 20, 2 << 20)


def test_micropython_s_own_image_is_told_from_one_with_the_firmware(tmp_path: Path) -> None:
    plain = read_image(_write(tmp_path, "plain.bin", esp_file(ESP32_C3)))
    frozen = read_image(
        _write(tmp_path, "frozen.bin", esp_file(ESP32_C3, application=esp_program(ESP32_C3, (FROZEN, b"more"))))
    )
    assert (plain.kind, plain.chip, plain.micropython, plain.frozen) == ("esp", "ESP32-C3", "v1.29.0", False)
    assert frozen.frozen


def test_what_a_banner_spans_two_pages_of_is_read_all_the_same(tmp_path: Path) -> None:
    image = read_image(_write(tmp_path, "spans.uf2", uf2_file(b"\0" * 250 + BANNER)))
    assert image.micropython == "v1.29.0"


def test_another_program_than_micropython_names_no_version(tmp_path: Path) -> None:
    assert read_image(_write(tmp_path, "other.uf2", uf2_file(b"blink"))).micropython == ""


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "it is empty"),
        (b"<!DOCTYPE html><title>404", "a web page"),
        (b"\x7fELF\x01", "ELF"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b":020000040800F2\n", "an Intel HEX file"),
        (b"\0" * 4096, "is no image of firmware."),
    ],
)
def test_what_is_no_image_is_refused_and_named_where_it_is_known(tmp_path: Path, data: bytes, words: str) -> None:
    with pytest.raises(Problem) as refused:
        read_image(_write(tmp_path, "file.bin", data))
    assert "file.bin is no image of firmware" in refused.value.what
    assert words in refused.value.what
    assert "micropython.org/download" in refused.value.fix


def test_a_torn_image_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"torn\.uf2 can't be flashed: it is torn"):
        read_image(_write(tmp_path, "torn.uf2", uf2_file(b"x" * 1000)[:-512]))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"none\.uf2 can't be read: No such file"):
        read_image(tmp_path / "none.uf2")


def test_a_folder_is_no_image(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="can't be read"):
        read_image(tmp_path)


def test_a_file_that_no_flash_holds_is_not_even_read(tmp_path: Path) -> None:
    path = tmp_path / "disk.bin"
    with path.open("wb") as stream:
        stream.truncate(65 * 1024 * 1024)
    with pytest.raises(Problem, match="too large"):
        read_image(path)
