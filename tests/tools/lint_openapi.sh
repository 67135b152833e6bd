#!/usr/bin/env bash
# Lints docs/openapi.yaml with the redocly of config/node. Without it: skipped (77), but a failure in CI.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

redocly=config/node/node_modules/.bin/redocly
if [[ ! -x "$redocly" ]]; then
    echo "redocly is not installed: ./dev test installs it"
    if [[ "${CI:-}" == true ]]; then
        exit 1
    fi
    exit 77
fi
export REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true
exec "$redocly" lint --config config/node/redocly.yaml docs/openapi.yaml
