"""Whether the disk is encrypted that recordings lie on: they are health data (docs/security.md)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from iastm_host.workbench.doctor.finding import Seen, advice, good
from iastm_host.workbench.doctor.qt import install
from iastm_host.workbench.doctor.storage import NOT_KNOWN, standing
from iastm_host.workbench.doctor.system import LINUX, MACOS, System

_ENCRYPTING = {"fuse.gocryptfs", "fuse.encfs", "fuse.cryfs", "ecryptfs"}
_ELSEWHERE = {"nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "9p", "virtiofs", "drvfs"}


def encryption(system: System) -> Seen:
    """The disk is encrypted on which recordings lie, as far as the system tells."""
    user = system.user_if_known()
    if user is None:
        return NOT_KNOWN
    folder = standing(system, user.recordings)
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
