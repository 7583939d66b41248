import errno
import os
import random
import shutil
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from iastm_host.events import Problem
from iastm_host.workbench.drives import IMAGE_NAME, INFO_FILE, Uf2Drive, find_drives, read_info, write_image

# As the ROMs write them.
RP2040_INFO = b"UF2 Bootloader v3.0\r\nModel: Raspberry Pi RP2\r\nBoard-ID: RPI-RP2\r\n"
RP2350_INFO = b"UF2 Bootloader v1.0\r\nModel: Raspberry Pi RP2350\r\nBoard-ID: RP2350\r\n"
TINYUF2_INFO = b"TinyUF2 Bootloader 0.12.3\r\nModel: Adafruit Feather ESP32-S3\r\nBoard-ID: ESP32-S3-Feather-revC\r\n"
PATIENCE_S = 30.0


def uf2(blocks: int = 800, seed: int = 5) -> bytes:
    """Return a whole UF2 file for an RP2040."""
    content = random.Random(seed)
    return b"".join(
        struct.pack("<8I", 0x0A324655, 0x9E5D5157, 0x2000, 0x10000000 + 256 * number, 256, number, blocks, 0xE48BFF56)
        + content.randbytes(256)
        + bytes(220)
        + struct.pack("<I", 0x0AB16F30)
        for number in range(blocks)
    )


class Board:
    """Plays the board behind a folder: takes the drive away once `after` blocks have come, never where it is None."""

    def __init__(self, folder: Path, after: int | None, info: bytes = RP2040_INFO) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        (folder / INFO_FILE).write_bytes(info)
        (folder / "INDEX.HTM").write_bytes(b"<html></html>")
        self.received = b""
        self._after = after
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.is_set():
            try:
                self.received = (self.folder / IMAGE_NAME).read_bytes()
            except OSError:
                self.received = b""
            if self._after is not None and len(self.received) >= 512 * self._after:
                (self.folder / INFO_FILE).unlink()
                return
            time.sleep(0.0005)


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Callable[..., Board]]:
    made: list[Board] = []

    def make(after: int | None, info: bytes = RP2040_INFO) -> Board:
        made.append(Board(tmp_path / "RPI-RP2", after, info))
        return made[-1]

    yield make
    for one in made:
        one.close()


def drive_of(board: Board) -> Uf2Drive:
    drive = read_info(board.folder)
    assert drive is not None
    return drive


@pytest.mark.parametrize(
    ("info", "chip", "model", "board_id"),
    [
        (RP2040_INFO, "RP2040", "Raspberry Pi RP2", "RPI-RP2"),
        (RP2350_INFO, "RP2350", "Raspberry Pi RP2350", "RP2350"),
        (TINYUF2_INFO, "", "Adafruit Feather ESP32-S3", "ESP32-S3-Feather-revC"),
    ],
)
def test_a_bootloader_is_known_by_what_its_drive_says(
    tmp_path: Path, info: bytes, chip: str, model: str, board_id: str
) -> None:
    (tmp_path / INFO_FILE).write_bytes(info)
    assert read_info(tmp_path) == Uf2Drive(tmp_path, chip, model, board_id)


def test_a_drive_without_that_file_or_with_another_one_is_no_bootloader(tmp_path: Path) -> None:
    assert read_info(tmp_path) is None
    (tmp_path / INFO_FILE).write_bytes(b"\xff\x00 notes of mine")
    assert read_info(tmp_path) is None
    assert read_info(tmp_path / "nowhere") is None


def test_linux_finds_mounted_drives_wherever_they_are_and_names_one_that_is_not_mounted(tmp_path: Path) -> None:
    pico = tmp_path / "media" / "Anna B" / "RPI-RP2"
    stick = tmp_path / "run" / "media" / "STICK"
    for folder in (pico, stick):
        folder.mkdir(parents=True)
    (pico / INFO_FILE).write_bytes(RP2040_INFO)
    devices, labels = tmp_path / "dev", tmp_path / "by-label"
    for folder in (devices, labels):
        folder.mkdir()
    for name, label in (("sda1", "RPI-RP2"), ("sdb1", "STICK"), ("sdc1", "RP2350")):
        (devices / name).touch()
        (labels / label).symlink_to(devices / name)
    mounts = tmp_path / "mounts"
    mounts.write_text(
        "proc /proc proc rw 0 0\n"
        f"{devices}/sda1 {str(pico).replace(' ', chr(92) + '040')} vfat rw,nosuid 0 0\n"
        f"{devices}/sdb1 {stick} vfat rw 0 0\n"
    )
    found = find_drives(platform="linux", mounts=mounts, labels=labels)
    assert [(drive.path, drive.chip) for drive in found] == [(pico, "RP2040"), (None, "RP2350")]
    assert found[1].device == str(labels / "RP2350")


def test_an_image_is_written_whole_with_progress_and_the_end_is_that_the_drive_goes_away(
    board: Callable[..., Board],
) -> None:
    image = uf2()
    played = board(800)
    steps: list[tuple[int, int]] = []
    write_image(drive_of(played), image, lambda done, total: steps.append((done, total)), patience_s=PATIENCE_S)
    assert played.received == image
    assert steps[-1] == (len(image), len(image))
    assert [done for done, _ in steps] == sorted({done for done, _ in steps})
    assert len(steps) >= 6


def test_a_drive_that_goes_away_in_mid_write_is_told_with_how_far_it_came_and_what_cures_it(
    board: Callable[..., Board],
) -> None:
    played = board(256)

    def slowly(done: int, _total: int) -> None:
        # The board pulls itself out after its 256 blocks; the next piece finds no drive.
        if done >= 512 * 256:
            _until(lambda: not (played.folder / INFO_FILE).exists())

    with pytest.raises(Problem, match="away in the middle of being written, after 131,072 of 409,600 bytes") as raised:
        write_image(drive_of(played), uf2(), slowly, patience_s=PATIENCE_S)
    assert "flashing again cures it" in raised.value.fix
    assert "BOOTSEL" in raised.value.fix


def _until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not condition() and time.monotonic() < until:
        time.sleep(0.001)


def test_a_drive_that_stays_means_that_the_board_did_not_take_the_image(board: Callable[..., Board]) -> None:
    played = board(None)
    now = [0.0]

    def wait(seconds: float) -> None:
        now[0] += seconds

    with pytest.raises(Problem, match="did not restart with it within 15 s") as raised:
        write_image(drive_of(played), uf2(), lambda _done, _total: None, clock=lambda: now[0], wait=wait)
    assert "not for this chip" in raised.value.fix
    assert "flashing again cures it" in raised.value.fix
    assert 15.0 < now[0] < 16.0


def _failing(board: Board, on_piece: int, number: int, *, leaves: bool) -> Callable[[int], None]:
    """Return what fails like a drive that is pulled, or one that `leaves` not, when its piece comes."""
    pieces = [0]

    def sync(_file: int) -> None:
        pieces[0] += 1
        if pieces[0] == on_piece:
            if leaves:
                (board.folder / INFO_FILE).unlink()
            raise OSError(number, os.strerror(number))

    return sync


def test_a_board_that_restarts_before_the_system_is_done_with_the_last_piece_has_taken_it(
    board: Callable[..., Board],
) -> None:
    steps: list[int] = []
    played = board(None)
    last = -(-len(uf2()) // (64 * 1024))
    gone = _failing(played, last, errno.EIO, leaves=True)
    write_image(drive_of(played), uf2(), lambda done, _total: steps.append(done), sync=gone)
    assert steps[-1] == len(uf2())


def test_an_error_amid_the_image_is_one_even_where_the_drive_leaves(board: Callable[..., Board]) -> None:
    played = board(None)
    gone = _failing(played, 3, errno.EIO, leaves=True)
    with pytest.raises(Problem, match="went away in the middle of being written, after 131,072 of"):
        write_image(drive_of(played), uf2(), lambda _done, _total: None, sync=gone)


def test_an_error_with_the_last_piece_is_one_where_the_drive_stays(board: Callable[..., Board]) -> None:
    played = board(None)
    broken = _failing(played, -(-len(uf2()) // (64 * 1024)), errno.EIO, leaves=False)
    with pytest.raises(Problem, match="failed after 393,216 of 409,600 bytes: Input/output error"):
        write_image(drive_of(played), uf2(), lambda _done, _total: None, sync=broken)


def test_a_drive_that_is_not_mounted_says_how_to_mount_it() -> None:
    drive = Uf2Drive(None, "RP2040", "", "RPI-RP2", "/dev/disk/by-label/RPI-RP2")
    with pytest.raises(Problem, match="not mounted") as raised:
        write_image(drive, uf2(), lambda _done, _total: None)
    assert "udisksctl mount -b /dev/disk/by-label/RPI-RP2" in raised.value.fix


def test_an_interrupt_goes_through_and_leaves_a_drive_that_can_be_written_again(board: Callable[..., Board]) -> None:
    played = board(800)

    def interrupted(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_image(drive_of(played), uf2(), interrupted)
    write_image(drive_of(played), uf2(), lambda _done, _total: None, patience_s=PATIENCE_S)
    assert played.received == uf2()


def test_an_error_of_the_drive_that_stays_there_is_told_in_the_systems_words(board: Callable[..., Board]) -> None:
    played = board(None)
    (played.folder / IMAGE_NAME).mkdir()
    with pytest.raises(Problem, match="failed after 0 of 409,600 bytes: Is a directory"):
        write_image(drive_of(played), uf2(), lambda _done, _total: None)


# What only a file system of its own can do


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mount a small file system of one's own, where this user may."""
    places: list[Path] = []

    def mount(size: str) -> Path:
        place = tmp_path / f"drive{len(places)}"
        place.mkdir()
        command = shutil.which("mount")
        if not sys.platform.startswith("linux") or os.geteuid() != 0 or command is None:
            pytest.skip("only root mounts a file system")
        ran = subprocess.run([command, "-t", "tmpfs", "-o", f"size={size}", "drive", str(place)], check=False)
        if ran.returncode:
            pytest.skip("this root may not mount")
        places.append(place)
        (place / INFO_FILE).write_bytes(RP2040_INFO)
        return place

    yield mount
    for place in places:
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_drive_without_room_is_told_before_anything_is_written(mounted: Callable[[str], Path]) -> None:
    place = mounted("128k")
    drive = read_info(place)
    assert drive is not None
    with pytest.raises(Problem, match=r"no room on .*: the image needs 409,600 bytes, 1\d\d,\d\d\d are free") as raised:
        write_image(drive, uf2(), lambda _done, _total: None)
    assert "BOOTSEL" in raised.value.fix
    assert [path.name for path in place.iterdir()] == [INFO_FILE]


def test_a_drive_that_fills_up_meanwhile_is_told(mounted: Callable[[str], Path]) -> None:
    place = mounted("512k")
    drive = read_info(place)
    assert drive is not None

    def another_program_writes(_done: int, _total: int) -> None:
        filler = place / "filler"
        if not filler.exists():
            with filler.open("wb") as file:
                file.write(bytes(300 * 1024))

    with pytest.raises(Problem, match="no room on"):
        write_image(drive, uf2(), another_program_writes)


def test_a_drive_that_is_mounted_for_reading_alone_is_told(mounted: Callable[[str], Path]) -> None:
    place = mounted("1m")
    drive = read_info(place)
    assert drive is not None
    subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
    with pytest.raises(Problem, match="can't be written to: Read-only file system") as raised:
        write_image(drive, uf2(), lambda _done, _total: None)
    assert "reading alone" in raised.value.fix


def test_a_drive_that_is_unmounted_in_mid_write_is_one_that_went_away(mounted: Callable[[str], Path]) -> None:
    place = mounted("1m")
    drive = read_info(place)
    assert drive is not None

    def pulled(done: int, _total: int) -> None:
        if done == 64 * 1024:
            subprocess.run(["umount", "-l", str(place)], check=True)

    with pytest.raises(Problem, match="after 65,536 of 409,600 bytes"):
        write_image(drive, uf2(), pulled)
    subprocess.run(["mount", "-t", "tmpfs", "drive", str(place)], check=True)
