"""Proof that a command comes from a host that was given the tool's key: HMAC-SHA-256 (RFC 2104), cut to 16 bytes.

It covers the challenge of this connection, a counter that grows with each signed command, and the command, so that
nothing signed earlier is of use to anybody.
"""

import hashlib

KEY_BYTES = 32
CHALLENGE_BYTES = 16
TAG_BYTES = 16
NO_CHALLENGE = bytes(CHALLENGE_BYTES)
# Of SHA-256.
_BLOCK_BYTES = 64
_INNER = 0x36
_OUTER = 0x5C


def tag(key, challenge, counter, command):
    """Return the proof for `command`, the payload of a Command: 16 bytes."""
    padded = key + bytes(_BLOCK_BYTES - len(key))
    inner = hashlib.sha256(bytes([byte ^ _INNER for byte in padded]))
    inner.update(challenge)
    inner.update(bytes([(counter >> shift) & 0xFF for shift in (0, 8, 16, 24)]))
    inner.update(command)
    return hashlib.sha256(bytes([byte ^ _OUTER for byte in padded]) + inner.digest()).digest()[:TAG_BYTES]


def same(tag_a, tag_b):
    """Return whether two tags are equal, in a time that does not tell where they differ."""
    difference = len(tag_a) ^ len(tag_b)
    for a, b in zip(tag_a, tag_b):  # noqa: B905 (MicroPython's zip has no strict)
        difference |= a ^ b
    return difference == 0
