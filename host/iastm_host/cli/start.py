"""How `iastm` starts: Ctrl-C ends it without a word as long as nothing is under way."""

from __future__ import annotations

import signal


def main() -> None:
    """Run the command line, whose rooms take a while to import."""
    # Python's own handler would show where in those imports it was. What must end cleanly comes later, with main.py's.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from iastm_host.cli.main import main as run

    run()


if __name__ == "__main__":
    main()
