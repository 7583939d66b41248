"""What a check says, and what that means for the main job: the live view of a tool, with its warnings."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum

MAIN_JOB = "The main job, a live view of a tool that warns,"
NOT_CONNECTED = "No tool is connected by cable now: plug it in and run this again, or name one with --port or --tool."


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `detail` says what was found, `fix` what to do, "" where `ok`."""

    name: str
    ok: bool
    detail: str
    fix: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What a check saw. `only_advice`: it does not bear on the main job, whatever the table of checks says."""

    ok: bool
    detail: str
    fix: str = ""
    only_advice: bool = False


def good(detail: str) -> Seen:
    """Return that all is well."""
    return Seen(True, detail)


def bad(detail: str, fix: str) -> Seen:
    """Return what is wrong, and its cure."""
    return Seen(False, detail, fix)


def advice(detail: str, fix: str) -> Seen:
    """Return what could be better, and how; the main job works without."""
    return Seen(False, detail, fix, only_advice=True)


class Bears(StrEnum):
    """What of the main job fails where a check does.

    ALWAYS: all of it. WINDOW: the window, which `iastm run` opens wherever a display is named. CABLE and AIR: one way
    to a tool; the other is enough, unless --port or --tool named one. NOTHING: something beside the main job.
    """

    ALWAYS = "always"
    WINDOW = "window"
    CABLE = "cable"
    AIR = "air"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Looked:
    """A finding with what it bears on."""

    finding: Finding
    bears: Bears


@dataclass(frozen=True, slots=True)
class Report:
    """All findings, in the order of the table of checks.

    `display`: a window is what `iastm run` would show. `port`, `tool`: that way to a tool was asked for. `connected`: a
    port of a known board is there, None where nobody looked.
    """

    looked: tuple[Looked, ...]
    display: bool
    port: bool = False
    tool: bool = False
    connected: bool | None = None

    def fails(self, bears: Bears) -> bool:
        """Tell whether something fails that bears on this."""
        return any(looked.bears is bears and not looked.finding.ok for looked in self.looked)

    def missing(self) -> frozenset[Bears]:
        """Return what of the main job fails for want of something, of what is needed here; empty: it would work."""
        found = {bears for bears in (Bears.ALWAYS, Bears.WINDOW) if self.fails(bears)}
        if not self.display:
            found.discard(Bears.WINDOW)
        ways = {bears for bears in (Bears.CABLE, Bears.AIR) if self.fails(bears)}
        if self.port or self.tool:
            ways &= ({Bears.CABLE} if self.port else set()) | ({Bears.AIR} if self.tool else set())
        elif len(ways) == 1:
            ways = set()
        return frozenset(found | ways)

    def works(self) -> bool:
        """Tell whether the main job would work."""
        return not self.missing()

    def is_needed(self, looked: Looked) -> bool:
        """Tell whether the main job waits for this to be mended."""
        return not looked.finding.ok and looked.bears in self.missing()

    def worst_first(self) -> list[Looked]:
        """Return what is needed, then what is advised, then what is well."""
        return sorted(self.looked, key=lambda looked: (looked.finding.ok, not self.is_needed(looked)))

    def verdict(self) -> str:
        """Return in one sentence whether the main job would work, and how."""
        if not self.works():
            either = {Bears.CABLE, Bears.AIR} <= self.missing()
            more = ", and of cable and Bluetooth one is enough" if either else ""
            return f"{MAIN_JOB} would not work here: mend what is marked needed{more}."
        how = "in a window" if self.display else "as text"
        if self.port or self.tool:
            return f"{MAIN_JOB} works here, {how}."
        ways = {Bears.CABLE: "by cable", Bears.AIR: "over Bluetooth"}
        can = [words for bears, words in ways.items() if not self.fails(bears)]
        only = "" if len(can) == len(ways) else " only"
        return f"{MAIN_JOB} works here, {how}, {' and '.join(can)}{only}."

    def conclusion(self) -> list[str]:
        """Return the verdict, and that no tool was looked at where none is on a cable."""
        if self.connected is not False or self.port or self.tool:
            return [self.verdict()]
        return [self.verdict(), NOT_CONNECTED]


def as_object(report: Report) -> dict[str, object]:
    """Return what --json prints."""
    return {"findings": [asdict(looked.finding) for looked in report.looked]}


def as_text(report: Report, *, everything: bool = False) -> str:
    """Return what a person reads: the verdict, then a line for each finding with its fix, worst first, and it again.

    What is well is one line, unless `everything` is wanted.
    """
    lines = [*report.conclusion(), ""]
    well = [looked.finding.name for looked in report.looked if looked.finding.ok]
    for looked in report.worst_first():
        finding = looked.finding
        if finding.ok and not everything:
            continue
        mark = "ok" if finding.ok else "needed" if report.is_needed(looked) else "advice"
        lines.append(f"{mark:8}{finding.name}: {finding.detail}")
        lines += [f"{'':8}{line}" for line in finding.fix.splitlines()]
    if well and not everything:
        lines.append(f"{'ok':8}{', '.join(well)} (--all tells what was found)")
    return "\n".join([*lines, "", *report.conclusion()])
