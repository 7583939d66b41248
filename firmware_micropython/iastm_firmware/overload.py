"""Overload: a force beyond the cell's capacity, which may have bent it. From then on its zero is to be looked at."""

from iastm_protocol._compat import const, micropython

# A single sample may be a glitch.
_SAMPLES_TO_BE_SURE = const(2)
_BACK_PERCENT = const(90)
# By then a wire that broke was found: what it makes is no overload.
_TOLD_AFTER_MS = const(250)


class Overload:
    """Watches for counts from zero beyond `limit`, either way, two in a row, until two in a row are back below 90 %.

    An overload is told 250 ms after it began, with its `peak` by then; what comes meanwhile belongs to it.
    """

    def __init__(self, rate_mhz):
        self._told_after = max(_SAMPLES_TO_BE_SURE, _TOLD_AFTER_MS * rate_mhz // 1000000)
        self._limit = 0
        self._back = 0
        self._run = 0
        self._run_back = 0
        self._is_sure = False
        self._told = False
        self.peak = 0

    def watch(self, limit):
        """Watch for counts beyond `limit` from now on."""
        self.drop()
        self._limit = limit
        self._back = limit * _BACK_PERCENT // 100

    @micropython.native
    def feed(self, net):
        """Take one sample; return whether an overload, and its `peak`, is to be told just now. Allocates nothing."""
        size = net if net >= 0 else -net
        if size > self._limit:
            if not self._run or size > (self.peak if self.peak >= 0 else -self.peak):
                self.peak = net
            self._is_sure = self._run > 0
        elif not self._run:
            return False
        elif not self._is_sure:
            self._run = 0
            return False
        self._run_back = self._run_back + 1 if size < self._back else 0
        if self._run < self._told_after:
            self._run += 1
        told = not self._told and self._is_sure and self._run >= self._told_after
        if told:
            self._told = True
        if self._told and self._run_back >= _SAMPLES_TO_BE_SURE:
            self.drop()
        return told

    def drop(self):
        """Forget the overload under way: what was measured was no force, or nothing of it is known any more."""
        self._run = 0
        self._run_back = 0
        self._is_sure = False
        self._told = False
