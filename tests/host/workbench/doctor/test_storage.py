from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.host.workbench.doctor.computer import Computer

from iastm_host.workbench.doctor import storage
from iastm_host.workbench.doctor.system import Ran

Make = Callable[..., Computer]


def test_settings_that_can_be_read_are_well(computer: Make) -> None:
    here = computer()
    assert "defaults" in storage.settings(here.system()).detail
    here.write("config/settings.toml")
    assert "defaults" not in storage.settings(here.system()).detail


def test_a_folder_with_room_is_well(computer: Make) -> None:
    seen = storage.recordings(computer(free_bytes=2_000_000_000).system())
    assert seen.ok
    assert "2,000 MB free" in seen.detail


def test_a_full_disk_is_told_before_a_recording_is(computer: Make) -> None:
    seen = storage.recordings(computer(free_bytes=storage.LEAST_FREE_BYTES - 1).system())
    assert (seen.ok, seen.only_advice) == (False, True)
    assert "recordings =" in seen.fix


def test_a_disk_that_can_only_be_read_is_not_given_to_anybody(computer: Make, tmp_path: Path) -> None:
    seen = storage.recordings(computer(read_only={str(tmp_path)}).system())
    assert (seen.ok, seen.only_advice) == (False, True)
    assert "chown" not in seen.fix
    assert seen.fix == f'In {tmp_path / "config" / "settings.toml"}: recordings = "/a/folder/with/room"'


def test_a_folder_that_may_not_be_written_to_is_given_to_its_user(computer: Make, tmp_path: Path) -> None:
    seen = storage.recordings(computer(closed={str(tmp_path)}).system())
    assert (seen.ok, seen.only_advice) == (False, True)
    assert seen.fix.startswith(f"sudo chown anna {tmp_path}")


def test_a_file_where_the_folder_should_be_is_told(computer: Make) -> None:
    here = computer()
    path = here.write("recordings")
    seen = storage.recordings(here.system())
    assert not seen.ok
    assert seen.fix == f"Move it away: mv {path} {path}.old"


def test_folders_that_can_not_be_read_keep_every_run_from_starting(computer: Make, tmp_path: Path) -> None:
    here = computer(closed={str(tmp_path / "data")})
    assert storage.own_folders(here.system()).ok  # it is not there yet
    (tmp_path / "data").mkdir()
    seen = storage.own_folders(here.system())
    assert (seen.ok, seen.only_advice) == (False, False)


def test_a_folder_beneath_a_closed_one_is_told_and_not_stumbled_over(computer: Make, tmp_path: Path) -> None:
    class Closed(type(tmp_path)):  # type: ignore[misc]
        def exists(self, **_more: object) -> bool:
            raise PermissionError(13, "Permission denied")

    here = computer(closed={str(tmp_path / "data")})
    system = replace(here.system(), user=lambda: replace(here.system().user(), data=Closed(tmp_path / "data")))
    seen = storage.own_folders(system)
    assert (seen.ok, seen.only_advice) == (False, False)


def test_folders_that_can_not_be_written_to_cost_what_would_be_kept(computer: Make, tmp_path: Path) -> None:
    here = computer(closed={str(tmp_path)})
    seen = storage.own_folders(here.system())
    assert (seen.ok, seen.only_advice) == (False, True)
    assert "lost" in seen.detail


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
    seen = storage.encryption(here.system())
    assert (seen.ok, seen.only_advice) == (False, True)
    assert "health data" in seen.detail
    assert "gocryptfs" in seen.fix


def test_a_volume_on_an_encrypted_device_is_encrypted(computer: Make) -> None:
    here = computer(device=os.makedev(253, 1))
    block(here, "nvme0n1p3")
    block(here, "dm-0", uuid="CRYPT-LUKS2-0123-luks", on="nvme0n1p3")
    block(here, "dm-1", uuid="LVM-abcdef", on="dm-0", number="253:1")
    seen = storage.encryption(here.system())
    assert seen.ok
    assert "LUKS2" in seen.detail


def test_a_volume_on_an_open_device_is_not_encrypted_by_being_mapped(computer: Make) -> None:
    here = computer(device=os.makedev(253, 1))
    block(here, "sda1")
    block(here, "dm-1", uuid="LVM-abcdef", on="sda1", number="253:1")
    assert not storage.encryption(here.system()).ok


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
    assert storage.encryption(here.system()).ok


@pytest.mark.parametrize(
    ("kind", "said"), [("fuse.gocryptfs", "encrypted by gocryptfs"), ("nfs4", "not known"), ("tmpfs", "not known")]
)
def test_what_is_not_a_disk_here_is_told_as_what_it_is(computer: Make, kind: str, said: str) -> None:
    here = computer(device=os.makedev(0, 40))
    folder = here.root / "recordings"
    folder.mkdir()
    mounts(here, (folder, kind, "somewhere"))
    seen = storage.encryption(here.system())
    assert seen.ok
    assert said in seen.detail


def test_the_innermost_mount_counts_whatever_its_name(computer: Make) -> None:
    here = computer(device=os.makedev(0, 40))
    system = here.system()
    folder = here.root / "my recordings"
    folder.mkdir()
    mounts(here, (folder, "fuse.gocryptfs", "a"), (here.root, "nfs4", "b"))
    system = replace(system, user=lambda: replace(here.system().user(), recordings=folder))
    assert "gocryptfs" in storage.encryption(system).detail


@pytest.mark.parametrize(
    ("answer", "ok"), [("FileVault is On.\n", True), ("FileVault is Off.\n", False), ("Encryption in progress\n", True)]
)
def test_macos_tells_of_its_filevault(computer: Make, answer: str, ok: bool) -> None:
    here = computer(platform="darwin", programs={("fdesetup", "status"): Ran(0, answer)})
    seen = storage.encryption(here.system())
    assert (seen.ok, seen.fix) == (ok, "" if ok else "sudo fdesetup enable")


@pytest.mark.parametrize(
    ("answer", "ok"), [("1", True), ("3", True), ("2", False), ("4", False), ("5", False), ("", True)]
)
def test_windows_tells_of_its_bitlocker(computer: Make, answer: str, ok: bool) -> None:
    here = computer(platform="win32", programs={("powershell",): Ran(0, answer + "\r\n")})
    seen = storage.encryption(here.system())
    assert (seen.ok, bool(seen.fix)) == (ok, not ok)


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_a_system_that_does_not_tell_is_not_blamed(computer: Make, platform: str) -> None:
    assert "not known" in storage.encryption(computer(platform=platform).system()).detail


@pytest.mark.parametrize(("year", "ok"), [(1970, False), (2025, False), (2026, True), (2099, True), (2100, False)])
@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_a_clock_without_its_battery_is_told(computer: Make, platform: str, year: int, ok: bool) -> None:
    seen = storage.clock(computer(platform=platform, now=datetime(year, 1, 1, tzinfo=UTC)).system())
    assert (seen.ok, bool(seen.fix)) == (ok, not ok)


def test_a_keyring_that_answers_is_well(computer: Make) -> None:
    assert storage.keyring(computer().system()).detail == "Secret Service"


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_without_a_keyring_the_file_is_named(computer: Make, platform: str) -> None:
    seen = storage.keyring(computer(keyring=None, platform=platform).system())
    assert (seen.ok, seen.only_advice) == (False, True)
    assert "tool-keys.json" in seen.detail
    assert seen.fix


def test_keys_that_others_may_read_are_closed_to_them(computer: Make) -> None:
    here = computer()
    path = here.write("config/tool-keys.json", json.dumps({"schema": 1, "tools": {}}))
    path.chmod(0o640)
    seen = storage.keyring(here.system())
    assert (seen.ok, seen.fix) == (False, f"chmod 600 {path}")
    path.chmod(0o600)
    assert storage.keyring(here.system()).ok


def test_keys_that_are_damaged_are_moved_away(computer: Make) -> None:
    here = computer()
    path = here.write("config/tool-keys.json", "{")
    seen = storage.keyring(here.system())
    assert not seen.ok
    assert f"mv {path} {path}.old" in seen.fix
