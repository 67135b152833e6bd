#!/usr/bin/env bash
# run.sh unit|e2e: the dashboard's tests. Without Node, its packages or Chromium: skipped (77), but a failure in CI.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

skip() {
    echo "$*: ./dev test installs it"
    if [[ "${CI:-}" == true ]]; then
        exit 1
    fi
    exit 77
}

command -v node >/dev/null || skip "Node is not installed"
[[ -d node_modules ]] || skip "web/node_modules is not there"
case "$1" in
unit)
    exec npm test --silent
    ;;
e2e)
    [[ -x "${CHROMIUM:-/usr/bin/chromium}" ]] || skip "Chromium is not installed"
    [[ -e dist/index.html ]] || skip "The server was built without the dashboard"
    # Each file has a server and a browser of its own, and waits for them most of the time.
    printf '%s\0' tests/*.test.mjs | xargs --null --max-args=1 --max-procs=3 node --test
    ;;
esac
