"""Run the benchmarks: `python -m benchmarks`, or `make bench`. Takes about four minutes; best on a machine at rest."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
from collections.abc import Callable

from rich.console import Console

from benchmarks.results import Result, as_documents, broken, show
from iastm_host.events import Problem

# Name, module, and what to say while it runs. Modules are imported on use: CPU time is measured before Qt is loaded.
BENCHMARKS = {
    "decoding": ("benchmarks.decoding", "frames decoded per second"),
    "tools": ("benchmarks.thirty_tools", "30 tools decoded and analysed"),
    "ptys": ("benchmarks.thirty_ptys", "30 tools on pseudo-terminals, 15 s"),
    "memory": ("benchmarks.allocating", "bytes allocated on the tool"),
    "rp2040": ("benchmarks.on_rp2040", "the firmware on an emulated RP2040, a minute or two"),
    "painting": ("benchmarks.painting", "the plot painted"),
    "deciding": ("benchmarks.deciding", "alerts decided beside a busy window, 70 s"),
}

_FILE_COLUMNS = 130


def main() -> int:
    """Run what was asked for and print it; return the exit code."""
    asked = _arguments().parse_args()
    # The pictures are painted in memory, on any machine.
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    progress = Console(stderr=True)
    machine = _machine()
    results: list[Result] = []
    try:
        for name in asked.only or BENCHMARKS:
            module, words = BENCHMARKS[name]
            progress.print(f"[dim]{words} …[/]", highlight=False)
            run: Callable[..., list[Result]] = importlib.import_module(module).run
            results += run(build=asked.build_32bit) if name == "memory" else run()
    except Problem as problem:
        progress.print(f"{problem.what}\n{problem.fix}", markup=False, highlight=False)
        return 2
    if asked.json:
        print(json.dumps({"machine": machine, "results": as_documents(results)}, indent=2, ensure_ascii=False))
    else:
        console = Console()
        # Where nobody looks at a terminal, lines may be as long as the table needs.
        show(results, machine, console if console.is_terminal else Console(width=_FILE_COLUMNS))
    return 1 if asked.check and broken(results) else 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=BENCHMARKS, metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout in place of the table")
    parser.add_argument("--check", action="store_true", help="exit with 1 where a promise is broken")
    parser.add_argument(
        "--build-32bit",
        action="store_true",
        help="first build the 32-bit MicroPython, if it is not there (Debian; downloads its sources)",
    )
    return parser


def _machine() -> str:
    load = f", load {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else ""
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores{load}, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main())
