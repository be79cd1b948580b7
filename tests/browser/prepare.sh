#!/bin/sh
# Makes the browser test ready: installs what the machine lacks where it can (Debian, as root), and
# otherwise says what is missing. No browser is downloaded; the machine's own Chromium is used
# (CHROMIUM names another one). The one package from npm is pinned.
set -eu
cd "$(dirname "$0")"
browser=${CHROMIUM:-/usr/bin/chromium}
missing=
command -v node >/dev/null || missing="$missing nodejs"
command -v npm >/dev/null || missing="$missing npm"
command -v python3 >/dev/null || missing="$missing python3"
[ -x "$browser" ] || missing="$missing chromium"
if [ -n "$missing" ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "installing$missing for the browser test"
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } >/dev/null
    fi
    for command in node npm python3 "$browser"; do
        command -v "$command" >/dev/null && continue
        echo "the browser test needs $command; on Debian: apt-get install$missing" >&2
        exit 1
    done
fi
wanted=$(node -p 'require("./package.json").dependencies["playwright-core"]')
found=$(node -p 'require("./node_modules/playwright-core/package.json").version' 2>/dev/null || true)
[ "$found" = "$wanted" ] || npm install --no-audit --no-fund --silent --ignore-scripts
