"""What the vectors and the worked sessions of SPEC.md share: one tool, its key, and the wire built in a plain way."""

import binascii
import hmac
import struct

from iastm_protocol import kinds
from iastm_protocol.messages import Calibration, Channel, Command, HelloAnswer, Limits, SignedCommand
from iastm_protocol.signing import NO_CHALLENGE, TAG_BYTES

SHA256 = bytes(range(32))
ANSWER = HelloAnswer(
    kinds.MAJOR,
    kinds.MINOR,
    "0.1.0",
    bytes.fromhex("0123456789abcdef"),
    "simulated",
    "micropython 1.29.0",
    "SIM-0001",
    0x5EED1E55,
    320_000,
    (Channel("force", "N"),),
    19_200,
    "sim-50N",
    SHA256,
    kinds.FEATURE_LIMITS
    | kinds.FEATURE_ZERO
    | kinds.FEATURE_STROKES
    | kinds.FEATURE_BACKFILL
    | kinds.FEATURE_SIMULATED
    | kinds.FEATURE_KEYS
    | kinds.FEATURE_CALIBRATION
    | kinds.FEATURE_SELF_TEST
    | kinds.FEATURE_DOSE,
    NO_CHALLENGE,
    "",
    kinds.RESET_POWER,
    0,
    0,
    0,
    0,
)
CALIBRATION = Calibration("sim-50N", SHA256, 50.0, (0.0, 2.0**-17), 21_143, 0)
LIMITS = Limits("iastm-one-hand", 11_000, 14_000, 800, 520)
KEY = bytes(range(0x40, 0x60))
CHALLENGE = bytes(range(0xA0, 0xB0))


def plain_tag(key: bytes, challenge: bytes, counter: int, command: bytes) -> bytes:
    """Return the tag of a signed command by the library's HMAC."""
    return hmac.digest(key, challenge + struct.pack("<I", counter) + command, "sha256")[:TAG_BYTES]


def signed(key: bytes, challenge: bytes, counter: int, command: Command) -> SignedCommand:
    """Return a command with its proof."""
    payload = command.to_payload()
    return SignedCommand(counter, plain_tag(key, challenge, counter, payload), payload)


def stuff(raw: bytes) -> bytes:
    """Return `raw` stuffed by COBS, a group per zero byte: slow and plain, unlike the code under test."""
    out = bytearray()
    groups = raw.split(b"\x00")
    for group in groups:
        full_runs = len(group) // 254
        for at in range(0, full_runs * 254, 254):
            out += b"\xff" + group[at : at + 254]
        rest = group[full_runs * 254 :]
        out += bytes([len(rest) + 1]) + rest
    return bytes(out)


def bare(kind: int, sequence: int, payload: bytes) -> bytes:
    """Return a frame without COBS."""
    raw = struct.pack("<BH", kind, sequence) + payload
    return raw + struct.pack("<I", binascii.crc32(raw))


def pieces(frame: bytes, size: int) -> list[bytes]:
    """Return the messages of up to `size` bytes that a bare frame is sent in: 1 is the first, 2 the last."""
    cut = [frame[at : at + size - 1] for at in range(0, len(frame), size - 1)]
    last = len(cut) - 1
    return [bytes([(i == 0) | (i == last) << 1]) + piece for i, piece in enumerate(cut)]
