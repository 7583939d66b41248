"""Drives of bootloaders: the ROM of an RP2040 or RP2350 shows itself as one, and takes an image in UF2.

Sources: RP2040 data sheet 2.8.4 and RP2350 data sheet 5.5 (USB mass storage interface): the volumes RPI-RP2 and
RP2350 hold INFO_UF2.TXT, whose lines `Model:` and `Board-ID:` tell the chip; a whole image that was written restarts
the chip, and the drive goes away.
"""

from __future__ import annotations

import os
import string
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

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
