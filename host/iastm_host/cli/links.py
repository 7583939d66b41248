"""The options by which a command is told one tool, and the link to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from iastm_host.cli import wiring
from iastm_host.cli.wiring import Carrier, Simulation
from iastm_host.events import Problem
from iastm_host.transports.base import Transport

Port = Annotated[str | None, typer.Option(help="A serial port, as iastm simulate prints it, or socket://host:port.")]
Tool = Annotated[str | None, typer.Option(help="A Bluetooth tool's name or address, as iastm scan lists them.")]
Radio = Annotated[
    str | None, typer.Option(help="A virtual radio, as iastm simulate --transport ble prints it, for the system's own.")
]
Simulated = Annotated[bool, typer.Option("--simulated", help="A simulated tool of this command's own.")]


@dataclass(frozen=True, slots=True)
class LinkChoice:
    """Which tool a person named."""

    port: str | None
    tool: str | None
    radio: str | None
    simulated: bool = False

    @property
    def carrier(self) -> str:
        """What carries the tool's bytes, as a view says it."""
        if self.simulated:
            return "simulated"
        return "serial" if self.port is not None else "ble"

    @property
    def address(self) -> str:
        """How a person names the tool: its port, its name or address on the air, "" for a simulated one."""
        return self.port or self.tool or ""

    def check(self, *, offers_simulated: bool = True) -> None:
        """Raise Problem where not exactly one tool is named, or a radio for none."""
        if (self.port is not None) + (self.tool is not None) + self.simulated != 1:
            ways = "--port, --tool and --simulated" if offers_simulated else "--port and --tool"
            raise Problem("One tool is needed.", f"Give one of {ways}; iastm scan lists Bluetooth tools.")
        if self.radio is not None and self.tool is None:
            raise Problem("Only a Bluetooth tool needs a radio.", "Give --radio with --tool, or leave it out.")

    def open(self, simulation: Simulation | None = None) -> Transport:
        """Return the link, not yet open. `simulation` is what --simulated stands for. Raises Problem."""
        if self.port is not None:
            return wiring.serial_link(self.port)
        if self.tool is not None:
            return wiring.ble_link(self.tool, self.radio)
        return wiring.simulated_link(simulation or wiring.make_simulation("treatment", 1, None), Carrier.SERIAL)
