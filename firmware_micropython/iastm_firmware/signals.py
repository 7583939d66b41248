"""Light, buzzer and motor: what is shown, by one table of patterns, on the channels that the user chose.

Every pattern is told from every other one in each channel alone: the light by its rhythm whatever its colour, buzzer
and motor by the number of pulses. No light flashes more than three times a second, which some people can't bear. No
pulse lasts 150 ms, the length of the shortest stroke: what the motor shakes into the cell is over before it could be
one. Rhythms and lengths are ours (grade none); that of DOSE keeps to the 0.4 to 0.8 Hz of a medium alarm as secondary
sources tell IEC 60601-1-8, no conformity claimed.
"""

from collections import namedtuple

from iastm_firmware.clock import ticks_between
from iastm_protocol import kinds
from iastm_protocol._compat import const
from iastm_protocol.limits import VIBRATES_MS

# What is shown beside kinds.WARN, ALARM and DOSE.
TECHNICAL = 4
UNCERTAIN = 5

OFF = 0
WHITE = 1
YELLOW = 2
RED = 3
BLUE = 4

# Sound is a choice: nobody but the user is meant to hear.
DEFAULT_CHANNELS = kinds.CHANNEL_LIGHT | kinds.CHANNEL_VIBRATION
_ALL_CHANNELS = kinds.CHANNEL_LIGHT | kinds.CHANNEL_BUZZER | kinds.CHANNEL_VIBRATION
_SHAKES_AFTER_US = VIBRATES_MS * 1000
# A dose that was reached stays so: its light goes out by itself.
_DOSE_SHOWN_US = const(12000000)


class Pattern(
    namedtuple("Pattern", ("kind", "name", "light", "light_ms", "buzzer_hz", "pulse_ms", "repeats", "least_ms"))
):
    """One thing that is shown.

    `light_ms` and `pulse_ms` (of buzzer and motor) are lengths of on, off, on and so forth. The light's begin anew at
    their end, the pulses only where `repeats` says so. What was begun is shown for `least_ms`: an excess of a hundredth
    of a second would be over before a motor turns.
    """


# Each before all that follow it.
PATTERNS = (
    Pattern(kinds.ALARM, "alarm", RED, (120, 230), 2700, (100, 70), True, 680),
    Pattern(kinds.WARN, "too hard", YELLOW, (1000,), 2000, (100,), False, 250),
    Pattern(TECHNICAL, "technical fault", BLUE, (150, 150, 150, 1550), 600, (120, 480, 120), False, 0),
    Pattern(kinds.DOSE, "dose reached", YELLOW, (830, 830), 1000, (120, 280, 120, 280, 120), False, 0),
    Pattern(UNCERTAIN, "zero not confirmed", WHITE, (100, 2900), 0, (), False, 0),
)
_NOTHING = Pattern(0, "nothing", OFF, (), 0, (), False, 0)
_BY_KIND = {pattern.kind: pattern for pattern in PATTERNS + (_NOTHING,)}


def _is_within(span_us, since_ticks, ticks):
    # What began 9 to 18 minutes ago looks as if it were to come: it is over too.
    return 0 <= ticks_between(since_ticks, ticks) < span_us


class _Steps:
    # Plays lengths of on and off; allocates nothing.
    def __init__(self):
        self.on = False
        self.done = True
        self._steps_ms = ()
        self._repeats = False
        self._at = 0
        self._since_ticks = 0

    def begin(self, steps_ms, repeats, ticks):
        self._steps_ms = steps_ms
        self._repeats = repeats
        self._at = 0
        self._since_ticks = ticks
        self.on = len(steps_ms) > 0
        self.done = not self.on

    def step(self, ticks):
        # Whether it went on or off just now.
        if self.done or _is_within(self._steps_ms[self._at] * 1000, self._since_ticks, ticks):
            return False
        was_on = self.on
        self._since_ticks = ticks
        self._at += 1
        if self._at == len(self._steps_ms):
            self._at = 0
            self.done = not self._repeats
        self.on = not self.done and not self._at & 1
        return self.on != was_on


class Signals:
    """Drives `outputs` as app.py describes them. `show` drives at once, all else follows in `step`.

    `chosen` are the channels that the user wants (bits of kinds), `there` those that the board has. `vibrating` tells
    that motor or buzzer run, or did within 60 ms. `fails` tells that the outputs raised; they are then left alone until
    `second` tries again, or another thing is to be shown.
    """

    def __init__(self, outputs, clock):
        self._outputs = outputs
        self._clock = clock
        self.there = outputs.there
        self.chosen = DEFAULT_CHANNELS
        self.vibrating = False
        self.fails = False
        # What is on, as bits by kind, and of these what was silenced, and what has had its pulses.
        self._on = 0
        self._silenced = 0
        self._pulsed = 0
        self._level = 0
        self._shown = _NOTHING
        self._since_ticks = 0
        self._quiet = False
        self._light = _Steps()
        self._pulses = _Steps()
        self._dose_ticks = 0
        self._silence_ticks = 0
        self._silence_s = 0
        # What the outputs were told last.
        self._set_kind = 0
        self._set_light = OFF
        self._set_hz = 0
        self._set_motor = False
        self._ran_ticks = 0

    @property
    def shown(self):
        """The kind that is shown: of kinds.WARN, ALARM and DOSE, TECHNICAL, UNCERTAIN; 0 for nothing."""
        return self._shown.kind

    @property
    def silenced_s(self):
        """Seconds until what is silenced sounds again, rounded up; 0: nothing is silenced."""
        if not self._silenced:
            return 0
        silence_us = self._silence_s * 1000000
        ticks = self._clock.now()
        if not _is_within(silence_us, self._silence_ticks, ticks):
            return 0
        return (silence_us - ticks_between(self._silence_ticks, ticks) + 999999) // 1000000

    def show(self, level):
        """Show WARN or ALARM, 0 neither, as of now; what is raised is shown before this returns."""
        before = self._level
        self._level = level
        self._note(kinds.WARN, level == kinds.WARN)
        self._note(kinds.ALARM, level == kinds.ALARM)
        if level == kinds.WARN and before == kinds.ALARM:
            # One excess is one cue: what lessens is not told with another one.
            self._pulsed |= 1 << kinds.WARN
        ticks = self._clock.now()
        # What is still shown of an excess that is over begins anew with the next one.
        self._settle(ticks, level > before and self._shown.kind == level)

    def dose(self):
        """The dose reached its limit: told with three pulses, and shown for 12 s."""
        ticks = self._clock.now()
        self._dose_ticks = ticks
        self._note(kinds.DOSE, False)
        self._note(kinds.DOSE, True)
        self._settle(ticks, self._shown.kind == kinds.DOSE)

    def end_dose(self):
        """The dose is below its limit: another region, or another limit."""
        self._set(kinds.DOSE, False)

    def technical(self, on):
        """Something of the tool is amiss, or no more."""
        self._set(TECHNICAL, on)

    def uncertain(self, on):
        """The zero is not confirmed, or is."""
        self._set(UNCERTAIN, on)

    def choose(self, channels):
        """Use these channels (bits) from now on, whether the board has them or not."""
        self.chosen = channels & _ALL_CHANNELS
        self._drive(self._clock.now(), False)

    def silence(self, seconds):
        """Keep buzzer and motor still, for so long, for what is on now; 0 lets them sound. The light is never silenced.

        It ends too where nothing of it is on any more: what begins then sounds.
        """
        self._silenced = self._on & ~(1 << UNCERTAIN) if seconds else 0
        self._silence_s = seconds
        ticks = self._clock.now()
        self._silence_ticks = ticks
        self._quiet = bool(self._silenced >> self._shown.kind & 1)
        self._drive(ticks, False)

    def rest(self):
        """Switch light, buzzer and motor off, before the tool sleeps; with the next `step` they go on."""
        self._light.on = False
        self._pulses.on = False
        self._drive(self._clock.now(), False)

    def step(self):
        """Go on with what is shown: to be called every 10 ms. Allocates nothing but where the outputs do."""
        ticks = self._clock.now()
        if self._on >> kinds.DOSE & 1 and not _is_within(_DOSE_SHOWN_US, self._dose_ticks, ticks):
            self._note(kinds.DOSE, False)
            self._settle(ticks, False)
        if self._silenced and not _is_within(self._silence_s * 1000000, self._silence_ticks, ticks):
            self._silenced = 0
            self._quiet = False
            self._drive(ticks, False)
        shown = self._shown
        if shown.least_ms and not self._on >> shown.kind & 1:
            # Shown on although it is over.
            self._settle(ticks, False)
            shown = self._shown
        changed = self._light.step(ticks)
        if self._pulses.step(ticks):
            changed = True
            if self._pulses.done:
                self._pulsed |= 1 << shown.kind
        if changed:
            self._drive(ticks, False)
        if self._set_motor or self._set_hz:
            self._ran_ticks = ticks
        elif self.vibrating and not _is_within(_SHAKES_AFTER_US, self._ran_ticks, ticks):
            self.vibrating = False

    def second(self):
        """A second has passed: what could not be driven is tried again."""
        if self.fails:
            self._drive(self._clock.now(), True)

    def _set(self, kind, on):
        if bool(self._on >> kind & 1) != bool(on):
            self._note(kind, on)
            self._settle(self._clock.now(), False)

    def _note(self, kind, on):
        bit = 1 << kind
        if on and not self._on & bit:
            self._on |= bit
            self._pulsed &= ~bit
        elif not on:
            self._on &= ~bit
            self._silenced &= ~bit

    def _settle(self, ticks, anew):
        # Show the first thing of the table that is on, but what was begun for its least time.
        shown = self._shown
        wanted = _NOTHING
        for pattern in PATTERNS:
            if self._on >> pattern.kind & 1:
                wanted = pattern
                break
            if pattern is shown and _is_within(pattern.least_ms * 1000, self._since_ticks, ticks):
                wanted = pattern
                break
        if wanted is shown and not anew:
            return
        self._shown = wanted
        self._since_ticks = ticks
        self._quiet = bool(self._silenced >> wanted.kind & 1)
        self._light.begin(wanted.light_ms, True, ticks)
        self._pulses.begin(() if self._pulsed >> wanted.kind & 1 else wanted.pulse_ms, wanted.repeats, ticks)
        self._drive(ticks, True)

    def _drive(self, ticks, even_if_it_fails):
        shown = self._shown
        chosen = self.chosen
        light = shown.light if self._light.on and chosen & kinds.CHANNEL_LIGHT else OFF
        sounds = self._pulses.on and not self._quiet
        buzzer_hz = shown.buzzer_hz if sounds and chosen & kinds.CHANNEL_BUZZER & self.there else 0
        motor = bool(sounds and chosen & kinds.CHANNEL_VIBRATION & self.there)
        if self.fails:
            if not even_if_it_fails:
                return
        elif (
            shown.kind == self._set_kind
            and light == self._set_light
            and buzzer_hz == self._set_hz
            and motor == self._set_motor
        ):
            return
        if motor or buzzer_hz or self._set_motor or self._set_hz:
            self.vibrating = True
            self._ran_ticks = ticks
        self._set_kind = shown.kind
        self._set_light = light
        self._set_hz = buzzer_hz
        self._set_motor = motor
        try:
            self._outputs.set(shown.kind, light, buzzer_hz, motor)
            self.fails = False
        except Exception:
            # Whatever is wrong with a light: sampling and the links go on.
            self.fails = True
