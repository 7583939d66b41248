"""Numbers of SPEC.md: frame kinds, commands, errors, flags. Each stands on the wire; none is ever reused."""

MAGIC = b"IAST"
MAJOR = 1
MINOR = 0

# Frame kinds, host to tool.
HELLO = 0x01
PING = 0x03
COMMAND = 0x04
ACK = 0x05
FETCH = 0x06
FETCH_EVENTS = 0x07
SIGNED_COMMAND = 0x08
# Frame kinds, tool to host.
HELLO_ANSWER = 0x02
FORCE_SAMPLES = 0x10
STROKE = 0x11
STATUS = 0x12
ALERT = 0x13
TOOL_EVENT = 0x14
CALIBRATION = 0x15
ZERO = 0x16
LIMITS = 0x17
PONG = 0x18
RESPONSE = 0x19
GONE = 0x1A
KEY = 0x1B
# Kinds from here up belong to recordings and are refused on a link.
FIRST_RECORDING_KIND = 0x80
RECEIVED = 0x80
NOTE = 0x81

# The largest payload of a frame on a link, in bytes.
MAX_LINK_PAYLOAD = 480

# Commands.
START_STREAM = 0x01
STOP_STREAM = 0x02
DESCRIBE = 0x03
SET_ZERO = 0x04
SET_LIMITS = 0x05
GET_KEY = 0x06
RENEW_KEY = 0x07

# Errors of a response.
OK = 0
UNKNOWN_COMMAND = 1
BAD_ARGUMENT = 2
NOT_ALLOWED = 3
BUSY = 4
FAILED = 5
NEEDS_KEY = 6
NEEDS_PRESS = 7

# Flags of force samples: true for at least one sample of the batch.
SATURATED = 0x01
SUSPECTED_GLITCH = 0x02
VIBRATING = 0x04
ZERO_UNCERTAIN = 0x08
BACKFILLED = 0x10

# The rails of a 24-bit converter: a count there is kept and flagged as saturated.
COUNTS_MAX = 0x7FFFFF
COUNTS_MIN = -0x800000

# Alert kinds.
WARN = 1
ALARM = 2

# Kinds of tool event.
EVENT_BOOT = 1
EVENT_ZERO = 2
EVENT_LIMITS = 3
EVENT_FAULT = 4
EVENT_FAULT_CLEARED = 5
EVENT_BUTTON = 6
EVENT_KEY = 7

# Faults of the tool, bits of status.
FAULT_ADC_SILENT = 0x01
FAULT_ADC_SATURATED = 0x02
FAULT_ADC_FROZEN = 0x04
FAULT_TOO_SLOW = 0x08
FAULT_LINK_STALLED = 0x10
FAULT_SAMPLES_MISSED = 0x20
FAULT_LINK_NARROW = 0x40
FAULT_RATE = 0x80
FAULT_ADC_FAILS = 0x100
FAULT_ALERT_OUTPUT = 0x200

# Features in hello.
FEATURE_LIMITS = 0x01
FEATURE_ZERO = 0x02
FEATURE_STROKES = 0x04
FEATURE_BACKFILL = 0x08
FEATURE_SIMULATED = 0x10
FEATURE_KEYS = 0x20

UNKNOWN_U8 = 0xFF
UNKNOWN_I16 = -0x8000
