from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from string import printable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_host.events import Problem, ToolDescription
from iastm_host.records.known_tools import SCHEMA, KnownTool, KnownTools, known_from

AT = datetime(2026, 11, 21, 17, 40, tzinfo=timezone(timedelta(hours=1)))
TOOL = KnownTool("T-03", "serial", "/dev/ttyACM0", AT.isoformat(), "pico2_w", "0.1.0", "9f31c2d47a80be16", "1.6")
HELLO = ToolDescription(
    firmware_version="0.1.0",
    source_hash="9f31c2d47a80be16",
    board="pico2_w",
    runtime="MicroPython 1.29",
    serial_number="T-03",
    boot_id=7,
    rate_hz=80.0,
    ring_depth=4800,
    calibration_id="C-1",
    calibration_sha256="ab" * 32,
    simulated=False,
    protocol="1.6",
    trouble="no motion sensor",
)


def file_of(folder: Path) -> Path:
    (path,) = folder.glob("*.json")
    return path


def test_a_tool_is_known_again_as_it_said_that_it_is(tmp_path: Path) -> None:
    told = known_from(HELLO, 79, "ble", "IASTM 0003", AT)
    KnownTools(tmp_path / "not there yet").keep(told)
    (found,) = KnownTools(tmp_path / "not there yet").all()
    assert found == told
    assert (found.serial_number, found.board, found.carrier, found.address) == ("T-03", "pico2_w", "ble", "IASTM 0003")
    assert (found.firmware_version, found.source_hash, found.protocol) == ("0.1.0", "9f31c2d47a80be16", "1.6")
    assert (found.calibration_id, found.calibration_sha256, found.trouble) == ("C-1", "ab" * 32, "no motion sensor")
    assert (found.battery_percent, found.seen, found.simulated) == (79, AT, False)


names = st.text(st.characters(codec="utf-8"), max_size=40)


@given(serial=names, address=names, words=names, battery=st.none() | st.integers(0, 100), hours=st.integers(-12, 12))
def test_whatever_a_tool_is_called_it_has_a_file_of_its_own_within_the_folder(
    tmp_path_factory: pytest.TempPathFactory, serial: str, address: str, words: str, battery: int | None, hours: int
) -> None:
    folder = tmp_path_factory.mktemp("known")
    at = datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=hours))).isoformat()
    tool = KnownTool(serial, "ble", address or "x", at, board=words, trouble=words, battery_percent=battery)
    other = replace(tool, serial_number=serial + "2")
    store = KnownTools(folder / "here")
    store.keep(tool)
    store.keep(other)
    assert set(store.all()) == {tool, other}
    assert [path.name for path in folder.iterdir()] == ["here"]


def test_the_last_seen_stands_first_by_the_moment_and_not_by_the_clock_on_the_wall(tmp_path: Path) -> None:
    store = KnownTools(tmp_path)
    for name, at in (
        ("early", "2026-11-21T12:00:00+05:00"),
        ("late", "2026-11-21T09:30:00+01:00"),
        ("middle", "2026-11-21T08:00:00+00:00"),
    ):
        store.keep(replace(TOOL, serial_number=name, seen_at=at))
    assert [tool.serial_number for tool in store.all()] == ["late", "middle", "early"]


def test_an_address_that_nobody_knows_now_is_the_one_known_before(tmp_path: Path) -> None:
    store = KnownTools(tmp_path)
    store.keep(TOOL)
    store.keep(replace(TOOL, address="", battery_percent=50))
    assert store.all() == [replace(TOOL, battery_percent=50)]
    store.keep(replace(TOOL, carrier="ble", address=""))
    assert store.all()[0].address == ""


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe not text",
        b"[]",
        b'{"schema": true}',
        b'{"serial_number": "T-03"}',
        json.dumps({"schema": 1, "serial_number": "T-03"}).encode(),
        json.dumps({"schema": 1, "serial_number": "T-03", "carrier": "ble", "address": "", "seen_at": "noon"}).encode(),
        json.dumps(
            {"schema": 1, "serial_number": "T", "carrier": "ble", "address": "", "seen_at": "2026-11-21T12:00:00"}
        ).encode(),
        json.dumps(
            {
                "schema": 1,
                "serial_number": "T",
                "carrier": "ble",
                "address": "",
                "seen_at": AT.isoformat(),
                "battery_percent": 101,
            }
        ).encode(),
        json.dumps(
            {"schema": 1, "serial_number": 3, "carrier": "ble", "address": "", "seen_at": AT.isoformat()}
        ).encode(),
    ],
)
def test_a_damaged_file_is_told_and_kept_beside_what_takes_its_place(tmp_path: Path, content: bytes) -> None:
    store = KnownTools(tmp_path)
    store.keep(replace(TOOL, serial_number="T-04"))
    store.keep(TOOL)
    path = tmp_path / "T-03.json"
    path.write_bytes(content)
    known = store.look()
    assert [tool.serial_number for tool in known.tools] == ["T-04"]
    (trouble,) = known.troubles
    assert "T-03.json" in trouble
    store.keep(TOOL)
    assert {tool.serial_number for tool in store.all()} == {"T-03", "T-04"}
    (aside,) = (each for each in tmp_path.iterdir() if each.suffix != ".json")
    assert aside.read_bytes() == content
    (trouble,) = store.look().troubles
    assert aside.name in trouble


def test_a_file_of_a_newer_program_is_told_and_left_as_it_is(tmp_path: Path) -> None:
    store = KnownTools(tmp_path)
    store.keep(TOOL)
    path = file_of(tmp_path)
    newer = json.dumps({"schema": SCHEMA + 1, "serial_number": "T-03", "seen": {"at": 5}})
    path.write_text(newer)
    store.keep(TOOL)
    assert path.read_text() == newer
    known = store.look()
    assert known.tools == ()
    assert "newer" in known.troubles[0]


def test_what_an_older_program_of_this_schema_did_not_say_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "T-03.json").write_text(
        json.dumps(
            {"schema": 1, "serial_number": "T-03", "carrier": "ble", "address": "IASTM 3", "seen_at": AT.isoformat()}
        )
    )
    (tool,) = KnownTools(tmp_path).all()
    assert (tool.firmware_version, tool.battery_percent, tool.calibration_id) == ("", None, "")


def test_a_file_is_whole_at_every_moment_while_two_programs_write_it(tmp_path: Path) -> None:
    store = KnownTools(tmp_path)
    store.keep(TOOL)
    done = threading.Event()
    wrong: list[object] = []

    def write(letter: str) -> None:
        for _ in range(20):
            KnownTools(tmp_path).keep(replace(TOOL, trouble=letter * 5000))

    def look() -> None:
        while not done.is_set():
            known = store.look()
            wrong.extend(known.troubles)
            wrong.extend(tool for tool in known.tools if len(set(tool.trouble)) > 1)

    threads = [threading.Thread(target=write, args=(letter,)) for letter in "ab"]
    reader = threading.Thread(target=look)
    for thread in (reader, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    reader.join()
    assert wrong == []
    assert [path.name for path in tmp_path.iterdir()] == ["T-03.json"]


def test_a_tool_is_forgotten_once_and_twice(tmp_path: Path) -> None:
    store = KnownTools(tmp_path)
    store.keep(TOOL)
    store.forget("T-03")
    store.forget("T-03")
    assert store.all() == []


def test_a_folder_that_can_not_be_made_is_a_problem_with_its_cure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text(printable)
    store = KnownTools(tmp_path / "file" / "known tools")
    with pytest.raises(Problem) as refused:
        store.keep(TOOL)
    assert refused.value.fix


def test_a_battery_that_a_short_connection_did_not_hear_of_is_the_last_one_with_its_time(tmp_path: Path) -> None:
    store = KnownTools(tmp_path)
    store.keep(known_from(HELLO, 79, "ble", "IASTM 0003", AT))
    for hours in (1, 2):
        store.keep(known_from(HELLO, None, "ble", "IASTM 0003", AT + timedelta(hours=hours)))
    (known,) = store.all()
    assert (known.battery_percent, known.battery_at) == (79, AT.isoformat())
    assert known.seen == AT + timedelta(hours=2)


def test_a_battery_from_before_its_time_was_kept_was_told_when_the_tool_was_seen(tmp_path: Path) -> None:
    store = KnownTools(tmp_path)
    store.keep(replace(TOOL, battery_percent=40))
    store.keep(replace(TOOL, seen_at=(AT + timedelta(days=1)).isoformat()))
    assert store.all()[0].battery_at == AT.isoformat()


def test_a_damaged_file_is_told_with_its_cure(tmp_path: Path) -> None:
    store = KnownTools(tmp_path)
    store.keep(TOOL)
    file_of(tmp_path).write_bytes(b"{")
    (trouble,) = store.look().troubles
    assert "Check its tool" in trouble
    store.keep(TOOL)
    (trouble,) = store.look().troubles
    assert "delete it" in trouble
