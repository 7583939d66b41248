from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.host.workbench.image_files import (
    ESP32_C3,
    ESP32_S3,
    esp_file,
    esp_partition,
    esp_partitions,
    esp_program,
)

from iastm_host.workbench.esp_image import BadImage, is_esp, read

MB = 1024 * 1024
WHOLE = esp_file()
_BOOTLOADER = len(esp_program(ESP32_S3, (b"bootloader",)))
# What carries a sum: bootloader, partition table up to its own, application.
_SUMMED = [
    *range(_BOOTLOADER),
    *range(0x8000, 0x8000 + len(esp_partitions())),
    *range(0x10000, len(WHOLE)),
]


@pytest.mark.parametrize(("chip_id", "chip"), [(ESP32_S3, "ESP32-S3"), (ESP32_C3, "ESP32-C3")])
def test_a_whole_file_tells_its_chip_and_the_flash_it_takes(chip_id: int, chip: str) -> None:
    data = esp_file(chip_id)
    assert is_esp(data)
    image = read(data)
    assert image.chip == chip
    assert (image.flash_offset, image.flash_bytes, image.stated_flash_bytes) == (0, 4 * MB, 4 * MB)


def test_an_image_with_a_larger_file_system_says_so() -> None:
    assert read(esp_file(partitions=esp_partitions(8 * MB))).flash_bytes == 8 * MB


def test_the_image_of_a_first_esp32_belongs_behind_its_first_sector() -> None:
    image = read(esp_file(0, offset=0x1000))
    assert (image.chip, image.flash_offset) == ("ESP32", 0x1000)


@given(st.sampled_from(_SUMMED), st.integers(1, 255))
def test_no_changed_byte_passes_unseen(place: int, change: int) -> None:
    data = bytearray(WHOLE)
    data[place] ^= change
    changed = bytes(data)
    assert not is_esp(changed) or not _accepted(changed)


def _accepted(data: bytes) -> bool:
    try:
        read(data)
    except BadImage:
        return False
    return True


@given(st.integers(min_value=0, max_value=len(WHOLE) - 1))
def test_a_file_that_was_cut_off_anywhere_is_refused(length: int) -> None:
    with pytest.raises(BadImage):
        read(WHOLE[:length])


def test_a_program_without_a_digest_is_held_to_its_checksum() -> None:
    application = bytearray(esp_program(ESP32_S3, hashed=False))
    read(esp_file(application=bytes(application)))
    application[40] ^= 1
    with pytest.raises(BadImage, match="application is damaged: the checksum is another"):
        read(esp_file(application=bytes(application)))


def test_an_application_for_another_chip_than_its_bootloader_is_refused() -> None:
    with pytest.raises(BadImage, match="bootloader is for the ESP32-S3, its application for ESP32-C3"):
        read(esp_file(ESP32_S3, application=esp_program(ESP32_C3)))


def test_a_chip_that_is_not_known_is_refused() -> None:
    with pytest.raises(BadImage, match="not known here"):
        read(esp_file(0x7777))


def test_an_application_alone_is_told_from_an_image() -> None:
    with pytest.raises(BadImage, match="a part of an image alone"):
        read(esp_program(ESP32_S3).ljust(0x20000, b"\xff"))


def test_a_table_without_a_sum_is_taken_as_it_is() -> None:
    assert read(esp_file(partitions=esp_partitions(summed=False))).flash_bytes == 4 * MB


def test_an_application_that_outgrows_its_partition_is_refused() -> None:
    table = esp_partition(0, 0, 0x10000, 0x40, b"factory")
    with pytest.raises(BadImage, match="larger than its partition"):
        read(esp_file(partitions=table))


def test_a_file_whose_application_is_missing_is_refused() -> None:
    with pytest.raises(BadImage, match="application is missing"):
        read(WHOLE[:0x9000])


@pytest.mark.parametrize(("chip_id", "chip"), [(ESP32_S3, "esp32s3"), (ESP32_C3, "esp32c3")])
def test_the_maker_s_own_tool_finds_these_images_right(tmp_path: Path, chip_id: int, chip: str) -> None:
    # Holds what the tests above make to the format, and so the reader.
    path = tmp_path / "program.bin"
    path.write_bytes(esp_program(chip_id))
    command = [sys.executable, "-m", "esptool", "--chip", chip, "image-info", str(path)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert "(valid)" in said
    assert "(invalid" not in said
    assert f"Chip ID: {chip_id}" in said
