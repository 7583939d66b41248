"""A run as a place to ask a tool something from, for commands that show no live view."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from iastm_host.app.acquisition import Acquisition
from iastm_host.events import Event, LinkChanged, Problem, ToolDescription
from iastm_host.tool.states import STREAMING

_WAIT_S = 0.1

Listener = Callable[[Event], None]


@contextmanager
def connected(make: Callable[[Sequence[Listener]], Acquisition]) -> Iterator[tuple[Acquisition, ToolDescription]]:
    """Start a run and give it with its tool once the stream lives; the run ends with the block.

    `make` returns a run with these listeners. Raises Problem where the tool can't be had: why stands in the run's own.
    """
    streaming = threading.Event()

    def listen(event: Event) -> None:
        if isinstance(event, LinkChanged) and event.state == STREAMING:
            streaming.set()

    run = make((listen,))
    run.start()
    try:
        while not streaming.wait(_WAIT_S):
            snapshot = run.snapshot()
            if snapshot.finished:
                raise snapshot.problem or Problem("The link ended before the tool answered.", "Retry.")
        tool = run.snapshot().tool
        assert tool is not None, "a stream without a tool"
        yield run, tool
    finally:
        run.stop()
        run.join()
