#!/bin/sh
@HEADER@
# Loads this bundle, or replaces what is loaded, for the network namespace it runs in. Safe to repeat: packets go by
# the old policy until they go by the new one.
#
# usage: load.sh [DIRECTORY]
#   DIRECTORY  where everything is pinned [default: @DIRECTORY@]
set -eu
cd "$(dirname "$0")"
directory=${1:-@DIRECTORY@}

if [ ! -e portolan.bpf.o ] || [ ! -e loader ]; then make; fi

# `ip netns exec` mounts another /sys without this: use `nsenter --net=/run/netns/NAME` instead.
if [ "$(stat -f -c %T /sys/fs/bpf)" != bpf_fs ]; then mount -t bpf bpf /sys/fs/bpf; fi

# Connection tracking runs where something asks for it. A chain that no packet meets is enough.
if command -v nft >/dev/null; then
  nft -f - <<END
add table inet portolan_tracking
add chain inet portolan_tracking on
flush chain inet portolan_tracking on
add rule inet portolan_tracking on ct state new
END
else
  echo 'load.sh: no `nft`: connection tracking has to be on already, or nothing is let through' >&2
fi

./loader load "$directory"
