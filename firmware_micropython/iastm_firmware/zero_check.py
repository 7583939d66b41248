"""Compares the stored zero with what the converter shows at rest after a start: told once, and never set by itself."""

from iastm_firmware.readings import Readings
from iastm_protocol import kinds
from iastm_protocol._compat import const
from iastm_protocol.conversion import to_net_counts

_REST_US = const(1000000)
_FEWEST_SAMPLES = const(8)
# At rest all samples of a second lie within this: a fifth of the force at which contact begins (ours, grade none).
_REST_N = 0.16


class ZeroCheck:
    """Raises EVENT_ZERO_COMPARED on a `tool` (of tool.py) once its counts were at rest for a second.

    Its value is the mean of that second minus the stored zero, in raw counts. Where the zero is confirmed before, there
    is nothing to compare. `done` tells that nothing is to come any more.
    """

    def __init__(self, tool):
        self.done = False
        self._tool = tool
        self._readings = Readings(tool.ring)
        self._begin()

    def step(self):
        """Look at the newest samples; to be called at least as often as batches close."""
        if self.done:
            return
        tool = self._tool
        readings = self._readings
        if tool.settings.zero.confirmed:
            self.done = True
            return
        if not readings.step():
            return
        if readings.saturated or readings.highest - readings.lowest > self._rest_counts:
            self._begin()
            return
        if readings.span_us < _REST_US or readings.count < _FEWEST_SAMPLES:
            return
        if readings.highest == readings.lowest:
            # A converter that is frozen shows no rest.
            self._begin()
            return
        value = readings.mean_counts() - tool.settings.zero.counts
        tool.events.raise_event(kinds.EVENT_ZERO_COMPARED, readings.next_index, value)
        self.done = True

    def _begin(self):
        self._readings.restart()
        self._rest_counts = to_net_counts(_REST_N, self._tool.settings.calibration.coefficients)
