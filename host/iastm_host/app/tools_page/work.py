"""One thing at a time that waits, in a thread of its own, so that whoever draws never does."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from iastm_host.app.tools_page.page import Progress
from iastm_host.events import Problem

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Doing:
    """What is being done: its name, the page that shows it, how far it is, whether it can be stopped.

    `subject` is the tool that it is about, `about` what a person calls it; both "" where it is about none.
    """

    name: str
    page: str
    progress: Progress
    can_stop: bool
    subject: str = ""
    about: str = ""


class Stop:
    """Asks a job to end; `then` is called at once, and again where it is set later."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._lock = threading.Lock()
        self._then: Callable[[], None] | None = None

    @property
    def asked(self) -> bool:
        """Whether it was asked for."""
        return self._asked.is_set()

    def ask(self) -> None:
        """Ask for the end."""
        with self._lock:
            self._asked.set()
            then = self._then
        if then is not None:
            then()

    def then(self, do: Callable[[], None]) -> None:
        """Do this as soon as the end is asked for."""
        with self._lock:
            self._then = do
            asked = self._asked.is_set()
        if asked:
            do()


Tell = Callable[[str, float | None], None]
"""Takes what is being done, in words, and the share of it that is done (None: unknown)."""


class Worker:
    """Runs one job at a time. Any thread may call; `done` is called in the job's thread with its problem, or None."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._doing: Doing | None = None
        self._stop = Stop()
        self._thread: threading.Thread | None = None

    @property
    def doing(self) -> Doing | None:
        """What is being done, None where nothing is."""
        with self._lock:
            return self._doing

    def start(
        self,
        name: str,
        page: str,
        words: str,
        job: Callable[[Tell, Stop], None],
        done: Callable[[Problem | None], None],
        *,
        can_stop: bool = True,
        subject: str = "",
        about: str = "",
    ) -> bool:
        """Begin a job; return False where another one goes on."""
        stop = Stop()
        with self._lock:
            if self._doing is not None:
                return False
            self._doing = Doing(name, page, Progress(words), can_stop, subject, about)
            self._stop = stop
            self._thread = threading.Thread(
                target=self._run, args=(job, done, stop), name=f"tools: {name}", daemon=True
            )
            self._thread.start()
        return True

    def stop(self) -> None:
        """Ask the job to end, where it can be stopped; returns at once."""
        with self._lock:
            stop = self._stop if self._doing is not None and self._doing.can_stop else None
        if stop is not None:
            stop.ask()

    def join(self, timeout_s: float | None = None) -> bool:
        """Wait for the end of the job; return whether it came."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout_s)
        return thread is None or not thread.is_alive()

    def _tell(self, words: str, share: float | None) -> None:
        with self._lock:
            if self._doing is not None:
                self._doing = replace(self._doing, progress=Progress(words, share))

    def _run(self, job: Callable[[Tell, Stop], None], done: Callable[[Problem | None], None], stop: Stop) -> None:
        problem: Problem | None = None
        try:
            job(self._tell, stop)
        except Problem as error:
            # What was broken off has no fault of its own.
            problem = None if stop.asked else error
        except Exception as error:
            log.exception("a job of the tools page failed")
            problem = Problem(f"The program failed inside: {error!r}.", "Try again, and report this with the log.")
        try:
            done(problem)
        finally:
            with self._lock:
                self._doing = None
