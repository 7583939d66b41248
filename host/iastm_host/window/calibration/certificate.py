"""The certificate, made aside: a page of paper takes longer than a frame of the window."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from iastm_host.events import Problem

log = logging.getLogger(__name__)


class CertificateTask:
    """Makes a certificate in a thread of its own. `words` and `problem` tell how it goes; any thread may read them."""

    def __init__(self, make: Callable[[str], str] | None) -> None:
        self._make = make
        self._thread: threading.Thread | None = None
        self.words = ""
        self.problem: Problem | None = None

    @property
    def offered(self) -> bool:
        """Whether there is anything that makes certificates."""
        return self._make is not None

    @property
    def busy(self) -> bool:
        """Whether one is being made."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, file: str) -> None:
        """Make the certificate of the document in `file`; nothing while one is being made."""
        make = self._make
        if make is None or self.busy:
            return
        self.words, self.problem = "Making the certificate …", None

        def work() -> None:
            try:
                self.words = f"Certificate: {make(file)}"
            except Problem as problem:
                self.words, self.problem = "", problem
            except Exception as error:
                log.exception("no certificate")
                said = f"The certificate was not made: {error!r}."
                self.words, self.problem = "", Problem(said, "The calibration is kept. Report this, then retry.")

        self._thread = threading.Thread(target=work, name="certificate", daemon=True)
        self._thread.start()
