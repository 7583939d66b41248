#!/bin/sh
# Print the hash of all that an image of ours freezes, so that an image can be told from one of other sources.
set -eu
cd "$(dirname "$0")/.."
find protocol/iastm_protocol firmware_micropython -name '*.py' -type f | LC_ALL=C sort | xargs sha256sum | sha256sum |
    cut -d ' ' -f 1
