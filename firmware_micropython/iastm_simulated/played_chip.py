"""MicroPython's modules machine, time and neopixel, played: a chip on which a board starts, with nothing at its pins.

`Machine(port)` is one life of a chip. `again(cause)` is the next one, with the memory that outlives a restart.
"""

# ruff: noqa: N802, RET503
# What is played has names and arguments of its own.

import array

from iastm_protocol._compat import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

ESP32 = {"PWRON_RESET": 1, "HARD_RESET": 2, "WDT_RESET": 3, "DEEPSLEEP_RESET": 4, "SOFT_RESET": 5}
RP2 = {"PWRON_RESET": 1, "WDT_RESET": 3}
MODELS = {
    "ESP32-S3": "Generic ESP32S3 module with ESP32S3",
    "ESP32-C3": "ESP32C3 module with ESP32C3",
    "RP2040": "Raspberry Pi Pico W with RP2040",
    "RP2350": "Raspberry Pi Pico 2 W with RP2350",
}


class Restarted(BaseException):
    """The chip restarts: nothing runs on."""


class Slept(BaseException):
    """The chip is in deep sleep."""


class Times:
    """Time that passes by sleeping, and by a microsecond at each look; `at(us, do)` happens on the way."""

    def __init__(self):
        self.now_us = 0
        self._due = []

    def at(self, us, do):
        """Let `do()` happen when the clock comes to `us` microseconds."""
        self._due.append((us, do))
        self._due.sort(key=lambda each: each[0])

    def ticks_us(self):
        """Return microseconds, as they wrap."""
        self._pass(1)
        return self.now_us & 0x3FFFFFFF

    def ticks_ms(self):
        """Return milliseconds, as they wrap."""
        self._pass(1)
        return self.now_us // 1000 & 0x3FFFFFFF

    def ticks_diff(self, later, earlier):
        """Return by how much two ticks differ."""
        return ((later - earlier + 0x20000000) & 0x3FFFFFFF) - 0x20000000

    def sleep_us(self, us):
        """Let so many microseconds pass."""
        self._pass(us)

    def sleep_ms(self, ms):
        """Let so many milliseconds pass."""
        self._pass(ms * 1000)

    def _pass(self, us):
        end = self.now_us + us
        while self._due and self._due[0][0] <= end:
            at, do = self._due.pop(0)
            self.now_us = at
            do()
        self.now_us = end


class Machine:
    """One life of a chip: `port` is esp32 or rp2, `cause` the name of its reset cause.

    `outside` maps a pin to a level or a function of the pin, `devices` an I2C address to registers or an error.
    """

    def __init__(self, port="esp32", cause="PWRON_RESET", memory=None, times=None):
        self.port = port
        causes = ESP32 if port == "esp32" else RP2
        for name in causes:
            setattr(self, name, causes[name])
        self._cause = causes[cause]
        # Bytes of RTC memory, or words of registers, with what is left in them after power-on.
        self._memory: "Any" = memory or (bytearray([7] * 2048) if port == "esp32" else array.array("I", [7] * 7))
        self.mem_backup: "Any" = lambda: self._memory
        self.times = times or Times()
        # Levels that something outside gives pins; else their own.
        self.outside = {}
        self.pins = {}
        self.log = []
        self.devices = {}
        self.napped_ms = 0
        self.dogs = []
        self.microvolts = {}
        machine = self

        class Pin(_Pin):
            its = machine

        class WDT(_Dog):
            its = machine

        class I2C(_I2C):
            its = machine

        class PWM(_Pwm):
            its = machine

        class ADC(_EspAdc if port == "esp32" else _Adc):  # type: ignore[misc]
            its = machine

        self.Pin, self.WDT, self.I2C, self.PWM, self.ADC = Pin, WDT, I2C, PWM, ADC

    def again(self, cause, times=None):
        """Return the chip's next life, after a reset of that cause."""
        return Machine(self.port, cause, self._memory, times or self.times)

    def older(self):
        """Be MicroPython 1.25: what outlives a restart has a name for each port."""
        outlives = self._memory

        class RTC:
            def memory(self, held=None):
                if held is None:
                    # Nothing, until something was put there.
                    return b"" if outlives[0] == 7 else bytes(outlives)
                outlives[: len(held)] = held

        class Mem32:
            def __getitem__(self, address):
                return outlives[(address & 0xFFFF) - 0x800C >> 2]

            def __setitem__(self, address, value):
                outlives[(address & 0xFFFF) - 0x800C >> 2] = value

        self.RTC, self.mem32 = RTC, Mem32()
        del self.mem_backup
        return self

    def reset_cause(self):
        """Return why it started."""
        return self._cause

    def reset(self):
        """Restart the chip."""
        self.log.append("reset")
        raise Restarted()

    def unique_id(self):
        """Return the chip's number."""
        return b"\x01\x02\xab"

    def disable_irq(self):
        """Do nothing: nothing interrupts."""
        return 0

    def enable_irq(self, state):
        """Do nothing: nothing interrupts."""

    def lightsleep(self, ms):
        """Let so many milliseconds pass, and count them."""
        self.napped_ms += ms
        self.times.sleep_ms(ms)

    def deepsleep(self):
        """Sleep for good."""
        self.log.append("deep")
        raise Slept()

    def SPI(self, number, **settings):
        """Return a bus that nobody is at."""
        self.log.append(("SPI", number, settings["polarity"], settings["phase"]))
        return "the SPI"

    def level(self, number):
        """Return a pin's level: that which something outside gives it, or its own."""
        outside = self.outside.get(number)
        if callable(outside):
            outside = outside(self.pins[number])
        return self.pins[number].driven if outside is None else outside

    def driven(self, number):
        """Return the level that the chip drives at a pin."""
        return self.pins[number].driven


class _Pin:
    its: "Any" = None
    IN = 1
    OUT = 3
    OPEN_DRAIN = 7
    PULL_UP = 2
    IRQ_FALLING = 2
    IRQ_RISING = 1

    def __init__(self, number, mode=-1, pull=-1, value=None, hold=None):
        if isinstance(number, _Pin):
            number = number.number
        if hold is not None and self.its.port != "esp32":
            raise TypeError("unexpected keyword argument 'hold'")
        if number == "LED" and self.its.port != "rp2":
            raise ValueError("invalid pin")
        before = self.its.pins.get(number)
        self.number: "Any" = number
        self.mode = before.mode if mode == -1 and before else mode
        self.pull = pull
        self.hold = hold
        self.driven = value if value is not None else (before.driven if before else 0)
        if mode == self.IN:
            self.driven = 1 if pull == self.PULL_UP else 0
        # How often its level changed.
        self.edges = before.edges if before else 0
        self.its.pins[number] = self
        self.its.log.append(("pin", number, mode, value))

    def __call__(self, value=None):
        if value is None:
            return self.its.level(self.number)
        if value != self.driven:
            self.edges += 1
        self.driven = value

    def irq(self, handler, trigger, hard=False):
        """Note what is to be called."""
        if hard and self.its.port == "esp32":
            raise ValueError("hard")
        self.handler = handler


class _Dog:
    its: "Any" = None

    def __init__(self, timeout):
        self.timeout_ms = timeout
        self.fed = 0
        self.its.dogs.append(self)

    def feed(self):
        """Count it."""
        self.fed += 1


class _Pwm:
    its: "Any" = None

    def __init__(self, pin, freq, duty_u16):
        self.hz = freq
        self.duty = duty_u16
        self.its.pwm = self

    def freq(self, hz):
        """Note the tone."""
        self.hz = hz

    def duty_u16(self, duty):
        """Note how loud."""
        self.duty = duty


class _Adc:
    its: "Any" = None

    def __init__(self, pin):
        self._number = pin.number

    def read_u16(self):
        """Return the pin's voltage, 3.3 V being 65535."""
        return self.its.microvolts.get(self._number, 0) * 65535 // 3300000


class _EspAdc:
    its: "Any" = None
    ATTN_11DB = 3

    def __init__(self, pin, atten):
        self._number = pin.number

    def read_uv(self):
        """Return the pin's voltage in microvolts."""
        return self.its.microvolts.get(self._number, 0)


class _I2C:
    """`devices` maps an address to a dict of registers, or to an OSError that any transfer raises."""

    its: "Any" = None

    def __init__(self, number, sda, scl, freq, timeout):
        self.its.log.append(("I2C", number, sda.number, scl.number, freq))

    def readfrom_mem_into(self, address, register, buffer):
        """Read registers of a device."""
        device = self._device(address)
        for i in range(len(buffer)):
            buffer[i] = device.get(register + i, 0)

    def readfrom_mem(self, address, register, n):
        """Return registers of a device."""
        buffer = bytearray(n)
        self.readfrom_mem_into(address, register, buffer)
        return bytes(buffer)

    def writeto_mem(self, address, register, data):
        """Write registers of a device."""
        device = self._device(address)
        for i in range(len(data)):
            device[register + i] = data[i]

    def writeto(self, address, data):
        """Look whether a device answers."""
        self._device(address)

    def readfrom_into(self, address, buffer):
        """Look whether a device answers."""
        self._device(address)

    def _device(self, address):
        device = self.its.devices.get(address)
        if device is None:
            raise OSError(19)
        if isinstance(device, OSError):
            raise device
        return device


class NeoPixel:
    """The module neopixel and its class in one; `fails` has `write` raise it."""

    last = None
    fails = None

    def __init__(self, pin=None, n=0):
        self.shown = None
        self._held = [None]
        if pin is not None:
            NeoPixel.last = self

    NeoPixel = None

    def __setitem__(self, i, colour):
        self._held[i] = colour

    def write(self):
        """Show what was set, or fail."""
        if NeoPixel.fails is not None:
            raise NeoPixel.fails
        self.shown = self._held[0]


class Module:
    """A module of the names that it was made with."""

    def __init__(self, **names):
        for name, value in names.items():
            setattr(self, name, value)


class Stream:
    """A port on which nothing comes."""

    def __init__(self):
        self.closed = False

    def read(self):
        """Return that nothing came."""
        return b""

    def write(self, data):
        """Take everything."""
        return len(data)

    def close(self):
        """Note it."""
        self.closed = True
