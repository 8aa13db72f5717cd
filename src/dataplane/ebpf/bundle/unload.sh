#!/bin/sh
@HEADER@
# Takes away what load.sh left, in the network namespace it runs in. Nothing is enforced afterwards.
#
# usage: unload.sh [DIRECTORY]
#   DIRECTORY  where everything is pinned [default: @DIRECTORY@]
set -eu
cd "$(dirname "$0")"

./loader unload "${1:-@DIRECTORY@}"
if command -v nft >/dev/null; then
  printf 'add table inet portolan_tracking\ndelete table inet portolan_tracking\n' | nft -f -
fi
