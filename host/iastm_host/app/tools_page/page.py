"""What a page of the Tools page is made of: blocks of words and tables, without a place or a colour. Immutable."""

from __future__ import annotations

from dataclasses import dataclass

OVERVIEW, CALIBRATION, LINK, LOG, FIRMWARE = "overview", "calibration", "link", "log", "firmware"
TITLES = {
    OVERVIEW: "Overview",
    CALIBRATION: "Calibration",
    LINK: "Link test",
    LOG: "Log",
    FIRMWARE: "Firmware",
}
GOOD, FAIR, POOR, OPEN = "good", "fair", "poor", "open"
"""Marks of a verdict: a tick, half a disc, a cross, a ring for what is not known."""


@dataclass(frozen=True, slots=True)
class Words:
    """A paragraph; `strong` is a heading of the blocks below it."""

    text: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """What hinders, and what to do about it."""

    what: str
    fix: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer first: a mark, a word, and a sentence."""

    mark: str
    word: str
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a table: the value, and in smaller letters what belongs to it.

    `needs`: a person must see to it.
    """

    text: str
    detail: str = ""
    needs: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A row; one with an id can be chosen."""

    cells: tuple[Cell, ...]
    id: str = ""
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table; `right` are the places of columns of numbers, which end at the same place."""

    heads: tuple[str, ...]
    rows: tuple[Row, ...]
    right: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and what they are."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines as they are, each with the spaces that it begins with."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """What is being done, and how much of it is: 0 to 1, None where that can't be told."""

    words: str
    share: float | None = None


Block = Words | Notice | Verdict | Table | Facts | Lines | Progress


@dataclass(frozen=True, slots=True)
class Action:
    """Something that can be done: its name, label and key. `primary`: what is most likely wanted."""

    name: str
    label: str
    key: str = ""
    enabled: bool = True
    primary: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked before something that can't be taken back: options as (name, label), the first changes nothing."""

    title: str
    sentences: tuple[str, ...]
    options: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Identity:
    """The tool that the pages are about: its name, its link (usb, link or ""), its battery."""

    name: str
    link: str = ""
    link_words: str = ""
    battery_percent: int | None = None


@dataclass(frozen=True, slots=True)
class ToolsSnapshot:
    """All that is shown. `finished`: nothing is left to wait for, and the page was left."""

    page: str
    identity: Identity | None
    blocks: tuple[Block, ...]
    actions: tuple[Action, ...]
    footer: str
    busy: bool
    question: Question | None
    finished: bool
