"""How `iastm` starts: Ctrl-C ends it without a word as long as nothing is under way."""

from __future__ import annotations

import signal

_PROBLEM = 2


def main() -> None:
    """Run the command line, whose rooms take a while to import."""
    # Python's own handler would show where in those imports it was. What must end cleanly comes later, with main.py's.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        from iastm_host.cli.main import main as run
    except ModuleNotFoundError as error:
        import sys

        # Nothing is there yet that would say it in the commands' own way.
        sys.stderr.write(
            f"The package {error.name} is missing.\n"
            f"See what else is, and how to get it: {sys.executable} -m iastm_host.workbench.doctor\n"
        )
        sys.exit(_PROBLEM)
    run()


if __name__ == "__main__":
    main()
