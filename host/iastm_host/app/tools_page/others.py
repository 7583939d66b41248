"""Link test, log and firmware of the chosen tool."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

from iastm_host.app.link_words import figure_rows
from iastm_host.app.tools_page.jobs import TEST_S, LinkResult
from iastm_host.app.tools_page.page import (
    FAIR,
    GOOD,
    OPEN,
    POOR,
    Block,
    Cell,
    Facts,
    Lines,
    Row,
    Table,
    Verdict,
    Words,
)
from iastm_host.app.tools_page.state import Entry, State
from iastm_host.app.tools_page.surroundings import BLE, SIMULATED
from iastm_host.app.tools_page.words import (
    DASH,
    NEWER,
    OLDER,
    OTHER,
    UNKNOWN,
    UP_TO_DATE,
    HostFirmware,
    firmware_mark,
    firmware_words,
)
from iastm_host.records.tool_logs import entries_in
from iastm_host.workbench import link_verdict

_MARKS = {link_verdict.GOOD: GOOD, link_verdict.USABLE: FAIR, link_verdict.BAD: POOR, link_verdict.TOO_SHORT: OPEN}
LINES_SHOWN = 400
_HASH_SHOWN = 8

SIMULATED_RUNS_OURS = "A simulated tool runs this computer's own firmware: there is nothing to update."
NEEDS_CABLE = (
    "An update goes over a cable: Bluetooth carries no firmware. Connect the tool by USB, press Search in Overview, "
    "then choose its port there."
)


def link_test(result: LinkResult | None) -> tuple[Block, ...]:
    """Return the blocks of the link test: the verdict and what to do, then the figures."""
    if result is None:
        return (
            Words(f"The test measures the link for {TEST_S:.0f} s: what is lost, how late it comes, where it breaks."),
            Words("Nothing on the tool is changed. Hold it as in a session, at the usual distance."),
        )
    first, *others = result.findings
    blocks: list[Block] = [Verdict(_MARKS[first.level], first.level.capitalize(), first.what)]
    for finding, following in zip_longest(result.findings, others):
        if finding is not first:
            blocks.append(Words(finding.what))
        # What mends several is said once, after the last of them.
        if finding.fix and (following is None or following.fix != finding.fix):
            blocks.append(Words(finding.fix, strong=True))
    blocks += [
        Words("Figures", strong=True),
        Facts(tuple(_capital(row) for row in figure_rows(result.figures, result.tool))),
    ]
    return tuple(blocks)


def _capital(row: tuple[str, str]) -> tuple[str, str]:
    return row[0][:1].upper() + row[0][1:], row[1]


def log(entry: Entry, new: int | None) -> tuple[Block, ...]:
    """Return the blocks of the log: what is kept here, newest first. `new`: how many entries the last look found."""
    entries = entries_in(entry.log)
    blocks: list[Block] = []
    if new is not None:
        said = {0: "The log was read: nothing is new.", 1: "The log was read: 1 entry is new."}
        blocks.append(Words(said.get(new, f"The log was read: {new} entries are new.")))
    if not entries:
        if not entry.tool.keeps_log:
            return (*blocks, Words("This tool keeps no log: its firmware or its board has no place for one."))
        return (*blocks, Words("No failure of this tool is kept here. Read its log to look for new ones."))
    lines = [line for each in reversed(entries) for line in each.splitlines()]
    count = "1 entry" if len(entries) == 1 else f"{len(entries):,} entries"
    blocks += [Words(f"{count}, the newest first", strong=True), Lines(tuple(lines[:LINES_SHOWN]))]
    if len(lines) > LINES_SHOWN:
        blocks.append(Words("Older ones: iastm tool log prints what the tool holds."))
    return tuple(blocks)


def firmware(entry: Entry, state: State) -> tuple[Block, ...]:
    """Return the blocks of the firmware: how it stands, the versions, and how it is updated."""
    return tuple(_firmware(entry, state))


def _firmware(entry: Entry, state: State) -> Iterator[Block]:
    tool, ours = entry.tool, state.ours
    deployed = state.deployed.get(tool.serial_number)
    if deployed is not None:
        if deployed.changed:
            yield Verdict(GOOD, "Updated", f"The tool restarted with {deployed.release_id}, and it stays up.")
            sent = f"{deployed.sent_files} files, {deployed.sent_bytes:,} bytes"
            yield Words(f"Sent: {sent}; kept as they were: {deployed.kept_files}.")
        else:
            yield Verdict(GOOD, "Nothing to do", f"The tool runs {deployed.release_id} already. Nothing was written.")
        if deployed.trouble:
            yield Words(f"It says: {deployed.trouble}.")
        for path in deployed.replaced:
            yield Words(f"A file of somebody else is kept as {path}.")
    if ours is None:
        return
    words = firmware_words(tool.firmware_version, tool.source_hash, ours)
    if deployed is None:
        yield Verdict(firmware_mark(words), words, _firmware_sentence(words, tool.firmware_version, ours))
    yield Table(
        ("", "On the tool", "On this computer"),
        (
            _versions("Version", tool.firmware_version, ours.version),
            _versions("Sources", _short(tool.source_hash), _short(ours.source_hash)),
            _versions("Protocol", tool.protocol, ours.protocol),
        ),
    )
    yield Facts((("Runs under", tool.runtime or DASH), ("Board", tool.board or DASH)))
    yield from _how(entry, state)


def _versions(name: str, theirs: str, ours: str) -> Row:
    return Row((Cell(name), Cell(theirs or DASH), Cell(ours or DASH)))


def _short(source_hash: str) -> str:
    return source_hash if source_hash.strip("0") else ""


def _firmware_sentence(words: str, version: str, ours: HostFirmware) -> str:
    return {
        UP_TO_DATE: "Tool and computer have the same firmware.",
        OLDER: f"The tool runs {version}, this computer has {ours.version}.",
        NEWER: f"The tool runs {version}, this computer has {ours.version}. Update this program first.",
        OTHER: "The version is the same, its sources are not: one of the two was changed.",
        UNKNOWN: "The tool did not tell from which sources it was made.",
    }[words]


def runs_here(entry: Entry) -> bool:
    """Return whether a tool is one that this toolkit simulates on a computer, from the firmware's own sources."""
    return entry.tool.board == SIMULATED


def _how(entry: Entry, state: State) -> Iterator[Block]:
    target = state.target
    if runs_here(entry):
        yield Words(SIMULATED_RUNS_OURS)
    elif state.update_port:
        yield Words(
            f"An update goes over {state.update_port}. Settings and calibration stay. Where the new firmware does not "
            "start, the tool goes back to the one before."
        )
    elif target is not None and target.carrier == BLE:
        yield Words(NEEDS_CABLE)
    else:
        yield Words("Connect the tool by USB, press Search in Overview, then choose its port there.")
