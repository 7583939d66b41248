"""Events born on the tool, with their own running id; the last 32 are kept."""

from iastm_firmware.reports import Reports
from iastm_protocol import kinds, messages

_KEPT = 32


class Events(Reports):
    """The tool's events. The id is the report's number, so that ids run from 1 at each boot."""

    def __init__(self, clock):
        super().__init__(_KEPT)
        self._clock = clock

    def raise_event(self, kind, index, value):
        """Note an event of `kind` that holds from sample `index`; `value` depends on the kind."""
        time_us = self._clock.time_us(self._clock.now())
        event = messages.ToolEvent(self.last_number + 1, kind, index, time_us, value)
        self.add(kinds.TOOL_EVENT, event.to_payload())
