"""Writes the vectors beside this file and the worked sessions in SPEC.md: `python protocol/vectors/make.py`.

What a reader must make of damage, of strokes, limits, conversions and signatures is stated here by hand or computed
another way (exact fractions, a plain COBS encoder, the library's HMAC), never taken from the code under test. Wire
bytes of messages come from the code; tests hold some of them against bytes worked out by hand.
"""

import binascii
import hashlib
import hmac
import json
import struct
import sys
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parent))

from iastm_protocol import kinds  # noqa: E402 (the path has to stand first)
from iastm_protocol.calibration_bodies import (  # noqa: E402
    begin_calibration_body,
    calibration_part_body,
    get_calibration_body,
    keep_calibration_body,
)
from iastm_protocol.frames import CRC_BYTES, HEADER_BYTES, encode  # noqa: E402
from iastm_protocol.messages import (  # noqa: E402
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
    pack_counts,
    set_zero_body,
)
from iastm_protocol.signing import TAG_BYTES  # noqa: E402
from iastm_protocol.tool_bodies import (  # noqa: E402
    get_log_body,
    set_channels_body,
    set_dose_limit_body,
    silence_body,
)
from iastm_protocol.tool_messages import (  # noqa: E402
    ChannelsReport,
    HealthReport,
    LogPart,
    MotionReport,
    SelfTestResult,
    SelfTestRow,
    StrokeMotion,
)
from vectors.given import (  # noqa: E402
    ANSWER,
    CALIBRATION,
    CHALLENGE,
    KEY,
    LIMITS,
    bare,
    pieces,
    plain_tag,
    signed,
    stuff,
)
from vectors.sessions import with_sessions  # noqa: E402

Json = dict[str, Any]

U8, U16, U32 = 0xFF, 0xFFFF, 0xFFFFFFFF
I32_MIN, I32_MAX = -0x80000000, 0x7FFFFFFF
I64_MIN, I64_MAX = -0x8000000000000000, 0x7FFFFFFFFFFFFFFF
U48 = 0xFFFFFFFFFFFF


# Messages ------------------------------------------------------------------------------------------------------------

BIGGEST_ANSWER = HelloAnswer(
    kinds.MAJOR,
    U8,
    "v" * 100,
    b"\xff" * 8,
    "b" * 60,
    "r" * 60,
    "s" * 60,
    U32,
    U32,
    (Channel("force", "N"), Channel("pitch", "deg"), Channel("", "")),
    U32,
    "Kalibrierung µ ½ 校准",
    b"\xff" * 32,
    U32,
    b"\xff" * 16,
    "",
    U8,
    U16,
    U16,
    U32,
    U16,
)

# Any: messages share to_payload and no base class.
MESSAGE_CASES: list[tuple[str, int, int, Any]] = [
    ("hello", kinds.HELLO, 0, Hello(kinds.MAJOR, kinds.MINOR, "iastm 0.1.0", 0x5EED0001)),
    ("hello, no name", kinds.HELLO, 1, Hello(kinds.MAJOR, 0, "", 0)),
    ("hello, longest name, newest minor", kinds.HELLO, U16, Hello(kinds.MAJOR, U8, "h" * 255, U32)),
    ("hello, 255 bytes of name that are not 255 letters", kinds.HELLO, 2, Hello(kinds.MAJOR, 0, "é" * 127 + "e", 1)),
    ("hello answer", kinds.HELLO_ANSWER, 0, ANSWER),
    ("hello answer, greatest values", kinds.HELLO_ANSWER, U16, BIGGEST_ANSWER),
    ("hello answer, a challenge", kinds.HELLO_ANSWER, 1, ANSWER._replace(challenge=CHALLENGE)),
    (
        "hello answer, least values",
        kinds.HELLO_ANSWER,
        0,
        HelloAnswer(
            kinds.MAJOR, 0, "", b"\0" * 8, "", "", "", 0, 1, (), 0, "", b"\0" * 32, 0, b"\0" * 16, "", 0, 0, 0, 0, 0
        ),
    ),
    (
        "force samples",
        kinds.FORCE_SAMPLES,
        7,
        ForceSamples(6400, 20_000_000, 18_750, 0, pack_counts((0, 1, -1, 8_388_607, -8_388_608, 123_456, -123_456))),
    ),
    ("force samples, one", kinds.FORCE_SAMPLES, 8, ForceSamples(0, 0, 0, 0, pack_counts((0,)))),
    (
        "force samples, full batch, greatest values",
        kinds.FORCE_SAMPLES,
        U16,
        ForceSamples(U32 - 154, U48, U32, U8, pack_counts([kinds.COUNTS_MIN, kinds.COUNTS_MAX, -1] * 51 + [0, 1])),
    ),
    (
        "force samples, saturated while the motor runs",
        kinds.FORCE_SAMPLES,
        9,
        ForceSamples(320, 1_000_000, 3125, kinds.SATURATED | kinds.VIBRATING, pack_counts((8_388_606, 8_388_607))),
    ),
    ("stroke", kinds.STROKE, 3, StrokeReport(12, 6400, 6719, 6500, 820_000, 180_000_000, False, 30_500)),
    ("stroke, truncated, rate unknown", kinds.STROKE, 4, StrokeReport(1, 0, 47, 3, 110_000, 4_000_000, True, 0)),
    ("stroke, greatest values", kinds.STROKE, U16, StrokeReport(U32, U32, U32, U32, I32_MAX, I64_MAX, True, U32)),
    ("stroke, least values", kinds.STROKE, 0, StrokeReport(0, 0, 0, 0, I32_MIN, I64_MIN, False, 0)),
    ("status", kinds.STATUS, 5, Status(19_200, 87, 3110, 0, 0, 0, 0, 0, 98_304, 60, 3)),
    (
        "status, battery and temperature unknown, faults",
        kinds.STATUS,
        6,
        Status(
            1,
            kinds.UNKNOWN_U8,
            kinds.UNKNOWN_I16,
            kinds.FAULT_ADC_SILENT | kinds.FAULT_LINK_STALLED,
            3,
            2,
            1,
            4,
            0,
            0,
            1,
        ),
    ),
    ("status, greatest values", kinds.STATUS, U16, Status(U32, 100, 0x7FFF, U32, U32, U32, U16, U16, U32, U32, U32)),
    ("alert, warn", kinds.ALERT, 10, AlertReport(kinds.WARN, 6412, 20_037_500, 1_441_800)),
    ("alert, alarm, greatest values", kinds.ALERT, 11, AlertReport(kinds.ALARM, U32, U48, I32_MAX)),
    ("alert, least values", kinds.ALERT, 12, AlertReport(kinds.WARN, 0, 0, I32_MIN)),
    ("tool event, boot", kinds.TOOL_EVENT, 0, ToolEvent(1, kinds.EVENT_BOOT, 0, 0, 0)),
    ("tool event, zero", kinds.TOOL_EVENT, 1, ToolEvent(2, kinds.EVENT_ZERO, 640, 2_000_000, -1234)),
    ("tool event, greatest values", kinds.TOOL_EVENT, 2, ToolEvent(U32, U8, U32, U48, I32_MAX)),
    ("tool event, least value", kinds.TOOL_EVENT, 3, ToolEvent(0, 0, 0, 0, I32_MIN)),
    ("calibration", kinds.CALIBRATION, 1, CALIBRATION),
    (
        "calibration of a cell wired the other way round, third order",
        kinds.CALIBRATION,
        2,
        Calibration("ÄÖ-7", b"\xa5" * 32, 125.5, (0.0, -(2.0**-16), 2.0**-50, -(2.0**-90)), U32, U32),
    ),
    ("calibration, no name, no capacity", kinds.CALIBRATION, 3, Calibration("", b"\0" * 32, 0.0, (-0.0, 1.0), 0, 0)),
    ("zero", kinds.ZERO, 4, Zero(-2048, 640, 0, True)),
    ("zero, unconfirmed, extremes", kinds.ZERO, 5, Zero(I32_MIN, U32, I32_MAX, False)),
    ("limits", kinds.LIMITS, 6, LIMITS),
    ("limits off", kinds.LIMITS, 7, Limits("", 0, 0, 0, 0)),
    ("limits, greatest values", kinds.LIMITS, 8, Limits("p" * 255, U32, U32, U32, U32)),
    ("ping", kinds.PING, 9, Ping(1)),
    ("ping, greatest", kinds.PING, 10, Ping(U16)),
    ("pong", kinds.PONG, 11, Pong(1, 20_000_123)),
    ("pong, greatest", kinds.PONG, 12, Pong(U16, U48)),
    ("ack", kinds.ACK, 13, Ack(6400, 3)),
    ("ack, greatest", kinds.ACK, 14, Ack(U32, U32)),
    ("fetch", kinds.FETCH, 15, Fetch(1216, 754)),
    ("fetch, greatest", kinds.FETCH, 16, Fetch(U32, U32)),
    ("fetch events", kinds.FETCH_EVENTS, 17, FetchEvents(2)),
    ("fetch events, greatest", kinds.FETCH_EVENTS, 18, FetchEvents(U32)),
    ("gone", kinds.GONE, 19, Gone(1216, 16)),
    ("gone, greatest", kinds.GONE, 20, Gone(U32, U32)),
    ("command, start stream", kinds.COMMAND, 13, Command(1, kinds.START_STREAM, b"")),
    ("command, stop stream", kinds.COMMAND, 14, Command(2, kinds.STOP_STREAM, b"")),
    ("command, describe", kinds.COMMAND, 15, Command(3, kinds.DESCRIBE, b"")),
    ("command, set zero", kinds.COMMAND, 16, Command(4, kinds.SET_ZERO, set_zero_body(-2048))),
    ("command, set limits", kinds.COMMAND, 17, Command(5, kinds.SET_LIMITS, LIMITS.to_payload())),
    ("command, unknown, longest body", kinds.COMMAND, 18, Command(U16, U8, b"\x00\xff" * 238 + b"\x00")),
    ("command, get key", kinds.COMMAND, 19, Command(6, kinds.GET_KEY, b"")),
    ("command, renew key", kinds.COMMAND, 20, Command(7, kinds.RENEW_KEY, b"")),
    (
        "signed command, set zero",
        kinds.SIGNED_COMMAND,
        21,
        signed(KEY, CHALLENGE, 1, Command(8, kinds.SET_ZERO, set_zero_body(-2048))),
    ),
    (
        "signed command, greatest values, longest body",
        kinds.SIGNED_COMMAND,
        U16,
        SignedCommand(U32, b"\xff" * 16, Command(U16, U8, b"\xff" * 457).to_payload()),
    ),
    (
        "command, begin calibration",
        kinds.COMMAND,
        25,
        Command(9, kinds.BEGIN_CALIBRATION, begin_calibration_body(9876)),
    ),
    (
        "command, calibration part",
        kinds.COMMAND,
        26,
        Command(10, kinds.CALIBRATION_PART, calibration_part_body(440, b'{"schema":1')),
    ),
    (
        "command, keep calibration",
        kinds.COMMAND,
        27,
        Command(11, kinds.KEEP_CALIBRATION, keep_calibration_body(bytes(range(32, 64)))),
    ),
    ("command, get calibration", kinds.COMMAND, 28, Command(12, kinds.GET_CALIBRATION, get_calibration_body(944, 472))),
    ("stored part", kinds.STORED_PART, 29, StoredPart(944, 9876, b'"points":[')),
    ("stored part, none is stored", kinds.STORED_PART, 30, StoredPart(0, 0, b"")),
    ("stored part, greatest values", kinds.STORED_PART, 31, StoredPart(U32, U32, b"\xff" * 472)),
    ("motion", kinds.MOTION, 32, MotionReport(6400, 20_000_000, 3550, -1200, kinds.MOTION_MOVING)),
    ("motion, greatest values", kinds.MOTION, 33, MotionReport(U32, U48, 9000, 18_000, U8)),
    ("motion, least values", kinds.MOTION, 34, MotionReport(0, 0, -9000, -18_000, 0)),
    (
        "stroke motion",
        kinds.STROKE_MOTION,
        35,
        StrokeMotion(12, kinds.SOURCE_FORCE_AND_MOTION, -1, 140, kinds.EXCLUDED_NOT),
    ),
    (
        "stroke motion, unknown, while it was wiped",
        kinds.STROKE_MOTION,
        36,
        StrokeMotion(13, kinds.SOURCE_FORCE_AND_MOTION, 0, 0, kinds.EXCLUDED_WIPING),
    ),
    ("stroke motion, greatest values", kinds.STROKE_MOTION, 37, StrokeMotion(U32, U8, 1, U16, U8)),
    ("health", kinds.HEALTH, 38, HealthReport(3875, 319_480, 112, 2, 1, 1_250_000, 3_600_000, 298)),
    (
        "health, nothing known, never asleep",
        kinds.HEALTH,
        39,
        HealthReport(0, 0, 0, 0, 0, 0, 0, kinds.NEVER_SLEEPS),
    ),
    ("health, greatest values", kinds.HEALTH, 40, HealthReport(U16, U32, U16, U32, U32, U32, U32, U16)),
    (
        "channels, silenced",
        kinds.CHANNELS,
        41,
        ChannelsReport(
            kinds.CHANNEL_LIGHT | kinds.CHANNEL_BUZZER | kinds.CHANNEL_VIBRATION,
            kinds.CHANNEL_LIGHT | kinds.CHANNEL_VIBRATION,
            95,
        ),
    ),
    ("channels, none", kinds.CHANNELS, 42, ChannelsReport(0, 0, 0)),
    ("channels, greatest values", kinds.CHANNELS, 43, ChannelsReport(U8, U8, U16)),
    ("log part", kinds.LOG_PART, 44, LogPart(0, 1310, b"# start 12, 3671 s: hung\n")),
    ("log part, empty", kinds.LOG_PART, 45, LogPart(0, 0, b"")),
    ("log part, greatest values", kinds.LOG_PART, 46, LogPart(U32, U32, b"\xff" * 472)),
    (
        "self-test result",
        kinds.SELF_TEST_RESULT,
        47,
        SelfTestResult(
            15,
            (
                SelfTestRow(kinds.TEST_ADC_NOISE, kinds.TEST_PASSED, 640, 1, 5000),
                SelfTestRow(kinds.TEST_ZERO, kinds.TEST_FAILED, -250_000, -131_072, 131_072),
                SelfTestRow(kinds.TEST_GRAVITY, kinds.TEST_NOT_FITTED, 0, 0, 0),
            ),
        ),
    ),
    (
        "self-test result, as many as fit, extremes",
        kinds.SELF_TEST_RESULT,
        48,
        SelfTestResult(U16, (SelfTestRow(U8, U8, I32_MIN, I32_MAX, -1),) * 34),
    ),
    (
        "hello answer, a board in trouble",
        kinds.HELLO_ANSWER,
        49,
        ANSWER._replace(
            trouble="no answer from the motion sensor at 0x6A: check its SDA and SCL",
            reset_reason=kinds.RESET_WATCHDOG,
            power_losses=3,
            restarts=2,
            overload_mn=61_250,
            log_bytes=1310,
        ),
    ),
    (
        "hello answer, longest trouble",
        kinds.HELLO_ANSWER,
        50,
        ANSWER._replace(trouble="é" * 100),
    ),
    ("command, get log", kinds.COMMAND, 53, Command(13, kinds.GET_LOG, get_log_body(472, 472))),
    ("command, self-test", kinds.COMMAND, 54, Command(15, kinds.SELF_TEST, b"")),
    (
        "command, set channels",
        kinds.COMMAND,
        55,
        Command(16, kinds.SET_CHANNELS, set_channels_body(kinds.CHANNEL_LIGHT | kinds.CHANNEL_VIBRATION)),
    ),
    ("command, silence", kinds.COMMAND, 56, Command(17, kinds.SILENCE, silence_body(120))),
    ("command, set dose limit", kinds.COMMAND, 57, Command(18, kinds.SET_DOSE_LIMIT, set_dose_limit_body(3_600_000))),
    ("command, reset dose", kinds.COMMAND, 58, Command(19, kinds.RESET_DOSE, b"")),
    ("alert, dose", kinds.ALERT, 51, AlertReport(kinds.DOSE, 6412, 20_037_500, 1_441_800)),
    (
        "tool event, long press",
        kinds.TOOL_EVENT,
        52,
        ToolEvent(4, kinds.EVENT_BUTTON, 6400, 20_000_000, kinds.GESTURE_LONG),
    ),
    ("key", kinds.KEY, 22, Key(KEY)),
    ("key, zeros", kinds.KEY, 23, Key(bytes(32))),
    ("response, accepted", kinds.RESPONSE, 19, Response(4, kinds.SET_ZERO, kinds.OK, "")),
    (
        "response, refused",
        kinds.RESPONSE,
        20,
        Response(U16, U8, kinds.UNKNOWN_COMMAND, "this firmware knows no command 255"),
    ),
    ("response, longest text", kinds.RESPONSE, 21, Response(0, 0, U8, "t" * 255)),
    (
        "response, needs a press",
        kinds.RESPONSE,
        24,
        Response(6, kinds.GET_KEY, kinds.NEEDS_PRESS, "press the tool's button, then ask within a minute"),
    ),
]


def unreadable() -> list[Json]:
    """Return payloads that section 4 of SPEC.md calls unreadable, stated by hand but for what surrounds the fault."""
    batch = bytes(15)
    answer = ANSWER.to_payload()
    rate = struct.pack("<I", ANSWER.rate_mhz)
    nameless = b"\x00" + bytes(32) + struct.pack("<d", 50.0)
    cases = [
        ("force samples, no counts", kinds.FORCE_SAMPLES, batch),
        ("force samples, a byte", kinds.FORCE_SAMPLES, batch + b"\x01"),
        ("force samples, two bytes", kinds.FORCE_SAMPLES, batch + b"\x01\x02"),
        ("force samples, a count and a byte", kinds.FORCE_SAMPLES, batch + b"\x01\x02\x03\x04"),
        ("force samples, two counts less a byte", kinds.FORCE_SAMPLES, batch + b"\x01\x02\x03\x04\x05"),
        ("hello, another magic", kinds.HELLO, b"IASt\x01\x00\x00" + bytes(4)),
        ("hello, a name that is not UTF-8", kinds.HELLO, b"IAST\x01\x00\x02\xc3\x28" + bytes(4)),
        ("hello, a name that ends within a letter", kinds.HELLO, b"IAST\x01\x00\x01\xc3" + bytes(4)),
        ("hello answer, a rate of 0", kinds.HELLO_ANSWER, answer.replace(rate, bytes(4), 1)),
        ("fetch of no samples", kinds.FETCH, struct.pack("<2I", 7, 0)),
        ("gone, no samples", kinds.GONE, struct.pack("<2I", 7, 0)),
        ("calibration, no coefficients", kinds.CALIBRATION, nameless + b"\x00"),
        ("calibration, one coefficient", kinds.CALIBRATION, nameless + b"\x01" + struct.pack("<d", 1.0)),
        (
            "calibration, fewer coefficients than it says",
            kinds.CALIBRATION,
            nameless + b"\x03" + struct.pack("<2d", 0.0, 1.0),
        ),
        (
            "calibration, a slope that is not a number",
            kinds.CALIBRATION,
            nameless + b"\x02" + bytes(8) + bytes.fromhex("000000000000f87f"),
        ),
        ("hello answer, ends within a field of minor 2", kinds.HELLO_ANSWER, answer[:-1]),
        ("hello answer, a trouble that ends too soon", kinds.HELLO_ANSWER, answer[:-12] + b"\x02n"),
        ("motion, a tilt beyond upright", kinds.MOTION, bytes(10) + struct.pack("<2hB", 9001, 0, 0)),
        ("motion, a roll beyond half a turn", kinds.MOTION, bytes(10) + struct.pack("<2hB", 0, -18_001, 0)),
        ("stroke motion, a direction of 2", kinds.STROKE_MOTION, struct.pack("<IBbHB", 1, 1, 2, 0, 0)),
        ("self-test result, fewer rows than it says", kinds.SELF_TEST_RESULT, b"\x01\x00\x02" + bytes(27)),
        ("calibration, ends within a field of minor 1", kinds.CALIBRATION, CALIBRATION.to_payload()[:-1]),
        ("calibration, a byte after minor 0", kinds.CALIBRATION, CALIBRATION.to_payload()[:-7]),
        (
            "calibration, a capacity without bound",
            kinds.CALIBRATION,
            b"\x00" + bytes(32) + bytes.fromhex("000000000000f07f") + b"\x02" + struct.pack("<2d", 0.0, 1.0),
        ),
    ]
    return [{"name": name, "kind": kind, "payload_hex": payload.hex()} for name, kind, payload in cases]


def older() -> list[Json]:
    """Return payloads of an older minor, which end before fields that were appended since, and what those then are."""
    until = CALIBRATION.to_payload()
    answer = ANSWER.to_payload()
    appended = {"trouble": "", "reset_reason": 0, "power_losses": 0, "restarts": 0, "overload_mn": 0, "log_bytes": 0}
    return [
        {
            "name": "hello answer of minor 1",
            "of": "hello answer",
            "kind": kinds.HELLO_ANSWER,
            "payload_hex": answer[:-12].hex(),
            "missing": appended,
        },
        {
            "name": "hello answer without the last fields",
            "of": "hello answer",
            "kind": kinds.HELLO_ANSWER,
            "payload_hex": answer[:-6].hex(),
            "missing": {"overload_mn": 0, "log_bytes": 0},
        },
        {
            "name": "calibration of minor 0",
            "of": "calibration",
            "kind": kinds.CALIBRATION,
            "payload_hex": until[:-8].hex(),
            "missing": {"expires_day": 0, "from_index": 0},
        },
        {
            "name": "calibration without the last field",
            "of": "calibration",
            "kind": kinds.CALIBRATION,
            "payload_hex": until[:-4].hex(),
            "missing": {"from_index": 0},
        },
    ]


def f64(value: float) -> Json:
    """Return a double as JSON: the number to read, and its bytes to compare (parsers round differently)."""
    return {"f64_hex": struct.pack("<d", value).hex(), "value": value}


def plain(value: Any) -> Any:
    """Return a field's value as JSON: bytes as {"hex"}, floats as {"f64_hex", "value"}, tuples as lists."""
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, float):
        return f64(value)
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return value


def messages() -> Json:
    """Return every message of MESSAGE_CASES with its fields, payload and wire bytes."""
    cases = []
    for name, kind, sequence, message in MESSAGE_CASES:
        case = {
            "name": name,
            "kind": kind,
            "message": MESSAGES[kind].__name__,
            "sequence": sequence,
            "fields": {field: plain(getattr(message, field)) for field in message._fields},
        }
        if isinstance(message, ForceSamples):
            case["counts"] = message.counts()
        payload = message.to_payload()
        case["payload_hex"] = payload.hex()
        case["wire_hex"] = encode(kind, sequence, payload).hex()
        cases.append(case)
    return {
        "about": "Each message: fields → payload → wire, and back. Bytes are hex; floats stand with their eight bytes.",
        "messages": cases,
        "unreadable": unreadable(),
        "older": older(),
    }


# Frames --------------------------------------------------------------------------------------------------------------


def cobs_cases() -> list[Json]:
    """Return raw bytes around every edge of COBS and what they are stuffed to."""
    no_zeros = bytes(1 + i % 255 for i in range(1024))
    raws = [(f"{n} bytes, none zero", no_zeros[:n]) for n in (0, 1, 2, 253, 254, 255, 256, 507, 508, 509, 762, 763)]
    raws += [(f"{n} zero bytes", bytes(n)) for n in (1, 2, 254, 255)]
    raws += [(f"a zero after {n} bytes", no_zeros[:n] + b"\x00") for n in (1, 253, 254, 255, 508)]
    raws += [(f"a zero before {n} bytes", b"\x00" + no_zeros[:n]) for n in (1, 253, 254, 255, 508)]
    raws += [("zeros on both sides of 254 bytes", b"\x00" + no_zeros[:254] + b"\x00")]
    return [{"name": name, "raw_hex": raw.hex(), "stuffed_hex": stuff(raw).hex()} for name, raw in raws]


def frame_case(name: str, kind: int, sequence: int, payload: bytes) -> Json:
    """Return one frame as JSON."""
    return {
        "name": name,
        "kind": kind,
        "sequence": sequence,
        "payload_hex": payload.hex(),
        "wire_hex": encode(kind, sequence, payload).hex(),
    }


def without_zero(length: int) -> tuple[int, int, bytes]:
    """Return (kind, sequence, payload) of the first frame of `length` raw bytes without a zero, CRC included."""
    payload = bytes(1 + i % 255 for i in range(length - HEADER_BYTES - CRC_BYTES))
    for sequence in range(0x0101, 0x10000):
        if len(encode(0x7E, sequence, payload)) == length + length // 254 + 3 and sequence & 0xFF:
            return 0x7E, sequence, payload
    raise AssertionError("no such frame")


def frames() -> Json:
    """Return frames of every critical size, other spellings that are read, and the entries of recordings."""
    cases = [
        frame_case("no payload", 0x7F, 0, b""),
        frame_case("kind 0, the first number, all zeros", 0x00, 0, bytes(16)),
        frame_case("one zero byte", 0x7F, 1, b"\x00"),
        frame_case("largest payload on a link, all zeros", 0x7F, U16, bytes(kinds.MAX_LINK_PAYLOAD)),
        frame_case("largest payload on a link, all ones", 0x7F, U16, b"\xff" * kinds.MAX_LINK_PAYLOAD),
    ]
    for length in (253, 254, 255, 256):
        kind, sequence, payload = without_zero(length)
        cases.append(frame_case(f"{length} raw bytes, none zero", kind, sequence, payload))
    kind, sequence, payload = without_zero(254)
    bare = encode(kind, sequence, payload)
    received = struct.pack("<Q", 1_700_000_000_123_456) + encode(kinds.PONG, 2, Pong(1, 5_000_000).to_payload())
    silence = struct.pack("<Q", 1_700_000_000_223_456)
    note = silence + json.dumps({"note": "marker", "text": "größer"}, ensure_ascii=False).encode()
    chunk = bytes((i * 7) % 256 for i in range(4096))
    return {
        "about": "COBS alone, whole frames, spellings that differ from ours but are read, and entries of recordings.",
        "cobs": cobs_cases(),
        "frames": cases,
        "also_read": [
            {
                "name": "a last full run without the code byte 01 after it",
                "kind": kind,
                "sequence": sequence,
                "payload_hex": payload.hex(),
                # Ends FF … 01 00 as we write it.
                "wire_hex": (bare[:-2] + b"\x00").hex(),
            },
            {
                "name": "no zero byte before the frame",
                "kind": kinds.PING,
                "sequence": 3,
                "payload_hex": "0100",
                "wire_hex": encode(kinds.PING, 3, b"\x01\x00")[1:].hex(),
            },
        ],
        "recording_entries": [
            frame_case("RECEIVED: host_us 1700000000123456, then bytes", kinds.RECEIVED, 0, received),
            frame_case("RECEIVED: silence", kinds.RECEIVED, 1, silence),
            frame_case("RECEIVED: a chunk larger than any frame of a link", kinds.RECEIVED, 2, silence + chunk),
            frame_case("NOTE: host_us 1700000000223456, then JSON", kinds.NOTE, 3, note),
            frame_case("the last kind", 0xFF, 4, b""),
        ],
    }


# Damage --------------------------------------------------------------------------------------------------------------

PING_A = encode(kinds.PING, 1, Ping(0x1111).to_payload())
PING_B = encode(kinds.PING, 2, Ping(0x2222).to_payload())
PING_C = encode(kinds.PING, 3, Ping(0x3333).to_payload())


def flipped(wire: bytes, at: int, mask: int) -> bytes:
    """Return `wire` with the bits of `mask` flipped in byte `at`."""
    return wire[:at] + bytes([wire[at] ^ mask]) + wire[at + 1 :]


def damage_case(
    name: str,
    wire: bytes,
    expected: Sequence[tuple[int, int, bytes]],
    damaged: int,
    damaged_bytes: int,
    seen: bytes = b"",
    link: bool = True,
    max_payload: int = kinds.MAX_LINK_PAYLOAD,
) -> Json:
    """Return one case: the wire, the frames that come out, and what is counted."""
    return {
        "name": name,
        "link": link,
        "max_payload": max_payload,
        "wire_hex": wire.hex(),
        "frames": [[kind, sequence, payload.hex()] for kind, sequence, payload in expected],
        "damaged": damaged,
        "damaged_bytes": damaged_bytes,
        "seen_hex": seen.hex(),
    }


def damaged() -> Json:
    """Return corrupted wires and what must come out and be counted, stated by hand."""
    a = (kinds.PING, 1, b"\x11\x11")
    b = (kinds.PING, 2, b"\x22\x22")
    c = (kinds.PING, 3, b"\x33\x33")
    between = PING_B[1:-1]
    n = len(between)
    crc_flipped = flipped(PING_B, len(PING_B) - 2, 0x80)
    payload_flipped = flipped(PING_B, 5, 0x01)
    # The first code byte says that the first zero of the frame comes later than the block ends.
    code_beyond = PING_B[:1] + b"\xf0" + PING_B[2:]
    # The last group says that it is one byte longer than what is there.
    last_code = flipped(PING_B, 4, 0x07 ^ 0x08)
    # Its CRC is right, but there is no room for a sequence: kind and one byte.
    no_sequence = b"\x00" + stuff(b"\x03\x07" + binascii.crc32(b"\x03\x07").to_bytes(4, "little")) + b"\x00"
    text = b"MicroPython v1.29.0 on 2026-07-05; Generic board\r\nType help() for more\r\n>>> "
    cut = PING_B[:7]
    recording = encode(kinds.NOTE, 9, b"{}")
    unknown_entry = encode(0xFE, 8, b"\x01")
    too_long = encode(0x7F, 4, bytes(5))
    overlong = b"\x55" * 1000
    return {
        "about": "Corrupted wires: frames that come out, blocks and bytes counted as damaged, what was seen.",
        "cases": [
            damage_case("nothing", b"", [], 0, 0),
            damage_case("only delimiters", bytes(9), [], 0, 0),
            damage_case("a bit of the CRC", PING_A + crc_flipped + PING_C, [a, c], 1, n, crc_flipped[1:-1]),
            damage_case("a bit of the payload", PING_A + payload_flipped + PING_C, [a, c], 1, n, payload_flipped[1:-1]),
            damage_case(
                "a code byte that points past the end", PING_A + code_beyond + PING_C, [a, c], 1, n, code_beyond[1:-1]
            ),
            damage_case(
                "a last code byte that points past the end", PING_A + last_code + PING_C, [a, c], 1, n, last_code[1:-1]
            ),
            damage_case(
                "a right CRC over less than a header",
                no_sequence + PING_A,
                [a],
                1,
                len(no_sequence) - 2,
                no_sequence[1:-1],
            ),
            damage_case("a frame that breaks off, then whole ones", cut + PING_A + PING_C, [a, c], 1, 6, cut[1:]),
            damage_case("text of a booting board, then a frame", text + PING_A, [a], 1, len(text), text[:48]),
            damage_case("text of a booting board and no end", text, [], 0, 0, text[:48]),
            damage_case("one delimiter between two frames", PING_A[:-1] + PING_B, [a, b], 0, 0),
            damage_case(
                "no delimiter between two frames",
                PING_A[:-1] + PING_B[1:] + PING_C,
                [c],
                1,
                2 * n,
                PING_A[1:-1] + between,
            ),
            damage_case("a frame twice is two frames", PING_B + PING_B, [b, b], 0, 0),
            damage_case("a block of one byte", b"\x00\x01\x00" + PING_A, [a], 1, 1),
            damage_case(
                "too few bytes for a frame",
                b"\x00\x07\x03\x01\x02\x03\x04\x05\x00" + PING_A,
                [a],
                1,
                7,
                b"\x07\x03\x01\x02\x03\x04\x05",
            ),
            damage_case(
                "a payload longer than is taken",
                too_long + PING_A,
                [a],
                1,
                len(too_long) - 2,
                too_long[1:-1],
                max_payload=4,
            ),
            damage_case("a payload as long as is taken", too_long, [(0x7F, 4, bytes(5))], 0, 0, max_payload=5),
            damage_case(
                "a thousand bytes without an end, then frames",
                PING_A + overlong + PING_B + PING_C,
                [a, b, c],
                1,
                1000,
                overlong[:48],
            ),
            damage_case(
                "an entry of a recording on a link", recording + PING_A, [a], 1, len(recording) - 2, recording[1:-1]
            ),
            damage_case(
                "an entry of a recording in a recording",
                recording + PING_A,
                [(kinds.NOTE, 9, b"{}"), a],
                0,
                0,
                link=False,
            ),
            damage_case(
                "frames of a link, and an unknown entry, in a recording",
                PING_A + unknown_entry + encode(0x7F, 5, b"new") + recording,
                [a, (0xFE, 8, b"\x01"), (0x7F, 5, b"new"), (kinds.NOTE, 9, b"{}")],
                0,
                0,
                link=False,
            ),
            damage_case(
                "an unknown kind of a link is a whole frame", encode(0x7F, 5, b"new"), [(0x7F, 5, b"new")], 0, 0
            ),
            damage_case("a frame with one byte missing at the end of input", PING_A + PING_B[:-1], [a], 0, 0, between),
        ],
    }


# Fragments -----------------------------------------------------------------------------------------------------------


def fragment_case(name: str, kind: int, sequence: int, payload: bytes, size: int) -> Json:
    """Return one frame and its messages."""
    frame = bare(kind, sequence, payload)
    return {
        "name": name,
        "kind": kind,
        "sequence": sequence,
        "payload_hex": payload.hex(),
        "frame_hex": frame.hex(),
        "max_bytes": size,
        "messages_hex": [message.hex() for message in pieces(frame, size)],
    }


def fragment_damage(
    name: str, wire: Sequence[bytes], expected: Sequence[tuple[int, int, bytes]], damaged: int, damaged_bytes: int
) -> Json:
    """Return messages, the frames that come out of them, and what is counted."""
    return {
        "name": name,
        "messages_hex": [message.hex() for message in wire],
        "frames": [[kind, sequence, payload.hex()] for kind, sequence, payload in expected],
        "damaged": damaged,
        "damaged_bytes": damaged_bytes,
    }


def fragments() -> Json:
    """Return frames cut into messages, and damaged messages with what must come out, stated by hand."""
    a = (kinds.PING, 1, b"\x11\x11")
    b = (kinds.PONG, 2, bytes(range(100, 140)))
    c = (kinds.PING, 3, b"\x33\x33")
    # 9 bytes in one message; 47 bytes as pieces of 19, 19 and 9.
    (one,), (first, middle, last), (other,) = (pieces(bare(*frame), 20) for frame in (a, b, c))
    whole = pieces(bare(*b), 244)
    note = pieces(bare(kinds.NOTE, 9, b"{}"), 20)
    overlong = [b"\x01" + b"\x55" * 243] + [b"\x00" + b"\x55" * 243] * 3 + [b"\x02" + b"\x55" * 10]
    largest = bytes(i % 251 for i in range(kinds.MAX_LINK_PAYLOAD))
    damage = [
        ("nothing", [], [], 0, 0),
        ("empty messages", [b"", one, b""], [a], 0, 0),
        ("three frames", [one, first, middle, last, other], [a, b, c], 0, 0),
        ("pieces of another cut", [whole[0], one], [b, a], 0, 0),
        ("the first piece is lost", [one, middle, last, other], [a, c], 1, 28),
        ("a piece between is lost", [one, first, last, other], [a, c], 1, 28),
        ("the last piece is lost", [one, first, middle, other], [a, c], 1, 38),
        ("all but the first piece are lost", [one, first, other], [a, c], 1, 19),
        ("all but the last piece are lost", [one, last, other], [a, c], 1, 9),
        ("two frames have lost their ends", [first, first, one], [a], 2, 38),
        ("a piece comes twice", [first, middle, middle, last, one], [a], 1, 66),
        ("the first piece comes twice", [first, first, middle, last], [b], 1, 19),
        ("the last piece comes twice", [first, middle, last, last, one], [b, a], 1, 9),
        ("two pieces change places", [first, last, middle, one], [a], 2, 47),
        ("a bit of a piece", [one, first, flipped(middle, 5, 0x10), last, other], [a, c], 1, 47),
        ("a bit of the kind", [flipped(one, 1, 0x02), other], [c], 1, 9),
        ("the header's first bit", [flipped(one, 0, 0x01), other], [c], 1, 9),
        ("the header's last bit", [flipped(one, 0, 0x02), other], [c], 1, 9),
        ("a reserved bit of a header", [flipped(one, 0, 0x80), other], [c], 1, 9),
        ("another's message between two pieces", [first, b"\x7fhello", middle, last], [b], 1, 5),
        ("a header and nothing", [b"\x03", one], [a], 1, 0),
        ("a header, then a frame within it", [b"\x01", one], [a], 1, 0),
        ("a frame without end", [*overlong, one], [a], 1, 982),
        ("a payload longer than is taken", [*pieces(bare(0x7F, 1, bytes(481)), 244), one], [a], 1, 488),
        ("an entry of a recording", [*note, one], [a], 1, 9),
    ]
    return {
        "about": "Bare frames on a carrier of whole messages: how they are cut, and what is made of damage.",
        "fragments": [
            fragment_case("one message", *a, 20),
            fragment_case("as long as one message", kinds.PING, 0, bytes(12), 20),
            fragment_case("one byte longer than one message", kinds.PING, U16, bytes(13), 20),
            fragment_case("three messages", *b, 20),
            fragment_case("the smallest messages", *a, 2),
            fragment_case("the largest frame of a link in the smallest messages of BLE", 0x7F, 4, largest, 20),
            fragment_case("the largest frame of a link at an MTU of 247", 0x7F, 5, largest, 244),
            fragment_case("no payload", 0x7F, 6, b"", 244),
        ],
        "damage": [fragment_damage(*case) for case in damage],
    }


# Logic ---------------------------------------------------------------------------------------------------------------


def span(first: int, last: int, peak_index: int, peak: int, total: int, truncated: bool = False) -> Json:
    """Return one expected stroke."""
    return {
        "first_index": first,
        "last_index": last,
        "peak_index": peak_index,
        "peak": peak,
        "total": total,
        "truncated": truncated,
    }


def strokes() -> Json:
    """Return detectors, what they are fed (blocks, or "gap"), and the strokes by hand."""
    usual = {"on": 10, "off": 6, "min_samples": 3}
    hour = 320 * 3600
    return {
        "about": 'feed: [first_index, samples], [first_index, sample, times] or "gap"; on means above, off below.',
        "cases": [
            {"name": "no contact", "detector": usual, "feed": [[0, [0, 10, 10, -5, 6]]], "strokes": []},
            {
                "name": "one stroke",
                "detector": usual,
                "feed": [[100, [0, 5, 11, 20, 30, 12, 6, 5, 0]]],
                "strokes": [span(102, 106, 104, 30, 79)],
            },
            {
                "name": "contact holds between off and on, and at off itself",
                "detector": usual,
                "feed": [[0, [0, 11, 6, 7, 6, 9, 5.5]]],
                "strokes": [span(1, 5, 1, 11, 39)],
            },
            {
                "name": "shorter than the least length is none; as long is one",
                "detector": usual,
                "feed": [[0, [0, 20, 20, 0, 20, 20, 20, 0]]],
                "strokes": [span(4, 6, 4, 20, 60)],
            },
            {
                "name": "the first of equal peaks counts",
                "detector": usual,
                "feed": [[0, [0, 15, 40, 20]], [4, [40, 39, 0]]],
                "strokes": [span(1, 5, 2, 40, 154)],
            },
            {
                "name": "contact on the first sample ever: where it began was not seen",
                "detector": usual,
                "feed": [[500, [20, 21, 22, 0, 20, 20, 20, 0]]],
                "strokes": [span(500, 502, 502, 22, 63, True), span(504, 506, 504, 20, 60)],
            },
            {
                "name": "a gap ends a stroke whose end was not seen, and the next begins unseen",
                "detector": usual,
                "feed": [[0, [0, 20, 30, 20]], "gap", [10, [20, 20, 20, 0]]],
                "strokes": [span(1, 3, 2, 30, 70, True), span(10, 12, 10, 20, 60, True)],
            },
            {
                "name": "a gap outside contact changes nothing but what is known",
                "detector": usual,
                "feed": [[0, [0, 0]], "gap", [10, [0, 20, 20, 20, 0]]],
                "strokes": [span(11, 13, 11, 20, 60)],
            },
            {
                "name": "a gap cuts a stroke below the least length",
                "detector": usual,
                "feed": [[0, [0, 20, 20]], "gap", "gap", [10, [20, 20, 0]]],
                "strokes": [],
            },
            {
                "name": "two strokes in one block",
                "detector": usual,
                "feed": [[0, [0, 11, 12, 13, 0, 14, 15, 16, 17, 0]]],
                "strokes": [span(1, 3, 3, 13, 36), span(5, 8, 8, 17, 62)],
            },
            {
                "name": "a hold of an hour at the rail adds up exactly",
                "detector": {"on": 1000, "off": 650, "min_samples": 48},
                "feed": [[0, [0, 8_388_607]], [2, 8_388_607, hour - 1], [hour + 1, [0]]],
                "strokes": [span(1, hour, 1, 8_388_607, 8_388_607 * hour)],
            },
            {
                "name": "nothing of a long hold is left in the stroke after it",
                "detector": {"on": 1000, "off": 650, "min_samples": 3},
                "feed": [[0, [0]], [1, 8_388_607, 1000], [1001, [0, 2000, 2001, 2002, 0]]],
                "strokes": [span(1, 1000, 1, 8_388_607, 8_388_607_000), span(1002, 1004, 1004, 2002, 6003)],
            },
            {
                "name": "indices up to the last",
                "detector": usual,
                "feed": [[U32 - 4, [0, 20, 20, 20, 0]]],
                "strokes": [span(U32 - 3, U32 - 1, U32 - 3, 20, 60)],
            },
        ],
    }


def limits() -> Json:
    """Return watches, what they are fed, the indices that decide, and the state after, by hand."""
    usual = {"enter": 100, "leave": 90, "min_samples": 2}
    return {
        "about": "feed as for strokes; crossings: indices of the deciding samples; over: the state at the end.",
        "cases": [
            {
                "name": "at the limit is not over",
                "watch": usual,
                "feed": [[0, [100] * 9]],
                "crossings": [],
                "over": False,
            },
            {
                "name": "one sample over is none",
                "watch": usual,
                "feed": [[0, [0, 101, 0, 101, 0]]],
                "crossings": [],
                "over": False,
            },
            {
                "name": "the second sample in a row decides",
                "watch": usual,
                "feed": [[7, [0, 101, 101, 101]]],
                "crossings": [9],
                "over": True,
            },
            {
                "name": "the run goes on over the edge of a block",
                "watch": usual,
                "feed": [[0, [0, 101]], [2, [101, 0]]],
                "crossings": [2],
                "over": True,
            },
            {
                "name": "between leave and enter it stays over, and so at leave itself",
                "watch": usual,
                "feed": [[0, [101, 101, 95, 90, 90, 90, 101, 101]]],
                "crossings": [1],
                "over": True,
            },
            {
                "name": "one sample below leave does not end it",
                "watch": usual,
                "feed": [[0, [101, 101, 89, 95, 89, 101, 101]]],
                "crossings": [1],
                "over": True,
            },
            {
                "name": "two samples below leave end it, and the next crossing counts",
                "watch": usual,
                "feed": [[0, [101, 101, 89, 89, 95, 101, 101, 0]]],
                "crossings": [1, 6],
                "over": True,
            },
            {
                "name": "two crossings in one block",
                "watch": usual,
                "feed": [[0, [200, 200, 0, 0, 200, 200, 0, 0]]],
                "crossings": [1, 5],
                "over": False,
            },
            {
                "name": "a gap forgets the run",
                "watch": usual,
                "feed": [[0, [0, 101]], "gap", [5, [101, 0]]],
                "crossings": [],
                "over": False,
            },
            {
                "name": "after a gap a force over the limit is a new crossing",
                "watch": usual,
                "feed": [[0, [101, 101]], "gap", [5, [101, 101]]],
                "crossings": [1, 6],
                "over": True,
            },
            {
                "name": "a limit without debounce",
                "watch": {"enter": 100, "leave": 90, "min_samples": 1},
                "feed": [[0, [101, 89, 101, 89]]],
                "crossings": [0, 2],
                "over": False,
            },
        ],
        "debounce": [
            {"rate_mhz": rate_mhz, "samples": samples}
            for rate_mhz, samples in (
                *((10_000, 2), (79_000, 2), (80_000, 2), (80_001, 3), (120_000, 3), (120_001, 4)),
                *((319_999, 8), (320_000, 8), (320_001, 9), (1_000_000, 25), (2_000_000, 50)),
            )
        ],
        "vibrating": vibrating(),
    }


def vibrating() -> list[Json]:
    """Return watches of a tool that shakes itself: blocks of [first index, values, vibrating], at 320 per second."""
    usual = {"enter": 100, "leave": 90, "min_samples": 2}
    cases: list[tuple[str, list[list[Any]], list[int], bool]] = [
        ("seven samples over are none", [[0, [0, *[101] * 7, 0], True]], [], False),
        ("the eighth in a row decides", [[0, [0, *[101] * 9], True]], [8], True),
        ("the row goes on over the edge of a block", [[0, [101] * 4, True], [4, [101] * 4, True]], [7], True),
        ("one sample between begins the row anew", [[0, [*[101] * 7, 100, *[101] * 7], True]], [], False),
        ("leaving takes two all the same", [[0, [*[101] * 8, 89, 89, 95], True]], [7], False),
        ("a row that began before counts", [[0, [101], False], [1, [101] * 7, True]], [7], True),
        ("one that goes on after it decides at once", [[0, [101] * 3, True], [3, [101], False]], [3], True),
        ("a single one after it needs another", [[0, [101, 0], True], [2, [101, 0, 101, 101], False]], [5], True),
        ("what was exceeded before stays so", [[0, [101, 101], False], [2, [101, 89, 101, 89], True]], [1], True),
    ]
    return [
        {"name": name, "watch": usual, "rate_mhz": 320_000, "feed": feed, "crossings": crossings, "over": over}
        for name, feed, crossings, over in cases
    ]


def glitches() -> Json:
    """Return samples in a row and which of them are suspected glitches, by hand."""
    cases: list[tuple[str, int, list[int | None], list[int]]] = [
        ("a spike up", 10, [0, 0, 11, 0, 0], [2]),
        ("a spike down", 10, [0, 0, -11, 0, 0], [2]),
        ("a jump and no more is none", 10, [0, 0, 10, 0, 0], []),
        ("neighbours that half a jump parts", 10, [0, 20, 5, 5], [1]),
        ("neighbours farther apart", 10, [0, 20, 6, 6], []),
        ("an odd jump: half of it rounded down", 11, [0, 20, 5, 5], [1]),
        ("an odd jump: farther apart than half of it", 11, [0, 20, 6, 6], []),
        ("the neighbours fall", 10, [5, 20, 0, 0], [1]),
        ("a step", 10, [0, 0, 40, 40, 40], []),
        ("a step back", 10, [40, 40, 0, 0], []),
        ("one of two that jump together", 10, [0, 40, 40, 0, 0], []),
        ("a steep slope", 10, [0, 20, 40, 60, 60, 40, 20, 0], []),
        ("a tip as sharp as a spike", 10, [0, 20, 40, 60, 40, 20, 0], [3]),
        ("two in turn: what lies between them is none", 10, [0, 0, 30, 0, 30, 0, 0], [2, 4]),
        ("three in turn", 10, [0, 30, 0, 30, 0, 30, 0], [1, 3, 5]),
        ("the first and the last are judged by nothing", 10, [30, 0, 0, 30], []),
        ("a missed conversion is no neighbour", 10, [0, None, 30, 0, 0, 30, None, 0], []),
        ("from rail to rail", 1_000_000, [-8_388_608, 8_388_607, -8_388_608], [1]),
        ("a bit of a large force", 819_200, [4_000_000, 4_000_900, 1_904_200, 4_001_800, 4_002_500], [2]),
    ]
    return {
        "about": "samples in a row, null a missed one; glitches: which of them, counted from 0. jump: more than this.",
        "cases": [
            {"name": name, "jump": jump, "samples": samples, "glitches": found} for name, jump, samples, found in cases
        ],
    }


def exact_newtons(net: int, coefficients: Sequence[float]) -> Fraction:
    """Return the polynomial in exact fractions of the coefficients as doubles."""
    return sum((Fraction(c) * net**order for order, c in enumerate(coefficients)), Fraction(0))


def exact_net_counts(force_n: float, coefficients: Sequence[float]) -> int:
    """Return the least counts from zero, 0 and up, towards more force, whose exact force is at least `force_n`."""
    sign = 1 if coefficients[1] >= 0 else -1
    net = 0
    for bit in range(23, -1, -1):
        if exact_newtons(sign * (net + (1 << bit) - 1), coefficients) < Fraction(force_n):
            net += 1 << bit
    return net


CALIBRATIONS = [
    ("a straight line", (0.0, 2.0**-17)),
    ("50 N over 4.2 million counts", (0.0, 50.0 / 4_200_000)),
    ("wired the other way round", (0.0, -50.0 / 4_200_000)),
    ("slightly bent", (0.0, 50.0 / 4_200_000, 1.0e-14, 1.0e-21)),
    ("slightly bent, the other way round", (0.0, -50.0 / 4_200_000, 1.0e-14, -1.0e-21)),
    ("an offset of its own", (0.25, 1.0e-5)),
]


def conversion() -> Json:
    """Return calibrations with forces of counts and counts of forces, computed in exact fractions."""
    cases = []
    for name, coefficients in CALIBRATIONS:
        newtons = []
        for raw, zero in ((0, 0), (1, 0), (-1, 0), (840_000, 12_345), (-840_000, -12_345), (8_388_607, -8_388_608)):
            newtons.append(
                {"counts": raw, "zero_counts": zero, "force_n": float(exact_newtons(raw - zero, coefficients))}
            )
        net = [
            {"force_n": force_n, "net_counts": exact_net_counts(force_n, coefficients)}
            for force_n in (-1.0, 0.0, 0.001, 0.52, 0.8, 11.0, 14.0, 40.0)
        ]
        cases.append(
            {
                "name": name,
                "coefficients": [f64(c) for c in coefficients],
                "polarity": 1 if coefficients[1] >= 0 else -1,
                "newtons": newtons,
                "net_counts": net,
                "beyond_n": 1e6,
            }
        )
    return {
        "about": "64-bit floats: forces within 1e-9 N, counts within 1; 32-bit floats: max(2 counts, 1 mN)."
        " No count reaches beyond_n. net_counts are 0 and up.",
        "cases": cases,
    }


# Stored calibrations -------------------------------------------------------------------------------------------------


def packed_text(text: str) -> bytes:
    """Return a text field."""
    return bytes([len(text.encode())]) + text.encode()


def stored_case(name: str, serial_number: str, calibration: Calibration, document: bytes) -> Json:
    """Return a stored calibration built field by field."""
    payload = packed_text(calibration.calibration_id) + calibration.sha256 + struct.pack("<d", calibration.capacity_n)
    payload += bytes([len(calibration.coefficients)])
    payload += struct.pack(f"<{len(calibration.coefficients)}d", *calibration.coefficients)
    payload += struct.pack("<2I", calibration.expires_day, calibration.from_index)
    head = b"\x01" + packed_text(serial_number) + struct.pack("<H", len(payload)) + payload
    return {
        "name": name,
        "serial_number": serial_number,
        "calibration": {field: plain(getattr(calibration, field)) for field in calibration._fields},
        "document_hex": document.hex(),
        "head_hex": head.hex(),
        "sha256_hex": hashlib.sha256(head + document).hexdigest(),
    }


def stored() -> Json:
    """Return stored calibrations (SPEC.md, 4.19), and what is none."""
    document = json.dumps({"schema": 1, "notes": ["größer"]}, ensure_ascii=False).encode()
    made = CALIBRATION._replace(sha256=hashlib.sha256(document).digest())
    head = bytes.fromhex(stored_case("", "SIM-0001", made, document)["head_hex"])
    bent = Calibration("ÄÖ-7 2026-11-21", bytes(32), 125.5, (0.0, -(2.0**-16), 2.0**-50, -(2.0**-90)), 0, 0)
    refused = [
        ("another layout", b"\x02" + head[1:]),
        ("nothing", b""),
        ("cut off within the serial number", head[:5]),
        ("cut off within the calibration", head[:-9]),
        ("a serial number that is not UTF-8", b"\x01\x02\xc3\x28" + head[10:]),
        ("a calibration without a slope", b"\x01\x00\x2a\x00\x00" + bytes(32) + struct.pack("<d", 50.0) + b"\x00"),
        ("a head of 481 bytes", b"\x01\xff" + b"s" * 255 + struct.pack("<H", 222) + head[12:] + bytes(222)),
    ]
    return {
        "about": "Stored calibrations: head and document, and the SHA-256 of both; refused: what begins with no head.",
        "stored": [
            stored_case("a straight line", "SIM-0001", made, document),
            stored_case("third order, the other way round", "Gerät ½", bent, b""),
            stored_case("the longest head", "s" * 255, CALIBRATION._replace(calibration_id="i" * 155), b"{}"),
        ],
        "refused": [{"name": name, "stored_hex": data.hex()} for name, data in refused],
    }


# Signatures ----------------------------------------------------------------------------------------------------------


def signing_case(name: str, key: bytes, challenge: bytes, counter: int, command: bytes, tag: bytes) -> Json:
    """Return one command and a tag for it."""
    return {
        "name": name,
        "key_hex": key.hex(),
        "challenge_hex": challenge.hex(),
        "counter": counter,
        "command_hex": command.hex(),
        "tag_hex": tag.hex(),
    }


def signing() -> Json:
    """Return commands with their tags, and with tags that prove nothing."""
    set_limits = Command(5, kinds.SET_LIMITS, LIMITS.to_payload()).to_payload()
    longest = Command(U16, U8, bytes(i % 251 for i in range(457))).to_payload()
    made = [
        ("set zero", KEY, CHALLENGE, 1, Command(8, kinds.SET_ZERO, set_zero_body(-2048)).to_payload()),
        ("set limits", KEY, CHALLENGE, 2, set_limits),
        ("the same once more, a counter further", KEY, CHALLENGE, 3, set_limits),
        ("the same with another challenge", KEY, CHALLENGE[::-1], 3, set_limits),
        ("the same with another key", KEY[::-1], CHALLENGE, 3, set_limits),
        ("a counter of four bytes", KEY, CHALLENGE, 0x01020304, Command(1, kinds.DESCRIBE, b"").to_payload()),
        ("the greatest counter, the longest command", b"\xff" * 32, b"\xff" * 16, U32, longest),
        ("zeros", bytes(32), bytes(16), 0, bytes(3)),
        ("no command", KEY, CHALLENGE, 1, b""),
    ]
    right = plain_tag(KEY, CHALLENGE, 2, set_limits)
    other_limits = Command(5, kinds.SET_LIMITS, LIMITS._replace(alarm_mn=0).to_payload()).to_payload()
    wrong = [
        ("the lowest bit of the first byte", bytes([right[0] ^ 0x01]) + right[1:]),
        ("the highest bit of the last byte", right[:-1] + bytes([right[-1] ^ 0x80])),
        ("that of another key", plain_tag(KEY[::-1], CHALLENGE, 2, set_limits)),
        ("that of another challenge", plain_tag(KEY, CHALLENGE[::-1], 2, set_limits)),
        ("that of another counter", plain_tag(KEY, CHALLENGE, 1, set_limits)),
        ("that of other limits", plain_tag(KEY, CHALLENGE, 2, other_limits)),
        ("a plain hash", hashlib.sha256(KEY + CHALLENGE + struct.pack("<I", 2) + set_limits).digest()[:TAG_BYTES]),
        ("the other half of the HMAC", hmac.digest(KEY, CHALLENGE + struct.pack("<I", 2) + set_limits, "sha256")[16:]),
        ("zeros", bytes(TAG_BYTES)),
    ]
    return {
        "about": "Commands with their tags, and with tags that must be refused. command_hex: the payload of a COMMAND.",
        "signed": [signing_case(*case, plain_tag(*case[1:])) for case in made],
        "refused": [signing_case(name, KEY, CHALLENGE, 2, set_limits, tag) for name, tag in wrong],
    }


MAKERS: dict[str, Callable[[], Json]] = {
    "messages.json": messages,
    "frames.json": frames,
    "damaged.json": damaged,
    "fragments.json": fragments,
    "strokes.json": strokes,
    "limits.json": limits,
    "glitches.json": glitches,
    "conversion.json": conversion,
    "signing.json": signing,
    "stored.json": stored,
}


def render(name: str) -> str:
    """Return the text of one file of vectors."""
    return json.dumps(MAKERS[name](), indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Write every file of vectors, and the sessions into SPEC.md."""
    for name in MAKERS:
        (_HERE / name).write_text(render(name), encoding="utf-8")
    spec = _HERE.parent / "SPEC.md"
    spec.write_text(with_sessions(spec.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
