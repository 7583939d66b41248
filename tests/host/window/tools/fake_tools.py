"""A model of the Tools page without tools: remembers what it was told, and shows what a test gives it."""

from __future__ import annotations

from dataclasses import replace

from iastm_host.app.tools_page.page import (
    CALIBRATION,
    FAIR,
    FIRMWARE,
    GOOD,
    LINK,
    LOG,
    OPEN,
    OVERVIEW,
    POOR,
    Action,
    Block,
    Cell,
    Facts,
    Identity,
    Lines,
    Notice,
    Progress,
    Question,
    Row,
    Table,
    ToolsSnapshot,
    Verdict,
    Words,
)

HEADS = ("Tool", "Last seen", "Link", "Battery", "Firmware", "Calibration", "Trouble")
LONG = "the motion sensor does not answer, and neither does the converter at its second address"


def tool_row(name: str, *, chosen: bool = False, trouble: str = "None") -> Row:
    texts = (
        (name, "pico_2_w, simulated"),
        ("Yesterday, 23:59", ""),
        ("Bluetooth", "C0:FF:EE:00:00:07"),
        ("100 %", ""),
        ("Another build", "0.10.12"),
        ("Due in 1,168 days", f"{name} 2026-11-09, 1,112 days old"),
        (trouble, ""),
    )
    return Row(tuple(Cell(*each) for each in texts), f"known:{name}", chosen)


KNOWN = Table(HEADS, (tool_row("T-03", chosen=True), tool_row("T-07", trouble=LONG)), frozenset({3}))
MANY = Table(
    HEADS, tuple(tool_row(f"E6614C775B8{number:05X}", chosen=number == 3) for number in range(24)), frozenset({3})
)
FOUND = Table(
    ("Where", "What", "Last seen there", "State"),
    (
        Row(
            (
                Cell("/dev/serial/by-id/usb-MicroPython_Board_in_FS_mode_e6614c775b8f2a31-if00"),
                Cell("Board in FS mode", "2E8A:0005"),
                Cell("T-03"),
                Cell("Busy", "a-program-with-a-long-name (process 4194304)"),
            ),
            "port:one",
        ),
    ),
)
NO_RADIO = Notice(
    "This computer has no Bluetooth that works: no adapter, or its service does not run.",
    "Plug an adapter in; on Linux, start the service: sudo systemctl start bluetooth. Without Bluetooth: connect the "
    "tool by cable (--port), or try iastm demo.",
)
CHECKS = Table(
    ("Checked", "By", "Zero, N", "Load, N", "Read, N", "Span, %", "Result"),
    tuple(
        Row(
            (
                Cell(f"{day} Nov, 18:13"),
                Cell("A. Tester"),
                Cell("−0.004"),
                Cell("14.906"),
                Cell("14.911"),
                Cell("+0.1"),
                Cell("Passed", "after a fall onto the floor" if day == 12 else ""),
            )
        )
        for day in range(21, 9, -1)
    ),
    frozenset({2, 3, 4, 5}),
)
FIGURES = Facts(
    (
        ("Lost for good", "0 (0.0 ‰)"),
        ("Round trip", "median 2.1 ms, 95 % within 3.4 ms, longest 12.0 ms (98 trips)"),
        ("Clock drift", "too short to tell; it takes a minute: iastm link-test --duration 60"),
        ("Jitter", "unknown"),
    )
)
COPY, STOP = Action("copy", "Copy", "Ctrl+C"), Action("stop", "Stop", "Esc")
CHECK = Action("check", "Check tool", "Enter", primary=True)
SEARCH, FORGET = Action("search", "Search", "S"), Action("forget", "Forget", "Del")
UPDATE = Action("update", "Update …", "U", primary=True)
IDENTITY = Identity("T-03", "usb", "USB", 79)
ASK = Question(
    "Update E6614C775B8F2A31?",
    (
        "Its firmware 0.1.0 is replaced by 0.2.0, over /dev/serial/by-id/usb-MicroPython_Board_in_FS_mode-if00.",
        "It restarts and does not measure meanwhile. Leave it connected.",
        "Settings and calibration stay.",
    ),
    (("cancel", "Cancel"), ("update", "Update")),
)


def shown(page: str, *blocks: Block, **changes: object) -> ToolsSnapshot:
    """Return a snapshot of a page."""
    made = ToolsSnapshot(page, IDENTITY, blocks, (CHECK, COPY), "As of today, 17:40.", False, None, False)
    return replace(made, **changes)  # type: ignore[arg-type]


OVERVIEW_SHOWN = shown(
    OVERVIEW,
    KNOWN,
    Words("Found", strong=True),
    FOUND,
    NO_RADIO,
    actions=(CHECK, SEARCH, FORGET, COPY),
    footer="Arrow keys choose a tool.",
)
NEEDS = Table(
    HEADS,
    tuple(
        replace(row, cells=(row.cells[0], *(replace(cell, needs=True) for cell in row.cells[3:]), *row.cells[1:3]))
        for row in (tool_row("T-03", chosen=True), tool_row("T-07", trouble=LONG))
    ),
)
PAGES = {
    "empty": shown(
        OVERVIEW,
        Words("No tool yet", strong=True),
        Words("Connect a tool by cable, or switch it on, then press Search."),
        identity=None,
        actions=(replace(SEARCH, primary=True), COPY),
        footer="",
    ),
    "overview": OVERVIEW_SHOWN,
    "many": shown(OVERVIEW, MANY, actions=(CHECK, SEARCH, FORGET, COPY)),
    "needs something": shown(OVERVIEW, Words("2 of 2 need something.", strong=True), NEEDS),
    "searching": replace(
        OVERVIEW_SHOWN,
        blocks=(Progress("Listening for 5 s"), KNOWN),
        actions=(
            replace(CHECK, enabled=False),
            replace(SEARCH, enabled=False),
            replace(FORGET, enabled=False),
            STOP,
            COPY,
        ),
        busy=True,
    ),
    "calibration": shown(
        CALIBRATION,
        Verdict(GOOD, "Due in 168 days", "Tool and computer have the same."),
        Facts((("Calibration", "T-03 2026-11-09, quick"), ("File", "/home/me/" + "a-folder/" * 14 + "T-03.json"))),
        Words("Daily checks", strong=True),
        CHECKS,
    ),
    "not met": shown(CALIBRATION, Verdict(OPEN, "C-9: not kept here", "The tool has it; read it from the tool.")),
    "measuring": shown(
        LINK, Progress("Measuring: 4 of 10 s", 0.4), actions=(replace(CHECK, enabled=False), STOP, COPY), busy=True
    ),
    "bad link": shown(
        LINK,
        Verdict(POOR, "Bad", "1,204 of 3,200 samples (376.3 ‰) did not come, on asking again either."),
        Words("Bring the tool nearer, with nothing between it and the computer; or use the cable.", strong=True),
        Words("Figures", strong=True),
        FIGURES,
    ),
    "log": shown(
        LOG, Words("2 entries", strong=True), Lines(("# start 31: watchdog", "# start 14: failed", f"    {LONG * 3}"))
    ),
    "firmware": shown(
        FIRMWARE,
        Verdict(FAIR, "Another build", "The version is the same, its sources are not: one of the two was changed."),
        Table(
            ("", "On the tool", "On this computer"),
            (
                Row((Cell("Version"), Cell("0.1.0"), Cell("0.1.0"))),
                Row((Cell("Sources"), Cell("9f31c2d47a80be16"), Cell("5b0c9e31d2a84f76"))),
            ),
        ),
        actions=(UPDATE, replace(CHECK, primary=False), COPY),
    ),
    "problem": shown(
        FIRMWARE, Notice("/dev/ttyACM0 is busy: thonny (process 4711) has it open.", "Close that program.")
    ),
    "asking": shown(FIRMWARE, question=ASK, actions=(UPDATE, COPY)),
}


class FakeTools:
    """Shows `shown`, and remembers calls in `calls`; `may_leave` is what a wish to leave is told."""

    def __init__(self, shown: ToolsSnapshot = OVERVIEW_SHOWN) -> None:
        self.shown = shown
        self.calls: list[tuple[object, ...]] = []
        self.may_leave = True

    def snapshot(self) -> ToolsSnapshot:
        return self.shown

    def text(self) -> str:
        return "the page as text"

    def turn_to(self, page: str) -> None:
        self.calls.append(("turn_to", page))
        self.shown = replace(self.shown, page=page)

    def choose(self, row: str) -> None:
        self.calls.append(("choose", row))

    def move(self, step: int) -> None:
        self.calls.append(("move", step))

    def do(self, action: str) -> None:
        self.calls.append(("do", action))

    def answer(self, option: str) -> None:
        self.calls.append(("answer", option))
        self.shown = replace(self.shown, question=None)

    def leave(self) -> bool:
        self.calls.append(("leave",))
        return self.may_leave
