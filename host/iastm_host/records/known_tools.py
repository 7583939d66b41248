"""The tools that this computer has met: who each is, by which link it was seen last, and how it was then.

FOLDER holds a file for each tool, SERIAL.json, where SERIAL is its serial number, quoted where a file system would not
take it. A file is replaced whole. One that can't be read is told of and never written over: it is moved aside before
another takes its name. One of a newer schema belongs to a newer program, and stays as it is.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from iastm_host.events import CalibrationReport, Problem, ToolDescription
from iastm_host.records.disk import cure, reason

SCHEMA = 1
_SUFFIX = ".json"
_ASIDE = ".damaged"
_ASK_AGAIN = "Check its tool: then a new file takes its place. Its calibrations and logs lie elsewhere."


@dataclass(frozen=True, slots=True)
class KnownTool:
    """A tool as it was last seen. `carrier` is serial, ble or simulated; `address` the port, or the name or address on
    the air, "" unknown; `seen_at` a time of day with its zone (ISO 8601). `battery_percent` None is unknown,
    `battery_at` when it was told. `not_warning`: why it would not warn in its next run, in words; "" where it would,
    None unknown.
    """

    serial_number: str
    carrier: str
    address: str
    seen_at: str
    board: str = ""
    firmware_version: str = ""
    source_hash: str = ""
    protocol: str = ""
    runtime: str = ""
    calibration_id: str = ""
    calibration_sha256: str = ""
    battery_percent: int | None = None
    trouble: str = ""
    keeps_log: bool = False
    simulated: bool = False
    keeps_calibration: bool = False
    battery_at: str = ""
    not_warning: str | None = None

    @property
    def seen(self) -> datetime:
        """When it was last seen."""
        return datetime.fromisoformat(self.seen_at)


@dataclass(frozen=True, slots=True)
class Known:
    """The tools that are known, newest first, and the files that could not be read, in words."""

    tools: tuple[KnownTool, ...]
    troubles: tuple[str, ...]


class _Unreadable(Exception):
    """A file that holds no tool, and why."""


class _Newer(_Unreadable):
    """A file of a newer schema."""


def known_from(
    tool: ToolDescription,
    battery_percent: int | None,
    carrier: str,
    address: str,
    at: datetime,
    *,
    not_warning: str | None = None,
    calibration: CalibrationReport | None = None,
) -> KnownTool:
    """Return a tool as it said that it is, over a link, at a time of day.

    `calibration` is the one that it told last, which may have been written after its hello.
    """
    named = tool if calibration is None else calibration
    sha256 = tool.calibration_sha256 if calibration is None else calibration.sha256
    return KnownTool(
        serial_number=tool.serial_number,
        carrier=carrier,
        address=address,
        seen_at=at.isoformat(timespec="seconds"),
        board=tool.board,
        firmware_version=tool.firmware_version,
        source_hash=tool.source_hash,
        protocol=tool.protocol,
        runtime=tool.runtime,
        calibration_id=named.calibration_id,
        calibration_sha256=sha256,
        battery_percent=battery_percent,
        trouble=tool.trouble,
        keeps_log=tool.keeps_log,
        simulated=tool.simulated,
        keeps_calibration=tool.keeps_calibration,
        battery_at="" if battery_percent is None else at.isoformat(timespec="seconds"),
        not_warning=not_warning,
    )


class KnownTools:
    """The tools kept in `folder`, which need not exist yet."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, tool: KnownTool) -> None:
        """Keep a tool as it is now, on the disk when this returns. Raises Problem.

        An address that is not known stays the one known before, and a battery that is not known the last one with its
        time. What a damaged file held stays beside it.
        """
        path = self._path(tool.serial_number)
        try:
            before = _read(path)
        except _Newer:
            return
        except _Unreadable:
            _move_aside(path)
            before = None
        except FileNotFoundError:
            before = None
        except OSError as error:
            raise _refused(path, error) from error
        if before is not None and not tool.address and tool.carrier == before.carrier:
            tool = replace(tool, address=before.address)
        if before is not None and tool.battery_percent is None:
            told_at = before.battery_at or ("" if before.battery_percent is None else before.seen_at)
            tool = replace(tool, battery_percent=before.battery_percent, battery_at=told_at)
        _write(path, tool)

    def forget(self, serial_number: str) -> None:
        """Remove what is kept of a tool here; its logs and calibrations stay. Raises Problem."""
        path = self._path(serial_number)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise _refused(path, error) from error

    def all(self) -> list[KnownTool]:
        """Return the tools that are known, the last seen first. Raises Problem where the folder is closed."""
        return list(self.look().tools)

    def look(self) -> Known:
        """Return the tools that are known, and what could not be read. Raises Problem where the folder is closed."""
        try:
            paths = sorted(path for path in self._folder.iterdir() if not path.name.startswith("."))
        except FileNotFoundError:
            return Known((), ())
        except OSError as error:
            raise Problem(f"{self._folder} can't be read: {reason(error)}.", f"{cure(error)}.") from error
        tools, troubles = [], []
        for path in paths:
            if path.suffix != _SUFFIX:
                if _ASIDE in path.name:
                    troubles.append(f"{path} was damaged and is kept aside: nothing needs it, delete it.")
                continue
            try:
                tools.append(_read(path))
            except _Unreadable as error:
                cured = "" if isinstance(error, _Newer) else f" {_ASK_AGAIN}"
                troubles.append(f"{path} {error}.{cured}")
            except OSError as error:
                troubles.append(f"{path} can't be read: {reason(error)}.")
        return Known(
            tuple(sorted(tools, key=lambda tool: (-tool.seen.timestamp(), tool.serial_number))), tuple(troubles)
        )

    def _path(self, serial_number: str) -> Path:
        # The point too: alone or twice it would be a folder that is there already.
        name = quote(serial_number, safe=" ").replace(".", "%2E") or "unnamed"
        return self._folder / (name + _SUFFIX)


def _read(path: Path) -> KnownTool:
    """Return the tool in a file. Raises _Unreadable and OSError."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise _Unreadable("is damaged and left out") from None
    if not isinstance(said, dict) or not isinstance(said.get("schema"), int) or isinstance(said["schema"], bool):
        raise _Unreadable("says no schema and is left out")
    if said["schema"] > SCHEMA:
        raise _Newer("was written by a newer program; update this one to see it")
    return _tool_of(said)


def _tool_of(said: dict[str, Any]) -> KnownTool:
    """Return the tool that these words describe; what an older program did not know stays unknown."""
    found = {field.name: said[field.name] for field in fields(KnownTool) if field.name in said}
    kinds: dict[str, type] = {"battery_percent": int, "keeps_log": bool, "keeps_calibration": bool, "simulated": bool}
    for name, value in found.items():
        unknown = name in ("battery_percent", "not_warning") and value is None
        # True is an int to Python, and no battery.
        if not unknown and type(value) is not kinds.get(name, str):
            raise _Unreadable(f"is damaged at {name} and left out")
    try:
        tool = KnownTool(**found)
        zone = tool.seen.tzinfo
        if tool.battery_at:
            zone = zone and datetime.fromisoformat(tool.battery_at).tzinfo
    except (TypeError, ValueError):
        raise _Unreadable("is damaged and left out") from None
    if zone is None or not 0 <= (tool.battery_percent or 0) <= 100:
        raise _Unreadable("is damaged and left out")
    return tool


def _write(path: Path, tool: KnownTool) -> None:
    # Beside its place, because only there a name can change hands at once; two programs may write at the same time.
    part = path.with_name(f".{uuid4().hex}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("x", encoding="utf-8") as file:
                json.dump({"schema": SCHEMA, **asdict(tool)}, file, ensure_ascii=False, indent=1)
                file.write("\n")
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise _refused(path, error) from error


def _move_aside(path: Path) -> None:
    """Give a damaged file another name, one that nothing has. Raises Problem."""
    try:
        path.rename(path.with_name(f"{path.name}{_ASIDE}-{uuid4().hex[:8]}"))
    except OSError as error:
        raise _refused(path, error) from error


def _refused(path: Path, error: OSError) -> Problem:
    return Problem(f"{path} can't be written: {reason(error)}.", f"{cure(error)}, then retry.")
