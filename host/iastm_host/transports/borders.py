"""Where messages begin and end within a chunk of a carrier that keeps messages whole.

A chunk may hold several messages, and what is decoded later, live or from a recording, must see each as it came. So
on a transport whose `mtu` is not None every message stands in a chunk as its length (u16, little-endian) and its bytes.
See docs/adr/0014-messages-keep-their-borders.md.
"""

from __future__ import annotations

from collections.abc import Iterator

_LENGTH_BYTES = 2
# The longest value of an attribute, and so the longest message of BLE (Bluetooth Core 5.4, Vol 3, Part F, 3.2.9).
MAX_MESSAGE_BYTES = 512


def bordered(message: bytes) -> bytes:
    """Return `message` (up to 512 bytes) as it stands in a chunk."""
    if len(message) > MAX_MESSAGE_BYTES:
        raise ValueError(f"a message of {len(message)} bytes")
    return len(message).to_bytes(_LENGTH_BYTES, "little") + message


def messages_in(data: bytes) -> Iterator[bytes]:
    """Yield the messages of a chunk's data; raises ValueError where the data does not end with a message."""
    start = 0
    while start < len(data):
        begin = start + _LENGTH_BYTES
        end = begin + int.from_bytes(data[start:begin], "little")
        if end > len(data) or begin > len(data):
            raise ValueError(f"{len(data) - start} bytes at the end of a chunk are no message")
        yield data[begin:end]
        start = end
