"""What a tool's prompt may do to a terminal: write, and move on its own line. Everything else is dropped."""

from __future__ import annotations

import codecs
import re

# Line editing of MicroPython's prompt: the cursor goes, what follows is erased; and colours.
_CSI = re.compile(r"\x1b\[[0-9;]{0,16}[CDKm]")
_CSI_BEGUN = re.compile(r"\x1b(?:\[[0-9;]{0,16})?\Z")
_ALLOWED = frozenset("\r\n\t\b\a")


class PromptFilter:
    """Lets text, line ends and movements on a line through; letters and sequences may come in pieces."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def feed(self, data: bytes) -> bytes:
        """Return what of `data` may go to a terminal, as UTF-8."""
        text = self._rest + self._decoder.decode(data)
        begun = _CSI_BEGUN.search(text)
        self._rest = "" if begun is None else begun.group()
        text = text[: len(text) - len(self._rest)]
        shown = []
        at = 0
        while at < len(text):
            sequence = _CSI.match(text, at)
            if sequence is not None:
                shown.append(sequence.group())
                at = sequence.end()
                continue
            if text[at].isprintable() or text[at] in _ALLOWED:
                shown.append(text[at])
            at += 1
        return "".join(shown).encode()
