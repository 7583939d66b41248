"""Safe mode: the prompt, and nothing that runs. No loop takes the port, and no watchdog ends what is done there.

Three ways lead to it: the button held while the tool starts, a host that asks for the prompt while the watchdog runs
(the tool restarts into it), and firmware that can't even say what is wrong with it.
"""

from iastm_protocol._compat import const
from iastm_protocol.gestures import SAFE_HOLD_MS

_LOOK_EVERY_MS = const(10)

HELD = "the button was held"
ASKED_FOR = "a host asked for the prompt"

_TEXT = """
IASTM tool in safe mode: %s.
Nothing is measured and nothing warns. This is MicroPython's prompt; mpremote works.
To start the tool: press reset, or type  import machine; machine.reset()
"""


def is_held(button, times):
    """Return whether the button (a pin that it pulls down) is down now and for SAFE_HOLD_MS more."""
    begun_ms = times.ticks_ms()
    while not button():
        if times.ticks_diff(times.ticks_ms(), begun_ms) >= SAFE_HOLD_MS:
            return True
        times.sleep_ms(_LOOK_EVERY_MS)
    return False


def announce(say, why):
    """Tell whoever is at the prompt where they are, and why."""
    say(_TEXT % why)
