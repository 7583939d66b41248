"""Proves to tools that their key is known here. One for all clients of a run: a tool takes each counter only once."""

from __future__ import annotations

from collections.abc import Mapping

from iastm_protocol import messages, signing


class Signer:
    """Signs with `keys`: 32 bytes by serial number of the tool."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._keys = keys
        self._counter = 0

    def sign(self, serial_number: str, challenge: bytes, command: bytes) -> bytes | None:
        """Return the payload of a SIGNED_COMMAND for `command`, the payload of a COMMAND; None without that key."""
        key = self._keys.get(serial_number)
        if key is None:
            return None
        self._counter += 1
        tag = signing.tag(key, challenge, self._counter, command)
        payload: bytes = messages.SignedCommand(self._counter, tag, command).to_payload()
        return payload
