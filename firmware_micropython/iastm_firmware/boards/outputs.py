"""The tool's light, buzzer and motor at pins. Patterns are signals.py's; here is only what is on now."""

from iastm_protocol import kinds
from iastm_protocol._compat import const

# Of 255; a WS2812 at full brightness dazzles at arm's length, and is as warm as it is bright.
_HALF = const(96)
# By the numbers of signals.py (off, white, yellow, red, blue): parts of red, green and blue.
_COLOURS = ((0, 0, 0), (1, 1, 1), (1, 1, 0), (1, 0, 0), (0, 0, 1))
_WS2812_COLOURS = tuple([tuple([part * _HALF for part in colour]) for colour in _COLOURS])
# A square wave is loudest at half.
_LOUD_U16 = const(32768)


class PlainLight:
    """One light of one colour at `pin`; `on` is the level that lights it."""

    def __init__(self, pin, on):
        self._pin = pin
        self._on = on
        pin(1 - on)

    def show(self, light):
        """Show one of the five lights as on or off."""
        self._pin(self._on if light else 1 - self._on)


class ColourPins:
    """Three lights at three pins: red, green, blue."""

    def __init__(self, pins, on):
        self._pins = pins
        self._on = on
        self.show(0)

    def show(self, light):
        """Show one of the five lights."""
        colour = _COLOURS[light]
        for i in range(3):
            self._pins[i](self._on if colour[i] else 1 - self._on)


class Ws2812:
    """One WS2812 as `pixels`, MicroPython's neopixel.NeoPixel of length 1."""

    def __init__(self, pixels):
        self._pixels = pixels
        self.show(0)

    def show(self, light):
        """Show one of the five lights."""
        self._pixels[0] = _WS2812_COLOURS[light]
        self._pixels.write()


class Outputs:
    """Light, buzzer (PWM) and motor (a pin that switches a transistor); each may be None. `there` are channel bits."""

    def __init__(self, light=None, buzzer=None, motor=None):
        self._light = light
        self._buzzer = buzzer
        self._motor = motor
        self.there = 0
        if light is not None:
            self.there |= kinds.CHANNEL_LIGHT
        if buzzer is not None:
            buzzer.duty_u16(0)
            self.there |= kinds.CHANNEL_BUZZER
        if motor is not None:
            motor(0)
            self.there |= kinds.CHANNEL_VIBRATION

    def set(self, kind, light, buzzer_hz, motor):
        """Drive them; `kind` is what they show. Raises OSError where one fails, once all were tried."""
        failed = None
        for drive, value in ((self._show, light), (self._sound, buzzer_hz), (self._shake, motor)):
            try:
                drive(value)
            except Exception as error:
                # Whatever is wrong with one of them: the others still warn.
                failed = error
        if failed is not None:
            raise failed if isinstance(failed, OSError) else OSError(0, str(failed))

    def _show(self, light):
        if self._light is not None:
            self._light.show(light)

    def _sound(self, buzzer_hz):
        if self._buzzer is None:
            return
        if buzzer_hz:
            self._buzzer.freq(buzzer_hz)
        self._buzzer.duty_u16(_LOUD_U16 if buzzer_hz else 0)

    def _shake(self, motor):
        if self._motor is not None:
            self._motor(1 if motor else 0)
