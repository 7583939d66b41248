"""A second, slow and plain implementation of the wire, written from the papers and not from the code."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from tests.protocol.reader import crc32


def stuff(raw: bytes) -> bytes:
    """COBS as in the paper: groups of up to 254 bytes, a phantom zero at the end of the message."""
    out = bytearray()
    group = bytearray()
    for byte in raw + b"\x00":
        if byte == 0:
            out.append(len(group) + 1)
            out += group
            group.clear()
        else:
            group.append(byte)
            if len(group) == 254:
                out.append(255)
                out += group
                group.clear()
    return bytes(out)


def wire(kind: int, sequence: int, payload: bytes) -> bytes:
    """One frame between its zero bytes."""
    raw = bytes([kind, sequence & 0xFF, sequence >> 8]) + payload
    return b"\x00" + stuff(raw + crc32(raw).to_bytes(4, "little")) + b"\x00"


@pytest.fixture(scope="session")
def plain() -> SimpleNamespace:
    """The plain implementation: crc32, stuff, wire."""
    return SimpleNamespace(crc32=crc32, stuff=stuff, wire=wire)
