"""`iastm calibrate`: counts to newtons. The commands, and what the wizard is put together from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import typer

from iastm_host.app.calibrating.setup import Setup
from iastm_host.app.calibrating.wizard import Wizard
from iastm_host.cli import (
    calibrate_bench,
    calibrate_certificate,
    calibrate_check,
    calibrate_fit,
    calibrate_run,
    calibrate_show,
    calibrate_transfer,
    wiring,
)
from iastm_host.cli.calibrate_run import Show, Station, station_for
from iastm_host.cli.links import LinkChoice
from iastm_host.events import Problem

calibrate = typer.Typer(help="Calibrate a tool: from counts to newtons.", no_args_is_help=True)


def _station(choice: LinkChoice, gauge: LinkChoice | None, setup: Setup, drafts: Path) -> Station:
    return station_for(choice, gauge, setup, drafts, calibrate_transfer.write_while_running)


def _in_window(theme: str | None) -> Show:
    # Loaded before other threads run: PySide6 goes through the list of modules while it loads.
    from iastm_host.window.calibration.run import run_calibration

    chosen = wiring.settings(theme=theme)

    def show(wizard: Wizard, look: Callable[[], Problem | None]) -> None:
        code = run_calibration(
            wizard,
            theme=chosen.theme,
            title="IASTM calibration",
            save_certificate=calibrate_certificate.certificate_beside,
            look=look,
        )
        if code:
            raise typer.Exit(code)

    return show


calibrate.command("run")(
    calibrate_run.command(_station, wiring.calibration_drafts, _in_window, calibrate_certificate.certificate_beside)
)
calibrate.command("check")(calibrate_check.check)
calibrate.command("show")(calibrate_show.show)
calibrate.command("write")(calibrate_transfer.write)
calibrate.command("read")(calibrate_transfer.read)
calibrate.command("certificate")(calibrate_certificate.certificate)
calibrate.command("bench")(calibrate_bench.bench)
calibrate.command("fit")(calibrate_fit.fit)
