"""Which sound is due, and how it sounds. Pure, no Qt: playing it is the window's part.

Shaped after IEC 60601-1-8 as secondary sources describe it; no conformity is claimed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iastm_host.app.live_view import LiveView
from iastm_host.events import Alert

SAMPLE_RATE_HZ = 44_100
LEVEL = 0.5
"""Peak amplitude, 1 is full scale."""
EDGE_S = 0.008
"""Every tone swells and fades for this long, so that it does not click."""


@dataclass(frozen=True, slots=True)
class Tone:
    """A sound: (frequency_hz, duration_s) one after the other, frequency 0 is a pause; repeated while its cause
    lasts, None is once.
    """

    name: str
    parts: tuple[tuple[float, float], ...]
    every_us: int | None


OVERSHOOT = Tone("overshoot", ((880.0, 0.060),), None)
MEDIUM = Tone("medium", ((660.0, 0.150), (0.0, 0.150), (660.0, 0.150), (0.0, 0.150), (660.0, 0.150)), 10_000_000)
TECHNICAL = Tone("technical", ((520.0, 0.200), (390.0, 0.300)), 20_000_000)


def render(tone: Tone, sample_rate_hz: int = SAMPLE_RATE_HZ) -> NDArray[np.int16]:
    """Return `tone` as 16-bit mono samples (n,)."""
    parts = [_sine(frequency_hz, duration_s, sample_rate_hz) for frequency_hz, duration_s in tone.parts]
    return np.round(np.concatenate(parts) * (LEVEL * 32767)).astype(np.int16)


def _sine(frequency_hz: float, duration_s: float, sample_rate_hz: int) -> NDArray[np.float64]:
    count = round(duration_s * sample_rate_hz)
    wave = np.sin(2 * np.pi * frequency_hz * np.arange(count) / sample_rate_hz)
    edge = min(count // 2, round(EDGE_S * sample_rate_hz))
    ramp = 0.5 - 0.5 * np.cos(np.pi * np.arange(edge) / edge)
    wave[:edge] *= ramp
    wave[count - edge :] *= ramp[::-1]
    return wave


class SoundSchedule:
    """Decides which tones are due, one view after the other. A pause silences and forgets nothing: what still lasts
    sounds again when it is over.
    """

    def __init__(self, overshoot: bool = False) -> None:
        self._overshoot = overshoot
        self._played_us: dict[str, int] = {}
        self._newest_alert: tuple[int, int] | None = None

    def due(self, live: LiveView, alerts: tuple[Alert, ...], now_us: int, paused: bool) -> tuple[Tone, ...]:
        """Return the tones to play at host time `now_us`, the most urgent first."""
        tones = []
        for tone, lasts in ((MEDIUM, live.medium), (TECHNICAL, live.technical)):
            if not lasts:
                self._played_us.pop(tone.name, None)
            elif not paused and self._again(tone, now_us):
                self._played_us[tone.name] = now_us
                tones.append(tone)
        if self._new_overshoot(alerts) and self._overshoot and not paused:
            tones.append(OVERSHOOT)
        return tuple(tones)

    def _again(self, tone: Tone, now_us: int) -> bool:
        played_us = self._played_us.get(tone.name)
        return played_us is None or tone.every_us is None or now_us - played_us >= tone.every_us

    def _new_overshoot(self, alerts: tuple[Alert, ...]) -> bool:
        """Whether a stroke crossed a limit since the last call; one that came late by backfill is no cue any more."""
        cues = [(alert.boot_id, alert.index) for alert in alerts if alert.priority == "cue" and not alert.late]
        if not cues or cues[-1] == self._newest_alert:
            return False
        self._newest_alert = cues[-1]
        return True
