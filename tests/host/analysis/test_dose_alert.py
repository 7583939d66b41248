from __future__ import annotations

from iastm_host.analysis.dose_alert import DoseAlert
from iastm_host.events import Health


def health(dose_ns, limit_ns=20.0):
    return Health(None, None, 0, 0, 0, dose_ns, limit_ns, None)


def test_a_limit_that_was_reached_without_an_alert_is_told_once_when_two_in_a_row_say_so():
    dose = DoseAlert()
    assert [dose.hear(health(each)) for each in (19.9, 20.0, 20.1, 25.0, 30.0)] == [False, False, True, False, False]
    assert dose.reached
    assert dose.limit_ns == 20.0


def test_an_alert_that_came_is_not_told_again_and_outlives_a_condition_from_before_it():
    dose = DoseAlert()
    dose.alerted()
    assert [dose.hear(health(each)) for each in (19.5, 20.0, 21.0)] == [False] * 3
    assert dose.reached


def test_a_reset_another_limit_none_and_a_restart_end_it():
    for after in (health(0.0), health(20.0, 50.0), health(20.0, 0.0)):
        dose = DoseAlert()
        dose.alerted()
        dose.hear(after)
        assert dose.reached
        dose.hear(after)
        assert not dose.reached
    dose.alerted()
    dose.restarted()
    assert not dose.reached
    assert dose.limit_ns == 0.0


def test_where_no_limit_is_set_none_is_reached():
    dose = DoseAlert()
    assert not any(dose.hear(health(each, 0.0)) for each in (0.0, 0.0, 5.0, 5.0))
    assert not dose.reached
