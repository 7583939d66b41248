"""A hello to a port at whose far end anything may be: neither a program nor a prompt is harmed by it.

Ctrl-C (0x03) would interrupt a program of somebody else's, Ctrl-D (0x04) and the ends of lines would run what stands
at a prompt. A hello that holds none of them is found by choosing its session, which may be any number (SPEC.md, 7.2).
All that stands in its frame is printable but for its kind, its version and the length of its host's name; at a prompt
the frame's first byte is a letter on the line, behind which those only move the cursor (MicroPython's readline.c).
"""

from __future__ import annotations

import binascii
import functools
import struct

from iastm_protocol import frames, kinds, messages
from iastm_protocol.errors import RemoteProtocolError

SEQUENCE = 0x2020
"""Two spaces; a sequence may begin with any number."""
HARMFUL = frozenset(b"\x03\x04\n\r")
"""What a frame must not hold that goes to nobody knows whom."""
CLEAR_LINE = b"\x0b\x15"
"""Empties the line of MicroPython's prompt, to both sides of the cursor; runs nothing."""
RAW_PROMPT = b"\x01"
"""Brings up MicroPython's prompt for programs, where it was before."""

# As it stands at the end of a prompt's line, which shows what is typed before it: the cursor went to its beginning.
_AT_A_PROMPT = " " + kinds.MAGIC.decode()
_FIRST, _COUNT = 0x20, 0x7F - 0x20
_SCATTER = 0x9E3779B1
_TRIES = 20_000
_SESSION_BYTES = 4
# A longer frame begins with a letter: its first byte tells how long it is.
_LEAST_NAME = 16


@functools.lru_cache(maxsize=8)
def quiet_hello(kind: int, payload: bytes) -> bytes:
    """Return the frame of the hello `payload` in another session, one that belongs to its own alone.

    Where none is quiet, because its version or its host's name are not, or `kind` is another than HELLO, it is empty:
    nothing is to be said.
    """
    if kind != kinds.HELLO:
        return b""
    try:
        hello = messages.Hello.from_payload(payload)
    except RemoteProtocolError:
        return b""
    number = hello.session * _SCATTER & 0xFFFFFFFF
    for each in range(_TRIES):
        said = hello._replace(host=hello.host.ljust(_LEAST_NAME), session=_printable(number + each)).to_payload()
        start = struct.pack("<BH", kinds.HELLO, SEQUENCE)
        if all(_is_printable(byte) for byte in struct.pack("<I", binascii.crc32(start + said))):
            frame = bytes(frames.encode(kinds.HELLO, SEQUENCE, said))
            return frame if HARMFUL.isdisjoint(frame[1:-1]) and _is_printable(frame[1]) else b""
    return b""


def comes_back_at_a_prompt(text: str, frame: bytes) -> bool:
    """Whether `text` is what a line of a prompt shows when `frame`, a quiet hello, is typed there."""
    return f"{_AT_A_PROMPT}{chr(frame[1])}" in text if frame else False


def _printable(number: int) -> int:
    session = 0
    for _ in range(_SESSION_BYTES):
        number, digit = divmod(number, _COUNT)
        session = session << 8 | (_FIRST + digit)
    return session


def _is_printable(byte: int) -> bool:
    return _FIRST <= byte < _FIRST + _COUNT
