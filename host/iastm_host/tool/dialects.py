"""Which languages gauges speak, by the names that transports give them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from iastm_host.events import Problem, SetLimits
from iastm_host.tool.client import ToolClient
from iastm_host.tool.dialect import Dialect
from iastm_host.tool.progressor import Progressor
from iastm_host.tool.signer import Signer
from iastm_host.tool.unnumbered import Numbering
from iastm_host.transports.base import IASTM, PROGRESSOR


@dataclass(frozen=True, slots=True)
class Host:
    """Who speaks to the gauge: the program's name, the limits it wants, the run's random number, its keys.

    `numbering`: what the samples of a gauge that does not number them go on from.
    """

    name: str
    limits: SetLimits | None = None
    session: int = 0
    signer: Signer = field(default_factory=lambda: Signer({}))
    numbering: Numbering | None = None


def _ours(host: Host) -> Dialect:
    return ToolClient(host.name, host.limits, host.session, host.signer)


def _progressor(host: Host) -> Dialect:
    return Progressor(host.numbering)


_DIALECTS: dict[str, Callable[[Host], Dialect]] = {IASTM: _ours, PROGRESSOR: _progressor}


def new_dialect(name: str, host: Host) -> Dialect:
    """Return a fresh one of that name; raises Problem where there is none."""
    if name not in _DIALECTS:
        raise Problem(f"This program knows no gauges that speak {name!r}.", "Update this program.")
    return _DIALECTS[name](host)


def numbering_of(dialect: Dialect) -> Numbering | None:
    """Return how far the host has numbered the samples of a gauge that does not; None where the gauge does."""
    return dialect.numbering if isinstance(dialect, Progressor) else None
