#!/bin/sh
# Runs a command on a GPU machine to which the project's files and .gpu/ (scripts/gpu/pack.sh) were copied.
# usage: sh scripts/gpu/run.sh COMMAND [ARGUMENT...]
set -eu
cd "$(dirname "$0")/../.."
if [ -d .gpu ]; then
  python3 scripts/gpu/unpack.py
  PATH="$PWD/node_modules/.bin:$PATH"
  export PATH
fi
if [ -d .gpu/wheels ]; then
  site="${TMPDIR:-/tmp}/fettle-peers"
  python3 -m pip install --quiet --no-index --no-deps --no-compile --no-cache-dir --upgrade --root-user-action=ignore \
    --target "$site" .gpu/wheels/*.whl || echo "the peers' packages could not be installed" >&2
  PYTHONPATH="$site${PYTHONPATH:+:$PYTHONPATH}"
  export PYTHONPATH
fi
exec "$@"
