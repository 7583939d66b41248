"""Brings the firmware to a board so that whatever happens on the way, a tool is left that starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from iastm_host.transports.repl import RawRepl
from iastm_host.workbench.release import Release


@dataclass(frozen=True, slots=True)
class Step:
    """What is being done, for a bar, a line or a window: `done` of `total`, both 0 where that can't be told."""

    name: str
    words: str
    done: int = 0
    total: int = 0


RUNS, ANOTHER, SILENT = "runs", "another", "silent"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the board said after its restart: "runs" (the release deployed, and it stays up), "another", "silent"."""

    state: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Deployed:
    """What was done: files and bytes sent, and the release that runs now. `changed` False: all was there already."""

    release_id: str
    place: str
    changed: bool
    sent_files: int
    sent_bytes: int
    kept_files: int


def deploy(
    repl_factory: Callable[[], RawRepl],
    release_for: Callable[[str], Release],
    confirm: Callable[[str], Verdict],
    tell: Callable[[Step], None],
    *,
    board_file: bytes | None = None,
    board_name: str | None = None,
    replace_main: bool = False,
) -> Deployed:
    """Bring a release to the board, switch to it and see it run; raises Problem, and then the tool before still starts.

    `release_for` makes it for an architecture; `confirm` is given its source hash, waits for the restarted board and
    judges what it says; `tell` is given each step.
    """
    raise NotImplementedError
