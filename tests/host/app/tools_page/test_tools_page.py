from __future__ import annotations

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.host.app.tools_page.desk import (
    BY_AIR,
    NOW,
    OURS,
    PORT,
    TOOL,
    WAIT_S,
    Desk,
    document_of,
    done,
    named,
    notice,
    offered,
    row_texts,
    tables,
    waited,
    words,
)

from iastm_host.app.tools_page import tools_page
from iastm_host.app.tools_page.page import CALIBRATION, FIRMWARE, LINK, LOG, OVERVIEW, TITLES, Progress
from iastm_host.app.tools_page.surroundings import OnAir, Target
from iastm_host.app.tools_page.tools_page import CANCEL, CHECK, FORGET, OPEN, READ, SEARCH, STOP, TEST, UPDATE, WAIT
from iastm_host.events import Problem
from iastm_host.transports.base import BUSY, NOT_FOUND, TransportError
from iastm_host.transports.ports import Holder, SerialPort
from iastm_protocol import kinds

LOG_TEXT = "# start 1, 12 s: failed\n  ValueError: one\n# start 2, 3600 s: watchdog\n"
NO_RADIO = Problem("This computer has no Bluetooth that works.", "Plug an adapter in.")
GONE = TransportError(NOT_FOUND, "There is no port /dev/ttyACM0.", "Plug the tool in.")
ON_AIR = OnAir("IASTM 0007", "C0:FF:EE:00:00:07", -61, 34, False)


# Overview


def test_where_nothing_is_known_it_says_what_to_do(desk: Desk) -> None:
    snapshot = desk.page().snapshot()
    assert "No tool yet" in words(snapshot)
    assert "press Search" in words(snapshot)
    assert "iastm flash" in words(snapshot)
    assert offered(snapshot)[SEARCH]
    assert not offered(snapshot)[CHECK]
    assert snapshot.identity is None


def test_what_is_most_likely_a_tool_is_chosen_where_none_is_known(desk: Desk) -> None:
    built_in = SerialPort("/dev/ttyS0", None, None, "", "", "")
    desk.ports = [built_in]
    page = desk.page()
    assert not offered(page.snapshot())[CHECK]
    desk.ports = [built_in, PORT]
    snapshot = done(page, SEARCH)
    assert [row.id for row in tables(snapshot)[0].rows if row.chosen] == ["port:/dev/ttyACM0"]
    assert "then check it" in words(snapshot)
    assert offered(snapshot)[CHECK]
    desk.heard = [ON_AIR]
    other = desk.page()
    snapshot = done(other, SEARCH)
    # What was chosen before stays so.
    assert [row.id for row in tables(snapshot)[0].rows if row.chosen] == ["port:/dev/ttyACM0"]


UNO = SerialPort("/dev/ttyACM0", 0x2341, 0x0043, "55", "Uno", "Arduino")
PROBE = SerialPort("/dev/ttyACM0", 0x2E8A, 0x000C, "E66", "Debug Probe (CMSIS-DAP)", "Raspberry Pi")
BRIDGE = SerialPort("/dev/ttyACM0", 0x0403, 0x6001, "A1", "FT232R USB UART", "FTDI")


@pytest.mark.parametrize("stranger", [UNO, PROBE, BRIDGE])
def test_what_may_be_no_board_is_neither_chosen_nor_opened_before_a_person_agrees(
    desk: Desk, stranger: SerialPort
) -> None:
    desk.ports = [stranger]
    page = desk.page()
    assert not any(row.chosen for row in tables(page.snapshot())[0].rows)
    page.choose("port:/dev/ttyACM0")
    for option in (CANCEL, OPEN):
        question = done(page, CHECK).question
        assert question is not None
        assert stranger.device in question.title
        assert f"{stranger.vid:04X}:{stranger.pid:04X}" in " ".join(question.sentences)
        assert question.options[0][0] == CANCEL
        assert desk.opened == []
        page.answer(option)
    waited(page)
    assert [known.serial_number for known in desk.known.all()] == ["T-03"]
    # Once is enough.
    assert done(page, CHECK).question is None
    assert len(desk.opened) == 2


@pytest.mark.parametrize(("page_name", "action"), [(OVERVIEW, CHECK), (LINK, TEST), (LOG, READ)])
def test_another_device_at_the_port_of_a_known_tool_is_not_opened_unasked(
    desk: Desk, page_name: str, action: str
) -> None:
    desk.ports = [PORT]
    desk.known.keep(TOOL)
    page = desk.page()
    desk.ports = [UNO]
    page.turn_to(page_name)
    assert done(page, action).question is not None
    assert desk.opened == []
    desk.open_error = GONE
    page.answer(OPEN)
    waited(page)
    assert len(desk.opened) == 1


def test_a_known_tool_behind_a_bridge_is_checked_without_a_question(desk: Desk) -> None:
    desk.ports = [BRIDGE]
    desk.known.keep(TOOL)
    assert done(desk.page(), CHECK).question is None
    assert len(desk.opened) == 1


def test_a_known_tool_is_a_row_with_all_that_is_known_of_it(desk: Desk) -> None:
    desk.known.keep(replace(TOOL, trouble="no motion sensor"))
    snapshot = desk.page().snapshot()
    (table, *_) = tables(snapshot)
    assert table.heads == ("Tool", "Last seen", "Link", "Battery", "Firmware", "Calibration", "Trouble")
    assert row_texts(table) == [
        ("T-03", "pico_2_w"),
        ("Today, 17:40", ""),
        ("USB", "/dev/ttyACM0"),
        ("79 %", ""),
        ("Older", "0.1.0"),
        ("None", ""),
        ("No motion sensor", ""),
    ]
    assert table.rows[0].chosen
    assert snapshot.identity is not None
    assert (snapshot.identity.name, snapshot.identity.battery_percent) == ("T-03", 79)


def test_ports_are_there_at_once_and_the_air_only_after_a_search(desk: Desk) -> None:
    desk.ports = [PORT]
    desk.holders = {PORT.device: [Holder(4711, "thonny")]}
    desk.heard = [ON_AIR]
    desk.known.keep(TOOL)
    page = desk.page()
    before = tables(page.snapshot())[1]
    assert row_texts(before) == [
        ("/dev/ttyACM0", ""),
        ("Board in FS mode", "2E8A:0005"),
        ("T-03", ""),
        ("Busy", "thonny (process 4711)"),
    ]
    assert len(before.rows) == 1
    after = tables(done(page, SEARCH))[1]
    assert row_texts(after, 1) == [
        ("IASTM 0007", "C0:FF:EE:00:00:07"),
        ("Bluetooth", "battery 34 %"),
        ("–", ""),
        ("Free", "−61 dBm"),
    ]


def test_without_a_radio_the_ports_are_found_and_the_cure_stands_in_the_page(desk: Desk) -> None:
    desk.ports = [PORT]
    desk.heard = NO_RADIO
    snapshot = done(desk.page(), SEARCH)
    assert [row.id for row in tables(snapshot)[0].rows] == ["port:/dev/ttyACM0"]
    said = notice(snapshot)
    assert said is not None
    assert (said.what, said.fix) == (NO_RADIO.what, NO_RADIO.fix)
    assert snapshot.question is None


def test_what_is_chosen_moves_through_both_tables_and_stays_within_them(desk: Desk) -> None:
    desk.ports = [PORT]
    desk.known.keep(TOOL)
    desk.known.keep(BY_AIR)
    page = desk.page()

    def chosen() -> list[str]:
        return [row.id for table in tables(page.snapshot()) for row in table.rows if row.chosen]

    seen = []
    for step in (-1, 1, 1, 1, -1):
        page.move(step)
        seen.append(chosen())
    assert seen == [["known:T-03"], ["known:T-07"], ["port:/dev/ttyACM0"], ["port:/dev/ttyACM0"], ["known:T-07"]]
    page.choose("known:nobody")
    assert chosen() == ["known:T-07"]


def test_a_tool_whose_port_has_another_name_now_is_found_by_its_number(desk: Desk) -> None:
    desk.known.keep(TOOL)
    desk.ports = [replace(PORT, device="/dev/ttyACM5", serial_number="T-03"), replace(PORT, device="/dev/ttyACM6")]
    page = desk.page()
    done(page, CHECK)
    assert desk.known.all()[0].address == "/dev/ttyACM5"


def test_a_tool_that_is_checked_is_known_from_then_on_and_chosen(desk: Desk) -> None:
    desk.ports = [PORT]
    page = desk.page()
    page.choose("port:/dev/ttyACM0")
    snapshot = done(page, CHECK)
    assert notice(snapshot) is None
    (known,) = desk.known.all()
    assert (known.serial_number, known.address, known.battery_percent) == ("T-03", "/dev/ttyACM0", 80)
    assert tables(snapshot)[0].rows[0].chosen
    assert snapshot.identity is not None
    assert snapshot.identity.name == "T-03"


def test_a_tool_that_was_named_is_checked_at_once(desk: Desk) -> None:
    page = desk.page(Target("ble", "IASTM 0001"))
    (known,) = desk.known.all()
    assert (known.serial_number, known.carrier, known.address) == ("T-03", "ble", "IASTM 0001")
    assert tables(page.snapshot())[0].rows[0].chosen


@pytest.mark.parametrize(
    "error", [GONE, TransportError(BUSY, "/dev/ttyACM0 is busy: thonny (4711) has it open.", "Close that program.")]
)
@pytest.mark.parametrize(("page_name", "action"), [(OVERVIEW, CHECK), (LINK, TEST), (LOG, READ)])
def test_a_tool_that_can_not_be_had_is_a_sentence_with_its_cure_on_the_page_that_asked(
    desk: Desk, fake_tool: type, error: TransportError, page_name: str, action: str
) -> None:
    desk.tool = fake_tool(features=kinds.FEATURE_LOG, log=LOG_TEXT.encode())
    desk.known.keep(TOOL)
    desk.open_error = error
    page = desk.page()
    page.turn_to(page_name)
    snapshot = done(page, action)
    said = notice(snapshot)
    assert said is not None
    cure = "press Search in Overview" if error is GONE else error.fix
    assert said.what == error.what
    assert cure in said.fix
    assert snapshot.question is None
    page.turn_to(CALIBRATION)
    assert notice(page.snapshot()) is None
    page.turn_to(page_name)
    desk.open_error = None
    assert notice(done(page, action)) is None


def test_a_failure_inside_is_said_and_logged_and_the_page_goes_on(desk: Desk, expected_log: list[str]) -> None:
    expected_log.append("a job of the tools page failed")
    desk.known.keep(TOOL)
    desk.open_error = RuntimeError("broken inside")
    page = desk.page()
    page.turn_to(LINK)
    said = notice(done(page, TEST))
    assert said is not None
    assert "broken inside" in said.what
    desk.open_error = None
    assert notice(done(page, TEST)) is None


def test_forgetting_asks_first_and_keeps_what_is_not_in_the_list(desk: Desk) -> None:
    desk.known.keep(TOOL)
    desk.logs.keep_log("T-03", LOG_TEXT)
    page = desk.page()
    page.do(FORGET)
    question = page.snapshot().question
    assert question is not None
    assert question.options[0][0] == CANCEL
    page.answer(CANCEL)
    assert [tool.serial_number for tool in desk.known.all()] == ["T-03"]
    page.do(FORGET)
    page.answer(FORGET)
    snapshot = waited(page).snapshot()
    assert desk.known.all() == []
    assert "No tool yet" in words(snapshot)
    assert desk.logs.log("T-03") == LOG_TEXT


def test_a_damaged_file_of_a_tool_is_told_beside_the_others(desk: Desk) -> None:
    desk.known.keep(TOOL)
    desk.known.keep(BY_AIR)
    (path,) = (path for path in desk.known._folder.iterdir() if path.name.startswith("T-07"))
    path.write_text("{")
    snapshot = desk.page().snapshot()
    assert len(tables(snapshot)[0].rows) == 1
    assert "T-07.json" in words(snapshot)


@pytest.mark.parametrize("page_name", [CALIBRATION, LINK, LOG, FIRMWARE])
def test_without_a_tool_a_page_says_where_to_choose_one(desk: Desk, page_name: str) -> None:
    page = desk.page()
    page.turn_to(page_name)
    snapshot = page.snapshot()
    assert words(snapshot) == "No tool is chosen. Choose one in Overview."
    assert not any(able for name, able in offered(snapshot).items() if name != "copy")


# Link test


def test_a_link_is_judged_first_and_its_figures_stand_below(desk: Desk) -> None:
    desk.known.keep(TOOL)
    page = desk.page()
    page.turn_to(LINK)
    assert "Nothing on the tool is changed" in words(page.snapshot())
    snapshot = done(page, TEST)
    said = words(snapshot)
    verdict, *_ = said.splitlines()
    assert verdict in ("Good", "Usable", "Bad")
    assert "Lost for good: 0" in said
    assert said.index("Figures") < said.index("Lost for good")
    assert "Round trip: " in said
    assert snapshot.identity is not None
    assert snapshot.identity.battery_percent == desk.known.all()[0].battery_percent
    assert snapshot.identity is not None
    assert snapshot.identity.name == "T-03"


def test_a_test_that_is_stopped_is_no_problem(desk: Desk) -> None:
    desk.known.keep(TOOL)
    page = desk.page()
    page.turn_to(LINK)
    desk.tool.mute.update({kinds.HELLO})
    page.do(TEST)
    snapshot = page.snapshot()
    assert offered(snapshot)[STOP]
    assert not offered(snapshot)[TEST]
    assert isinstance(snapshot.blocks[0], Progress)
    snapshot = done(page, STOP)
    assert notice(snapshot) is None
    assert offered(snapshot)[TEST]
    assert STOP not in offered(snapshot)


def test_what_is_done_on_one_page_is_said_on_the_others(desk: Desk) -> None:
    desk.known.keep(TOOL)
    page = desk.page()
    page.turn_to(FIRMWARE)
    desk.hold.clear()
    page.do(UPDATE)
    page.answer(UPDATE)
    assert desk.in_update.wait(WAIT_S)
    page.turn_to(LOG)
    assert page.snapshot().footer == "Firmware: Sending app.mpy"
    assert not offered(page.snapshot())[READ]
    desk.hold.set()
    waited(page)


# Log


def test_the_log_that_is_kept_is_shown_newest_first_and_read_anew(desk: Desk, fake_tool: type) -> None:
    desk.tool = fake_tool(features=kinds.FEATURE_LOG, log=LOG_TEXT.encode())
    page = desk.page(Target("serial", "/dev/ttyACM0"))
    page.turn_to(LOG)
    assert "No failure of this tool is kept here" in words(page.snapshot())
    snapshot = done(page, READ)
    assert notice(snapshot) is None
    assert "2 entries are new" in words(snapshot)
    text = page.text()
    assert text.index("start 2, 3600 s") < text.index("start 1, 12 s") < text.index("ValueError: one")
    assert desk.logs.log("F-1") == LOG_TEXT
    assert "nothing is new" in words(done(page, READ))


def test_a_tool_without_a_log_is_not_asked_for_it(desk: Desk) -> None:
    desk.known.keep(replace(TOOL, keeps_log=False))
    page = desk.page()
    page.turn_to(LOG)
    assert "keeps no log" in words(page.snapshot())
    assert not offered(page.snapshot())[READ]


# Firmware


@pytest.mark.parametrize(
    ("version", "source_hash", "word"),
    [
        (OURS.version, OURS.source_hash, "Up to date"),
        ("9.9.9", OURS.source_hash, "Up to date"),
        ("0.1.9", "bb" * 8, "Older"),
        ("0.10.0", "bb" * 8, "Newer"),
        (OURS.version, "bb" * 8, "Another build"),
        (OURS.version, "", "Unknown"),
        (OURS.version, "00" * 8, "Unknown"),
        ("two", "bb" * 8, "Unknown"),
    ],
)
def test_firmware_is_judged_by_its_sources_and_then_by_its_version(
    desk: Desk, version: str, source_hash: str, word: str
) -> None:
    desk.known.keep(replace(TOOL, firmware_version=version, source_hash=source_hash))
    page = desk.page()
    assert row_texts(tables(page.snapshot())[0])[4] == (word, version)
    page.turn_to(FIRMWARE)
    snapshot = page.snapshot()
    assert words(snapshot).splitlines()[0] == word
    assert [row_texts(tables(snapshot)[0], place)[2][0] for place in range(3)] == [
        OURS.version,
        OURS.source_hash,
        OURS.protocol,
    ]


def test_nothing_is_written_before_it_was_asked_and_answered(desk: Desk) -> None:
    desk.known.keep(TOOL)
    page = desk.page()
    page.turn_to(FIRMWARE)
    page.do(UPDATE)
    question = page.snapshot().question
    assert question is not None
    assert question.options == ((CANCEL, "Cancel"), (UPDATE, "Update"))
    assert "0.1.0" in question.sentences[0]
    assert "/dev/ttyACM0" in question.sentences[0]
    page.answer(CANCEL)
    assert waited(page).snapshot().question is None
    assert desk.updated == []


def test_an_update_tells_its_steps_and_what_came_of_it(desk: Desk) -> None:
    desk.known.keep(TOOL)
    desk.hold.clear()
    page = desk.page()
    page.turn_to(FIRMWARE)
    page.do(UPDATE)
    page.answer(UPDATE)
    assert desk.in_update.wait(WAIT_S)
    snapshot = page.snapshot()
    assert snapshot.blocks[0] == Progress("Sending app.mpy", 0.25)
    assert not offered(snapshot)[STOP], "a board that is half written is not left alone"
    desk.hold.set()
    waited(page)
    assert desk.updated == ["/dev/ttyACM0"]
    assert "Updated" in words(page.snapshot())
    assert "12 files, 34,567 bytes" in words(page.snapshot())


def test_a_port_that_is_called_otherwise_after_the_restart_is_found_again(desk: Desk) -> None:
    desk.known.keep(TOOL)
    desk.port_now = "/dev/ttyACM7"
    page = desk.page()
    page.turn_to(FIRMWARE)
    page.do(UPDATE)
    page.answer(UPDATE)
    snapshot = waited(page).snapshot()
    assert notice(snapshot) is None
    assert desk.known.all()[0].address == "/dev/ttyACM7"


def test_another_tool_than_the_one_meant_is_left_alone(desk: Desk, fake_tool: type) -> None:
    desk.known.keep(TOOL)
    page = desk.page()
    desk.tool = fake_tool()
    page.turn_to(FIRMWARE)
    page.do(UPDATE)
    page.answer(UPDATE)
    said = notice(waited(page).snapshot())
    assert said is not None
    assert "F-1, and not T-03" in said.what
    assert desk.updated == []


def test_an_update_leaves_alone_what_took_the_port_meanwhile(desk: Desk) -> None:
    desk.ports = [PORT]
    desk.known.keep(TOOL)
    page = desk.page()
    page.turn_to(FIRMWARE)
    page.do(UPDATE)
    desk.ports = [UNO]
    page.answer(UPDATE)
    said = notice(waited(page).snapshot())
    assert said is not None
    assert "was not touched" in said.what
    assert "2341:0043" in said.what
    assert (desk.opened, desk.updated) == ([], [])


def test_before_an_update_of_what_is_behind_a_bridge_it_is_named(desk: Desk) -> None:
    desk.ports = [BRIDGE]
    desk.known.keep(TOOL)
    page = desk.page()
    page.turn_to(FIRMWARE)
    page.do(UPDATE)
    question = page.snapshot().question
    assert question is not None
    assert "FT232R" in question.sentences[-1]
    page.answer(UPDATE)
    waited(page)
    assert desk.updated == ["/dev/ttyACM0"]


def test_a_tool_that_does_not_answer_may_be_cured_by_an_update(desk: Desk) -> None:
    desk.known.keep(TOOL)
    page = desk.page()
    desk.tool.mute.update({kinds.HELLO})
    page.turn_to(FIRMWARE)
    page.do(UPDATE)
    page.answer(UPDATE)
    waited(page)
    assert desk.updated == ["/dev/ttyACM0"]


def test_an_update_that_fails_says_why_and_the_tool_can_be_tried_again(desk: Desk) -> None:
    desk.known.keep(TOOL)
    desk.update_fails = Problem("The new firmware did not start: MemoryError.", "The tool runs the one before.")
    page = desk.page()
    page.turn_to(FIRMWARE)
    page.do(UPDATE)
    page.answer(UPDATE)
    snapshot = waited(page).snapshot()
    said = notice(snapshot)
    assert said is not None
    assert "MemoryError" in said.what
    assert "Updated" not in words(snapshot)
    assert offered(snapshot)[UPDATE]


def test_while_a_program_has_the_port_nothing_is_written_and_the_program_is_named(desk: Desk) -> None:
    desk.known.keep(TOOL)
    page = desk.page()
    desk.holders = {"/dev/ttyACM0": [Holder(4711, "iastm")]}
    page.turn_to(FIRMWARE)
    page.do(UPDATE)
    page.answer(UPDATE)
    said = notice(waited(page).snapshot())
    assert said is not None
    assert "iastm (process 4711)" in said.what
    assert "Close" in said.fix
    assert desk.updated == []


def test_a_tool_on_the_air_needs_a_cable_and_gets_its_update_once_it_has_one(desk: Desk, fake_tool: type) -> None:
    desk.known.keep(BY_AIR)
    page = desk.page()
    page.turn_to(FIRMWARE)
    snapshot = page.snapshot()
    assert "over a cable" in words(snapshot)
    assert not offered(snapshot)[UPDATE]
    # The port of a tool that names itself as its board does on USB.
    desk.tool = named(fake_tool, "T-07")()
    desk.ports = [replace(PORT, serial_number="t-07")]
    page.turn_to(OVERVIEW)
    done(page, SEARCH)
    page.choose("known:T-07")
    page.turn_to(FIRMWARE)
    assert offered(page.snapshot())[UPDATE]
    page.do(UPDATE)
    page.answer(UPDATE)
    waited(page)
    assert desk.updated == ["/dev/ttyACM0"]


def test_a_simulated_tool_is_not_updated(desk: Desk) -> None:
    desk.known.keep(replace(TOOL, board="simulated", simulated=True))
    page = desk.page()
    page.turn_to(FIRMWARE)
    assert "nothing to update" in words(page.snapshot())
    assert not offered(page.snapshot())[UPDATE]
    page.do(UPDATE)
    assert page.snapshot().question is None


def test_a_board_that_plays_strokes_is_a_board_all_the_same(desk: Desk) -> None:
    desk.known.keep(replace(TOOL, board="Demo RP2040", simulated=True))
    page = desk.page()
    page.turn_to(FIRMWARE)
    assert offered(page.snapshot())[UPDATE]


# Leaving


def test_leaving_amid_an_update_asks_and_then_waits_for_its_end(desk: Desk) -> None:
    desk.known.keep(TOOL)
    desk.hold.clear()
    page = desk.page()
    page.turn_to(FIRMWARE)
    page.do(UPDATE)
    page.answer(UPDATE)
    assert desk.in_update.wait(WAIT_S)
    assert not page.leave()
    question = page.snapshot().question
    assert question is not None
    page.answer(CANCEL)
    assert not page.snapshot().finished
    assert not page.leave()
    page.answer(WAIT)
    assert "closes once" in page.snapshot().footer
    assert not page.snapshot().finished
    desk.hold.set()
    assert waited(page).snapshot().finished
    assert desk.updated == ["/dev/ttyACM0"]


def test_an_update_that_fails_while_it_is_waited_for_is_still_seen(desk: Desk) -> None:
    desk.known.keep(TOOL)
    desk.hold.clear()
    desk.update_fails = Problem("The new firmware did not start.", "The tool runs the one before.")
    page = desk.page()
    page.turn_to(FIRMWARE)
    page.do(UPDATE)
    page.answer(UPDATE)
    assert desk.in_update.wait(WAIT_S)
    assert not page.leave()
    page.answer(WAIT)
    page.turn_to(LOG)
    desk.hold.set()
    snapshot = waited(page).snapshot()
    assert not snapshot.finished
    assert snapshot.page == FIRMWARE
    assert notice(snapshot) is not None
    assert page.leave()


def test_leaving_ends_what_can_be_ended(desk: Desk) -> None:
    desk.known.keep(TOOL)
    page = desk.page()
    desk.tool.mute.update({kinds.HELLO})
    page.turn_to(LINK)
    page.do(TEST)
    assert page.leave()
    waited(page)
    assert page.snapshot().finished


def test_every_page_can_be_taken_along_as_text(desk: Desk) -> None:
    desk.known.keep(TOOL)
    page = desk.page()
    for name, title in TITLES.items():
        page.turn_to(name)
        assert page.text().startswith(f"T-03: {title}\n")
    page.turn_to(OVERVIEW)
    assert "T-03 (pico_2_w)\tToday, 17:40\tUSB (/dev/ttyACM0)\t79 %\t! Older (0.1.0)\tNone\tNone" in page.text()


def test_any_number_of_threads_may_look_while_something_is_done(desk: Desk) -> None:
    desk.known.keep(TOOL)
    page = desk.page()
    over = threading.Event()

    def look() -> int:
        seen = 0
        while not over.is_set():
            seen += bool(page.text() and page.snapshot().actions)
        return seen

    with ThreadPoolExecutor(2) as lookers:
        looks = [lookers.submit(look) for _ in range(2)]
        for action in (CHECK, SEARCH, CHECK):
            done(page, action)
        over.set()
        assert all(each.result() for each in looks)


def test_every_action_that_is_offered_can_be_done(desk: Desk) -> None:
    desk.known.keep(TOOL)
    page = desk.page()
    for name in TITLES:
        page.turn_to(name)
        for action in page.snapshot().actions:
            assert action.name in vars(tools_page).values()
            assert action.key


# What hurts where nobody looks


def last_column(desk: Desk, **changes: object) -> tuple[str, str]:
    desk.known.keep(replace(TOOL, **changes))  # type: ignore[arg-type]
    return row_texts(tables(desk.page().snapshot())[0])[-1]


def test_a_tool_that_will_not_warn_is_in_trouble(desk: Desk) -> None:
    assert last_column(desk, not_warning="zero is not confirmed") == ("Will not warn: zero is not confirmed", "")
    assert last_column(desk, not_warning="", trouble="") == ("None", "")
    # Of one that was not asked nothing is said to be well.
    assert last_column(desk, not_warning=None) == ("Not asked", "")


def test_a_tool_that_is_checked_and_will_not_warn_is_in_trouble_at_once(desk: Desk) -> None:
    desk.ports = [PORT]
    desk.tool.zero = desk.tool.zero._replace(confirmed=False)
    snapshot = done(desk.page(), CHECK)
    assert row_texts(tables(snapshot)[0])[-1][0] == "Will not warn: zero is not confirmed"


@pytest.mark.parametrize("page_name", [OVERVIEW, LINK, LOG])
def test_what_can_not_be_kept_is_shown_with_the_warning_beside_it(desk: Desk, tmp_path: Path, page_name: str) -> None:
    desk.tool = _logging(desk)
    desk.known.keep(replace(TOOL, firmware_version="before"))
    page = desk.page()
    page.turn_to(page_name)
    for folder in ("known", "logs"):
        shutil.rmtree(tmp_path / folder, ignore_errors=True)
        (tmp_path / folder).write_text("no folder")
    snapshot = done(page, {OVERVIEW: CHECK, LINK: TEST, LOG: READ}[page_name])
    warning = notice(snapshot)
    assert warning is not None
    assert "is not kept" in warning.what
    assert snapshot.identity is not None
    assert snapshot.identity.name == TOOL.serial_number
    if page_name == LINK:
        assert "Figures" in words(snapshot)
    if page_name == LOG:
        assert any("ValueError: one" in line for block in snapshot.blocks for line in getattr(block, "lines", ()))
    page.turn_to(OVERVIEW)
    assert row_texts(tables(page.snapshot())[0])[4][1] != "before"


def _logging(desk: Desk) -> Any:
    made = type(desk.tool)(log=LOG_TEXT.encode(), features=kinds.FEATURE_LOG)
    made.rate_hz = desk.tool.rate_hz
    return made


def test_a_fault_of_one_tool_is_not_told_on_the_page_of_another(desk: Desk) -> None:
    desk.known.keep(TOOL)
    desk.known.keep(BY_AIR)
    page = desk.page()
    page.choose(f"known:{TOOL.serial_number}")
    page.turn_to(LINK)
    desk.open_error = GONE
    assert notice(done(page, TEST)) is not None
    page.choose(f"known:{BY_AIR.serial_number}")
    assert notice(page.snapshot()) is None
    page.choose(f"known:{TOOL.serial_number}")
    assert notice(page.snapshot()) is not None


def test_a_job_of_one_tool_is_named_on_the_page_of_another_and_does_not_choose_it_again(desk: Desk) -> None:
    desk.known.keep(TOOL)
    desk.known.keep(BY_AIR)
    page = desk.page()
    page.choose(f"known:{TOOL.serial_number}")
    page.turn_to(FIRMWARE)
    desk.hold.clear()
    page.do(UPDATE)
    page.answer(UPDATE)
    assert desk.in_update.wait(WAIT_S)
    page.choose(f"known:{BY_AIR.serial_number}")
    snapshot = page.snapshot()
    assert not any(isinstance(block, Progress) for block in snapshot.blocks)
    assert snapshot.footer == "T-03: Firmware: Sending app.mpy"


def test_a_battery_that_was_told_another_day_says_which(desk: Desk) -> None:
    desk.known.keep(replace(TOOL, battery_at="2026-11-20T09:00:00+01:00"))
    assert row_texts(tables(desk.page().snapshot())[0])[3] == ("79 %", "Yesterday, 09:00")


def test_a_tool_that_keeps_no_calibration_is_not_to_be_read(desk: Desk) -> None:
    for keeps in (True, False):
        desk.known.keep(replace(TOOL, calibration_id="C-1", calibration_sha256="ab" * 32, keeps_calibration=keeps))
        page = desk.page()
        page.turn_to(CALIBRATION)
        said = words(page.snapshot())
        assert ("iastm calibrate read" in said) == keeps
        assert ("read it from the tool" in said) == keeps


def test_a_port_that_was_asked_and_is_no_tool_is_not_called_unasked(desk: Desk) -> None:
    desk.ports = [PORT]
    page = desk.page()
    page.turn_to(CALIBRATION)
    assert "was not asked" in words(page.snapshot())
    desk.open_error = GONE
    snapshot = done(page, CHECK)
    assert "was not asked" not in words(snapshot)
    assert "No tool answered here" in words(snapshot)


def test_while_a_link_is_tested_the_verdict_of_the_test_before_is_not_shown(desk: Desk) -> None:
    desk.known.keep(TOOL)
    page = desk.page()
    page.turn_to(LINK)
    assert "Figures" in words(done(page, TEST))
    # A test that waits for a link that does not come.
    let_go = threading.Event()
    desk.before_open = lambda: let_go.wait(WAIT_S)
    page.do(TEST)
    try:
        snapshot = page.snapshot()
        assert [type(block) for block in snapshot.blocks] == [Progress]
    finally:
        let_go.set()
    assert "Figures" in words(waited(page).snapshot())


def test_what_needs_something_is_marked_and_counted_above(desk: Desk) -> None:
    fine = replace(TOOL, source_hash=OURS.source_hash, firmware_version=OURS.version)
    hurts = {
        "well": {},
        "battery": {"battery_percent": 14},
        "firmware": {"firmware_version": "0.1.0", "source_hash": "bb" * 8},
        "silent": {"not_warning": "zero is not confirmed"},
        "trouble": {"trouble": "no motion sensor"},
    }
    for name, changes in hurts.items():
        desk.known.keep(replace(fine, serial_number=name, **changes))  # type: ignore[arg-type]
    for name, days in (("due", 14), ("expired", -1), ("later", 15)):
        made = NOW - timedelta(days=30 - days)
        tool = replace(fine, serial_number=name)
        desk.known.keep(desk.calibrate(tool, document_of(name, made, 1)))
    snapshot = desk.page().snapshot()
    assert "6 of 8 need something" in words(snapshot)
    marked = {row.cells[0].text: [cell.needs for cell in row.cells].count(True) for row in tables(snapshot)[0].rows}
    assert marked == {"well": 0, "later": 0} | dict.fromkeys(
        ("battery", "firmware", "silent", "trouble", "due", "expired"), 1
    )


def test_where_nothing_needs_anything_nothing_is_said(desk: Desk) -> None:
    desk.known.keep(replace(TOOL, source_hash=OURS.source_hash, firmware_version=OURS.version))
    assert "something" not in words(desk.page().snapshot())


def test_before_an_update_a_low_battery_is_told(desk: Desk) -> None:
    for percent in (19, 20):
        desk.known.keep(replace(TOOL, battery_percent=percent))
        page = desk.page()
        page.turn_to(FIRMWARE)
        page.do(UPDATE)
        question = page.snapshot().question
        assert question is not None
        assert ("battery was at 19 %" in question.sentences[0]) == (percent == 19)
