"""Messages: what goes in comes out, and nothing that a peer sends does more than raise RemoteProtocolError."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_protocol import kinds
from iastm_protocol.calibration_bodies import (
    begin_calibration_body,
    calibration_part_body,
    get_calibration_body,
    keep_calibration_body,
    read_begin_calibration_body,
    read_calibration_part_body,
    read_get_calibration_body,
    read_keep_calibration_body,
)
from iastm_protocol.errors import LocalProtocolError, RemoteProtocolError
from iastm_protocol.messages import (
    MESSAGES,
    Ack,
    AlertReport,
    Calibration,
    Channel,
    Command,
    Fetch,
    FetchEvents,
    ForceSamples,
    Gone,
    Hello,
    HelloAnswer,
    Key,
    Limits,
    Ping,
    Pong,
    Response,
    SignedCommand,
    Status,
    StoredPart,
    StrokeReport,
    ToolEvent,
    Zero,
    check_prefix,
    pack_counts,
    read_zero_body,
    set_zero_body,
    unpack_counts,
)
from iastm_protocol.tool_bodies import (
    MAX_SILENCE_S,
    get_log_body,
    read_get_log_body,
    read_set_channels_body,
    read_set_dose_limit_body,
    read_silence_body,
    set_channels_body,
    set_dose_limit_body,
    silence_body,
)
from iastm_protocol.tool_messages import (
    ChannelsReport,
    HealthReport,
    LogPart,
    MotionReport,
    SelfTestResult,
    SelfTestRow,
    StrokeMotion,
)

U8, U16, U32, U48 = (st.integers(0, 2**bits - 1) for bits in (8, 16, 32, 48))
I16, I32, I64 = (st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (16, 32, 64))
TILT, ROLL, DIRECTION = (st.integers(-most, most) for most in (9000, 18000, 1))
I24 = st.integers(kinds.COUNTS_MIN, kinds.COUNTS_MAX)
TEXT = (
    st.text(max_size=60)
    .filter(lambda text: len(text.encode(errors="replace")) <= 255)
    .filter(lambda text: not any("\ud800" <= letter <= "\udfff" for letter in text))
)
FLOAT = st.floats(allow_nan=False, allow_infinity=False)
SHA256 = st.binary(min_size=32, max_size=32)
MAJOR = st.just(kinds.MAJOR)

ANY_MESSAGE = st.one_of(
    st.builds(Hello, MAJOR, U8, TEXT, U32),
    st.builds(
        HelloAnswer,
        MAJOR,
        U8,
        TEXT,
        st.binary(min_size=8, max_size=8),
        TEXT,
        TEXT,
        TEXT,
        U32,
        st.integers(1, 2**32 - 1),
        st.lists(st.builds(Channel, TEXT, TEXT), max_size=3).map(tuple),
        U32,
        TEXT,
        SHA256,
        U32,
        st.binary(min_size=16, max_size=16),
        TEXT.filter(lambda text: len(text.encode()) <= 200),
        U8,
        U16,
        U16,
        U32,
        U16,
    ),
    st.builds(ForceSamples, U32, U48, U32, U8, st.lists(I24, min_size=1, max_size=155).map(pack_counts)),
    st.builds(StrokeReport, U32, U32, U32, U32, I32, I64, st.booleans(), U32),
    st.builds(Status, U32, U8, I16, U32, U32, U32, U16, U16, U32, U32, U32),
    st.builds(AlertReport, U8, U32, U48, I32),
    st.builds(ToolEvent, U32, U8, U32, U48, I32),
    st.builds(Calibration, TEXT, SHA256, FLOAT, st.lists(FLOAT, min_size=2, max_size=6).map(tuple), U32, U32),
    st.builds(Zero, I32, U32, I32, st.booleans()),
    st.builds(Limits, TEXT, U32, U32, U32, U32),
    st.builds(Ping, U16),
    st.builds(Pong, U16, U48),
    st.builds(Ack, U32, U32),
    st.builds(Fetch, U32, st.integers(1, 2**32 - 1)),
    st.builds(FetchEvents, U32),
    st.builds(Gone, U32, st.integers(1, 2**32 - 1)),
    st.builds(Command, U16, U8, st.binary(max_size=400)),
    st.builds(SignedCommand, U32, st.binary(min_size=16, max_size=16), st.binary(max_size=400)),
    st.builds(Key, st.binary(min_size=32, max_size=32)),
    st.builds(StoredPart, U32, U32, st.binary(max_size=400)),
    st.builds(Response, U16, U8, U8, TEXT),
    st.builds(MotionReport, U32, U48, TILT, ROLL, U8),
    st.builds(StrokeMotion, U32, U8, DIRECTION, U16, U8),
    st.builds(HealthReport, U16, U32, U16, U32, U32, U32, U32, U16),
    st.builds(ChannelsReport, U8, U8, U16),
    st.builds(LogPart, U32, U32, st.binary(max_size=400)),
    st.builds(SelfTestResult, U16, st.lists(st.builds(SelfTestRow, U8, U8, I32, I32, I32), max_size=10).map(tuple)),
)


@given(ANY_MESSAGE)
def test_a_message_comes_back_as_it_went(message: Any) -> None:
    back = type(message).from_payload(message.to_payload())
    assert back == message
    assert type(back) is type(message)


@given(ANY_MESSAGE, st.data())
def test_a_payload_that_ends_too_soon_is_the_peers_fault(message: Any, data: st.DataObject) -> None:
    payload = message.to_payload()
    # Those that are open at the end are cut within what they must have.
    least = {"ForceSamples": 17, "Command": 3, "SignedCommand": 20, "StoredPart": 8, "LogPart": 8}
    appended = {"Calibration": 8, "HelloAnswer": 12 + len(getattr(message, "trouble", "").encode())}
    name = type(message).__name__
    needed = least.get(name, len(payload) - appended.get(name, 0))
    short = payload[: data.draw(st.integers(0, needed - 1))]
    with pytest.raises(RemoteProtocolError):
        type(message).from_payload(short)


@given(ANY_MESSAGE, st.binary(min_size=1, max_size=40))
def test_fields_of_a_newer_minor_version_are_read_over(message: Any, tail: bytes) -> None:
    if isinstance(message, ForceSamples | Command | SignedCommand | StoredPart | LogPart):
        return
    assert type(message).from_payload(message.to_payload() + tail) == message


@given(st.sampled_from(sorted(MESSAGES)), st.binary(max_size=120), st.booleans())
def test_no_payload_raises_anything_but_the_peers_fault(kind: int, payload: bytes, with_prefix: bool) -> None:
    if with_prefix:
        payload = b"IAST\x01\x00" + payload
    try:
        message = MESSAGES[kind].from_payload(payload)
    except RemoteProtocolError:
        return
    # What was accepted can be said again, fields that an older minor left out among them.
    assert type(message).from_payload(message.to_payload()) == message


@given(st.integers(0, 255), st.integers(0, 255), st.binary(max_size=40))
def test_the_frozen_prefix_tells_the_version_whatever_follows(major: int, minor: int, rest: bytes) -> None:
    assert check_prefix(b"IAST" + bytes([major, minor]) + rest) == (major, minor)


@given(st.integers(0, 255).filter(lambda major: major != kinds.MAJOR), st.binary(max_size=40))
def test_a_hello_of_another_major_is_understood_far_enough_to_refuse_it(major: int, rest: bytes) -> None:
    assert Hello.from_payload(b"IAST" + bytes([major, 3]) + rest) == Hello(major, 3, "", 0)


@given(st.lists(I24, max_size=155))
def test_packed_counts_come_back(counts: list[int]) -> None:
    packed = pack_counts(counts)
    assert len(packed) == 3 * len(counts)
    assert unpack_counts(packed) == counts
    assert [int.from_bytes(packed[at : at + 3], "little", signed=True) for at in range(0, len(packed), 3)] == counts


@given(I32)
def test_the_body_of_set_zero_comes_back(counts: int) -> None:
    assert read_zero_body(set_zero_body(counts)) == counts


@pytest.mark.parametrize("cut", range(1, 8))
def test_a_calibration_of_an_older_minor_is_read_and_one_that_ends_within_a_field_is_the_peers_fault(cut: int) -> None:
    calibration = Calibration("c", bytes(32), 50.0, (0.0, 1e-5), 21_143, 640)
    payload = calibration.to_payload()
    assert Calibration.from_payload(payload[:-8]) == calibration._replace(expires_day=0, from_index=0)
    assert Calibration.from_payload(payload[:-4]) == calibration._replace(from_index=0)
    if cut != 4:
        with pytest.raises(RemoteProtocolError, match="too short"):
            Calibration.from_payload(payload[:-cut])


@given(U32, U16, st.binary(max_size=400), SHA256)
def test_the_bodies_of_a_calibrations_commands_come_back(offset: int, n: int, data: bytes, sha256: bytes) -> None:
    assert read_begin_calibration_body(begin_calibration_body(offset)) == offset
    assert read_calibration_part_body(calibration_part_body(offset, data)) == (offset, data)
    assert read_keep_calibration_body(keep_calibration_body(sha256)) == sha256
    assert read_get_calibration_body(get_calibration_body(offset, n)) == (offset, n)


@given(U8, st.integers(0, MAX_SILENCE_S), U32, U16)
def test_the_bodies_of_a_tools_own_commands_come_back(chosen: int, seconds: int, value: int, n: int) -> None:
    assert read_set_channels_body(set_channels_body(chosen)) == chosen
    assert read_silence_body(silence_body(seconds)) == seconds
    assert read_set_dose_limit_body(set_dose_limit_body(value)) == value
    assert read_get_log_body(get_log_body(value, n)) == (value, n)


def test_a_silence_that_would_not_expire_soon_is_refused_on_both_sides() -> None:
    with pytest.raises(LocalProtocolError, match="121"):
        silence_body(121)
    with pytest.raises(RemoteProtocolError, match="120 s at most"):
        read_silence_body(b"\x79\x00")


@pytest.mark.parametrize(
    ("read", "least"),
    [
        (read_set_channels_body, 1),
        (read_silence_body, 2),
        (read_set_dose_limit_body, 4),
        (read_get_log_body, 6),
        (read_begin_calibration_body, 4),
        (read_calibration_part_body, 4),
        (read_keep_calibration_body, 32),
        (read_get_calibration_body, 6),
    ],
)
def test_a_body_that_ends_too_soon_is_the_peers_fault(read: Any, least: int) -> None:
    read(bytes(least))
    for n in range(least):
        with pytest.raises(RemoteProtocolError, match="too short"):
            read(bytes(n))


@pytest.mark.parametrize("sha256", [bytes(31), bytes(33)])
def test_a_hash_of_another_length_is_refused(sha256: bytes) -> None:
    with pytest.raises(LocalProtocolError):
        keep_calibration_body(sha256)


@pytest.mark.parametrize("body", [b"", b"\x00", b"\x00\x00\x00"])
def test_a_body_of_set_zero_that_ends_too_soon_is_the_peers_fault(body: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        read_zero_body(body)


def test_text_that_utf8_cannot_carry_is_refused() -> None:
    with pytest.raises(LocalProtocolError):
        Hello(1, 0, "\ud800", 0).to_payload()


def test_a_hello_answer_without_a_rate_is_refused_on_both_sides() -> None:
    answer = HelloAnswer(1, 0, "", bytes(8), "", "", "", 0, 1, (), 0, "", bytes(32), 0, bytes(16), "", 0, 0, 0, 0, 0)
    payload = bytearray(answer.to_payload())
    with pytest.raises(LocalProtocolError):
        answer._replace(rate_mhz=0).to_payload()
    # Prefix, text, hash, three texts, boot id: the rate begins at byte 22.
    assert payload[22:26] == b"\x01\x00\x00\x00"
    payload[22] = 0
    with pytest.raises(RemoteProtocolError):
        HelloAnswer.from_payload(payload)


@pytest.mark.parametrize("message", [Fetch, Gone])
def test_a_run_of_no_samples_is_refused_on_both_sides(message: type[Fetch] | type[Gone]) -> None:
    with pytest.raises(LocalProtocolError, match="no samples"):
        message(7, 0).to_payload()
    with pytest.raises(RemoteProtocolError, match="no samples"):
        message.from_payload(bytes(8))


def test_the_greatest_batch_fits_a_frame_of_a_link_and_one_more_count_does_not() -> None:
    assert len(ForceSamples(0, 0, 0, 0, pack_counts([0] * 155)).to_payload()) <= kinds.MAX_LINK_PAYLOAD
    assert len(ForceSamples(0, 0, 0, 0, pack_counts([0] * 156)).to_payload()) > kinds.MAX_LINK_PAYLOAD


@pytest.mark.parametrize(("tilt_cdeg", "roll_cdeg"), [(9001, 0), (-9001, 0), (0, 18_001), (0, -18_001)])
def test_an_angle_that_there_is_none_of_is_refused_on_both_sides(tilt_cdeg: int, roll_cdeg: int) -> None:
    with pytest.raises(LocalProtocolError, match=str(tilt_cdeg)):
        MotionReport(1, 2, tilt_cdeg, roll_cdeg, 0).to_payload()
    with pytest.raises(RemoteProtocolError, match=str(roll_cdeg)):
        MotionReport.from_payload(bytes(10) + struct.pack("<2hB", tilt_cdeg, roll_cdeg, 0))


@pytest.mark.parametrize("direction", [-128, -2, 2, 127])
def test_a_direction_that_there_is_none_of_is_refused_on_both_sides(direction: int) -> None:
    with pytest.raises(LocalProtocolError, match="direction"):
        StrokeMotion(1, 1, direction, 0, 0).to_payload()
    with pytest.raises(RemoteProtocolError, match="direction"):
        StrokeMotion.from_payload(struct.pack("<IBbHB", 1, 1, direction, 0, 0))


def test_a_trouble_longer_than_200_bytes_is_refused_and_one_of_200_fits_beside_a_boards_texts() -> None:
    answer = HelloAnswer(
        *(1, 2, "v" * 20, bytes(8), "b" * 20, "r" * 20, "s" * 20, 0, 1, (Channel("force", "N"),), 0, "c" * 40),
        *(bytes(32), 0, bytes(16), "é" * 100, 0, 0, 0, 0, 0),
    )
    assert len(answer.to_payload()) <= kinds.MAX_LINK_PAYLOAD
    with pytest.raises(LocalProtocolError, match="200"):
        answer._replace(trouble="é" * 100 + "e").to_payload()


def test_a_tool_of_an_older_minor_tells_nothing_of_trouble_restarts_and_overload() -> None:
    told = ("t", 3, 4, 5, 6, 7)
    answer = HelloAnswer(1, 1, "", bytes(8), "", "", "", 0, 1, (), 0, "", bytes(32), 0, bytes(16), *told)
    payload = answer.to_payload()
    older = HelloAnswer.from_payload(payload[: -2 - 1 - 2 - 2 - 4 - 2])
    assert older == answer._replace(
        trouble="", reset_reason=kinds.RESET_UNKNOWN, power_losses=0, restarts=0, overload_mn=0, log_bytes=0
    )


def test_34_self_tests_fit_a_frame() -> None:
    rows = (SelfTestRow(1, 0, 0, 0, 0),) * 34
    assert len(SelfTestResult(1, rows).to_payload()) <= kinds.MAX_LINK_PAYLOAD
    assert len(SelfTestResult(1, (*rows, rows[0])).to_payload()) > kinds.MAX_LINK_PAYLOAD
