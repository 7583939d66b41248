"""The live view as one screen of text."""

from __future__ import annotations

from rich import box
from rich.align import Align
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from iastm_host.app.live_view import Bar, Ladder, LiveView
from iastm_host.app.snapshot import LiveSnapshot
from iastm_host.terminal.chart import chart

_SHAPES = {
    "triangle_down": "▼",
    "circle": "●",
    "triangle_up_hollow": "△",
    "triangle_up": "▲",
    "diamond": "◆",
}
_FORCE_STYLES = {
    "light": "bold white on blue",
    "fine": "bold reverse",
    "hold": "bold reverse",
    "firm": "bold yellow",
    "hard": "bold black on yellow",
    "too_hard": "bold white on red",
}
_SLOTS = (("top", "◇ Too hard"), ("middle", "○ Fine"), ("bottom", "▽ Too light"))
_GRADES = {"near": "yellow", "over": "bold red"}
_AXIS_COLUMNS = 13
_LADDER_COLUMNS = 34
_CHART_ROWS = 14
# What stands above and below the chart.
_OTHER_ROWS = 14
# A terminal below this many lines gets the short screen: verdict in one line, no frames, a low chart.
_FULL_LINES = 30
_SHORT_OTHER_ROWS = 13
_SHORT_CHART_ROWS = 5
# Keys that mean something in a terminal.
_KEYS = ("Space", "M", "N", "Z", "U", "R", "S")


def screen(snapshot: LiveSnapshot, view: LiveView, columns: int, lines: int) -> RenderableType:
    """Return the screen for a terminal of `columns` characters and `lines` lines."""
    if lines < _FULL_LINES:
        return _short_screen(snapshot, view, columns, lines)
    rows = max(_CHART_ROWS, lines - _OTHER_ROWS)
    wide = columns >= 2 * _LADDER_COLUMNS + _AXIS_COLUMNS
    chart_columns = columns - _AXIS_COLUMNS - (_LADDER_COLUMNS if wide else 0) - 2
    parts: list[RenderableType] = [_top(view), _banner(view)]
    plot = Group(*chart(snapshot.trace, snapshot.profile, max(20, chart_columns), rows))
    if wide:
        grid = Table.grid(expand=True)
        grid.add_column()
        grid.add_column(width=_LADDER_COLUMNS)
        grid.add_row(plot, _ladder(view.ladder, rows))
        parts.append(grid)
    else:
        parts += [_ladder(view.ladder, _CHART_ROWS), plot]
    parts.append(_strip(view))
    parts.append(Text(f"{view.caption}. No published force is known to cause them.", style="dim"))
    parts.append(_keys(view))
    return Group(*parts)


def _short_screen(snapshot: LiveSnapshot, view: LiveView, columns: int, lines: int) -> RenderableType:
    """Return what matters in few lines, the keys always among it."""
    strip = view.strip
    rows = max(_SHORT_CHART_ROWS, lines - _SHORT_OTHER_ROWS)
    rate = f"{strip.rate_title} {strip.rate_number} {strip.rate_unit}"
    numbers = f"{rate}   Strokes {strip.stroke_number}   {strip.contact.label} {_against(strip.contact)}"
    exposure = Text(f"{strip.headline}   ", style="bold")
    for bar in strip.bars:
        exposure.append(f"{bar.label} {_against(bar)}   ", style=_GRADES.get(bar.grade, "default"))
    return Group(
        _top(view),
        _banner(view),
        _verdict_line(view.ladder),
        *chart(snapshot.trace, snapshot.profile, max(20, columns - _AXIS_COLUMNS - 1), rows),
        Text(numbers, no_wrap=True, overflow="ellipsis"),
        exposure,
        Text(f"{view.caption}. No published force is known to cause them.", style="dim"),
        _keys(view),
    )


def _verdict_line(ladder: Ladder) -> RenderableType:
    if not ladder.slot:
        mark = "! " if ladder.technical else ""
        return Text(f" {mark}{ladder.word}: {ladder.sub} ", style="bold")
    text = f" {_SHAPES.get(ladder.shape, '●')} {ladder.word}  {ladder.number} N  {ladder.held_text} "
    return Text(text, style=_FORCE_STYLES.get(ladder.state, "bold"))


def _keys(view: LiveView) -> RenderableType:
    keys = [f"[{action.key}] {action.label}" for action in view.actions if action.key in _KEYS]
    return Text(" ".join((*keys, "[Q] End")), style="dim", no_wrap=True)


def _top(view: LiveView) -> RenderableType:
    chips = "   ".join(" ".join(filter(None, (chip.word, chip.near))) for chip in view.chips)
    grid = Table.grid(expand=True)
    grid.add_column()
    grid.add_column(justify="right")
    grid.add_row(Text(view.title, style="bold"), Text(chips))
    grid.add_row(Text(view.subtitle, style="dim"), Text(view.missing_text))
    return grid


def _banner(view: LiveView) -> RenderableType:
    if view.banner is None:
        return Text("\n")
    style = "bold black on yellow" if view.banner.kind == "medium" else "bold reverse"
    mark = "▲ " if view.banner.kind == "medium" else "! "
    return Group(Text(f" {mark}{view.banner.text} ", style=style), Text(f"   {view.banner.sub}"))


def _ladder(ladder: Ladder, lines: int) -> RenderableType:
    if not ladder.slot:
        words = Text(f"{ladder.word}\n", style="bold", justify="center")
        words.append(ladder.sub, style="default")
        frame = box.ASCII if ladder.technical else box.ROUNDED
        return Panel(Align.center(words, vertical="middle"), box=frame, height=lines)
    rows: list[RenderableType] = []
    for slot, unlit in _SLOTS:
        if slot != ladder.slot:
            rows.append(Panel(Text(unlit, style="dim"), box=box.ROUNDED, border_style="dim"))
            continue
        text = Text(f"{_SHAPES.get(ladder.shape, '●')} {ladder.word}  {ladder.number} N  {ladder.held_text}")
        style = _FORCE_STYLES.get(ladder.state, "bold")
        rows.append(Panel(text, box=box.HEAVY, style=style, padding=(1, 2)))
    return Group(*rows)


def _strip(view: LiveView) -> RenderableType:
    strip = view.strip
    table = Table.grid(expand=True, padding=(0, 2))
    for _ in range(4):
        table.add_column()
    table.add_row(
        Text(f"{strip.rate_title}\n{strip.rate_number} {strip.rate_unit}\n{strip.rate_hz_text}"),
        Text("\n".join((f"Strokes {strip.stroke_number}", *strip.stroke_notes))),
        Text("\n".join((strip.contact.label, _against(strip.contact), *_near(view)))),
        Group(Text(strip.headline, style="bold"), *(_bar(bar) for bar in strip.bars)),
    )
    return Panel(table, box=box.ROUNDED)


def _near(view: LiveView) -> list[str]:
    angle = f"Angle {view.angle_text}" if view.angle_text else ""
    return list(filter(None, (view.pressure_text, angle)))


def _bar(bar: Bar) -> Text:
    return Text(f"{bar.label}  {_against(bar)}", style=_GRADES.get(bar.grade, "default"))


def _against(bar: Bar) -> str:
    return f"{bar.value} of {bar.limit}" if bar.share is not None else bar.value
