"""Plays tones where the machine can; says so where it can't. QtMultimedia is loaded on first use and may be missing."""

from __future__ import annotations

from typing import Any, Protocol

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QLoggingCategory, QObject

from iastm_host.app.sounds import SAMPLE_RATE_HZ, Tone, render


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
        QLoggingCategory.setFilterRules("qt.multimedia*=false")
        try:
            from PySide6 import QtMultimedia
        except ImportError:
            return
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
