"""Writes images to Espressif's chips by esptool, run as a program: a crash of it is a Problem here.

Sources: esptool's documentation (docs.espressif.com/projects/esptool: "Basic Commands", "Boot Mode Selection",
"Troubleshooting"). What it says is read as text of esptool 5.
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
from iastm_host.transports.base import NOT_FOUND, TransportError
from iastm_host.transports.ports import Holder, holders_of
from iastm_host.transports.serial import busy, no_rights
from iastm_host.workbench.boards import KINDS, BoardKind, kinds_of_chip
from iastm_host.workbench.images import ESP, Image

Progress = Callable[[int, int], None]
"""Is told how many bytes are done, and of how many."""

AGAIN = "The ROM bootloader is still there, whatever is in the flash: flashing again cures it."
INTO_BOOTLOADER = (
    "Hold BOOT (on some boards 0 or B), press and release RESET (or EN, RST), release BOOT, then run the same again. "
    "Without a reset button: hold BOOT while you plug the cable in."
)
_INSTALL = "Run: pip install 'iastm-toolkit[workbench]'"

# Fast enough for a minute per image, and what MicroPython's own instructions use; bridges that can't are rare.
_BAUD = 460_800
# Erasing 8 MB by the ROM alone takes a minute without a word.
_SILENCE_S = 180.0
_END_S = 5.0
_MB = 1024 * 1024
_PERCENT = re.compile(r"^Writing at 0x[0-9a-f]+.*?([0-9]+\.[0-9])%")
_FIELD = re.compile(r"^([A-Z][A-Za-z ]+):\s+(\S.*)$")
# As pyserial words it on each system, and what esptool adds.
_GONE = re.compile(
    r"serial exception|SerialException|device disconnected|Input/output error|Lost connection|Errno (2|5|6|19)\]"
    r"|ClearCommError|WriteFile failed|Device not configured"
)
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
        holders: Callable[[str], list[Holder]] = holders_of,
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
        said = self._run(("--after", "no-reset", "flash-id"), self._why_not_asked)
        fields = {found[1]: found[2] for found in map(_FIELD.match, said) if found}
        connected = next((line for line in said if line.startswith("Connected to ")), "")
        name = connected.removeprefix("Connected to ").partition(" on ")[0]
        if not name:
            raise Problem(
                f"What answers on {self.port} could not be told.", f"{INTO_BOOTLOADER} esptool said: {_last(said)}"
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
        self._run(("--after", "hard-reset", "read-mac"), self._why_not_asked)

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

        said = self._run(command, self._why_not_written, heard)
        if not any(line.startswith("Hash of data verified") for line in said):
            raise Problem(f"What was written to {self.port} could not be read back and compared.", AGAIN)

    def _run(
        self,
        command: Sequence[str],
        why_not: Callable[[list[str]], Problem],
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
            raise Problem(f"esptool can't be started: {error.strerror or error}.", _INSTALL) from error
        said: list[str] = []
        try:
            for line in _lines(process):
                said.append(line)
                heard(line)
            code = process.wait(_END_S)
        except TimeoutError:
            raise Problem(
                f"esptool said nothing for {_SILENCE_S:g} s while it worked on {self.port}.",
                f"Unplug the board, plug it in again, then retry. {AGAIN}",
            ) from None
        finally:
            _end(process)
        if code:
            raise why_not(said)
        return said

    def _why_not_asked(self, said: list[str]) -> Problem:
        problem = self._why_not_opened(said)
        if problem is not None:
            return problem
        text = "\n".join(said)
        if re.search(r"Failed to connect|stopped responding|Invalid head|No serial data|content transfer", text):
            return Problem(f"Nothing on {self.port} answers as an Espressif bootloader does.", INTO_BOOTLOADER)
        if _is_gone(text):
            return Problem(
                f"The board on {self.port} went away while it was asked. Nothing was written.",
                f"Check its cable, then: {INTO_BOOTLOADER}",
            )
        if "Failed to autodetect" in text or "Unexpected chip" in text:
            return Problem(
                f"The chip on {self.port} is one that esptool does not know.",
                "The firmware runs on ESP32-S3 and ESP32-C3.",
            )
        if "Secure Download Mode" in text:
            return _locked(self.port)
        return Problem(f"esptool failed on {self.port}: {_last(said)}", f"Nothing was written. {INTO_BOOTLOADER}")

    def _why_not_written(self, said: list[str]) -> Problem:
        text = "\n".join(said)
        began = any(line.startswith(("Writing at", "Erasing", "Flash will be erased")) for line in said)
        if not began:
            wrong = re.search(r"This chip is (\S+), not (\S+)\.", text)
            if wrong:
                return wrong_chip(f"the image is for an {wrong[2]}", wrong[1])
            if re.search(r"Secure Boot|Secure Download Mode|encryption enabled", text):
                return _locked(self.port)
            if "will not fit" in text:
                return Problem(
                    f"The image is larger than the flash of this board: {_last(said)}", "Take another image."
                )
            return self._why_not_asked(said)
        if "MD5 of file does not match" in text or "flash region is empty" in text:
            return Problem(
                f"What lies in the flash on {self.port} is not what was written.",
                f"{AGAIN} If it stays so, try another cable and USB socket; else the board's flash is worn out.",
            )
        if _is_gone(text) or re.search(r"stopped responding|No serial data", text):
            return Problem(
                f"The board on {self.port} went away in the middle of being written.",
                f"{AGAIN} Check the cable, plug it in again, then: {INTO_BOOTLOADER}",
            )
        return Problem(f"esptool failed while it wrote to {self.port}: {_last(said)}", f"{AGAIN} {INTO_BOOTLOADER}")

    def _why_not_opened(self, said: list[str]) -> Problem | None:
        text = "\n".join(said)
        if "No module named" in text and "esptool" in text:
            return without_esptool()
        if "ould not open" not in text and "exclusively lock" not in text:
            return None
        if re.search(r"Errno (13|1)\]|Permission ?[Dd]enied|PermissionError|Access is denied", text):
            return no_rights(self.port) if os.name != "nt" else busy(self.port, self._holders(self.port))
        if re.search(r"Errno (2|6|19)\]|FileNotFoundError", text):
            return TransportError(
                NOT_FOUND, f"There is no port {self.port}.", "Plug the board in, or see: iastm doctor"
            )
        return busy(self.port, self._holders(self.port))


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


def wrong_chip(image_is: str, chip: str) -> Problem:
    """Return the Problem of an image for another chip; `image_is` says what it is for."""
    return Problem(
        f"Wrong chip: {image_is}, and this board has an {chip}. Nothing was written.",
        f"Give an image for the {chip} with --image, or leave --image out.",
    )


def without_esptool() -> Problem:
    """Return the Problem of an installation without esptool."""
    return Problem("esptool, which writes to Espressif's chips, is not installed.", _INSTALL)


def _locked(port: str) -> Problem:
    return Problem(
        f"The chip on {port} is locked by its fuses (secure boot, secure download or encryption). Nothing was written.",
        "Take a board that is not locked: the fuses can't be undone.",
    )


def _is_gone(text: str) -> bool:
    return bool(_GONE.search(text))


def _megabytes(text: str) -> int | None:
    found = _MEGABYTES.search(text)
    return int(found[1]) * _MB if found else None


def _last(said: Sequence[str]) -> str:
    """Return the line with which esptool ended, that of its error where there is one."""
    lines = [line for line in said if line.strip()]
    errors = [line for line in lines if "error occurred" in line or line.startswith("ERROR")]
    line = (errors or lines or ["nothing"])[-1]
    return line.rpartition("error occurred: ")[2].strip().rstrip(".") + "."


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
