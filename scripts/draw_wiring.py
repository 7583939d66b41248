"""Draw how each board is wired, with each converter, from the boards' own tables: docs/hardware/wiring.

    .venv/bin/python -m scripts.draw_wiring [FOLDER]

wirings.py has the facts. A picture is readable on paper and on a dark page: it brings its own white ground.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from xml.sax.saxutils import escape

from scripts.wirings import BOARDS, CHIPS, PLUG, Board, Part, board_file, parts_of

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs/hardware/wiring"

COLOURS = {
    "red": "#d62728",
    "black": "#1a1a1a",
    "white": "#ffffff",
    "green": "#2ca02c",
    "blue": "#1f6fd6",
    "yellow": "#f5c400",
    "orange": "#ff8c1a",
    "violet": "#8e44ad",
}
_CELL_WARNING = "Colours differ by maker: go by the cell's own sheet."
_ROW = 34
_HEAD = 42
_NOTE = 20
_GAP = 26
_PAD = 24
_CELL_X, _CELL_W = _PAD, 130
_PART_X, _PART_W = 330, 330
_BOARD_X, _BOARD_W = 850, 270
_WIDTH = _BOARD_X + _BOARD_W + _PAD
_STYLE = (
    "text{font-family:Helvetica,Arial,'Liberation Sans',sans-serif;font-size:15px;fill:#111}"
    ".t{font-size:18px;font-weight:700}.n{font-size:13px;fill:#444}.w{font-size:13px}"
    ".b{fill:#f4f6f8;stroke:#333;stroke-width:1.5}.h{font-size:21px;font-weight:700}"
)


class _Drawing:
    def __init__(self, title: str, said: str) -> None:
        self._title = title
        self._said = said
        self._below: list[str] = []
        self._above: list[str] = []

    def box(self, x: int, y: int, width: int, height: int) -> None:
        self._below.append(f'<rect class="b" x="{x}" y="{y}" width="{width}" height="{height}" rx="8"/>')

    def text(self, x: int, y: int, words: str, kind: str = "", anchor: str = "start") -> None:
        named = f' class="{kind}"' if kind else ""
        placed = "" if anchor == "start" else f' text-anchor="{anchor}"'
        self._above.append(f'<text{named} x="{x}" y="{y}"{placed}>{escape(words)}</text>')

    def wire(self, x: int, to_x: int, y: int, colour: str) -> None:
        # A dark edge, so that white and yellow show on white paper; the colour's name stands above.
        line = f'<line x1="{x}" y1="{y}" x2="{to_x}" y2="{y}" stroke="'
        self._below.append(f'{line}#1a1a1a" stroke-width="7"/>{line}{COLOURS[colour]}" stroke-width="4.5"/>')
        self._above.extend(f'<circle cx="{end}" cy="{y}" r="5" fill="#1a1a1a"/>' for end in (x, to_x))
        self.text((x + to_x) // 2, y - 7, colour, "w", "middle")

    def cable(self, x: int, y: int, to_y: int) -> None:
        for n, (_, colour) in enumerate(PLUG):
            at = x + 7 * n
            line = f'<line x1="{at}" y1="{y}" x2="{at}" y2="{to_y}" stroke="'
            self._below.append(f'{line}#1a1a1a" stroke-width="5"/>{line}{COLOURS[colour]}" stroke-width="3"/>')

    def finished(self, height: int) -> str:
        lines = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" '
            f'height="{height}" role="img" aria-labelledby="title desc">',
            f'<title id="title">{escape(self._title)}</title>',
            f'<desc id="desc">{escape(self._said)}</desc>',
            f"<style>{_STYLE}</style>",
            f'<rect width="{_WIDTH}" height="{height}" rx="12" fill="#fff"/>',
            *self._below,
            *self._above,
            "</svg>",
        )
        return "\n".join(lines) + "\n"


def _height(part: Part) -> int:
    rows = max(len(part.wires), len(part.cell))
    return _HEAD + rows * _ROW + len(part.notes) * _NOTE + (12 if part.notes else 4)


def draw(board: Board, chip: str) -> str:
    """Return the picture of a board with this converter, as SVG."""
    title = f"{board.title} with {CHIPS[chip].title}"
    drawing = _Drawing(title, said_of(board, chip))
    drawing.text(_PAD, 40, title, "h")
    drawing.text(_WIDTH - _PAD, 40, "Not tried on hardware: check each pin first.", "n", "end")
    top = y = last_wire = 64
    parts = parts_of(board, chip)
    for n, part in enumerate(parts):
        if n and not part.wires:
            drawing.cable(_PART_X + _PART_W // 2, y - _GAP, y)
        _draw_part(drawing, part, y)
        if part.wires:
            last_wire = y + _HEAD + len(part.wires) * _ROW
        y += _height(part) + _GAP
    words = _words_on(board)
    bottom = max(y - _GAP, last_wire + _ROW + len(words) * _NOTE)
    _draw_board(drawing, board, words, top, bottom)
    return drawing.finished(bottom + _PAD)


def _words_on(board: Board) -> list[str]:
    own = [words for key, words in board.on_board.items() if board.wiring.get(key) is not None]
    return (["On the board:", *own] if own else []) + list(board.notes)


def _draw_part(drawing: _Drawing, part: Part, y: int) -> None:
    drawing.box(_PART_X, y, _PART_W, _height(part))
    drawing.text(_PART_X + _PART_W // 2, y + 26, part.title, "t", "middle")
    if part.cell:
        _draw_cell(drawing, part, y)
    if part.cable:
        drawing.text((_PART_X + _PART_W + _BOARD_X) // 2, y + 30, part.cable, "n", "middle")
    for n, wire in enumerate(part.wires):
        at = y + _HEAD + n * _ROW + _ROW // 2
        drawing.text(_PART_X + _PART_W - 14, at + 5, wire.pin, anchor="end")
        drawing.wire(_PART_X + _PART_W, _BOARD_X, at, wire.colour)
        drawing.text(_BOARD_X + 14, at + 5, wire.to)
    notes_y = y + _HEAD + max(len(part.wires), len(part.cell)) * _ROW + 16
    for n, words in enumerate(part.notes):
        drawing.text(_PART_X + _PART_W // 2, notes_y + n * _NOTE, words, "n", "middle")


def _draw_cell(drawing: _Drawing, part: Part, y: int) -> None:
    height = _HEAD + len(part.cell) * _ROW + 4
    drawing.box(_CELL_X, y, _CELL_W, height)
    drawing.text(_CELL_X + _CELL_W // 2, y + 26, "Load cell", "t", "middle")
    for n, wire in enumerate(part.cell):
        at = y + _HEAD + n * _ROW + _ROW // 2
        drawing.text(_CELL_X + _CELL_W - 14, at + 5, wire.pin, anchor="end")
        drawing.wire(_CELL_X + _CELL_W, _PART_X, at, wire.colour)
        drawing.text(_PART_X + 14, at + 5, wire.to)
    for n, words in enumerate(_CELL_WARNING.split(": ")):
        drawing.text(_CELL_X, y + height + 22 + n * _NOTE, words + (":" if not n else ""), "n")


def _draw_board(drawing: _Drawing, board: Board, words: list[str], top: int, bottom: int) -> None:
    drawing.box(_BOARD_X, top, _BOARD_W, bottom - top)
    drawing.text(_BOARD_X + _BOARD_W // 2, top + 26, board.title, "t", "middle")
    for n, line in enumerate(words):
        drawing.text(_BOARD_X + 14, bottom - 14 - (len(words) - 1 - n) * _NOTE, line, "n")


def said_of(board: Board, chip: str) -> str:
    """Return in words what the picture shows."""
    said = []
    for part in parts_of(board, chip):
        said += [f"load cell {wire.pin} ({wire.colour}) to {part.title} {wire.to}" for wire in part.cell]
        said += [f"{part.title} {wire.pin} ({wire.colour}) to {wire.to}" for wire in part.wires]
    return "; ".join(said) + "."


def _rows(board: Board, chip: str) -> list[str]:
    rows = ["| from | wire | to |", "|---|---|---|"]
    for part in parts_of(board, chip):
        rows += [f"| load cell, {wire.pin} | {wire.colour} | {part.title}, {wire.to} |" for wire in part.cell]
        if not part.wires:
            rows.append(f"| {part.title} | cable with plugs | the converter's second socket |")
        place = f"{board.plug}, " if part.cable and board.plug else ""
        rows += [f"| {part.title}, {wire.pin} | {wire.colour} | {place}{wire.to} |" for wire in part.wires]
    return rows


_PAGE_HEAD = """# Wiring

Made by `python -m scripts.draw_wiring` from the tables of the boards; a test holds both against each other.
[Build one](../build-one.md) says what to buy and in which order to go. **Nothing here was tried on hardware.** Check
each pin against the page of your board's maker before you connect anything, and connect with the power off.

- **Load cells:** red, black, white and green are the usual colours of excitation +, excitation −, signal − and
  signal +. Makers differ: the sheet of your cell is right, and this page is not. A shield goes to GND, at the
  converter's end alone.
- **Plugs:** the cable of Qwiic and STEMMA QT is the same, and its colours are black GND, red 3V3, blue SDA, yellow SCL.
- **Other wires** may have any colour; those here are a proposal. Everything runs at 3.3 V: never give a converter 5 V
  while its data lines are at a board of 3.3 V.
- Where several wires go to one pin, as 3V3 of a Pico, a breadboard's rail joins them.
- Buzzer and motor never hang on a pin itself: see [the transistor](../build-one.md#buzzer-and-motor).
"""


_MORE = "[320 need one wire more](../build-one.md#320-conversions-per-second)"


def page() -> str:
    """Return the page that shows all pictures, with each wire in words."""
    lines = [_PAGE_HEAD]
    for board in BOARDS:
        lines.append(f"## {board.title}\n")
        for chip, kind in CHIPS.items():
            lines.append(f"### {board.title}, {chip}\n")
            shown = f"{board.title} with {kind.title}, wire by wire in the table"
            lines.append(f"![{shown}]({name_of(board, chip)})\n")
            lines += [*_rows(board, chip), ""]
            source = board_file(board, chip)
            if source:
                lines.append(f"`board.py`:\n\n```python\n{source}```\n")
            else:
                lines.append(f"This is the board's own table: `board_name.txt` with `{board.module}`, or nothing.\n")
                lines.append(f"It makes 80 conversions per second; {_MORE}.\n")
    return "\n".join(lines).rstrip("\n") + "\n"


def name_of(board: Board, chip: str) -> str:
    """Return the name of a picture's file."""
    return f"{board.module}-{chip.lower()}.svg"


def files() -> dict[str, str]:
    """Return all files by name."""
    made = {name_of(board, chip): draw(board, chip) for board in BOARDS for chip in CHIPS}
    return {**made, "README.md": page()}


def main() -> None:
    """Write all files."""
    parser = argparse.ArgumentParser(description="Draw how each board is wired.")
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
