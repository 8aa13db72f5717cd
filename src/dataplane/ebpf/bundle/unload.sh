#!/bin/sh
@HEADER@
# Takes away what load.sh left, in the network namespace it runs in. Nothing is enforced afterwards.
#
# usage: unload.sh [DIRECTORY]
#   DIRECTORY  where everything is pinned [default: @DIRECTORY@]
set -eu
cd "$(dirname "$0")"

# Of load-tc.sh, if it was that.
if [ -e "${1:-@DIRECTORY@}/to_pod" ]; then
  for address in @ADDRESSES@; do
    interface=$(ip -o route get "$address" 2>/dev/null | sed -n 's/.* dev \([^ ]*\).*/\1/p')
    tc filter del dev "$interface" ingress pref 49 2>/dev/null || true
    tc filter del dev "$interface" egress pref 49 2>/dev/null || true
  done
fi

./loader unload "${1:-@DIRECTORY@}"
if command -v nft >/dev/null; then
  printf 'add table inet portolan_tracking\ndelete table inet portolan_tracking\n' | nft -f -
fi
