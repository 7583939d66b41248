from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.host.workbench.flash_bench import C3, S3_BARE, S3_FEATHER
from tests.host.workbench.image_files import (
    BANNER,
    ESP32_C3,
    ESP32_S3,
    RP2350_ARM_S,
    esp_file,
    esp_partitions,
    esp_program,
    uf2_file,
)

from iastm_host.events import Problem
from iastm_host.workbench.boards import BOOTLOADER, KINDS, BoardKind, FoundBoard
from iastm_host.workbench.download import image_url
from iastm_host.workbench.esp import EspChip
from iastm_host.workbench.flash_image import Sources, choose_image, told_by
from iastm_host.workbench.flash_target import Target
from iastm_host.workbench.images import Image, read_image

FROZEN = BANNER + b"iastm_firmware/app.py\0"
OLD = b"MicroPython v1.20.0 on 2023-04-26; a board with a chip\0"


def uf2_2350(program: bytes = BANNER) -> bytes:
    """Return an image for the RP2350, whose boards take a plain MicroPython and the firmware in files."""
    return uf2_file(program, RP2350_ARM_S, ignored_first=True)


def pico(*names: str) -> Target:
    return one_of(*(KINDS[name] for name in names))


def one_of(*kinds: BoardKind) -> Target:
    return Target(FoundBoard(None, Path("/media/RPI-RP2"), BOOTLOADER, kinds, "a Pico"), kinds[0].chip, kinds)


def espressif(chip: EspChip) -> Target:
    assert chip.kind is not None
    board = FoundBoard(None, None, BOOTLOADER, (chip.kind,), "an ESP32")
    return Target(board, chip.name, (chip.kind,), "", chip)


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    def never(*_: object) -> Path:
        raise AssertionError("nothing may be downloaded")

    return Sources(None, None, tmp_path / "cache", None, never)


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str, bytes], Path]:
    def make(name: str, data: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return make


def test_an_image_of_ones_own_is_taken_where_it_fits(sources: Sources, file: Callable[[str, bytes], Path]) -> None:
    path = file("mine.uf2", uf2_2350())
    assert choose_image(pico("pico_2"), replace(sources, image=path)).path == path


@pytest.mark.parametrize(
    ("target", "name", "data"),
    [
        (pico("pico"), "pico2.uf2", uf2_file(family=RP2350_ARM_S)),
        (pico("pico"), "esp.bin", esp_file()),
        (espressif(S3_FEATHER), "pico.uf2", uf2_file()),
        (espressif(S3_FEATHER), "c3.bin", esp_file(ESP32_C3, application=esp_program(ESP32_C3))),
    ],
)
def test_an_image_for_another_chip_is_the_wrong_chip(
    sources: Sources, file: Callable[[str, bytes], Path], target: Target, name: str, data: bytes
) -> None:
    path = file(name, data)
    for anyway in (False, True):
        with pytest.raises(Problem, match=rf"Wrong chip: {name} is for an .*{target.chip}. Nothing was written"):
            choose_image(target, replace(sources, image=path), anyway=anyway)


def test_an_image_that_needs_more_flash_than_the_chip_has_is_refused(
    sources: Sources, file: Callable[[str, bytes], Path]
) -> None:
    path = file("s3.bin", esp_file(partitions=esp_partitions(8 << 20)))
    with pytest.raises(Problem, match="needs a flash of 8 MB, and this board has 4 MB"):
        choose_image(espressif(S3_FEATHER), replace(sources, image=path))


@pytest.mark.parametrize("target", [pico("pico_w"), pico("pico"), espressif(C3), espressif(S3_BARE)])
def test_a_board_that_can_hold_the_tool_only_frozen_is_told_before_anything_is_downloaded_or_written(
    sources: Sources, target: Target
) -> None:
    with pytest.raises(Problem, match=r"only frozen into the image.*Nothing was written") as raised:
        choose_image(target, replace(sources, ask=lambda _question: True))
    assert "docs/boards.md" in raised.value.fix
    assert "--image" in raised.value.fix


def test_a_plain_image_of_ones_own_is_refused_there_and_a_frozen_one_taken(
    sources: Sources, file: Callable[[str, bytes], Path]
) -> None:
    plain = replace(sources, image=file("plain.uf2", uf2_file()))
    frozen = replace(sources, image=file("frozen.uf2", uf2_file(FROZEN)))
    for target in (pico("pico_w"), pico("pico"), pico("pico_w", "pico")):
        with pytest.raises(Problem, match=r"only frozen into the image, and plain\.uf2 has none of it"):
            choose_image(target, plain)
        assert choose_image(target, frozen).frozen
        assert not choose_image(target, plain, anyway=True).frozen


def test_where_a_chip_tells_neither_board_nor_memory_a_plain_image_needs_the_name_and_a_frozen_one_does_not(
    sources: Sources, file: Callable[[str, bytes], Path]
) -> None:
    # None of the boards that are known shares its chip with one of other memory; this one is made up.
    roomy = replace(KINDS["pico"], name="roomy", title="A roomy Pico", frozen_only=False)
    either = one_of(KINDS["pico_w"], roomy)
    with pytest.raises(Problem, match="can't be told by its chip") as raised:
        choose_image(either, replace(sources, image=file("plain.uf2", uf2_file())))
    assert "--board pico_w (Raspberry Pi Pico W) or --board roomy (A roomy Pico)" in raised.value.fix
    assert choose_image(either, replace(sources, image=file("frozen.uf2", uf2_file(FROZEN)))).frozen


@pytest.mark.parametrize(
    ("program", "words"),
    [(b"CircuitPython", "holds no MicroPython"), (OLD, r"MicroPython v1\.20\.0: .* 1\.25 or later")],
)
def test_an_image_with_which_no_tool_runs_is_refused_unless_told_otherwise(
    sources: Sources, file: Callable[[str, bytes], Path], program: bytes, words: str
) -> None:
    mine = replace(sources, image=file("mine.uf2", uf2_2350(program)))
    with pytest.raises(Problem, match=words) as raised:
        choose_image(pico("pico_2"), mine)
    assert "--anyway" in raised.value.fix
    assert choose_image(pico("pico_2"), mine, anyway=True).path == mine.image


def images(file: Callable[[str, bytes], Path], *files: tuple[str, bytes]) -> list[Image]:
    return [read_image(file(name, data)) for name, data in files]


def test_of_a_bundle_the_image_for_this_very_board_is_taken_and_a_frozen_one_before_it(
    sources: Sources, file: Callable[[str, bytes], Path]
) -> None:
    plain = images(
        file,
        ("RPI_PICO2-20260824-v1.29.0.uf2", uf2_2350()),
        ("RPI_PICO2_W-20260824-v1.29.0.uf2", uf2_2350()),
        ("ESP32_GENERIC_S3-20260824-v1.29.0.bin", esp_file()),
        ("ESP32_GENERIC_S3-FLASH_4M-20260824-v1.29.0.bin", esp_file()),
    )
    assert choose_image(pico("pico_2"), replace(sources, bundled=plain)).path.name.startswith("RPI_PICO2-")
    found = choose_image(espressif(S3_FEATHER), replace(sources, bundled=plain))
    assert found.path.name.startswith("ESP32_GENERIC_S3-FLASH_4M-")
    frozen = images(file, ("tool.uf2", uf2_2350(FROZEN)))
    assert choose_image(pico("pico_2"), replace(sources, bundled=[*plain, *frozen])).path.name == "tool.uf2"


def test_a_bundle_without_an_image_or_with_several_says_so(
    sources: Sources, file: Callable[[str, bytes], Path]
) -> None:
    with pytest.raises(Problem, match="no image for an RP2350"):
        choose_image(pico("pico_2"), replace(sources, bundled=images(file, ("a.uf2", uf2_file()))))
    two = images(file, ("a.uf2", uf2_file(FROZEN)), ("b.uf2", uf2_file(FROZEN + b"2")))
    with pytest.raises(Problem, match=r"several images .*a\.uf2, b\.uf2") as raised:
        choose_image(pico("pico"), replace(sources, bundled=two))
    assert "--image" in raised.value.fix


def test_nothing_is_downloaded_without_asking(sources: Sources) -> None:
    with pytest.raises(Problem, match=r"nobody is here to be asked: https://micropython\.org/.*RPI_PICO2-") as raised:
        choose_image(pico("pico_2"), sources)
    assert "--yes" in raised.value.fix
    assert "--image" in raised.value.fix
    asked: list[str] = []

    def no(question: str) -> bool:
        asked.append(question)
        return False

    with pytest.raises(Problem, match="Nothing was downloaded, and nothing was written"):
        choose_image(pico("pico_2"), replace(sources, ask=no))
    assert asked == [f"Download {image_url(KINDS['pico_2'])}?"]


def test_what_was_agreed_to_is_fetched_once_and_kept(sources: Sources) -> None:
    fetched: list[str] = []

    def fetch(url: str, folder: Path) -> Path:
        fetched.append(url)
        folder.mkdir()
        path = folder / url.rpartition("/")[2]
        path.write_bytes(uf2_file(family=RP2350_ARM_S))
        return path

    agreed = replace(sources, ask=lambda _question: True, fetch=fetch)
    assert choose_image(pico("pico_2_w"), agreed).chip == "RP2350"
    assert choose_image(pico("pico_2_w"), replace(agreed, ask=None)).chip == "RP2350"
    assert fetched == [image_url(KINDS["pico_2_w"])]


def test_which_image_is_to_be_downloaded_has_to_be_known(sources: Sources) -> None:
    with pytest.raises(Problem, match="can't be told by its chip") as raised:
        choose_image(pico("pico_2_w", "pico_2"), replace(sources, ask=lambda _question: True))
    assert "--board pico_2_w (Raspberry Pi Pico 2 W) or --board pico_2" in raised.value.fix


PICO_W_FROZEN = uf2_file(FROZEN + b"; Raspberry Pi Pico W with RP2040\0")
PICO_FROZEN = uf2_file(FROZEN + b"; Raspberry Pi Pico with RP2040\0")


def test_an_image_of_another_board_with_the_same_chip_is_refused_unless_told_otherwise(
    sources: Sources, file: Callable[[str, bytes], Path]
) -> None:
    mine = replace(sources, image=file("tool.uf2", PICO_FROZEN))
    with pytest.raises(Problem, match=r"for another board, Raspberry Pi Pico with RP2040, and .* Pico W") as raised:
        choose_image(pico("pico_w"), mine)
    assert "calibration, key and log" in raised.value.fix
    assert "iastm calibrate read" in raised.value.fix
    assert choose_image(pico("pico_w"), mine, anyway=True).frozen
    assert choose_image(pico("pico"), mine).frozen
    octal = BANNER + b"\0; Generic ESP32S3 module with Octal-SPIRAM with ESP32S3\0"
    image = file("octal.bin", esp_file(application=esp_program(ESP32_S3, (octal,))))
    with pytest.raises(Problem, match="for another board"):
        choose_image(espressif(S3_FEATHER), replace(sources, image=image))
    octal_chip = replace(S3_FEATHER, flash_bytes=8 << 20, psram_bytes=8 << 20)
    assert choose_image(espressif(octal_chip), replace(sources, image=image)).path == image


def test_of_a_bundle_only_an_image_that_is_for_this_board_is_taken(
    sources: Sources, file: Callable[[str, bytes], Path]
) -> None:
    both = images(file, ("without.uf2", PICO_FROZEN), ("with.uf2", PICO_W_FROZEN))
    assert choose_image(pico("pico_w"), replace(sources, bundled=both)).path.name == "with.uf2"
    assert choose_image(pico("pico"), replace(sources, bundled=both)).path.name == "without.uf2"
    with pytest.raises(Problem, match="no image for Raspberry Pi Pico W"):
        choose_image(pico("pico_w"), replace(sources, bundled=both[:1]))


def test_of_frozen_images_that_differ_in_their_flash_the_largest_that_fits_is_taken(
    sources: Sources, file: Callable[[str, bytes], Path]
) -> None:
    application = esp_program(ESP32_S3, (FROZEN,))
    sizes = images(
        file,
        *((f"{mb}.bin", esp_file(application=application, partitions=esp_partitions(mb << 20))) for mb in (4, 8, 16)),
    )
    assert choose_image(espressif(S3_BARE), replace(sources, bundled=sizes)).path.name == "8.bin"
    assert choose_image(espressif(S3_FEATHER), replace(sources, bundled=sizes)).path.name == "4.bin"


def test_the_name_in_an_image_tells_which_board_it_is(sources: Sources, file: Callable[[str, bytes], Path]) -> None:
    either = pico("pico_2_w", "pico_2")
    path = file("plain.uf2", uf2_2350(BANNER + b"; Raspberry Pi Pico2 with RP2350\0"))
    image = choose_image(either, replace(sources, image=path))
    assert [kind.name for kind in told_by(either, image).kinds] == ["pico_2"]


def test_a_micropython_that_is_newer_than_what_is_compiled_for_is_refused_unless_frozen_or_told_otherwise(
    sources: Sources, file: Callable[[str, bytes], Path]
) -> None:
    newer = BANNER.replace(b"1.29", b"1.30")
    mine = replace(sources, image=file("mine.uf2", uf2_2350(newer)))
    with pytest.raises(Problem, match=r"MicroPython v1\.30\.0, newer than the 1\.29") as raised:
        choose_image(pico("pico_2"), mine)
    assert "--anyway" in raised.value.fix
    assert choose_image(pico("pico_2"), mine, anyway=True).path == mine.image
    frozen = replace(sources, image=file("frozen.uf2", uf2_2350(newer + b"iastm_firmware/app.py\0")))
    assert choose_image(pico("pico_2"), frozen).frozen
    patch = replace(sources, image=file("patch.uf2", uf2_2350(BANNER.replace(b"1.29.0", b"1.29.3"))))
    assert choose_image(pico("pico_2"), patch).path == patch.image
