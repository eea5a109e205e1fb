#!/bin/sh
# Installs Chromium where it is missing (Debian), then checks pages in it: docs/browser.sh BOOK [PAGE]...
set -eu
here=$(cd "$(dirname "$0")" && pwd)
if [ -z "${CHROMIUM:-}" ] && [ ! -x /usr/bin/chromium ]; then
  sudo=
  [ "$(id -u)" = 0 ] || sudo=sudo
  if ! { $sudo apt-get update -qq &&
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; }; then
    # On other systems: CHROMIUM=/path/to/chromium. Continuous integration may not skip this.
    [ -z "${CI:-}" ] || exit 1
    echo "no Chromium here: pages not checked in a browser"
    exit 0
  fi
fi
pages=
for page in "$@"; do
  if [ -e "$page" ]; then pages="$pages $page"; fi
done
# shellcheck disable=SC2086
exec node "$here/browser.mjs" $pages
