"""The tool tests itself on command: converter, zero, excitation, motion sensor, memory, flash. SPEC.md, 4.26.

It is to rest, untouched. Everything is told as it was measured, next to the least and the greatest value that passes;
where the tool is touched meanwhile, that shows in the values. The limits are ours, grade none.
"""

import gc

from iastm_firmware.clock import ticks_between
from iastm_firmware.readings import Readings
from iastm_protocol import kinds
from iastm_protocol._compat import const
from iastm_protocol.conversion import to_net_counts
from iastm_protocol.tool_messages import SelfTestResult, SelfTestRow

# The value of a test that measured nothing; its verdict is TEST_FAILED, or TEST_NOT_FITTED.
NOT_MEASURED = -0x80000000
_NO_LIMIT = 0x7FFFFFFF
_SAMPLED_US = const(1000000)
# A converter that gives little, or nothing, keeps nobody waiting.
_PATIENCE_US = const(2000000)
_FEWEST_SAMPLES = const(8)
# What a tip of 50 g does to zero between lying and hanging.
_ZERO_N = 0.5
# 20 mN of it, RMS: contact begins at 800 mN, and a 50 N cell behind a good converter has 2 mN.
_NOISE_OF_ZERO = const(25)
# Below this, stroke alerts come late or never (see status.py); a converter's own clock may be 20 % off.
_LEAST_RATE_MHZ = const(76000)
_RATE_TOLERANCE_PERCENT = const(20)
# The supplies that the converters' data sheets allow, less what a battery at its end takes away.
_LEAST_EXCITATION_MV = const(2300)
_MOST_EXCITATION_MV = const(5300)
_LEAST_GRAVITY_MG = const(900)
_MOST_GRAVITY_MG = const(1100)
# A session needs answers, fragments and garbage between two collections.
_LEAST_MEMORY_BYTES = const(8192)


class SelfTest:
    """Tests a `tool` (of tool.py) step by step, for the link that asked. `runs` tells that it has not ended yet."""

    def __init__(self, tool):
        self.runs = False
        self._tool = tool
        self._readings = None
        self._link = None
        self._request_id = 0
        self._begun_ticks = 0
        self._left = []
        self._rows = []

    def begin(self, link, request_id):
        """Begin, for the request of that id. Raises ValueError while one runs; not to be called in contact."""
        if self.runs:
            raise ValueError("a self-test runs already")
        self._readings = Readings(self._tool.ring)
        self._begun_ticks = self._tool.clock.now()
        self._link = link
        self._request_id = request_id
        self._rows = []
        self._left = [self._flash, self._memory, self._gravity, self._excitation]
        self._left += [self._rate, self._zero, self._noise, self._samples]
        self.runs = True

    def drop(self, link):
        """Give no result to `link`, whose host is gone; the next one need not wait for it."""
        if self._link is link:
            self._end()

    def step(self):
        """Go on, for a few milliseconds; to be called every few milliseconds. The result goes to the link."""
        if not self.runs:
            return
        if self._left[-1]():
            self._left.pop()
        if not self._left:
            link = self._link
            result = SelfTestResult(self._request_id, tuple(self._rows))
            self._end()
            link.give(kinds.SELF_TEST_RESULT, result)

    def _end(self):
        self.runs = False
        self._link = None
        self._readings = None
        self._rows = []
        self._left = []

    # Steps: each returns whether it is done.

    def _samples(self):
        readings = self._readings
        readings.step()
        passed_us = ticks_between(self._begun_ticks, self._tool.clock.now())
        return readings.span_us >= _SAMPLED_US or passed_us >= _PATIENCE_US

    def _noise(self):
        # Where no bit ever changes there is no noise, but no measuring either.
        most = max(10, 10 * self._zero_span() // _NOISE_OF_ZERO)
        value = self._readings.noise_tenths() if self._is_known() else None
        return self._judge(kinds.TEST_ADC_NOISE, value, 1, most)

    def _zero(self):
        span = self._zero_span()
        zero_counts = self._tool.settings.zero.counts
        value = self._readings.mean_counts() - zero_counts if self._is_known() else None
        return self._judge(kinds.TEST_ZERO, value, -span, span)

    def _rate(self):
        rate_mhz = self._tool.board.rate_mhz
        tolerance_mhz = rate_mhz * _RATE_TOLERANCE_PERCENT // 100
        least_mhz = max(_LEAST_RATE_MHZ, rate_mhz - tolerance_mhz)
        enough = self._readings.count >= _FEWEST_SAMPLES
        value = self._readings.rate_mhz() if enough else None
        return self._judge(kinds.TEST_RATE, value, least_mhz, rate_mhz + tolerance_mhz)

    def _is_known(self):
        # At a rail nobody knows what the converter would have shown.
        return self._readings.count >= _FEWEST_SAMPLES and not self._readings.saturated

    def _zero_span(self):
        return to_net_counts(_ZERO_N, self._tool.settings.calibration.coefficients)

    def _excitation(self):
        try:
            excitation_mv = self._tool.board.excitation_mv()
        except OSError:
            excitation_mv = None
        limits = (_LEAST_EXCITATION_MV, _MOST_EXCITATION_MV)
        if excitation_mv == 0:
            return self._not_fitted(kinds.TEST_EXCITATION, *limits)
        return self._judge(kinds.TEST_EXCITATION, excitation_mv, *limits)

    def _gravity(self):
        limits = (_LEAST_GRAVITY_MG, _MOST_GRAVITY_MG)
        motion = self._tool.motion
        if motion is None:
            return self._not_fitted(kinds.TEST_GRAVITY, *limits)
        try:
            gravity_mg = motion.gravity_mg()
        except OSError:
            gravity_mg = None
        # Nothing was ever read: on earth there is no 0.
        return self._judge(kinds.TEST_GRAVITY, gravity_mg or None, *limits)

    def _memory(self):
        # A collection holds the alarm up, and without one nobody knows what is free.
        if self._tool.watch.in_contact:
            return self._judge(kinds.TEST_MEMORY, None, _LEAST_MEMORY_BYTES, _NO_LIMIT)
        gc.collect()
        return self._judge(kinds.TEST_MEMORY, gc.mem_free(), _LEAST_MEMORY_BYTES, _NO_LIMIT)

    def _flash(self):
        # The one step that may take longer: an erase of the flash can't be divided.
        if self._tool.watch.in_contact:
            return self._judge(kinds.TEST_FLASH, None, 1, 1)
        try:
            came_back = self._tool.board.test_storage()
        except OSError:
            came_back = False
        if came_back is None:
            return self._not_fitted(kinds.TEST_FLASH, 1, 1)
        return self._judge(kinds.TEST_FLASH, int(came_back), 1, 1)

    def _judge(self, test, value, low, high):
        if value is None:
            verdict, value = kinds.TEST_FAILED, NOT_MEASURED
        else:
            verdict = kinds.TEST_PASSED if low <= value <= high else kinds.TEST_FAILED
            value = min(max(value, NOT_MEASURED + 1), _NO_LIMIT)
        self._rows.append(SelfTestRow(test, verdict, value, low, high))
        return True

    def _not_fitted(self, test, low, high):
        self._rows.append(SelfTestRow(test, kinds.TEST_NOT_FITTED, NOT_MEASURED, low, high))
        return True
