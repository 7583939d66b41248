"""Overview: the tools that are known, and what the last search found."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

from iastm_host.app.tools_page.jobs import Found
from iastm_host.app.tools_page.page import Block, Cell, Notice, Row, Table, Words
from iastm_host.app.tools_page.state import SIMULATED_ROW, Entry, State, air_row, known_row, port_row
from iastm_host.app.tools_page.surroundings import BLE, SERIAL, SIMULATED, Target
from iastm_host.app.tools_page.words import (
    DASH,
    OLDER,
    UNKNOWN,
    age_words,
    battery_words,
    due_words,
    firmware_words,
    link_words,
    moment_words,
)
from iastm_host.records.known_tools import KnownTool

_HEADS = ("Tool", "Last seen", "Link", "Battery", "Firmware", "Calibration", "Trouble")
_FOUND_HEADS = ("Where", "What", "Last seen there", "State")
_BATTERY_COLUMN = 3
_SAME_TIME_S = 60
_LOW_PERCENT = 15
_SOON_DAYS = 14
_NO_FILE = bytes(32).hex()
NOT_LISTENED = "Bluetooth was not listened to yet: press Search."
CONNECT = "Connect a tool by cable, or switch it on, then press Search."
_NONE_YET = (
    CONNECT,
    "A bare board becomes a tool with: iastm flash",
)

_CHOOSE = "Choose your tool among what was found, then check it."


def overview(state: State, now: datetime) -> tuple[Block, ...]:
    """Return the blocks of the page."""
    return tuple(_blocks(state, now))


def _blocks(state: State, now: datetime) -> Iterator[Block]:
    if state.entries:
        rows = tuple(_row(entry, state, now) for entry in state.entries)
        need = sum(any(cell.needs for cell in row.cells) for row in rows)
        if need:
            yield Words(
                f"{need} of {len(rows)} {'needs' if need == 1 else 'need'} something: see the marks.", strong=True
            )
        yield Table(_HEADS, rows, frozenset({_BATTERY_COLUMN}))
    else:
        yield Words("No tool yet", strong=True)
        for words in (_CHOOSE,) if state.likely else _NONE_YET:
            yield Words(words)
    for trouble in state.troubles:
        yield Words(trouble)
    if state.found is not None or state.offers_simulated:
        yield from _found(state, state.found or Found(()))


def _row(entry: Entry, state: State, now: datetime) -> Row:
    tool = entry.tool
    kinds = (tool.board, "simulated" if tool.simulated and tool.board != "simulated" else "")
    kind = ", ".join(filter(None, kinds))
    ours = state.ours
    firmware = UNKNOWN if ours is None else firmware_words(tool.firmware_version, tool.source_hash, ours)
    cells = (
        Cell(tool.serial_number, kind),
        Cell(moment_words(tool.seen, now)),
        Cell(link_words(tool.carrier, tool.address), tool.address),
        battery_cell(tool, now),
        Cell(firmware, tool.firmware_version, needs=firmware == OLDER),
        calibration_cell(entry, now.date()),
        trouble_cell(tool),
    )
    row_id = known_row(tool.serial_number)
    return Row(cells, row_id, row_id == state.chosen)


def trouble_cell(tool: KnownTool) -> Cell:
    """Return what troubles a tool: that it will not warn, and why, before what else it says."""
    trouble = tool.trouble[:1].upper() + tool.trouble[1:]
    if tool.not_warning:
        return Cell(f"Will not warn: {tool.not_warning}", trouble, needs=True)
    if tool.not_warning is None:
        return Cell(trouble, "whether it warns: not asked", needs=True) if trouble else Cell("Not asked")
    return Cell(trouble or "None", needs=bool(trouble))


def battery_cell(tool: KnownTool, now: datetime) -> Cell:
    """Return a battery's charge, and when it was told where that is not when the tool was seen last."""
    told_at = datetime.fromisoformat(tool.battery_at) if tool.battery_at else tool.seen
    old = tool.battery_percent is not None and (tool.seen - told_at).total_seconds() >= _SAME_TIME_S
    low = tool.battery_percent is not None and tool.battery_percent < _LOW_PERCENT
    return Cell(battery_words(tool.battery_percent), moment_words(told_at, now) if old else "", needs=low)


def calibration_cell(entry: Entry, today: date) -> Cell:
    """Return when a tool's calibration is due; in smaller letters which one it is, and its age."""
    tool, document = entry.tool, entry.document
    has_none = not tool.calibration_sha256 or tool.calibration_sha256 == _NO_FILE
    if document is None:
        if has_none:
            return Cell("Not kept here" if tool.calibration_id else "None", tool.calibration_id)
        return Cell("Not kept here", tool.calibration_id)
    if has_none:
        return Cell("Not on the tool", f"here: {document.calibration_id}", needs=True)
    if tool.calibration_sha256 != entry.document_sha256:
        return Cell("Differs", f"tool: {tool.calibration_id}, here: {document.calibration_id}", needs=True)
    made = datetime.fromisoformat(document.made_at).date()
    last = date.fromisoformat(document.expires_on) if document.expires_on else None
    due = "No last day" if last is None else due_words(last, today)
    soon = last is not None and (last - today).days <= _SOON_DAYS
    return Cell(due, f"{document.calibration_id}, {age_words(made, today)}", needs=soon)


def _found(state: State, found: Found) -> Iterator[Block]:
    rows: list[Row] = []
    if state.offers_simulated:
        rows.append(
            _found_row(
                state,
                SIMULATED_ROW,
                Cell("Here"),
                Cell("Simulated tool"),
                _seen_at(state, Target(SIMULATED)),
                Cell("Free"),
            )
        )
    for each in found.ports:
        port = each.port
        what = port.product or "Serial port"
        numbers = "" if port.vid is None or port.pid is None else f"{port.vid:04X}:{port.pid:04X}"
        busy = Cell("Busy", each.holders) if each.holders else Cell("Free")
        seen = _seen_at(state, Target(SERIAL, port.device))
        rows.append(_found_row(state, port_row(port.device), Cell(port.device), Cell(what, numbers), seen, busy))
    for heard in found.on_air:
        battery = "" if heard.battery_percent is None else f"battery {heard.battery_percent} %"
        signal = f"{heard.signal_dbm} dBm".replace("-", "−")
        use = Cell("In use" if heard.in_use else "Free", signal)
        seen = _seen_at(state, Target(BLE, heard.address)) or _seen_at(state, Target(BLE, heard.name))
        rows.append(
            _found_row(
                state, air_row(heard.address), Cell(heard.name, heard.address), Cell("Bluetooth", battery), seen, use
            )
        )
    yield Words("Found", strong=True)
    if rows:
        yield Table(_FOUND_HEADS, tuple(rows))
    elif found.listened or found.radio is not None:
        yield Words("No serial port is there. Look at the cable: one for charging only carries no data.")
    if found.radio is not None:
        yield Notice(found.radio.what, found.radio.fix)
    elif found.listened and not found.on_air:
        yield Words("No tool was heard on Bluetooth. Switch it on, bring it nearer, then search again.")
    elif not found.listened:
        yield Words(NOT_LISTENED)


def _found_row(state: State, row_id: str, where: Cell, what: Cell, seen: str, use: Cell) -> Row:
    return Row((where, what, Cell(seen or DASH), use), row_id, row_id == state.chosen)


def _seen_at(state: State, target: Target) -> str:
    entry = state.known_at(target)
    return "" if entry is None else entry.tool.serial_number
