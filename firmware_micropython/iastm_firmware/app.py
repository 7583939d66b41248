"""The firmware's loop: converter → ring → limits and strokes → links, on a board that is passed in.

A board is one file with a class of these attributes:

- `name`, `runtime` ("micropython 1.29.0"), `serial_number`: text; `simulated`: bool; `source_hash`: 8 bytes;
- `rate_mhz`: nominal conversions per 1000 s; `ring_depth`: samples to keep, as far as memory goes;
- `adc`: the converter, see sampler.py; `stream`: the host's bytes, see stream.py, or console.py where that port is
  the board's REPL too, and may hold a write; `run` closes it;
- `links(tool)`: a list of links beside that on `stream`, as `[BleLink(tool, bluetooth)]` of ble.py, or `[]`;
- `calibration`: `iastm_protocol.messages.Calibration`; `zero_counts`, and `zero_confirmed`: False where a stored
  zero was not looked at since power-on (then nothing is alerted, and samples say "zero uncertain");
- `ticks_us()`: microseconds, wrapping at 2^30; the firmware has no other clock;
- `random_u32()`: 32 random bits that come from no seed;
- `battery_percent()` (255 unknown), `temperature_cdeg()` (hundredths of °C, −32768 unknown); an OSError is unknown;
- `outputs`: light, buzzer and motor, as signals.py drives them. Its there tells what there is (bits of channels);
  its set(kind, light, buzzer_hz, motor) is called at changes only and must return at once: what is shown, the light's
  colour (0 off), the buzzer's pitch (0 off), and whether the motor runs. Where it raises, that is a fault in the
  status, and it is called again each second until it works;
- `button()`: whether the tool's button is down; asked every few milliseconds, must return at once and allocate
  nothing; bounces are filtered here. Always False where there is none: keys then go out over the cable only;
- `load_key()`: the 32 bytes that `store_key(key)` was given last, in whatever run, None where it never was; anything
  else is no key: it is told, and none given out, until a new one is asked for. Either raises OSError where it fails; a
  `store_key` that raises leaves the key before it;
- `calibration_storage`, `settings_storage`: where the calibration that a host writes, and zero and channels, are kept,
  as slots.py has a storage; None for a board without a place for it; `test_storage()`: True where something small that
  was written came back, False where not, None where there is no place;
- `journal`: a Journal of journal.py, None where failures are not kept;
- `imu`: the motion sensor, see motion.py, with `imu_axes` and `imu_tip_mm`; None where there is none;
- `battery_mv()`, `excitation_mv()`: 0 unknown; an OSError is unknown too;
- `trouble`: in words what of the board could not be started, "" where all was; `reset_reason`: of kinds.py;
- `feed()`: the watchdog, once a second as long as samples are asked for; `idle_s`: unused for so long the tool sleeps,
  0 never; `sleep()`: returns when the button or motion woke the board, or lets it start anew;
- `failed(error)`: the firmware can't go on. Keeps the traceback where it is not mistaken for frames, and resets.
"""

import asyncio
import gc

from iastm_firmware.tool import Tool
from iastm_protocol._compat import const

_SAMPLE_EVERY_MS = const(2)
_LINK_EVERY_MS = const(4)
_LIFE_EVERY_MS = const(10)
_SECOND_MS = const(1000)
_COLLECTED_WITHIN_MS = const(50)


async def _together(coroutines):
    # The first failure among them is raised here, and ends the loop with it.
    await asyncio.gather(*coroutines)


class App:
    """Runs a Tool's steps as tasks; `run` ends only with the failure of one of them."""

    def __init__(self, board):
        self.tool = Tool(board)
        self._failure = None
        self._collects = False
        if hasattr(board.stream, "meanwhile"):
            board.stream.meanwhile = self._sample_once

    async def run(self):
        """Run until a task fails, then raise what it raised."""
        asyncio.get_event_loop().set_exception_handler(self._note_failure)
        tasks = [self._sample(), self._live(), self._keep_time()]
        await _together(tasks + [self._serve(link) for link in self.tool.links])

    def _note_failure(self, loop, context):
        # A task that nobody awaits; asyncio itself would print into the stream.
        self._failure = context.get("exception") or RuntimeError(context.get("message"))

    def _sample_once(self):
        # While the host's port holds a write: what raises here would be printed into the stream, and forgotten.
        tool = self.tool
        try:
            tool.sampler.step()
            tool.signals.step()
            tool.watch_button()
        except Exception as error:
            self._failure = error

    async def _sample(self):
        step = self.tool.sampler.step
        sampler = self.tool.sampler
        life = self.tool.life
        while True:
            taken = sampler.taken
            step()
            if self._collects and sampler.taken != taken and not self.tool.watch.in_contact:
                # A converter keeps the newest conversion only: just after one was taken, the next two may wait longest.
                self._collect()
            life.sampled = True
            await asyncio.sleep_ms(_SAMPLE_EVERY_MS)

    def _collect(self):
        self._collects = False
        gc.collect()

    async def _serve(self, link):
        while True:
            more = link.step()
            await asyncio.sleep_ms(0 if more else _LINK_EVERY_MS)

    async def _live(self):
        # Light, buzzer and motor start with the sample that decides; here what they show goes on.
        show = self.tool.signals.step
        watch_button = self.tool.watch_button
        step = self.tool.life.step
        while True:
            show()
            watch_button()
            step()
            await asyncio.sleep_ms(_LIFE_EVERY_MS)

    async def _keep_time(self):
        while True:
            await asyncio.sleep_ms(_SECOND_MS - _COLLECTED_WITHIN_MS)
            # Between strokes, so that a collection does not fall into one; and before STATUS tells what is free.
            self._collects = not self.tool.watch.in_contact
            await asyncio.sleep_ms(_COLLECTED_WITHIN_MS)
            if self._failure is not None:
                raise self._failure
            if self._collects and not self.tool.watch.in_contact:
                # No conversion came.
                self._collect()
            self.tool.second()
            self.tool.life.sleep_if_due()


def run(board, *others):
    """Run the firmware on `board`, and `others` (coroutines) beside it; what ends it goes to `board.failed`.

    KeyboardInterrupt and SystemExit pass through.
    """
    app = None
    try:
        app = App(board)
        asyncio.run(_together([app.run()] + list(others)))
    except Exception as error:
        if app is not None:
            # What was set in the last second is to last too.
            app.tool.life.leave()
        board.failed(error)
    except KeyboardInterrupt:
        if app is not None:
            app.tool.life.leave()
        raise
    finally:
        board.stream.close()
