#!/usr/bin/env bash
# Checks our files and requests against other people's programs: pyarrow, polars and a real MLflow server.
# They are installed once into .venv/interop (ignored by git); delete that folder to get their newest versions.
# transformers and PEFT are asked only if TORCH_PYTHON names a Python that has them and torch, see transformers.test.ts.
set -euo pipefail
cd "$(dirname "$0")/../.."

venv=.venv/interop
python="$venv/bin/python"
if ! "$python" -c 'import mlflow, polars, pyarrow' 2>/dev/null; then
  python3 -m venv --clear "$venv"
  "$python" -m pip install --quiet --disable-pip-version-check -r test/interop/requirements.txt
fi
"$python" - <<'PY'
from importlib.metadata import version
print(" ".join(f"{name} {version(name)}" for name in ("mlflow", "polars", "pyarrow")))
PY
node -e 'console.log("node " + process.versions.node)'

npx tsc -p src/tsconfig.json # incremental; a stale build would be checked otherwise
npx vitest run --config test/interop/vitest.config.ts "$@"
