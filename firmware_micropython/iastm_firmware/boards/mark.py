"""What the firmware notes for its next start, in memory that outlives a restart and no power cut."""

from iastm_protocol._compat import const

# Not a number of kinds.py: what the next start is to be.
WANTS_SAFE_MODE = const(15)

_MAGIC = const(0xA5)
_YOUNG = const(0x80)
_CHECK = const(0x5A)
_MOST_FAILURES = const(255)


class Mark:
    """Four places of `memory`: of bytes, or of words of which one byte each is used.

    `reason` noted for this start (0 none), and `failures` in a row before it.

    `young` tells that the run before ended within its first minute, `found` that there was one since power-on.
    """

    def __init__(self, memory):
        self._memory = memory
        magic, state, failures = memory[0], memory[1], memory[2]
        self.found = magic == _MAGIC and memory[3] == state ^ failures ^ _CHECK
        self.reason = state & 0x0F if self.found else 0
        self.failures = failures if self.found else 0
        self.young = self.found and bool(state & _YOUNG)

    def note(self, reason, failures, young):
        """Keep this for the next start."""
        failures = min(failures, _MOST_FAILURES)
        state = reason | (_YOUNG if young else 0)
        memory = self._memory
        # Not whole until the last one is written.
        memory[0] = 0
        memory[1] = state
        memory[2] = failures
        memory[3] = state ^ failures ^ _CHECK
        memory[0] = _MAGIC
