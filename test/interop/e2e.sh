#!/usr/bin/env bash
# Checks every trajectory file below runs/ (or below the folder given) with pyarrow and polars. Needs a finished run.
set -euo pipefail
cd "$(dirname "$0")/../.."
SPA_INTEROP_RUNS="$(realpath "${1:-runs}")" exec bash test/interop/run.sh test/interop/runs.test.ts
