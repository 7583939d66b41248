#!/bin/sh
# Build a MicroPython with a board's arithmetic: 31-bit small integers, 32-bit floats, 4-byte words.
# usage: build_micropython_32bit.sh [FOLDER]      prints the program's path; builds only where it is not there yet
#
# From Debian's source package, fetched through apt's own mirror into FOLDER (.cache/micropython32) and checked against
# Debian's keys. Nothing is installed, and no administrator's rights are needed. About a minute, 130 MB meanwhile.
# DEBIAN_MIRROR=URL chooses another mirror.
set -eu

folder=$(realpath -m "${1:-$(dirname "$0")/../.cache/micropython32}")
program=$folder/micropython
if [ -x "$program" ]; then
    echo "$program"
    exit 0
fi

# The Debian release whose source package is built: the first whose MicroPython calls its asyncio so (from 1.21 on).
release=trixie
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

missing=""
need() { # COMMAND PACKAGE: note the package of a command that is not here
    command -v "$1" >/dev/null || missing="$missing $2"
}
need apt-get apt
need dpkg-source dpkg-dev
need make make
need gcc gcc
need python3 python3
[ -f "$keyring" ] || missing="$missing debian-archive-keyring"
# Compiles and links for 32 bits, or lacks its C library.
if ! echo 'int main(void) { return 0; }' | gcc -m32 -x c -o /dev/null - >/dev/null 2>&1; then
    missing="$missing gcc-multilib"
fi
if [ -n "$missing" ]; then
    echo "The 32-bit MicroPython can't be built: something is missing. On Debian, please run:" >&2
    echo "    sudo apt-get install --no-install-recommends$missing" >&2
    exit 1
fi

# apt names its sources in every format it reads; the one of this system's own release is a mirror of the archive.
codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
mirror=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
    awk -v release="$codename" '$1 == release && $2 == "main" { print $3; exit }')}
if [ -z "$mirror" ]; then
    echo "apt knows no mirror of Debian here. Name one: DEBIAN_MIRROR=URL $0" >&2
    exit 1
fi

work=$folder/build
rm -rf "$work"
mkdir -p "$work/lists/partial" "$work/archives/partial"
cd "$work"
echo "deb-src [signed-by=$keyring] $mirror $release main" >sources.list
apt() {
    apt-get -qq -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work" -o APT::Sandbox::User="$(id -un)" "$@"
}
log=$folder/build.log
{
    apt update
    apt source --download-only micropython
    dpkg-source -x micropython_*.dsc source
    # Nothing but asyncio is frozen in: the firmware comes from its own folder, as in the 64-bit build.
    echo 'include("$(MPY_DIR)/extmod/asyncio")' >manifest.py
    jobs=$(nproc)
    make -C source/mpy-cross -j"$jobs"
    # Single precision as boards have it (the port's own sources use doubles); libraries that would be needed in 32
    # bits too are left out.
    make -C source/ports/unix -j"$jobs" VARIANT=standard MICROPY_FORCE_32BIT=1 FROZEN_MANIFEST="$work/manifest.py" \
        MICROPY_PY_SSL=0 MICROPY_SSL_MBEDTLS=0 MICROPY_PY_BTREE=0 MICROPY_PY_FFI=0 MICROPY_PY_JNI=0 \
        MICROPY_PY_BLUETOOTH=0 \
        CFLAGS_EXTRA="-DMICROPY_FLOAT_IMPL=1 -Wno-error -Wno-double-promotion -Wno-float-conversion"
} >"$log" 2>&1 || {
    tail -n 15 "$log" >&2
    echo "The build failed; all of it stands in $log." >&2
    exit 1
}

# What makes it a board's arithmetic, asked of the program itself: 2^24 + 1 is no float32.
built=$work/source/ports/unix/build-standard/micropython
"$built" -c 'import sys; assert sys.maxsize == 2**31 - 1 and 16777216.0 + 1 == 16777216.0'
mv "$built" "$program"
cd "$folder"
rm -rf "$work"
echo "$program"
