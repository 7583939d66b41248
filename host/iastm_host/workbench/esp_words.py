"""What esptool says when something goes wrong, as Problems with the cure. Read as text of esptool 5.

Sources: esptool's documentation (docs.espressif.com/projects/esptool: "Boot Mode Selection", "Troubleshooting").
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence

from iastm_host.events import Problem
from iastm_host.transports.base import NOT_FOUND, TransportError
from iastm_host.transports.ports import Holder
from iastm_host.transports.serial import busy, no_rights

Holders = Callable[[str], list[Holder]]
"""Says which programs have a port open."""

AGAIN = "The ROM bootloader is still there, whatever is in the flash: flashing again cures it."
INTO_BOOTLOADER = (
    "Hold BOOT (on some boards 0 or B), press and release RESET (or EN, RST), release BOOT, then run the same again. "
    "Without a reset button: hold BOOT while you plug the cable in."
)
INSTALL = "Run: pip install 'iastm-toolkit[workbench]'"
# As pyserial words it on each system, and what esptool adds.
_GONE = re.compile(
    r"serial exception|SerialException|device disconnected|Input/output error|Lost connection|Errno (2|5|6|19)\]"
    r"|ClearCommError|WriteFile failed|Device not configured"
)


def why_not_asked(port: str, said: Sequence[str], holders: Holders) -> Problem:
    """Return why a chip on `port` could not be asked, by what esptool `said`."""
    problem = _why_not_opened(port, said, holders)
    if problem is not None:
        return problem
    text = "\n".join(said)
    if re.search(r"Failed to connect|stopped responding|Invalid head|No serial data|content transfer", text):
        return Problem(f"Nothing on {port} answers as an Espressif bootloader does.", INTO_BOOTLOADER)
    if _GONE.search(text):
        return Problem(
            f"The board on {port} went away while it was asked. Nothing was written.",
            f"Check its cable, then: {INTO_BOOTLOADER}",
        )
    if "Failed to autodetect" in text or "Unexpected chip" in text:
        return Problem(
            f"The chip on {port} is one that esptool does not know.",
            "The firmware runs on ESP32-S3 and ESP32-C3.",
        )
    if "Secure Download Mode" in text:
        return _locked(port)
    return Problem(f"esptool failed on {port}: {last_words(said)}", f"Nothing was written. {INTO_BOOTLOADER}")


def why_not_written(port: str, said: Sequence[str], holders: Holders) -> Problem:
    """Return why an image could not be written, by what esptool `said`; whether it had begun is told."""
    text = "\n".join(said)
    began = any(line.startswith(("Writing at", "Erasing", "Flash will be erased")) for line in said)
    if not began:
        wrong = re.search(r"This chip is (\S+), not (\S+)\.", text)
        if wrong:
            return wrong_chip(f"the image is for an {wrong[2]}", wrong[1])
        if re.search(r"Secure Boot|Secure Download Mode|encryption enabled", text):
            return _locked(port)
        if "will not fit" in text:
            return Problem(
                f"The image is larger than the flash of this board: {last_words(said)}", "Take another image."
            )
        return why_not_asked(port, said, holders)
    if "MD5 of file does not match" in text or "flash region is empty" in text:
        return Problem(
            f"What lies in the flash on {port} is not what was written.",
            f"{AGAIN} If it stays so, try another cable and USB socket; else the board's flash is worn out.",
        )
    if _GONE.search(text) or re.search(r"stopped responding|No serial data", text):
        return Problem(
            f"The board on {port} went away in the middle of being written.",
            f"{AGAIN} Check the cable, plug it in again, then: {INTO_BOOTLOADER}",
        )
    return Problem(f"esptool failed while it wrote to {port}: {last_words(said)}", f"{AGAIN} {INTO_BOOTLOADER}")


def _why_not_opened(port: str, said: Sequence[str], holders: Holders) -> Problem | None:
    text = "\n".join(said)
    if "No module named" in text and "esptool" in text:
        return without_esptool()
    if "ould not open" not in text and "exclusively lock" not in text:
        return None
    if re.search(r"Errno (13|1)\]|Permission ?[Dd]enied|PermissionError|Access is denied", text):
        return no_rights(port) if os.name != "nt" else busy(port, holders(port))
    if re.search(r"Errno (2|6|19)\]|FileNotFoundError", text):
        return TransportError(NOT_FOUND, f"There is no port {port}.", "Plug the board in, or see: iastm doctor")
    return busy(port, holders(port))


def wrong_chip(image_is: str, chip: str) -> Problem:
    """Return the Problem of an image for another chip; `image_is` says what it is for."""
    return Problem(
        f"Wrong chip: {image_is}, and this board has an {chip}. Nothing was written.",
        f"Give an image for the {chip} with --image, or leave --image out.",
    )


def without_esptool() -> Problem:
    """Return the Problem of an installation without esptool."""
    return Problem("esptool, which writes to Espressif's chips, is not installed.", INSTALL)


def _locked(port: str) -> Problem:
    return Problem(
        f"The chip on {port} is locked by its fuses (secure boot, secure download or encryption). Nothing was written.",
        "Take a board that is not locked: the fuses can't be undone.",
    )


def last_words(said: Sequence[str]) -> str:
    """Return the line with which esptool ended, that of its error where there is one."""
    lines = [line for line in said if line.strip()]
    errors = [line for line in lines if "error occurred" in line or line.startswith("ERROR")]
    line = (errors or lines or ["nothing"])[-1]
    return line.rpartition("error occurred: ")[2].strip().rstrip(".") + "."
