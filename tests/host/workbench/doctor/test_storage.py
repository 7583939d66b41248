from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.host.workbench.doctor.computer import Computer

from iastm_host.workbench.doctor import storage

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
