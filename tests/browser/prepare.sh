#!/bin/sh
# Makes the browser test ready: says what the machine lacks, and installs the one pinned package.
# No browser is downloaded; the machine's own Chromium is used (CHROMIUM names another one).
set -eu
cd "$(dirname "$0")"
lacks() {
    echo "the browser test needs $1; $2" >&2
    exit 1
}
command -v node >/dev/null || lacks "node 20 or newer" "on Debian: apt-get install nodejs npm"
command -v npm >/dev/null || lacks "npm" "on Debian: apt-get install npm"
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || lacks "Chromium at ${CHROMIUM:-/usr/bin/chromium}" \
    "on Debian: apt-get install chromium, or set CHROMIUM"
wanted=$(node -p 'require("./package.json").dependencies["playwright-core"]')
found=$(node -p 'require("./node_modules/playwright-core/package.json").version' 2>/dev/null || true)
[ "$found" = "$wanted" ] || npm install --no-audit --no-fund --silent --ignore-scripts
