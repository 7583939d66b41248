"""Where recordings, settings and keys go: rights, room, encryption, and the time of day that stands in them.

A recording of a treatment is health data (docs/security.md), so that a disk that is not encrypted is a finding.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from iastm_host.workbench.doctor.finding import Seen, advice, bad, good
from iastm_host.workbench.doctor.qt import install
from iastm_host.workbench.doctor.system import LINUX, MACOS, WINDOWS, System

LEAST_FREE_BYTES = 500_000_000
"""Some days of recording; below it other programs fail as well."""
LEAST_YEAR, LAST_YEAR = 2026, 2099
"""Before the first it is a clock without a battery; after the last it was set wrongly."""
KEYS_FILE = "tool-keys.json"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_ENCRYPTING = {"fuse.gocryptfs", "fuse.encfs", "fuse.cryfs", "ecryptfs"}
_ELSEWHERE = {"nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "9p", "virtiofs", "drvfs"}


NOT_KNOWN = advice("not known: the settings can't be read", "See what is said of the settings.")
"""What checks say that wait for the settings: why they can't be read is told once, by `settings`."""


def settings(system: System) -> Seen:
    """The settings can be read: where not, no run starts."""
    path = system.user().config / "settings.toml"
    return good(str(path) if system.there(path) else f"none are kept, defaults hold ({path})")


def recordings(system: System) -> Seen:
    """The folder for recordings can be written to, and there is room."""
    user = system.user_if_known()
    if user is None:
        return NOT_KNOWN
    folder = user.recordings
    elsewhere = f'{user.config / "settings.toml"}: recordings = "/a/folder/with/room"'
    stands = _standing(system, folder)
    if not stands.is_dir():
        return advice(
            f"{stands} is a file, where a folder should be",
            f"Move it away: mv {_q(system, stands)} {_q(system, stands)}.old",
        )
    if system.read_only(stands):
        return advice(f"{folder} lies on a disk that can only be read", f"In {elsewhere}")
    if not system.may(stands, os.W_OK | os.X_OK):
        return advice(f"{folder} can't be written to", _let_write(system, stands))
    free_bytes = system.free_bytes(stands)
    if free_bytes < LEAST_FREE_BYTES:
        return advice(
            f"{folder}: {_megabytes(free_bytes)} MB free, under {_megabytes(LEAST_FREE_BYTES)}",
            f"Make room; or in {elsewhere}",
        )
    return good(f"{folder}: {_megabytes(free_bytes):,} MB free")


def own_folders(system: System) -> Seen:
    """What the toolkit keeps can be read, without which no run starts, and written."""
    user = system.user_if_known()
    if user is None:
        return NOT_KNOWN
    unread = [
        path for path in (user.data, user.config) if system.there(path) and not system.may(path, os.R_OK | os.X_OK)
    ]
    if unread:
        return bad(f"{_listed(unread)} can't be read", "\n".join(_let_write(system, path) for path in unread))
    closed = [path for path in (user.data, user.config) if not system.may(_standing(system, path), os.W_OK | os.X_OK)]
    if closed:
        fix = "\n".join(dict.fromkeys(_let_write(system, _standing(system, path)) for path in closed))
        return advice(f"{_listed(closed)} can't be written to: calibrations, keys and logs are lost", fix)
    return good(_listed([user.data, user.config]))


def _listed(paths: list[Path]) -> str:
    return ", ".join(str(path) for path in dict.fromkeys(paths))


def _let_write(system: System, path: Path) -> str:
    if system.platform == WINDOWS:
        return f'icacls "{path}" /grant "%USERNAME%:(OI)(CI)M"'
    return f"sudo chown {system.quoted(system.login.user)} {_q(system, path)} && chmod u+rwx {_q(system, path)}"


def _q(system: System, path: Path) -> str:
    return system.quoted(str(path))


def _megabytes(count_bytes: int) -> int:
    return count_bytes // 1_000_000


def _standing(system: System, path: Path) -> Path:
    """Return the nearest of a path and its parents that is there."""
    return next((each for each in (path, *path.parents) if system.there(each)), path)


def encryption(system: System) -> Seen:
    """The disk is encrypted on which recordings lie, as far as the system tells."""
    user = system.user_if_known()
    if user is None:
        return NOT_KNOWN
    folder = _standing(system, user.recordings)
    if system.platform == LINUX:
        return _linux_encryption(system, folder)
    return _macos_encryption(system) if system.platform == MACOS else _windows_encryption(system, folder)


def _linux_encryption(system: System, folder: Path) -> Seen:
    mount = _mount_of(system, folder)
    if mount is not None and mount[0] in _ENCRYPTING:
        return good(f"{folder} is encrypted by {mount[0].removeprefix('fuse.')}")
    if mount is not None and mount[0] in _ELSEWHERE:
        return good(f"not known: {folder} lies on another computer ({mount[0]})")
    number = system.device_of(folder)
    block = f"/sys/dev/block/{os.major(number)}:{os.minor(number)}"
    if not system.file(block).exists():
        # btrfs and ZFS have numbers of their own; the mount tells the device.
        device = Path(mount[1]).name if mount is not None else ""
        block = f"/sys/class/block/{device}"
        if not device or not system.file(block).exists():
            return good(f"not known: {folder} lies on no block device ({mount[0] if mount else 'unknown'})")
    by = next(_encrypting(system, system.file(block).resolve()), None)
    if by is not None:
        return good(f"{folder} lies on a device encrypted by {by}")
    device = system.file(block).resolve().name
    lines = (
        "Encrypt the disk (LUKS, as installers offer), or keep recordings in a folder that asks for a password:",
        install(system, "gocryptfs"),
        "mkdir -p ~/.iastm-locked ~/iastm-recordings && gocryptfs -init ~/.iastm-locked",
        "gocryptfs ~/.iastm-locked ~/iastm-recordings   (this line again after each start)",
        f'Then in {system.user().config / "settings.toml"}: recordings = "~/iastm-recordings"',
    )
    return advice(
        f"{folder} lies on {device}, which is not encrypted here: recordings are health data", "\n".join(lines)
    )


def _encrypting(system: System, block: Path) -> Iterator[str]:
    """Yield what encrypts a block device or one that it stands on: a partition its disk, LVM its parts."""
    try:
        uuid = (block / "dm" / "uuid").read_text(encoding="ascii", errors="replace")
    except OSError:
        uuid = ""
    if uuid.startswith("CRYPT-"):
        yield uuid.split("-")[1]
    try:
        below = sorted((block / "slaves").iterdir())
    except OSError:
        below = []
    for each in below:
        yield from _encrypting(system, each.resolve())


def _mount_of(system: System, folder: Path) -> tuple[str, str] | None:
    """Return file system and source of the mount that a folder lies in, by /proc/self/mountinfo (man 5 proc)."""
    best: tuple[int, str, str] | None = None
    wanted = folder.resolve()
    for line in (system.read("/proc/self/mountinfo") or "").splitlines():
        before, _, after = line.partition(" - ")
        words, more = before.split(), after.split()
        if len(words) < 5 or len(more) < 2:
            continue
        # Blanks and their like stand as octal numbers.
        place = Path(re.sub(r"\\([0-7]{3})", lambda each: chr(int(each[1], 8)), words[4]))
        if (place == wanted or place in wanted.parents) and (best is None or len(place.parts) >= best[0]):
            best = (len(place.parts), more[0], more[1])
    return None if best is None else best[1:]


def _macos_encryption(system: System) -> Seen:
    ran = system.run(["fdesetup", "status"])
    if ran is None:
        return good("not known: macOS does not say")
    if "FileVault is On" in ran.out:
        return good("FileVault is on")
    if "FileVault is Off" in ran.out:
        return advice("FileVault is off: recordings are health data", "sudo fdesetup enable")
    return good(f"not known: {ran.out.strip() or 'macOS does not say'}")


def _windows_encryption(system: System, folder: Path) -> Seen:
    drive = folder.drive or "C:"
    # What Explorer draws its padlock by; manage-bde and Get-BitLockerVolume answer administrators only.
    ask = f"(New-Object -ComObject Shell.Application).NameSpace('{drive}').Self"
    ran = system.run(
        ["powershell", "-NoProfile", "-Command", f"{ask}.ExtendedProperty('System.Volume.BitLockerProtection')"]
    )
    said = "" if ran is None else ran.out.strip()
    if said in ("1", "3"):
        return good(f"{drive} is encrypted by BitLocker")
    if said in ("2", "4", "5"):
        state = {"2": "not encrypted", "4": "being decrypted", "5": "encrypted, and its protection is suspended"}[said]
        return advice(
            f"{drive} is {state}: recordings are health data",
            f"In PowerShell, as administrator: manage-bde -on {drive} -RecoveryPassword   (keep what it prints)"
            if said != "5"
            else f"In PowerShell, as administrator: manage-bde -protectors -enable {drive}",
        )
    return good("not known: Windows does not say")


def clock(system: System) -> Seen:
    """The time of day is not plainly wrong: it stands in recordings and calibrations."""
    now = system.now()
    said = now.strftime("%Y-%m-%d %H:%M %z")
    if LEAST_YEAR <= now.year <= LAST_YEAR:
        return good(said)
    fix = {
        LINUX: "sudo timedatectl set-ntp true   or without a network: sudo date -s 'YYYY-MM-DD HH:MM'",
        MACOS: "sudo sntp -sS time.apple.com",
    }.get(system.platform, "In PowerShell, as administrator: w32tm /resync")
    return advice(f"{said}: recordings and calibrations would carry that date", fix)


def keyring(system: System) -> Seen:
    """Keys of Bluetooth tools lie in the system's keyring, or in a file that nobody else can read."""
    user = system.user_if_known()
    if user is None:
        return NOT_KNOWN
    path = user.config / KEYS_FILE
    if system.there(path):
        try:
            read: Any = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            read = None
        except OSError as error:
            return advice(f"{path} can't be read: {error.strerror}", _let_write(system, path))
        if not isinstance(read, dict):
            away = (
                f"mv {_q(system, path)} {_q(system, path)}.old" if system.platform != WINDOWS else f'ren "{path}" *.old'
            )
            return advice(f"{path} is damaged: no Bluetooth tool obeys", f"{away}\nThen pair your tools again.")
        if system.platform != WINDOWS and path.stat().st_mode & _OTHERS:
            return advice(f"others on this computer may read the keys in {path}", f"chmod 600 {_q(system, path)}")
    found = system.keyring()
    if found is not None:
        return good(found)
    fix = "Install one, log out and in again: "
    return advice(
        f"none: keys of Bluetooth tools are kept in {path}, which only you can read",
        install(system, "gnome-keyring") + "\nthen log out and in again."
        if system.platform == LINUX
        else f"{fix}it belongs to this system; look why it does not answer with: python -m keyring --list-backends",
    )
