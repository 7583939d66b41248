"""What tools told of their own failures, kept on this computer: nothing of it is ever written over.

FOLDER/SERIAL/ holds `log.txt`, each entry of the tool's log once, in the order in which they were found, and
`starts.jsonl`, a line each time that its counters were others than before. SERIAL is the tool's serial number, quoted
where a file system would not take it.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote

from iastm_host.events import Problem
from iastm_host.records.disk import cure, reason

_LOG = "log.txt"
_STARTS = "starts.jsonl"


@dataclass(frozen=True, slots=True)
class Counters:
    """What a tool counts over its life: power that went amid a stream, and starts after a failure."""

    power_losses: int
    restarts: int


class ToolLogs:
    """The logs in `folder`, which need not exist yet."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def counters(self, serial_number: str) -> Counters | None:
        """Return what the tool had counted when it was last here, None where nothing whole is kept."""
        for line in reversed(self._read(serial_number, _STARTS).splitlines()):
            try:
                found = json.loads(line)
                return Counters(int(found["power_losses"]), int(found["restarts"]))
            except (ValueError, KeyError, TypeError):
                # A line that a power cut tore; the one before it holds.
                continue
        return None

    def keep_counters(self, serial_number: str, counters: Counters, at: str) -> None:
        """Keep what the tool counts now, where it is news; `at` is the time of day. Raises Problem."""
        if self.counters(serial_number) != counters:
            self._append(serial_number, _STARTS, json.dumps({"at": at, **asdict(counters)}) + "\n")

    def log(self, serial_number: str) -> str:
        """Return all that is kept of the tool's log, "" where nothing is."""
        return self._read(serial_number, _LOG)

    def keep_log(self, serial_number: str, log: str) -> int:
        """Keep what is new in the tool's `log`; return how many entries that is. Raises Problem."""
        known = set(entries_in(self.log(serial_number)))
        new = [entry for entry in entries_in(log) if entry not in known]
        if new:
            self._append(serial_number, _LOG, "".join(new))
        return len(new)

    def _of(self, serial_number: str) -> Path:
        # The point too: alone or twice it would be a folder that is there already.
        return self._folder / (quote(serial_number, safe="").replace(".", "%2E") or "unnamed")

    def _read(self, serial_number: str, name: str) -> str:
        try:
            return (self._of(serial_number) / name).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    def _append(self, serial_number: str, name: str, text: str) -> None:
        path = self._of(serial_number) / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            before = self._read(serial_number, name)
            with path.open("a", encoding="utf-8") as file:
                # What a power cut tore off shall not run into what comes after it.
                file.write(text if before.endswith("\n") or not before else "\n" + text)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise Problem(f"{path} can't be written: {reason(error)}.", f"{cure(error)}, then retry.") from error


def entries_in(log: str) -> list[str]:
    """Return the entries of a tool's log, the oldest first, each with the line that it begins with and its end."""
    entries: list[str] = []
    for line in log.splitlines():
        if line.startswith("#") or not entries:
            entries.append("")
        entries[-1] += line + "\n"
    return entries
