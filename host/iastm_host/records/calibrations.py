"""Where this computer keeps calibrations: a folder for each tool, with a file for each calibration, and a log.

FOLDER/SERIAL/ holds `<made at> <id>.json`, never written over; `in_force`, the hash of the one that was made, read or
written last, by which this computer judges the tool (where it isn't there, the newest that is whole); and
`checks.jsonl`, the log of daily checks, a line each, only ever appended to. SERIAL is the tool's serial number, quoted
where a file system would not take it.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from iastm_calibration.canonical import sha256_of
from iastm_calibration.daily_check import DailyCheck
from iastm_calibration.document import CalibrationDocument, content, from_text, to_text
from iastm_calibration.errors import CalibrationError
from iastm_host.events import Problem
from iastm_host.records.disk import cure, reason
from iastm_host.records.new_file import write_new

_CHECKS = "checks.jsonl"
_IN_FORCE = "in_force"
# The hash stands first in a file.
_HEAD_BYTES = 200
_SUFFIX = ".json"


@dataclass(frozen=True, slots=True)
class KnownCalibration:
    """What a run compares a tool's calibration with: hash in hexadecimal, name, last day (YYYY-MM-DD)."""

    sha256: str
    calibration_id: str
    expires_on: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A calibration on this computer, and the files beside it that can't be trusted, in words."""

    document: CalibrationDocument | None
    path: Path | None
    troubles: tuple[str, ...]


class CalibrationStore:
    """The calibrations in `folder`, which need not exist yet."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, document: CalibrationDocument) -> Path:
        """Keep a document in a file of its own, on the disk when this returns. Raises Problem, and CalibrationError."""
        made_at = document.made_at.replace(":", "")
        name = f"{made_at} {quote(document.calibration_id, safe=' ')}{_SUFFIX}"
        path = self._of(document.tool.serial_number) / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _refused(path, error) from error
        write_new(path, to_text(document).encode())
        self.choose(document)
        return path

    def choose(self, document: CalibrationDocument) -> None:
        """Let a calibration that is kept here be the one in force here. Raises Problem, and CalibrationError."""
        path = self._of(document.tool.serial_number) / _IN_FORCE
        part = path.with_name(f".{_IN_FORCE}.part")
        try:
            with part.open("w", encoding="ascii") as file:
                file.write(sha256_of(content(document)).hex() + "\n")
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except OSError as error:
            raise _refused(path, error) from error

    def in_force(self, serial_number: str) -> Kept:
        """Return what is in force here for a tool: the chosen one, else the newest. Raises Problem."""
        chosen = self._chosen(serial_number)
        # A run asks this of every tool at its start: the others are read only where the chosen one can't be.
        for path in _files(self._of(serial_number)) if chosen else []:
            if _says(path, chosen):
                with contextlib.suppress(Problem):
                    document = read_document(path)
                    if document.tool.serial_number == serial_number:
                        return Kept(document, path, ())
        troubles: list[str] = []
        found = self._whole(serial_number, troubles)
        if not found:
            return Kept(None, None, tuple(troubles))
        # Names begin with the time, but zones differ: what stands inside decides.
        path, document = max(found, key=lambda each: (_instant(each[1]), each[0].name))
        return Kept(document, path, tuple(troubles))

    def _chosen(self, serial_number: str) -> str:
        try:
            return (self._of(serial_number) / _IN_FORCE).read_text(encoding="ascii", errors="replace").strip()
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise Problem(f"{self._of(serial_number)} can't be read: {reason(error)}.", f"{cure(error)}.") from error

    def all(self, serial_number: str) -> list[tuple[Path, CalibrationDocument]]:
        """Return every whole calibration of a tool with its file. Raises Problem where the folder is closed."""
        return self._whole(serial_number, [])

    def _whole(self, serial_number: str, troubles: list[str]) -> list[tuple[Path, CalibrationDocument]]:
        found = []
        for path in _files(self._of(serial_number)):
            try:
                document = read_document(path)
            except Problem as problem:
                troubles.append(problem.what)
                continue
            if document.tool.serial_number == serial_number:
                found.append((path, document))
            else:
                troubles.append(f"{path.name} is of the tool {document.tool.serial_number}.")
        return found

    def tools(self) -> list[str]:
        """Return the serial numbers of the tools of which something is kept here. Raises Problem."""
        return [unquote(folder.name) for folder in _folders(self._folder)]

    def known(self) -> Mapping[str, KnownCalibration]:
        """Return the calibration in force here of each tool, by serial number. Raises Problem."""
        found = {}
        for serial_number in self.tools():
            document = self.in_force(serial_number).document
            if document is not None:
                digest = sha256_of(content(document)).hex()
                found[serial_number] = KnownCalibration(digest, document.calibration_id, document.expires_on)
        return found

    def log_check(self, check: DailyCheck) -> Path:
        """Append a daily check to the tool's log, on the disk when this returns. Raises Problem."""
        path = self._of(check.serial_number) / _CHECKS
        line = json.dumps(asdict(check), ensure_ascii=False, allow_nan=False)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # A line that a power cut tore must not take the next one with it.
            torn = path.exists() and path.read_bytes()[-1:] not in (b"", b"\n")
            with path.open("a", encoding="utf-8") as file:
                file.write(("\n" if torn else "") + line + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise _refused(path, error) from error
        return path

    def checks(self, serial_number: str) -> tuple[list[DailyCheck], list[str]]:
        """Return the log of a tool, oldest first, and its lines that can't be read, in words. Raises Problem."""
        path = self._of(serial_number) / _CHECKS
        try:
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return [], []
        except OSError as error:
            raise Problem(f"{path} can't be read: {reason(error)}.", f"{cure(error)}.") from error
        found, troubles = [], []
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                found.append(_check_of(json.loads(line)))
            except (ValueError, TypeError):
                troubles.append(f"Line {number} of {path} is damaged and left out.")
        return found, troubles

    def _of(self, serial_number: str) -> Path:
        # A name of dots would be another folder.
        return self._folder / quote(serial_number or "_", safe=" ").replace(".", "%2E")


def read_document(path: Path) -> CalibrationDocument:
    """Read a calibration's file. Raises Problem for one that can't be read, was altered, or is of a newer schema."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise Problem(f"{path} is no text in UTF-8.", "Choose the file of a calibration.") from None
    except (OSError, ValueError) as error:
        raise Problem(f"{path} can't be read: {reason(error)}.", "Check the name and the place.") from error
    try:
        return from_text(text)
    except CalibrationError as error:
        raise Problem(f"{path.name}: {error.what}", error.fix) from error


def _check_of(said: dict[str, Any]) -> DailyCheck:
    """Return the check that a line of the log holds. Raises ValueError or TypeError for what is none."""
    made = DailyCheck(**said)
    held: dict[str, Any] = asdict(made)
    numbers = [held[name] for name in ("zero_n", "load_n", "read_n", "span_error")]
    if held["temperature_c"] is not None:
        numbers.append(held["temperature_c"])
    if not all(isinstance(number, int | float) and math.isfinite(number) for number in numbers):
        raise ValueError("a number of a check is none")
    texts = (held[name] for name in ("checked_at", "serial_number", "calibration_id", "by", "note"))
    if not all(isinstance(text, str) for text in texts) or not isinstance(held["passed"], bool):
        raise ValueError("a word of a check is none")
    if datetime.fromisoformat(made.checked_at).tzinfo is None:
        raise ValueError("a check without its zone")
    return made


def _says(path: Path, sha256: str) -> bool:
    """Tell whether a file begins with this hash; reading it tells whether it is true."""
    try:
        with path.open("rb") as file:
            return sha256.encode() in file.read(_HEAD_BYTES)
    except OSError:
        return False


def _instant(document: CalibrationDocument) -> float:
    return datetime.fromisoformat(document.made_at).timestamp()


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == _SUFFIX and not path.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise Problem(f"{folder} can't be read: {reason(error)}.", f"{cure(error)}.") from error


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise Problem(f"{folder} can't be read: {reason(error)}.", f"{cure(error)}.") from error


def _refused(path: Path, error: OSError | ValueError) -> Problem:
    return Problem(f"{path} can't be written: {reason(error)}.", f"{cure(error)}, then retry.")
