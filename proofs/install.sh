#!/bin/sh
# Install Coq 8.16 and the libraries the proofs need (Debian 12 packages, about 400 MB, half a minute).
# Does nothing when they are already there.
set -eu
packages="coq make python3 libcoq-mathcomp-algebra libcoq-mathcomp-real-closed libcoq-mathcomp-algebra-tactics libcoq-coquelicot libcoq-interval"
# shellcheck disable=SC2086
if dpkg -s $packages >/dev/null 2>&1; then exit 0; fi
sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
$sudo apt-get update -qq
# shellcheck disable=SC2086
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages
