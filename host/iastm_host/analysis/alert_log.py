"""Alerts for summaries: a warn that becomes an alarm within one stroke counts as one alert."""

from __future__ import annotations

from iastm_host.events import Alert, Stroke

_OF_A_STROKE = ("warn", "alarm")


class AlertLog:
    """A list of alerts, in the order of their decisions, in which each stroke stands once.

    An alarm takes the place of its stroke's warn at once. Where two analysers decide on the same samples, one live
    and one in index order, `settle` with the finished stroke removes what was decided twice.
    """

    def __init__(self) -> None:
        self._alerts: list[Alert] = []
        self._settled: tuple[int, int] | None = None

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """The alerts that count."""
        return tuple(self._alerts)

    def add(self, alert: Alert) -> None:
        """Take a decision."""
        if alert.kind == "alarm":
            self._drop_warn_before(alert)
        self._alerts.append(alert)

    def settle(self, stroke: Stroke) -> None:
        """Keep one alert of all within this stroke: the alarm if there is one, a live one before a late one."""
        inside = [a for a in self._alerts if a.kind in _OF_A_STROKE and _within(a, stroke)]
        self._settled = (stroke.boot_id, stroke.last_index)
        if len(inside) > 1:
            keep = min(inside, key=lambda a: (a.kind != "alarm", a.late, a.index))
            self._alerts = [a for a in self._alerts if a is keep or not any(a is other for other in inside)]

    def _drop_warn_before(self, alarm: Alert) -> None:
        """Remove the warn that this alarm has grown from: the last one before it, with no other stroke between.

        A force passes warn on its way to alarm, so the alarm's own warn is always the nearest.
        """
        for at in range(len(self._alerts) - 1, -1, -1):
            earlier = self._alerts[at]
            if earlier.kind not in _OF_A_STROKE or earlier.boot_id != alarm.boot_id or earlier.index > alarm.index:
                continue
            settled = self._settled == (alarm.boot_id, earlier.index) or (
                self._settled is not None and self._settled[0] == alarm.boot_id and earlier.index <= self._settled[1]
            )
            if earlier.kind == "warn" and not settled:
                del self._alerts[at]
            return


def _within(alert: Alert, stroke: Stroke) -> bool:
    return alert.boot_id == stroke.boot_id and stroke.first_index <= alert.index <= stroke.last_index
