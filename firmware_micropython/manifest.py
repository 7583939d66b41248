"""What a release image freezes: the firmware, the protocol it shares with the host, and what starts it.

Frozen code lies in flash and takes no heap. A folder `iastm_firmware` or `iastm_protocol` on the board's file system
comes before the frozen one, so that an image can be developed on; `main.py` is the frozen one.
"""

package("iastm_protocol", base_path="../protocol")  # noqa: F821 (given by MicroPython's manifest reader)
package("iastm_firmware")  # noqa: F821
module("main.py")  # noqa: F821
