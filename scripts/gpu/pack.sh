#!/bin/sh
# Packs what a GPU machine without Node.js and without registries needs, beside the project's own files, into .gpu/:
#   fettle.tar.xz  the built code, the files it reads, the packages it runs with (node_modules/), for Linux on x86-64
#   node.xz        this machine's Node.js
#   wheels/        with --peers: the Python packages that `npm run bench -- cuda` compares with
# usage: sh scripts/gpu/pack.sh [--peers]
set -eu
cd "$(dirname "$0")/../.."
mkdir -p .gpu

npm run --silent build
packages=$(npm ls --omit=dev --all --parseable 2>/dev/null | sed -n "s|^$PWD/||p" | sort -u)
[ -d node_modules/@koromix/koffi-linux-x64 ] || { echo "koffi's Linux x86-64 package is not installed here" >&2; exit 1; }
# Kernels and data that the built code reads; whoever copies the files may be in the middle of changing them.
assets=$(git ls-files package.json src bench scripts | grep -v '\.ts$')
# shellcheck disable=SC2086 # one word a path is wanted
tar -c --exclude='*.d.ts' --exclude='*.d.cts' --exclude='*.md' --exclude='node_modules/*.map' \
  --exclude='node_modules/echarts/dist' --exclude='node_modules/echarts/i18n' --exclude='node_modules/echarts/theme' \
  --exclude='node_modules/zrender/dist' --exclude='node_modules/koffi/vendor' \
  --exclude='node_modules/koffi/doc' dist $assets $packages node_modules/@koromix/koffi-linux-x64 | xz -T0 > .gpu/fettle.tar.xz

version="$(node --version) $(uname -sm)"
if [ "$(cat .gpu/node.version 2>/dev/null)" != "$version" ]; then
  cp "$(node -p 'fs.realpathSync(process.execPath)')" .gpu/node
  strip .gpu/node 2>/dev/null || true
  xz -c --x86 --lzma2=preset=9e,dict=128MiB .gpu/node > .gpu/node.xz
  rm .gpu/node
  echo "$version" > .gpu/node.version
fi

if [ "${1-}" = --peers ]; then
  [ -d .gpu/wheels ] || python3 scripts/gpu/peer_wheels.py .gpu/wheels
else
  rm -rf .gpu/wheels
fi
du -sh .gpu
