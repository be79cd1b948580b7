#!/bin/sh
# Makes the test against other people's MLLP programs ready: installs what the machine lacks where it
# can (Debian, as root), and otherwise says what is missing. The packages from PyPI and npm are pinned.
set -eu
cd "$(dirname "$0")"
missing=
command -v node >/dev/null || missing="$missing nodejs"
command -v npm >/dev/null || missing="$missing npm"
python3 -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"
if [ -n "$missing" ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "installing$missing for the peers test"
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } >/dev/null
    else
        echo "the peers test needs$missing; on Debian: apt-get install$missing" >&2
        exit 1
    fi
fi
if [ "$(node -p 'process.versions.node.split(".")[0]')" -lt 20 ]; then
    echo "the peers test needs Node.js 20 or newer; found $(node --version)" >&2
    exit 1
fi
found=$(./venv/bin/python -c 'import importlib.metadata as m; print("hl7==" + m.version("hl7"))' 2>/dev/null || true)
if [ "$found" != "$(cat requirements.txt)" ]; then
    python3 -m venv venv
    ./venv/bin/pip install --quiet --disable-pip-version-check -r requirements.txt
fi
for package in node-hl7-client node-hl7-server; do
    wanted=$(node -p "require('./package.json').dependencies['$package']")
    found=$(node -p "require('./node_modules/$package/package.json').version" 2>/dev/null || true)
    [ "$found" = "$wanted" ] || npm install --no-audit --no-fund --silent --ignore-scripts
done
