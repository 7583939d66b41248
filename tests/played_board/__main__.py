"""A bare board to try deploys on, without hardware: `python -m tests.played_board [FOLDER]`.

It prints the port, a link that stays the same over restarts, and runs until Ctrl-C. FOLDER keeps its flash for the next
time. What it prints at its prompt is for whoever opens the port: iastm deploy, iastm monitor, mpremote.
"""

from __future__ import annotations

import argparse
import os
import signal
import tempfile
from pathlib import Path
from types import FrameType

from tests.played_board.played import PlayedBoard

from iastm_host.transports.runtime import find_runtime


def main() -> None:
    """Play a board until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m tests.played_board", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, help="where its flash is kept; without it nothing is")
    asked = parser.parse_args()
    runtime = find_runtime(os.environ)
    if runtime.name != "micropython":
        parser.error("it needs a real MicroPython: make setup")
    with tempfile.TemporaryDirectory() as scratch:
        folder: Path = asked.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        kept = folder / "kept.flash"
        board = PlayedBoard(folder.resolve(), runtime)
        if kept.exists():
            board.put_flash(kept.read_bytes())
        board.power_on()
        print(board.port, flush=True)
        try:
            while True:
                signal.pause()
        except KeyboardInterrupt:
            pass
        finally:
            board.power_off()
            if asked.folder:
                kept.write_bytes(board.flash())
            board.close()


def _end(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    # A shell that starts it in the background lets it ignore the interrupt.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    main()
