from __future__ import annotations

from typing import Any

import pytest

from iastm_host.app.connected import connected
from iastm_host.events import Problem
from iastm_host.transports.base import NOT_FOUND, TransportError


def test_a_tool_can_be_asked_once_its_stream_lives_and_the_run_ends_with_the_block(runs: Any) -> None:
    with connected(lambda listeners: runs.make(listeners=listeners)[0]) as (run, tool):
        assert tool.serial_number
        assert not run.snapshot().finished
    assert run.snapshot().finished


def test_a_tool_that_can_t_be_had_is_told_in_the_run_s_own_words(runs: Any) -> None:
    error = TransportError(NOT_FOUND, "There is no port here.", "Plug it in.")
    with (
        pytest.raises(Problem, match="There is no port here"),
        connected(lambda listeners: runs.make(listeners=listeners, open_error=error)[0]),
    ):
        raise AssertionError("never inside")


def test_a_failure_inside_ends_the_run_too(runs: Any) -> None:
    held = []

    def fail() -> None:
        with connected(lambda listeners: runs.make(listeners=listeners)[0]) as (run, _):
            held.append(run)
            raise ValueError("inside")

    with pytest.raises(ValueError, match="inside"):
        fail()
    assert held[0].snapshot().finished
