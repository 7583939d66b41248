"""What a board's text outside of frames means, and what to do about it: each thing is said once, and counted."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LOOP = 3
_LOOPS = (
    f"It has started {_LOOP} times since you look: it does not stay up. What it says last before each start tells why; "
    "iastm deploy puts another firmware there."
)


@dataclass(frozen=True, slots=True)
class _Hint:
    """What text is a sign of: `sign` is looked for, `words` are said."""

    sign: re.Pattern[str]
    words: str


_RAW_PROMPT = "raw REPL; CTRL-B to exit"
_AT_PROMPT = re.compile(r">>> \Z")
_PROMPT = re.compile(r'>>> \Z|Type "help\(\)" for more information')
_AT_A_PROMPT = (
    "This is MicroPython's prompt: no firmware runs now. Where one is, a reset starts it; where none is, iastm deploy "
    "puts it there. Ctrl-] lets you type."
)
# The first line of each boot: of the chip's ROM, or of MicroPython where only that starts anew.
_START = re.compile(r"^(?:ESP-ROM:|ets [A-Z][a-z]{2} +\d|MPY: soft reboot)", re.MULTILINE)

_HINTS = (
    _Hint(
        re.compile(r"IASTM tool in safe mode"),
        "A tool in safe mode: its firmware does not run. Reset it to start it, or type at its prompt (Ctrl-]).",
    ),
    _Hint(
        re.compile(r"waiting for download|DOWNLOAD\((?:USB|UART)"),
        "The chip waits in its bootloader and runs nothing: iastm flash, or press its reset button.",
    ),
    _Hint(
        re.compile(r"invalid header: 0x"),
        "The chip finds no image in its flash: iastm flash writes MicroPython and the firmware.",
    ),
    _Hint(
        re.compile(r"Brownout detector was triggered", re.IGNORECASE),
        "The supply breaks down: use another cable or port, and look for a short or a part that takes much current.",
    ),
    _Hint(
        re.compile(r"Guru Meditation Error|abort\(\) was called|assert failed:"),
        "MicroPython itself crashed, not a program on it: note the lines above; another image may mend it.",
    ),
    _Hint(
        re.compile(r"MemoryError"),
        "Memory is too small for what is loaded: on this board the firmware must be frozen into the image "
        "(docs/boards.md, Freezing).",
    ),
    _Hint(
        re.compile(r"ImportError: no module named '?(?:iastm_firmware|iastm_protocol)"),
        "The firmware is not on the board, or only in part: iastm deploy.",
    ),
    _Hint(
        re.compile(r"Traceback \(most recent call last\):"),
        "A program on the board failed: its traceback stands above. Ctrl-] leads to the prompt.",
    ),
    _Hint(
        re.compile(re.escape(_RAW_PROMPT)),
        "This is MicroPython's prompt for programs, as one leaves it that broke off: no firmware runs now. Where one "
        "is, a reset starts it; where none is, iastm deploy puts it there.",
    ),
    _Hint(_PROMPT, _AT_A_PROMPT),
    _Hint(_START, "It started anew: these are messages of its boot."),
)


class Hints:
    """Reads text as it comes, and says what it means.

    `at_prompt`: it came to MicroPython's prompt last; `raw_prompt`: to the one for programs, which shows no `>>>`.
    """

    def __init__(self) -> None:
        self._said: set[str] = set()
        self._starts = 0
        self.at_prompt = False
        self.raw_prompt = False

    def read(self, text: str) -> list[str]:
        """Take text as it came, return what is to be said of it."""
        said = [hint.words for hint in _HINTS if hint.words not in self._said and hint.sign.search(text)]
        self._said.update(said)
        before = self._starts
        self._starts += len(_START.findall(text))
        if before < _LOOP <= self._starts:
            said.append(_LOOPS)
        # Its `>` may come by itself.
        self.raw_prompt = _RAW_PROMPT in text or (self.raw_prompt and not text.strip("> \r\n"))
        self.at_prompt = self.raw_prompt or _AT_PROMPT.search(text) is not None
        return said

    def is_new(self, words: str) -> bool:
        """Whether these words of somebody else's were not said yet; they are from here on."""
        if words in self._said:
            return False
        self._said.add(words)
        return True

    def is_at_prompt(self) -> list[str]:
        """Take it that this is the prompt, though it does not show itself; return what is to be said of it."""
        self.at_prompt = True
        return [_AT_A_PROMPT] if self.is_new(_AT_A_PROMPT) else []

    def starts_in(self, text: str) -> bool:
        """Whether a boot begins in `text`."""
        return _START.search(text) is not None
