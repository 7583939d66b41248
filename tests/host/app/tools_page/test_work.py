from __future__ import annotations

import threading

import pytest

from iastm_host.app.tools_page.page import OVERVIEW, Progress
from iastm_host.app.tools_page.work import Stop, Tell, Worker
from iastm_host.events import Problem

WAIT_S = 20.0


class Job:
    """A job that goes on until it is let go or stopped."""

    def __init__(self) -> None:
        self.began, self.let_go = threading.Event(), threading.Event()
        self.ended: list[Problem | None] = []
        self.error: Exception | None = None

    def __call__(self, tell: Tell, stop: Stop) -> None:
        tell("half way", 0.5)
        stop.then(self.let_go.set)
        self.began.set()
        assert self.let_go.wait(WAIT_S)
        if self.error is not None:
            raise self.error

    def start(self, worker: Worker, *, can_stop: bool = True) -> bool:
        return worker.start("job", OVERVIEW, "Beginning", self, self.ended.append, can_stop=can_stop)


def progress_of(worker: Worker) -> Progress | None:
    doing = worker.doing
    return None if doing is None else doing.progress


@pytest.fixture
def worker() -> Worker:
    return Worker()


def test_one_thing_is_done_at_a_time_and_tells_how_far_it_is(worker: Worker) -> None:
    job, other = Job(), Job()
    assert progress_of(worker) is None
    assert job.start(worker)
    assert job.began.wait(WAIT_S)
    assert progress_of(worker) == Progress("half way", 0.5)
    assert not other.start(worker)
    job.let_go.set()
    assert worker.join(WAIT_S)
    assert (progress_of(worker), job.ended, other.ended) == (None, [None], [])
    other.let_go.set()
    assert other.start(worker)
    assert worker.join(WAIT_S)


def test_a_stop_reaches_what_waits_and_has_no_problem_of_its_own(worker: Worker) -> None:
    job = Job()
    job.error = Problem("The link ended.", "Retry.")
    job.start(worker)
    assert job.began.wait(WAIT_S)
    worker.stop()
    assert worker.join(WAIT_S)
    assert job.ended == [None]


def test_what_must_not_be_broken_off_is_not(worker: Worker) -> None:
    job = Job()
    job.start(worker, can_stop=False)
    assert job.began.wait(WAIT_S)
    worker.stop()
    assert not job.let_go.is_set()
    assert not worker.join(0)
    job.let_go.set()
    assert worker.join(WAIT_S)


def test_a_problem_is_handed_over_as_it_is(worker: Worker) -> None:
    job = Job()
    job.error = Problem("It is busy.", "Close it.")
    job.let_go.set()
    job.start(worker)
    assert worker.join(WAIT_S)
    assert job.ended == [job.error]


def test_a_stop_that_came_first_is_not_missed() -> None:
    stop, done = Stop(), threading.Event()
    stop.ask()
    stop.then(done.set)
    assert done.is_set()
    assert stop.asked
