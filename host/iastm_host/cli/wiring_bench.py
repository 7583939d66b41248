"""The simulated bench put together: a tool in its holder, a reference gauge beside it, and the runtime under both."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from iastm_host.bench.bench import Bench
from iastm_host.bench.gauge import ReferenceGauge
from iastm_host.bench.truth import draw
from iastm_host.cli import wiring
from iastm_host.scenarios import pack_rows
from iastm_host.transports.base import Transport
from iastm_host.transports.runtime import Runtime, find_runtime, source_hash
from iastm_host.transports.simulated import SimulatedTransport
from iastm_host.transports.simulator import Pace, SimulatedTool

RATE_HZ = wiring.SIMULATED_RATE_HZ
# A bench that was held up goes on at the present.
_PATIENCE_S = 1.0


@dataclass(frozen=True, slots=True)
class BenchSimulation:
    """A bench, and the runtime under its tools."""

    bench: Bench
    seed: int
    runtime: Runtime

    def tool(self, store: Path | None = None) -> Transport:
        """Return the link to the tool on the bench; what it keeps lies in `store`, or is gone when it ends."""
        return SimulatedTransport(self.simulated_tool(store), wiring.clock_us)

    def gauge(self) -> Transport:
        """Return the link to a reference gauge that feels what the tool feels."""
        return SimulatedTransport(self.simulated_gauge(), wiring.clock_us)

    def simulated_tool(self, store: Path | None = None) -> SimulatedTool:
        """Return the tool itself, not started."""
        return self._made(self.bench, f"BENCH-{self.seed:04d}", store)

    def simulated_gauge(self) -> SimulatedTool:
        """Return the reference gauge itself, not started."""
        return self._made(ReferenceGauge(self.bench, self.seed, RATE_HZ, _PATIENCE_S), f"REF-{self.seed:04d}", None)

    def _made(self, source: Bench | ReferenceGauge, serial_number: str, store: Path | None) -> SimulatedTool:
        cell = source.cell
        settings: dict[str, object] = {
            "rate_mhz": RATE_HZ * 1000,
            "ring_depth": wiring.SIMULATED_RING_SAMPLES,
            "serial_number": serial_number,
            "zero_counts": cell.zero_counts,
            "zero_confirmed": True,
            "calibration": {
                "id": cell.calibration_id,
                # What a data sheet promises is no calibration.
                "sha256": bytes(32).hex(),
                "capacity_n": cell.capacity_n,
                "coefficients": list(cell.coefficients),
            },
            "source_hash": source_hash(),
            "battery_percent": wiring.SIMULATED_BATTERY_PERCENT,
        }
        if store is not None:
            settings["store"] = str(store)
        pace = Pace(RATE_HZ, wiring.clock_us)
        return SimulatedTool(self.runtime, lambda n: pack_rows(*source.next_rows(n)), settings, pace=pace)


def make_bench(seed: int) -> BenchSimulation:
    """Return a bench whose truth is drawn by the seed. Raises Problem where nothing runs the firmware."""
    return BenchSimulation(Bench(draw(seed), seed, RATE_HZ, patience_s=_PATIENCE_S), seed, find_runtime(os.environ))
