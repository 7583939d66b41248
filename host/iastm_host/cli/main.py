"""The command `iastm`."""

from __future__ import annotations

import errno
import logging
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

import typer
from rich.console import Console
from typer.exceptions import Abort, TyperException

from iastm_calibration.errors import CalibrationError
from iastm_host.cli import (
    analyse,
    bundle,
    calibrate,
    deploy,
    doctor,
    export,
    flash,
    link_test,
    live,
    monitor,
    new_board,
    pair,
    scan,
    simulate,
    tool,
    tools,
    try_board,
)
from iastm_host.cli.wiring import software_name
from iastm_host.events import Problem

USAGE_ERROR = 2
INTERRUPTED = 130
TERMINATED = 143
PIPE_CLOSED = 141
_CURES = {errno.ENOSPC: "Make room where the output goes, then retry."}
_CURE = "Retry; if it stays so, report it with the output of the same command with: iastm --verbose"

_NAME = "iastm"

app = typer.Typer(
    name=_NAME,
    help="Force feedback for instrument-assisted soft-tissue mobilisation. A feedback and training aid, not a "
    "medical device.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    # Joins the lines of a docstring to paragraphs.
    rich_markup_mode="markdown",
)
# In the order in which they are listed.
_PANELS: dict[str, dict[str, Callable[..., None] | typer.Typer]] = {
    "Treat and teach": {
        "demo": live.demo,
        "run": live.run,
        "scan": scan.scan,
        "pair": pair.pair,
        "tools": tools.tools,
        "replay": live.replay,
        "export": export.export,
        "analyse": analyse.analyse,
    },
    "Check and calibrate": {
        "doctor": doctor.doctor,
        "link-test": link_test.link_test,
        "tool": tool.tool,
        "calibrate": calibrate.calibrate,
    },
    "Build a tool": {
        "simulate": simulate.simulate,
        "new-board": new_board.new_board,
        "try-board": try_board.try_board,
        "flash": flash.flash,
        "deploy": deploy.deploy,
        "monitor": monitor.monitor,
        "bundle": bundle.bundle,
    },
}
for _panel, _commands in _PANELS.items():
    for _command_name, _command in _commands.items():
        if isinstance(_command, typer.Typer):
            app.add_typer(_command, name=_command_name, rich_help_panel=_panel)
        else:
            app.command(_command_name, rich_help_panel=_panel)(_command)


@app.callback(invoke_without_command=True)
def _options(
    version: bool = typer.Option(False, "--version", help="Print the version and exit."),
    verbose: bool = typer.Option(False, "--verbose", help="Log what happens to stderr."),
) -> None:
    # What libraries warn of is about their insides; where it matters, we say it in words of our own.
    logging.basicConfig(level=logging.INFO if verbose else logging.ERROR, format="%(levelname)s %(name)s: %(message)s")
    if not verbose:
        logging.getLogger("iastm_host").setLevel(logging.WARNING)
        # It logs what it then raises, with the traceback.
        logging.getLogger("bumble").setLevel(logging.CRITICAL)
    if version:
        typer.echo(software_name())
        raise typer.Exit


def main() -> None:
    """Run the command line; a Problem ends it with its words and exit code 2, never with a traceback.

    SIGTERM ends what Ctrl-C ends, and as cleanly.
    """
    terminated = False

    def terminate(_number: int, _frame: FrameType | None) -> None:
        nonlocal terminated
        terminated = True
        raise KeyboardInterrupt

    try:
        signal.signal(signal.SIGTERM, terminate)
        # A shell that starts it in the background lets it ignore the interrupt, and nobody could end it cleanly.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        code = app(prog_name=_NAME, standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read the output has seen enough.
        code = PIPE_CLOSED
        _drop_output()
    except SystemExit as ended:
        # typer ends with 1 where a pipe closes.
        if not isinstance(ended.__context__, BrokenPipeError):
            raise
        code = PIPE_CLOSED
        _drop_output()
    except OSError as error:
        tell(Problem(f"The system refused something: {error.strerror or error}.", _CURES.get(error.errno or 0, _CURE)))
        code = USAGE_ERROR
        _drop_output()
    except Problem as problem:
        tell(problem)
        code = USAGE_ERROR
    except CalibrationError as error:
        tell(Problem(error.what, error.fix))
        code = USAGE_ERROR
    except TyperException as error:
        tell(Problem(error.format_message(), f"See: {_command_of(error)} --help"))
        code = USAGE_ERROR
    except (KeyboardInterrupt, Abort):
        code = INTERRUPTED
    if terminated and code == INTERRUPTED:
        code = TERMINATED
    sys.exit(code if isinstance(code, int) else 0)


def _command_of(error: TyperException) -> str:
    # Errors of usage know where they arose; typer keeps their class, and the context's, to itself.
    path: str = getattr(getattr(error, "ctx", None), "command_path", _NAME)
    return path


def _drop_output() -> None:
    """Let what can't be written go: the interpreter would try once more as it ends, and complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def tell(problem: Problem) -> None:
    """Print a problem and its fix to stderr."""
    console = Console(stderr=True, highlight=False, emoji=False)
    for words, style in ((problem.what, "bold"), (problem.fix, None)):
        console.print(words, style=style, markup=False, soft_wrap=not console.is_terminal)


if __name__ == "__main__":
    main()
