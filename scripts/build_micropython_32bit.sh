#!/bin/sh
# Build a MicroPython with a board's arithmetic: 31-bit small integers, 32-bit floats, 4-byte words.
# usage: build_micropython_32bit.sh [FOLDER]                  prints the program's path; builds only where it is not there
#        build_micropython_32bit.sh --with-firmware [FOLDER]  a second program that has protocol, firmware and the
#                                                             simulated board frozen in, of the sources as they are now
#
# In the first one the firmware comes from its own folder, as in the 64-bit build. In the second its compiled code is
# not on the heap, as on a board with a release image: what it takes of a heap is what a board takes.
#
# From Debian's source package, fetched through apt's own mirror into FOLDER (.cache/micropython32) and checked against
# Debian's keys. Nothing is installed, and no administrator's rights are needed. About a minute, 130 MB meanwhile; the
# second program keeps them, and is built anew within seconds. DEBIAN_MIRROR=URL chooses another mirror.
set -eu
here=$(realpath "$(dirname "$0")")
. "$here/debian_sources.sh"

root=$(dirname "$here")
with_firmware=no
if [ "${1:-}" = --with-firmware ]; then
    with_firmware=yes
    shift
fi
folder=$(realpath -m "${1:-$root/.cache/micropython32}")
if [ "$with_firmware" = yes ]; then
    program=$folder/micropython-with-firmware
    stamp=$folder/micropython-with-firmware.sources
    sources=$("$here/frozen_sources.sh")
    [ "$(cat "$stamp" 2>/dev/null)" = "$sources" ] || rm -f "$program"
else
    program=$folder/micropython
fi
if [ -x "$program" ]; then
    echo "$program"
    exit 0
fi

need_debian_sources
# Compiles and links for 32 bits, or lacks its C library.
if ! echo 'int main(void) { return 0; }' | gcc -m32 -x c -o /dev/null - >/dev/null 2>&1; then
    missing gcc-multilib
fi
stop_where_missing "The 32-bit MicroPython"
find_debian_mirror

work=$folder/build
jobs=$(nproc)

fetch() {
    rm -rf "$work"
    fetch_from_debian "$work/fetched"
    cd "$work/fetched"
    debian_apt update
    debian_apt source --download-only micropython
    dpkg-source --no-copy -x micropython_*.dsc "$work/partial"
    make -C "$work/partial/mpy-cross" -j"$jobs"
    mv "$work/partial" "$work/source"
    cd "$folder"
    rm -rf "$work/fetched"
}

build() {
    [ -d "$work/source" ] || fetch
    cd "$folder"
    echo 'include("$(MPY_DIR)/extmod/asyncio")' >"$work/manifest.py"
    if [ "$with_firmware" = yes ]; then
        echo "include(\"$root/firmware_micropython/manifest.py\")" >>"$work/manifest.py"
        echo "package(\"iastm_simulated\", base_path=\"$root/firmware_micropython\")" >>"$work/manifest.py"
    fi
    # Single precision as boards have it (the port's own sources use doubles); libraries that would be needed in 32
    # bits too are left out. Native functions are compiled for this machine.
    make -C "$work/source/ports/unix" -j"$jobs" VARIANT=standard BUILD="build-$with_firmware" MICROPY_FORCE_32BIT=1 \
        FROZEN_MANIFEST="$work/manifest.py" MPY_CROSS_FLAGS=-march=x86 \
        MICROPY_PY_SSL=0 MICROPY_SSL_MBEDTLS=0 MICROPY_PY_BTREE=0 MICROPY_PY_FFI=0 MICROPY_PY_JNI=0 \
        MICROPY_PY_BLUETOOTH=0 \
        CFLAGS_EXTRA="-DMICROPY_FLOAT_IMPL=1 -Wno-error -Wno-double-promotion -Wno-float-conversion"
    # What makes it a board's arithmetic, asked of the program itself: 2^24 + 1 is no float32.
    built=$work/source/ports/unix/build-$with_firmware/micropython
    "$built" -c 'import sys; assert sys.maxsize == 2**31 - 1 and 16777216.0 + 1 == 16777216.0'
    cp "$built" "$program"
}

mkdir -p "$folder"
logged "$folder/build.log" build
if [ "$with_firmware" = yes ]; then
    echo "$sources" >"$stamp"
elif [ ! -e "$folder/micropython-with-firmware" ]; then
    rm -rf "$work"
fi
echo "$program"
