"""Plays tones where the machine can; says so where it can't. QtMultimedia may be missing."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QLoggingCategory, QObject

from iastm_host.app.sounds import SAMPLE_RATE_HZ, Tone, render


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep what Qt says of missing devices off the terminal: the window shows that there is none.

    No message handler in Python does this: Qt speaks while it loads libraries and would wait for the interpreter, which
    another thread may hold while it waits to load one too.
    """
    QLoggingCategory.setFilterRules("*=false")
    try:
        yield
    finally:
        QLoggingCategory.setFilterRules("")


try:
    with _quietly():
        from PySide6 import QtMultimedia
except ImportError as error:
    _missing = str(error)
else:
    _missing = ""

log = logging.getLogger(__name__)


class Speaker(Protocol):
    """What the window needs of a loudspeaker."""

    @property
    def available(self) -> bool:
        """Whether a tone would be heard."""

    def play(self, tone: Tone) -> None:
        """Start playing; returns at once. What was playing ends."""


class SilentSpeaker:
    """No loudspeaker: sound was not wanted, or there is none."""

    available = False

    def play(self, tone: Tone) -> None:
        """Do nothing."""


class QtSpeaker(QObject):
    """The system's default output through QtMultimedia."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._sink: Any = None
        self._buffer: QBuffer | None = None
        self._rendered: dict[str, QByteArray] = {}
        self._failures: tuple[Any, ...] = ()
        if _missing:
            log.debug("no QtMultimedia: %s", _missing)
            return
        with _quietly():
            self._search()

    def _search(self) -> None:
        device = QtMultimedia.QMediaDevices.defaultAudioOutput()
        if device.isNull():
            return
        format_ = QtMultimedia.QAudioFormat()
        format_.setSampleRate(SAMPLE_RATE_HZ)
        format_.setChannelCount(1)
        format_.setSampleFormat(QtMultimedia.QAudioFormat.SampleFormat.Int16)
        if device.isFormatSupported(format_):
            self._failures = (QtMultimedia.QtAudio.Error.OpenError, QtMultimedia.QtAudio.Error.FatalError)
            self._sink = QtMultimedia.QAudioSink(device, format_, self)

    @property
    def available(self) -> bool:
        """Whether there is an output that works."""
        return self._sink is not None and self._sink.error() not in self._failures

    def play(self, tone: Tone) -> None:
        """Start playing; what was playing ends."""
        if self._sink is None:
            return
        self._sink.stop()
        pcm = self._rendered.setdefault(tone.name, QByteArray(render(tone).tobytes()))
        self._buffer = QBuffer(pcm, self)
        self._buffer.open(QIODevice.OpenModeFlag.ReadOnly)
        self._sink.start(self._buffer)


def make_speaker(wanted: bool, parent: QObject | None = None) -> Speaker:
    """Return the system's loudspeaker, or a silent one where sound isn't wanted or can't be had."""
    if not wanted:
        return SilentSpeaker()
    speaker = QtSpeaker(parent)
    return speaker if speaker.available else SilentSpeaker()
