"""A simulated tool on a virtual air, and the link to it: Bluetooth LE without a radio."""

from __future__ import annotations

import asyncio

from bumble.device import Device

from iastm_host.events import Chunk
from iastm_host.transports.base import Clock, Transport, TransportError
from iastm_host.transports.ble import LEAST_MESSAGE_BYTES, BleTransport
from iastm_host.transports.bleak_bumble import Radio
from iastm_host.transports.simulated import not_running, raise_if_ended, start_and_wait
from iastm_host.transports.simulator import SimulatedTool
from iastm_host.transports.virtual_air import VirtualAir
from iastm_host.transports.virtual_peripheral import VirtualPeripheral

TOOL_ADDRESS = "F1:00:00:00:00:01"
_HOST_ADDRESS = "C0:00:00:00:00:01"
_DYING_S = 1.0


class ToolOnAir:
    """A simulated tool whose radio is on an air of its own; made, used and ended in one event loop.

    `air` is another one after each `stop`; whoever serves it may do so before `start`.
    """

    def __init__(self, tool: SimulatedTool) -> None:
        self._tool = tool
        self._peripheral: VirtualPeripheral | None = None
        self._radio: Device | None = None
        self.air = VirtualAir()

    async def start(self) -> None:
        """Start the tool and return once its firmware runs; raises Problem."""
        self._radio = await self.air.make_device("tool", TOOL_ADDRESS)
        self._peripheral = VirtualPeripheral(self._radio)
        await start_and_wait(self._tool, await self._peripheral.start())

    def take_away(self) -> None:
        """Take the tool out of its host's range."""
        assert self._radio is not None
        self.air.take_away(self._radio)

    def bring_back(self) -> None:
        """Bring it back."""
        assert self._radio is not None
        self.air.bring_back(self._radio)

    async def stop(self) -> None:
        """End the tool and its air."""
        peripheral, self._peripheral = self._peripheral, None
        await asyncio.to_thread(self._tool.stop)
        if peripheral is not None:
            await peripheral.close()
        await self.air.close()
        self.air = VirtualAir()


class SimulatedBleTransport(Transport):
    """Starts the tool on `open`, ends it on `close`; between the two it is a BLE transport."""

    def __init__(self, tool: SimulatedTool, clock: Clock) -> None:
        self.mtu: int | None = LEAST_MESSAGE_BYTES
        self._tool = tool
        self._clock = clock
        self._on_air = ToolOnAir(tool)
        self._link: BleTransport | None = None

    async def open(self) -> None:
        """Start the tool and connect to it."""
        await self._on_air.start()
        radio = Radio(lambda: self._on_air.air.make_device("host", _HOST_ADDRESS))
        self._link = BleTransport(TOOL_ADDRESS, self._clock, radio.backend())
        try:
            await self._link.open()
        except TransportError:
            await self._look_for_its_end()
            raise
        self.mtu = self._link.mtu

    async def read(self) -> Chunk:
        """Return what arrived; a tool that ended by itself is an error with its last words."""
        link = self._opened()
        try:
            chunk = await link.read()
            self.pairing_refused = link.pairing_refused
            return chunk
        except TransportError:
            await self._look_for_its_end()
            raise

    async def write(self, data: bytes, *, privileged: bool = False) -> None:
        """Queue one message."""
        await self._opened().write(data, privileged=privileged)

    async def close(self) -> None:
        """Disconnect and end the tool."""
        link, self._link = self._link, None
        if link is not None:
            await link.close()
        await self._on_air.stop()

    def _opened(self) -> BleTransport:
        if self._link is None:
            raise not_running()
        return self._link

    async def _look_for_its_end(self) -> None:
        # A process that dies lets go of its radio a moment before it has an exit code.
        await asyncio.to_thread(raise_if_ended, self._tool, _DYING_S)
