"""Drives of bootloaders: the ROM of an RP2040 or RP2350 shows itself as one, and takes an image in UF2.

Sources: RP2040 data sheet 2.8.4 and RP2350 data sheet 5.5 (USB mass storage interface): the volumes RPI-RP2 and
RP2350 hold INFO_UF2.TXT, whose lines `Model:` and `Board-ID:` tell the chip; a whole image that was written restarts
the chip, and the drive goes away.
"""

from __future__ import annotations

import errno
import os
import shutil
import string
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from iastm_host.events import Problem

INFO_FILE = "INFO_UF2.TXT"
_CHIPS = {"RPI-RP2": "RP2040", "RP2350": "RP2350"}
"""Board-ID of INFO_UF2.TXT, and the volume's label."""
_INFO_MAX_BYTES = 4096
_MOUNTS = Path("/proc/mounts")
_LABELS = Path("/dev/disk/by-label")
_FILE_SYSTEMS = frozenset(("vfat", "msdos", "exfat", "fuseblk"))


@dataclass(frozen=True, slots=True)
class Uf2Drive:
    """A bootloader's drive: `path` where it is mounted, None where it is not; then `device` names it.

    `chip` is "RP2040" or "RP2350", or "" where it is another maker's bootloader, whose `board_id` tells it.
    """

    path: Path | None
    chip: str
    model: str
    board_id: str
    device: str = ""

    @property
    def is_there(self) -> bool:
        """Whether it is mounted and still plugged in."""
        return self.path is not None and _is_file(self.path / INFO_FILE)


Progress = Callable[[int, int], None]
"""Is told how many bytes are done, and of how many."""


def read_info(folder: Path) -> Uf2Drive | None:
    """Return the bootloader's drive that is mounted at `folder`, None where it is another one or can't be read."""
    try:
        with (folder / INFO_FILE).open("rb") as file:
            text = file.read(_INFO_MAX_BYTES).decode("utf-8", errors="replace")
    except OSError:
        return None
    lines = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            lines[name.strip()] = value.strip()
    board_id = lines.get("Board-ID", "")
    if not board_id:
        return None
    return Uf2Drive(folder, _CHIPS.get(board_id, ""), lines.get("Model", ""), board_id)


def find_drives(
    *,
    platform: str = sys.platform,
    folders: Iterable[Path] | None = None,
    mounts: Path = _MOUNTS,
    labels: Path = _LABELS,
) -> list[Uf2Drive]:
    """Return the bootloaders' drives, the mounted ones first, then (Linux) those that are plugged in but not mounted.

    `folders` are looked into instead of the system's own list of mounted drives.
    """
    places = list(folders) if folders is not None else _places(platform, mounts)
    found = [drive for drive in (read_info(place) for place in places) if drive is not None]
    if platform.startswith("linux") and folders is None:
        mounted = _mounted_devices(mounts)
        for label, chip in _CHIPS.items():
            device = labels / label
            if device.exists() and os.path.realpath(device) not in mounted:
                found.append(Uf2Drive(None, chip, f"an {chip}", label, str(device)))
    return found


def _places(platform: str, mounts: Path) -> list[Path]:
    if platform.startswith("linux"):
        return list(_mounted_devices(mounts).values())
    if platform == "darwin":
        volumes = Path("/Volumes")
        return sorted(volumes.iterdir()) if volumes.is_dir() else []
    if platform == "win32":
        return [Path(f"{letter}:\\") for letter in string.ascii_uppercase[2:]]
    return []


def _mounted_devices(mounts: Path) -> dict[str, Path]:
    """Return device → folder of what is mounted with a file system that such a drive may have."""
    try:
        text = mounts.read_text()
    except OSError:
        return {}
    found = {}
    for line in text.splitlines():
        words = line.split(" ")
        if len(words) > 2 and words[2] in _FILE_SYSTEMS:
            found[os.path.realpath(_unescaped(words[0]))] = Path(_unescaped(words[1]))
    return found


def _unescaped(word: str) -> str:
    """Undo what the kernel does to blanks, tabs, newlines and backslashes (fs/proc_namespace.c: octal)."""
    for code in ("\\040", "\\011", "\\012", "\\134"):
        word = word.replace(code, chr(int(code[1:], 8)))
    return word


AGAIN = "The ROM bootloader is still there, whatever is in the flash: flashing again cures it."
INTO_BOOTLOADER = "Unplug it, hold BOOTSEL while you plug it in again, then run the same again."
IMAGE_NAME = "FIRMWARE.UF2"
# Each piece is on the board before the next one is begun: the progress is real, and what was lost is known.
_PIECE_BYTES = 64 * 1024
_PATIENCE_S = 15.0
_LOOK_EVERY_S = 0.05
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
_NO_RIGHTS = (errno.EROFS, errno.EACCES, errno.EPERM)


def write_image(
    drive: Uf2Drive,
    data: bytes,
    progress: Progress,
    *,
    patience_s: float = _PATIENCE_S,
    clock: Callable[[], float] = time.monotonic,
    wait: Callable[[float], None] = time.sleep,
    sync: Callable[[int], None] = os.fsync,
) -> None:
    """Write the UF2 file `data` to a mounted drive, and return once it has gone away: the board restarts with it.

    Raises Problem where there is no room, or no right to write, where the drive goes away before the last piece, and
    where it stays for `patience_s` after it: then the board did not take the image.
    """
    if drive.path is None:
        raise not_mounted(drive)
    _check_room(drive.path, len(data))
    path = drive.path / IMAGE_NAME
    done = 0
    try:
        with path.open("wb") as file:
            while done < len(data):
                piece = data[done : done + _PIECE_BYTES]
                if not drive.is_there:
                    raise _gone(drive, done, len(data))
                file.write(piece)
                file.flush()
                sync(file.fileno())
                done += len(piece)
                progress(done, len(data))
    except OSError as error:
        # A board restarts as soon as it has the last block: what fails with the last piece, and leaves no drive, may
        # well be that. Whether it was, shows whoever waits for its port.
        if done < len(data) - _PIECE_BYTES or drive.is_there:
            raise _why_not_written(drive, error, done, len(data)) from error
        progress(len(data), len(data))
    until = clock() + patience_s
    while drive.is_there:
        if clock() > until:
            raise Problem(
                f"The image is on {drive.path}, but the board did not restart with it within {patience_s:g} s.",
                f"It is not for this chip, or was damaged on the way. {AGAIN} {INTO_BOOTLOADER}",
            )
        wait(_LOOK_EVERY_S)


def not_mounted(drive: Uf2Drive) -> Problem:
    """Return the Problem of a bootloader whose drive nobody mounted, with the command that does it."""
    return Problem(
        f"A board is in its bootloader, but its drive {drive.device} is not mounted.",
        f"Open it in your file manager, or run: udisksctl mount -b {drive.device}   then run the same again.",
    )


def _check_room(folder: Path, needed: int) -> None:
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise Problem(f"{folder} can't be looked at: {error.strerror or error}.", INTO_BOOTLOADER) from error
    if free < needed:
        raise _no_room(folder, needed, free)


def _no_room(folder: Path, needed: int, free: int) -> Problem:
    return Problem(
        f"There is no room on {folder}: the image needs {needed:,} bytes, {free:,} are free.",
        f"A bootloader's drive is empty but for two files. {INTO_BOOTLOADER}",
    )


def _gone(drive: Uf2Drive, done: int, total: int) -> Problem:
    return Problem(
        f"The drive {drive.path} went away in the middle of being written, after {done:,} of {total:,} bytes.",
        f"{AGAIN} Check the cable. {INTO_BOOTLOADER}",
    )


def _why_not_written(drive: Uf2Drive, error: OSError, done: int, total: int) -> Problem:
    assert drive.path is not None
    if error.errno in _NO_SPACE:
        return _no_room(drive.path, total, done)
    if error.errno in _NO_RIGHTS:
        return Problem(
            f"{drive.path} can't be written to: {error.strerror}.",
            f"It is mounted for reading alone, or for another user. Unmount it. {INTO_BOOTLOADER}",
        )
    if not drive.is_there:
        return _gone(drive, done, total)
    return Problem(
        f"Writing to {drive.path} failed after {done:,} of {total:,} bytes: {error.strerror or error}.",
        f"{AGAIN} Check the cable. {INTO_BOOTLOADER}",
    )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        # A drive that was pulled answers with an error of its own.
        return False
