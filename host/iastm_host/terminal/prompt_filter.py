"""What a tool's prompt may do to a terminal: write, and move on its own line. Everything else is dropped."""

from __future__ import annotations

import re

# Line editing of MicroPython's prompt: the cursor goes, what follows is erased; and colours.
_CSI = re.compile(rb"\x1b\[[0-9;]*[CDKm]")
_CSI_BEGUN = re.compile(rb"\x1b(?:\[[0-9;]*)?\Z")
_LONGEST_BEGUN = 32
_ALLOWED = frozenset(b"\r\n\t\b\a")


class PromptFilter:
    """Lets text, line ends and movements on a line through; sequences may come in pieces."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        """Return what of `data` may go to a terminal."""
        data = self._rest + data
        self._rest = b""
        begun = _CSI_BEGUN.search(data)
        if begun is not None and len(data) - begun.start() <= _LONGEST_BEGUN:
            data, self._rest = data[: begun.start()], data[begun.start() :]
        shown = bytearray()
        at = 0
        while at < len(data):
            sequence = _CSI.match(data, at)
            if sequence is not None:
                shown += sequence.group()
                at = sequence.end()
                continue
            # C1 controls stand for sequences too; in UTF-8 they are C2 and the byte, both of which some terminals obey.
            byte = data[at]
            if byte in _ALLOWED or 0x20 <= byte < 0x7F or byte >= 0xA0 or self._continues(data, at):
                shown.append(byte)
            at += 1
        return bytes(shown)

    @staticmethod
    def _continues(data: bytes, at: int) -> bool:
        """Whether a byte of 0x80 to 0x9F is part of a letter that is no control."""
        return data[at] >= 0x80 and at > 0 and data[at - 1] >= 0x80 and data[at - 1] != 0xC2
