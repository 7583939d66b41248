"""What is set on the tool: calibration, zero, limits. In memory: a restart brings the board's own zero and limits back,
and of a calibration what is kept (see calibrations.py).

`revision` of each counts its changes, so that every link can tell what its host has not heard yet.
"""

from iastm_protocol.messages import Calibration, Limits, Zero

# Contact as the stroke definition has it: 0.8 N, and 0.65 of that. Warn and alarm are off until a host sets them.
DEFAULT_LIMITS = Limits("", 0, 0, 800, 520)


class Settings:
    """The settings in force. `calibration`, `zero` and `limits` are the protocol's messages."""

    def __init__(self, calibration, zero_counts, zero_confirmed):
        self.calibration = calibration
        self.zero = Zero(zero_counts, 0, zero_counts, zero_confirmed)
        self.limits = DEFAULT_LIMITS
        self.calibration_revision = 0
        self.zero_revision = 0
        self.limits_revision = 0

    def change_calibration(self, calibration, from_index):
        """Put a calibration in force from sample `from_index` on."""
        self.calibration = Calibration(*(tuple(calibration)[:-1] + (from_index,)))
        self.calibration_revision += 1

    def change_zero(self, counts, from_index):
        """Put a zero in force that the user confirmed, from sample `from_index` on."""
        self.zero = Zero(counts, from_index, self.zero.counts, True)
        self.zero_revision += 1

    def change_limits(self, limits):
        """Put limits in force."""
        self.limits = limits
        self.limits_revision += 1
