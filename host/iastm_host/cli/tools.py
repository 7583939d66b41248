"""`iastm tools`: the tools that this computer knows, in a window: calibration, link, log, firmware."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Annotated

import typer

from iastm_host.app.acquisition import Acquisition
from iastm_host.app.connected import Listener
from iastm_host.app.tools_page.as_text import as_text
from iastm_host.app.tools_page.overview import CONNECT, NOT_LISTENED
from iastm_host.app.tools_page.page import Block, Notice, Words
from iastm_host.app.tools_page.surroundings import OnAir, Surroundings, Target
from iastm_host.app.tools_page.tools_page import ToolsPage
from iastm_host.app.tools_page.words import HostFirmware
from iastm_host.cli import wiring
from iastm_host.cli.display import check_display
from iastm_host.cli.links import LinkChoice, Port, Radio, Simulated, Tool
from iastm_host.cli.live import Theme
from iastm_host.cli.wiring_deploy import Order, deploy_to, locator, undisturbed
from iastm_host.events import Problem
from iastm_host.tool.said import PROTOCOL
from iastm_host.transports.base import Transport
from iastm_host.transports.ports import holders_of, list_serial_ports
from iastm_host.transports.runtime import source_hash
from iastm_host.workbench.release import firmware_version

_HINDERED = 2
_IN_PRINT: dict[Block, Block] = {
    Words(NOT_LISTENED): Words("Bluetooth was not listened to: iastm scan lists the tools that are heard."),
    Words(CONNECT): Words("Connect a tool by cable, or switch it on, then: iastm tools --headless --port ITS_PORT"),
}
"""What stands on the page and names its buttons, and what is said instead where there are none."""


def tools(
    port: Port = None,
    tool: Tool = None,
    radio: Radio = None,
    simulated: Simulated = False,
    theme: Theme = None,
    headless: Annotated[bool, typer.Option("--headless", help="Print what is known, instead of the window.")] = False,
) -> None:
    """Show the tools that this computer knows: calibration, link test, log, firmware and its update.

    With --port, --tool or --simulated that tool is asked at once.
    """
    chosen = wiring.settings(theme=theme)
    choice = LinkChoice(port, tool, radio if tool is not None else None, simulated)
    named = port is not None or tool is not None or simulated
    if named:
        choice.check()
    page = ToolsPage(surroundings(radio), Target(choice.carrier, choice.address) if named else None)
    if headless:
        raise typer.Exit(0 if _print(page) else _HINDERED)
    try:
        check_display(os.environ)
    except Problem as problem:
        raise Problem(problem.what, f"{problem.fix} That prints the list.") from problem
    # Before anything is begun: what Qt's modules do as they are loaded swallows an interrupt.
    from iastm_host.window.tools.run import run_tools

    page.begin()
    try:
        code = run_tools(page, theme=chosen.theme, title="IASTM tools")
    finally:
        # A board that is written to is let finish, however often somebody interrupts.
        with undisturbed():
            page.close()
    raise typer.Exit(code)


def _print(page: ToolsPage) -> bool:
    """Print the overview; return whether nothing hinders."""
    page.begin()
    page.wait()
    blocks = page.snapshot().blocks
    typer.echo(as_text([_IN_PRINT.get(block, block) for block in blocks], columns=True), nl=False)
    return not any(isinstance(block, Notice) for block in blocks)


def surroundings(radio: str | None) -> Surroundings:
    """Return what the page needs, with this user's folders and this computer's ports; `radio` as of `scan`."""
    simulations: list[wiring.Simulation] = []

    def link(target: Target) -> Transport:
        if target.carrier == "simulated" and not simulations:
            simulations.append(wiring.make_simulation("treatment", 1, None))
        return _choice(target, radio).open(simulations[0] if simulations else None)

    def run(target: Target, listeners: Sequence[Listener]) -> Acquisition:
        return wiring.calibration_run(
            link(target), target.carrier, listeners, sets_limits=False, address=target.address
        )

    return Surroundings(
        clock=wiring.clock_us,
        wall_clock=wiring.wall_clock,
        known=wiring.known_tools(),
        calibrations=wiring.calibrations(),
        logs=wiring.tool_logs(),
        firmware=lambda: HostFirmware(firmware_version(), source_hash(), PROTOCOL),
        ports=list_serial_ports,
        holders=holders_of,
        scan=lambda duration_s: _heard(duration_s, radio),
        link=link,
        run=run,
        link_test=wiring.link_test,
        update=lambda port, tell: deploy_to(port, Order(), tell),
        locator=locator,
    )


def _choice(target: Target, radio: str | None) -> LinkChoice:
    if target.carrier == "serial":
        return LinkChoice(target.address, None, None)
    if target.carrier == "ble":
        return LinkChoice(None, target.address, radio)
    return LinkChoice(None, None, None, simulated=True)


def _heard(duration_s: float, radio: str | None) -> list[OnAir]:
    return [
        OnAir(tool.name, tool.address, tool.rssi_dbm, tool.battery_percent, tool.in_use)
        for tool in wiring.scan_tools(duration_s, radio)
    ]
