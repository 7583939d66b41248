"""SPEC.md is true: its tables of bytes, read by a program, decode the vectors, and its numbers are the code's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.protocol.spec import SPEC, decoded, named, section, tables, vectors

from iastm_firmware import slots
from iastm_protocol import gestures, kinds, limits, tool_bodies, tool_messages
from iastm_protocol.frames import cobs_size
from iastm_protocol.glitch import GLITCH_SHARE
from iastm_protocol.messages import MESSAGES, TROUBLE_MAX_BYTES
from iastm_protocol.signing import CHALLENGE_BYTES, KEY_BYTES, TAG_BYTES
from iastm_protocol.stored_calibration import HEAD_MAX_BYTES, MAX_STORED_BYTES

CASES = vectors("messages.json")["messages"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_the_tables_of_bytes_decode_every_vector(case: dict[str, Any]) -> None:
    payload = bytes.fromhex(case["payload_hex"])
    by_spec = decoded(case["kind"], payload)
    by_code = MESSAGES[case["kind"]].from_payload(payload)
    assert list(by_spec) == list(by_code._fields)
    assert by_spec == by_code._asdict()


def test_the_tables_of_entries_decode_every_entry_of_a_recording() -> None:
    cases = vectors("frames.json")["recording_entries"]
    listed = [case for case in cases if case["kind"] in (kinds.RECEIVED, kinds.NOTE)]
    assert {case["kind"] for case in listed} == {kinds.RECEIVED, kinds.NOTE}
    for case in listed:
        fields = decoded(case["kind"], bytes.fromhex(case["payload_hex"]))
        assert fields["host_us"] in (1_700_000_000_123_456, 1_700_000_000_223_456)
        if case["kind"] == kinds.NOTE:
            assert json.loads(fields["note"]) == {"note": "marker", "text": "größer"}


@pytest.mark.parametrize("case", vectors("messages.json")["older"], ids=lambda case: str(case["name"]))
def test_a_payload_of_an_older_minor_is_read_and_what_it_does_not_say_is_unknown(case: dict[str, Any]) -> None:
    payload = bytes.fromhex(case["payload_hex"])
    by_spec = decoded(case["kind"], payload)
    by_code = MESSAGES[case["kind"]].from_payload(payload)._asdict()
    assert by_spec | case["missing"] == by_code
    assert set(by_spec).isdisjoint(case["missing"])


def constants(prefixes: tuple[str, ...]) -> dict[str, int]:
    return {name: value for name, value in vars(kinds).items() if name.startswith(prefixes) and isinstance(value, int)}


def test_the_table_of_kinds_is_complete() -> None:
    listed = named("### 2.4 Kinds", name_at=1, value_at=0)
    assert listed == {name: getattr(kinds, name) for name in listed}
    assert {value for value in listed.values() if value < kinds.FIRST_RECORDING_KIND} == set(MESSAGES)
    assert {listed["RECEIVED"], listed["NOTE"]} == {value for value in listed.values() if value >= 0x80}


def test_the_table_of_numbers_is_complete() -> None:
    listed = named("## 6. Numbers", name_at=2, value_at=1)
    expected = constants(
        ("FAULT_", "FEATURE_", "EVENT_", "GESTURE_", "CHANNEL_", "RESET_", "MOTION_", "EXCLUDED_", "TEST_")
    )
    # A command, not a reason.
    del expected["RESET_DOSE"]
    flags = ("SATURATED", "SUSPECTED_GLITCH", "VIBRATING", "ZERO_UNCERTAIN", "BACKFILLED", "WARN", "ALARM", "DOSE")
    expected |= {name: getattr(kinds, name) for name in flags}
    assert listed == expected


def test_the_tables_of_commands_and_errors_are_complete() -> None:
    commands = named("### 5.1 COMMAND", name_at=1, value_at=0)
    named_commands = [
        *("START_STREAM", "STOP_STREAM", "DESCRIBE", "SET_ZERO", "SET_LIMITS", "GET_KEY", "RENEW_KEY"),
        *("BEGIN_CALIBRATION", "CALIBRATION_PART", "KEEP_CALIBRATION", "GET_CALIBRATION"),
        *("GET_LOG", "SELF_TEST", "SET_CHANNELS", "SILENCE", "SET_DOSE_LIMIT", "RESET_DOSE"),
    ]
    assert commands == {name: getattr(kinds, name) for name in named_commands}
    errors = named("### 5.2 RESPONSE", name_at=1, value_at=0)
    named_errors = (
        "OK",
        "UNKNOWN_COMMAND",
        "BAD_ARGUMENT",
        "NOT_ALLOWED",
        "BUSY",
        "FAILED",
        "NEEDS_KEY",
        "NEEDS_PRESS",
    )
    assert errors == {name: getattr(kinds, name) for name in named_errors}


def test_the_stated_sizes_are_the_codes() -> None:
    assert f"0 to {kinds.MAX_LINK_PAYLOAD} bytes on a link" in SPEC
    largest = kinds.MAX_LINK_PAYLOAD + 7
    assert f"({largest} bytes) takes at most {cobs_size(largest)}, {cobs_size(largest) + 2} with its zeros" in SPEC
    assert f"1–{(kinds.MAX_LINK_PAYLOAD - 15) // 3} raw counts" in SPEC
    assert f"the payload of a COMMAND (5.1), up to {kinds.MAX_LINK_PAYLOAD - 4 - TAG_BYTES} bytes" in SPEC
    assert (f"| … | {CHALLENGE_BYTES} | bytes | challenge |" in SPEC, KEY_BYTES) == (True, 32)
    assert f"the head, {HEAD_MAX_BYTES} bytes at most" in SPEC
    assert f"together {MAX_STORED_BYTES} bytes at most" in SPEC
    assert f"(4.19), 1 to {MAX_STORED_BYTES} |" in SPEC
    assert MAX_STORED_BYTES == slots.MAX_DOCUMENT_BYTES
    assert f"# The IASTM tool protocol, version {kinds.MAJOR}.{kinds.MINOR}" in SPEC


def test_every_feature_but_simulated_says_what_a_tool_without_it_does() -> None:
    *_, left_out = tables(section("## 3. Versions"))
    features = constants(("FEATURE_",))
    assert {row[0] for row in left_out} == set(features) - {"FEATURE_SIMULATED"}
    assert len(left_out) == len(features) - 1


def words(heading: str) -> str:
    return " ".join(section(heading).split())


def test_the_rules_in_words_are_the_codes() -> None:
    samples, alert, event, commands = (words(f"### {number}") for number in ("4.3 ", "4.6 ", "4.7 ", "5.1 "))
    assert (GLITCH_SHARE, "an eighth of `capacity_n`" in samples) == (8, True)
    assert f"for {limits.VIBRATES_MS} ms after" in samples
    assert f"⌈{limits.VIBRATING_DEBOUNCE_MS / 1000:g} s × rate⌉-th in a row" in alert
    assert f"{limits.debounce_samples(320_000, True)} at 320 per second" in alert
    assert f"from {gestures.DEBOUNCE_MS} ms of contact on" in event
    assert f"has lasted {gestures.LONG_MS} ms" in event
    assert f"within {gestures.DOUBLE_WITHIN_MS} ms after the end" in event
    assert f"Held for {gestures.SAFE_HOLD_MS / 1000:g} s while the tool starts" in event
    assert f"SILENCE of more than {tool_bodies.MAX_SILENCE_S} s" in commands
    assert f"0 to {tool_bodies.MAX_SILENCE_S}; 0 ends it" in commands
    assert f"up to {TROUBLE_MAX_BYTES} bytes" in words("### 4.2 ")
    tilt, roll = tool_messages.TILT_MAX_CDEG, tool_messages.ROLL_MAX_CDEG
    assert f"−{tilt} to {tilt}" in words("### 4.21")
    assert f"−{roll} to {roll}" in words("### 4.21")
    assert f"{kinds.NEVER_SLEEPS}: it does not" in words("### 4.23")
    assert f"0–{(kinds.MAX_LINK_PAYLOAD - 3) // 14} |" in words("### 4.26")


def test_every_gesture_stands_in_words() -> None:
    event = words("### 4.7 ")
    assert all(name in event for name in constants(("GESTURE_",)) if name != "GESTURE_NOT_TOLD")
