"""Writes images to Espressif's chips by esptool, run as a program: a crash of it is a Problem here.

Source: esptool's documentation (docs.espressif.com/projects/esptool, "Basic Commands"). What it says is read as text
of esptool 5.
"""

from __future__ import annotations

import contextlib
import os
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from iastm_host.events import Problem
from iastm_host.transports.ports import holders_of
from iastm_host.workbench.boards import KINDS, BoardKind, kinds_of_chip
from iastm_host.workbench.esp_words import (
    AGAIN,
    INSTALL,
    INTO_BOOTLOADER,
    Holders,
    last_words,
    why_not_asked,
    why_not_written,
    wrong_chip,
)
from iastm_host.workbench.images import ESP, Image

Progress = Callable[[int, int], None]
"""Is told how many bytes are done, and of how many."""

# Fast enough for a minute per image, and what MicroPython's own instructions use; bridges that can't are rare.
_BAUD = 460_800
# Erasing 8 MB by the ROM alone takes a minute without a word.
_SILENCE_S = 180.0
_END_S = 5.0
_MB = 1024 * 1024
_PERCENT = re.compile(r"^Writing at 0x[0-9a-f]+.*?([0-9]+\.[0-9])%")
_FIELD = re.compile(r"^([A-Z][A-Za-z ]+):\s+(\S.*)$")
_MEGABYTES = re.compile(r"(\d+)\s?MB")


@dataclass(frozen=True, slots=True)
class EspChip:
    """What a chip says of itself: `name` as "ESP32-S3"; the sizes are None where they are not told, `psram_bytes` 0."""

    name: str
    description: str
    flash_bytes: int | None
    psram_bytes: int

    @property
    def kind(self) -> BoardKind | None:
        """The kind of board that takes its image, None where the firmware knows no such chip.

        Of an ESP32-S3, flash and PSRAM decide: 2 MB of PSRAM within the chip hang on four lines, 8 and more on eight
        (Espressif's data sheet of the ESP32-S3, table 1-1).
        """
        kinds = kinds_of_chip(self.name)
        if not kinds or self.name != "ESP32-S3":
            return kinds[0] if kinds else None
        if self.flash_bytes is not None and self.flash_bytes < 8 * _MB:
            return KINDS["esp32_s3"]
        return KINDS["esp32_s3_octal" if self.psram_bytes >= 8 * _MB else "esp32_s3_8m"]

    @property
    def frozen_only(self) -> bool:
        """Whether the firmware fits only where it is frozen into the image."""
        return self.psram_bytes == 0

    @property
    def words(self) -> str:
        """The chip for a person."""
        flash = f"{self.flash_bytes // _MB} MB flash" if self.flash_bytes else "flash of unknown size"
        psram = f"{self.psram_bytes // _MB} MB PSRAM" if self.psram_bytes else "no PSRAM"
        return f"{self.description}, {flash}, {psram}"


class Esptool:
    """esptool on one port.

    `options` go before its command. `holders` says which programs have a port open. `environment` is that of the
    program, the caller's where it is None.
    """

    def __init__(
        self,
        port: str,
        *,
        program: Sequence[str] = (sys.executable, "-m", "esptool"),
        options: Sequence[str] = (),
        holders: Holders = holders_of,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.port = port
        self._program = program
        self._options = options
        self._holders = holders
        self._environment = dict(os.environ if environment is None else environment)
        # A terminal's width and colours have nothing to do with text that is read by a program.
        self._environment |= {"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb", "PYTHONIOENCODING": "utf-8"}

    def identify(self) -> EspChip:
        """Bring the chip into its bootloader where its board can, and ask what it is; writes nothing.

        Raises Problem.
        """
        said = self._run(("--after", "no-reset", "flash-id"), why_not_asked)
        fields = {found[1]: found[2] for found in map(_FIELD.match, said) if found}
        connected = next((line for line in said if line.startswith("Connected to ")), "")
        name = connected.removeprefix("Connected to ").partition(" on ")[0]
        if not name:
            raise Problem(
                f"What answers on {self.port} could not be told.", f"{INTO_BOOTLOADER} esptool said: {last_words(said)}"
            )
        psram = next((part for part in fields.get("Features", "").split(", ") if "PSRAM" in part), "")
        return EspChip(
            name,
            fields.get("Chip type", name),
            _megabytes(fields.get("Detected flash size", "")),
            _megabytes(psram) or 0,
        )

    def restart(self) -> None:
        """Let the chip run what is in its flash; raises Problem."""
        self._run(("--after", "hard-reset", "read-mac"), why_not_asked)

    def write(self, image: Image, chip: EspChip, progress: Progress, *, erase: bool = False) -> None:
        """Write `image` and have it read back by its MD5, then restart the chip; raises Problem.

        `erase` takes all that is in the flash away first, calibrations, key and log of a tool among it.
        """
        check_image(image, chip)
        command = [
            *("--chip", chip.name.lower().replace("-", ""), "--baud", str(_BAUD), "--after", "hard-reset"),
            *("write-flash", *(["--erase-all"] if erase else []), hex(image.flash_offset), str(image.path)),
        ]

        def heard(line: str) -> None:
            percent = _PERCENT.match(line)
            if percent:
                progress(round(float(percent[1]) / 100 * image.bytes_), image.bytes_)

        said = self._run(command, why_not_written, heard)
        if not any(line.startswith("Hash of data verified") for line in said):
            raise Problem(f"What was written to {self.port} could not be read back and compared.", AGAIN)

    def _run(
        self,
        command: Sequence[str],
        why_not: Callable[[str, Sequence[str], Holders], Problem],
        heard: Callable[[str], None] = lambda _line: None,
    ) -> list[str]:
        """Return the lines that esptool said; an interrupt ends it too."""
        words = [*self._program, "--port", self.port, *self._options, *command]
        try:
            process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
                errors="replace",
                env=self._environment,
                # Ctrl-C in a terminal goes to us; we end it, and then know that it has ended.
                start_new_session=True,
            )
        except OSError as error:
            raise Problem(f"esptool can't be started: {error.strerror or error}.", INSTALL) from error
        said: list[str] = []
        try:
            for line in _lines(process):
                said.append(line)
                heard(line)
            code = process.wait(_END_S)
        except (TimeoutError, subprocess.TimeoutExpired):
            raise Problem(
                f"esptool said nothing for {_SILENCE_S:g} s while it worked on {self.port}.",
                f"Unplug the board, plug it in again, then retry. {AGAIN}",
            ) from None
        finally:
            _end(process)
        if code:
            raise why_not(self.port, said, self._holders)
        return said


def check_image(image: Image, chip: EspChip) -> None:
    """Raise Problem where `image` is not for `chip`, or needs more flash than it has."""
    if image.kind != ESP or image.chip != chip.name:
        raise wrong_chip(f"{image.path.name} is for an {image.chip}", chip.name)
    if chip.flash_bytes is not None and image.flash_bytes > chip.flash_bytes:
        raise Problem(
            f"{image.path.name} needs a flash of {image.flash_bytes // _MB} MB, and this board has "
            f"{chip.flash_bytes // _MB} MB. Nothing was written.",
            "Take the image for the smaller flash, as ESP32_GENERIC_S3-FLASH_4M.",
        )


def _megabytes(text: str) -> int | None:
    found = _MEGABYTES.search(text)
    return int(found[1]) * _MB if found else None


def _lines(process: subprocess.Popen[str]) -> Iterator[str]:
    """Yield what a program says, line by line; raises TimeoutError where it is silent for too long."""
    assert process.stdout is not None
    lines: queue.Queue[str | None] = queue.Queue()
    stdout = process.stdout

    def read() -> None:
        with contextlib.suppress(OSError, ValueError):
            for line in stdout:
                lines.put(line.rstrip("\n"))
        lines.put(None)

    threading.Thread(target=read, name="esptool", daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=_SILENCE_S)
        except queue.Empty:
            raise TimeoutError from None
        if line is None:
            return
        yield line


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout is not None:
        process.stdout.close()
