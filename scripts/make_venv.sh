#!/bin/sh
# make_venv.sh PYTHON FOLDER: a virtual environment with the project (editable) and its tools for development.
set -eu
. "$(dirname "$0")/apt.sh"
python=$1
venv=$2

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "Python 3.11 or newer is needed; found ${python:-none} ($("${python:-python3}" --version 2>&1 || true))." >&2
    echo "Install one, or name it: make PYTHON=/path/to/python3.11" >&2
    exit 1
fi

if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    # Debian splits venv's contents off into a package of its own.
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        if ! command -v apt-get >/dev/null; then
            echo "$python lacks the modules venv and ensurepip; install them the way your system does." >&2
            exit 1
        fi
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        apt_install "Python comes without its virtual environments." "python$version-venv"
    fi
    "$python" -m venv --clear "$venv"
fi

echo "Installing the project into $venv; the first time downloads about 300 MB."
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --editable '.[dev,virtual-ble,workbench]'
