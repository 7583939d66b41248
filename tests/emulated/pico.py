"""An emulated Pico to be switched on and off: its flash is kept, its port is a pseudo-terminal."""

from __future__ import annotations

import posixpath
import selectors
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.emulated.journal import Change, flash_after, read_journal

ROOT = Path(__file__).resolve().parents[2]
BLOCK_BYTES, BLOCKS = 4096, 352
ERASED = b"\xff" * (BLOCK_BYTES * BLOCKS)
# Seconds of this computer for one of the chip: measured as eight to fifteen, more where much else runs.
SLOWER = 25
_START_TIMEOUT_S = 120.0


class Pico:
    """A Pico with an image; `flash` is its file system's part, as it is before the power comes.

    `port` is there while it runs. `cut_power` ends it as a power cut does: `flash` is then what it held, and
    `last_changes` are those that led to it since it was switched on, and `bites` is how often its watchdog ran out.
    """

    def __init__(self, image: Path, folder: Path, flash: bytes = ERASED) -> None:
        self.flash = flash
        self.port = ""
        self.last_changes: list[Change] = []
        self.bites = 0
        self._image = image
        self._flash_file = folder / "flash.bin"
        self._journal = folder / "journal.bin"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.switch_on()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut_power()

    def switch_on(self) -> None:
        """Give it power; its port is open from then on, and main.py runs."""
        assert self._process is None
        self._flash_file.write_bytes(self.flash)
        self._journal.write_bytes(b"")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.emulated.emulator", self._image, self._flash_file, self._journal],
            cwd=ROOT,
            stdout=subprocess.PIPE,
        )
        self.port = self._line(_START_TIMEOUT_S)
        assert self.port.startswith("/dev/"), self.port

    def _line(self, timeout_s: float) -> str:
        process = self._process
        assert process is not None
        assert process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            assert selector.select(timeout_s), "the emulator says nothing"
        return process.stdout.readline().decode().strip()

    def cut_power(self) -> None:
        """End it at once; what its flash held then is `flash`, and the changes of this run are in it."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        assert self._process.stdout is not None
        self.bites = self._process.stdout.read().split().count(b"bite")
        self._process.stdout.close()
        self._process = None
        self.last_changes = read_journal(self._journal)
        self.flash = flash_after(self.flash, self.last_changes)


def files_of(flash: bytes) -> dict[str, bytes] | None:
    """Return the files that littlefs finds in a flash, by their path, as a chip would; None where it has none."""
    from littlefs import LittleFS, LittleFSError, UserContext

    context = UserContext(len(flash))
    context.buffer = bytearray(flash)
    system = LittleFS(context, block_size=BLOCK_BYTES, block_count=BLOCKS, mount=False)
    try:
        system.mount()
    except LittleFSError:
        return None
    found = {}
    for folder, _, names in system.walk("/"):
        for name in names:
            path = posixpath.join(folder, name)
            with system.open(path, "rb") as stream:
                found[path] = stream.read()
    return found
