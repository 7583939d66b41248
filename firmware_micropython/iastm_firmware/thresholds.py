"""Limits in newtons turned into counts from zero, once per change: the hot path compares integers."""

from collections import namedtuple

from iastm_protocol.conversion import SPAN_COUNTS, polarity, to_net_counts, to_newtons
from iastm_protocol.glitch import GLITCH_SHARE
from iastm_protocol.kinds import COUNTS_MAX, COUNTS_MIN

# A limit is left below 90 % of it (hysteresis of 10 %).
LEAVE_PERCENT = 90


class Thresholds(
    namedtuple(
        "Thresholds",
        ("polarity", "on", "off", "warn", "warn_leave", "alarm", "alarm_leave", "warn_slope_n", "capacity", "jump"),
    )
):
    """Counts from zero times polarity; warn and alarm are None where they are off.

    `warn_slope_n` is newtons per count at warn, `capacity` the cell's, `jump` what is more than a hand does within one
    sample and back (see iastm_protocol.glitch).
    """


def _last_at_most(force_n, coefficients):
    # The last count whose force is not above `force_n`: "above" in counts is then exactly "above" in newtons.
    counts = to_net_counts(force_n, coefficients)
    if to_newtons(polarity(coefficients) * counts, 0, coefficients) > force_n:
        return counts - 1
    return counts


def make(calibration, zero_counts, limits):
    """Return the Thresholds of `limits` under a calibration and a zero.

    Raises ValueError, with words for a person, where they contradict each other or can't be reached.
    """
    coefficients = calibration.coefficients
    sign = polarity(coefficients)
    if not COUNTS_MIN < zero_counts < COUNTS_MAX:
        raise ValueError("a zero of %d counts is at the end of the converter's range" % zero_counts)
    room = COUNTS_MAX - zero_counts if sign > 0 else zero_counts - COUNTS_MIN
    if not 0 < limits.contact_off_mn < limits.contact_on_mn:
        raise ValueError("contact must end at a force above 0 and below the one at which it begins")
    if limits.warn_mn and limits.alarm_mn and limits.alarm_mn < limits.warn_mn:
        raise ValueError("the alarm lies below the warning")
    for name, force_mn in (
        ("contact", limits.contact_on_mn),
        ("warning", limits.warn_mn),
        ("alarm", limits.alarm_mn),
    ):
        force_n = force_mn / 1000
        if force_n > calibration.capacity_n:
            raise ValueError("the %s at %.1f N is beyond the cell's %.1f N" % (name, force_n, calibration.capacity_n))
        # The count that decides must lie below the rail.
        if force_mn and to_net_counts(force_n, coefficients) >= room:
            raise ValueError("the converter can't reach the %s at %.1f N from this zero" % (name, force_n))
    on = _last_at_most(limits.contact_on_mn / 1000, coefficients)
    off = to_net_counts(limits.contact_off_mn / 1000, coefficients)
    if not off < on:
        raise ValueError("contact begins and ends within one count")
    warn, warn_leave = _pair(limits.warn_mn, coefficients)
    alarm, alarm_leave = _pair(limits.alarm_mn, coefficients)
    slope_n = _slope_n(sign * (warn or 0), coefficients)
    capacity = _counts_at(calibration.capacity_n, coefficients)
    jump = _counts_at(calibration.capacity_n / GLITCH_SHARE, coefficients)
    return Thresholds(sign, on, off, warn, warn_leave, alarm, alarm_leave, slope_n, capacity, jump)


def _slope_n(net, coefficients):
    slope = 0.0
    for order in range(len(coefficients) - 1, 0, -1):
        slope = slope * net + order * coefficients[order]
    return slope


def _counts_at(force_n, coefficients):
    # A converter need not reach its cell's capacity.
    try:
        return to_net_counts(force_n, coefficients)
    except ValueError:
        return SPAN_COUNTS


def _pair(limit_mn, coefficients):
    if not limit_mn:
        return None, None
    enter = _last_at_most(limit_mn / 1000, coefficients)
    leave = to_net_counts(limit_mn * LEAVE_PERCENT / 100000, coefficients)
    return enter, min(leave, enter)
