from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.host.workbench.doctor.computer import Computer

from iastm_host.workbench.doctor import encryption
from iastm_host.workbench.doctor.system import Ran

Make = Callable[..., Computer]


def block(here: Computer, name: str, *, uuid: str = "", on: str = "", number: str = "") -> None:
    """Give a computer a block device that stands on another."""
    folder = here.root / "sys/devices" / name
    (folder / "slaves").mkdir(parents=True)
    if uuid:
        (folder / "dm").mkdir()
        (folder / "dm/uuid").write_text(uuid + "\n")
    if on:
        (folder / "slaves" / on).symlink_to(here.root / "sys/devices" / on)
    for place in ([f"dev/block/{number}"] if number else []) + [f"class/block/{name}"]:
        link = here.root / "sys" / place
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(folder)


def test_a_disk_that_is_not_encrypted_is_told_since_recordings_are_health_data(computer: Make) -> None:
    here = computer(device=os.makedev(8, 1))
    block(here, "sda1", number="8:1")
    seen = encryption.encryption(here.system())
    assert (seen.ok, seen.only_advice) == (False, True)
    assert "health data" in seen.detail
    assert "gocryptfs" in seen.fix


def test_a_volume_on_an_encrypted_device_is_encrypted(computer: Make) -> None:
    here = computer(device=os.makedev(253, 1))
    block(here, "nvme0n1p3")
    block(here, "dm-0", uuid="CRYPT-LUKS2-0123-luks", on="nvme0n1p3")
    block(here, "dm-1", uuid="LVM-abcdef", on="dm-0", number="253:1")
    seen = encryption.encryption(here.system())
    assert seen.ok
    assert "LUKS2" in seen.detail


def test_a_volume_on_an_open_device_is_not_encrypted_by_being_mapped(computer: Make) -> None:
    here = computer(device=os.makedev(253, 1))
    block(here, "sda1")
    block(here, "dm-1", uuid="LVM-abcdef", on="sda1", number="253:1")
    assert not encryption.encryption(here.system()).ok


def mounts(here: Computer, *lines: tuple[Path, str, str]) -> None:
    """Let a computer have these mounts: place, file system, source."""
    text = "22 1 0:20 / / rw - ext4 /dev/none rw\n"
    for place, kind, source in lines:
        quoted = str(place).replace(" ", "\\040")
        text += f"30 22 0:30 / {quoted} rw,relatime shared:1 - {kind} {source} rw\n"
    here.write("/proc/self/mountinfo", text)


def test_a_file_system_with_a_number_of_its_own_is_known_by_its_mount(computer: Make) -> None:
    here = computer(device=os.makedev(0, 40))
    block(here, "dm-0", uuid="CRYPT-LUKS2-0123-luks")
    mounts(here, (here.root, "btrfs", "/dev/dm-0"))
    assert encryption.encryption(here.system()).ok


@pytest.mark.parametrize(
    ("kind", "said"), [("fuse.gocryptfs", "encrypted by gocryptfs"), ("nfs4", "not known"), ("tmpfs", "not known")]
)
def test_what_is_not_a_disk_here_is_told_as_what_it_is(computer: Make, kind: str, said: str) -> None:
    here = computer(device=os.makedev(0, 40))
    folder = here.root / "recordings"
    folder.mkdir()
    mounts(here, (folder, kind, "somewhere"))
    seen = encryption.encryption(here.system())
    assert seen.ok
    assert said in seen.detail


def test_the_innermost_mount_counts_whatever_its_name(computer: Make) -> None:
    here = computer(device=os.makedev(0, 40))
    system = here.system()
    folder = here.root / "my recordings"
    folder.mkdir()
    mounts(here, (folder, "fuse.gocryptfs", "a"), (here.root, "nfs4", "b"))
    system = replace(system, user=lambda: replace(here.system().user(), recordings=folder))
    assert "gocryptfs" in encryption.encryption(system).detail


@pytest.mark.parametrize(
    ("answer", "ok"), [("FileVault is On.\n", True), ("FileVault is Off.\n", False), ("Encryption in progress\n", True)]
)
def test_macos_tells_of_its_filevault(computer: Make, answer: str, ok: bool) -> None:
    here = computer(platform="darwin", programs={("fdesetup", "status"): Ran(0, answer)})
    seen = encryption.encryption(here.system())
    assert (seen.ok, seen.fix) == (ok, "" if ok else "sudo fdesetup enable")


@pytest.mark.parametrize(
    ("answer", "ok"), [("1", True), ("3", True), ("2", False), ("4", False), ("5", False), ("", True)]
)
def test_windows_tells_of_its_bitlocker(computer: Make, answer: str, ok: bool) -> None:
    here = computer(platform="win32", programs={("powershell",): Ran(0, answer + "\r\n")})
    seen = encryption.encryption(here.system())
    assert (seen.ok, bool(seen.fix)) == (ok, not ok)


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_a_system_that_does_not_tell_is_not_blamed(computer: Make, platform: str) -> None:
    assert "not known" in encryption.encryption(computer(platform=platform).system()).detail
