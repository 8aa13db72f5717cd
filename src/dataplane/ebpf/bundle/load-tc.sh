#!/bin/sh
@HEADER@
# For kernels before 6.4: loads this bundle as classifiers at the host's end of its pods' interfaces, or replaces what
# is loaded. Safe to repeat, and to be repeated when a pod has got its interface. Not for a node with load.sh.
#
# usage: load-tc.sh [DIRECTORY]
#   DIRECTORY  where everything is pinned [default: @DIRECTORY@]
set -eu
cd "$(dirname "$0")"
directory=${1:-@DIRECTORY@}

if [ ! -e portolan.tc.o ] || [ ! -e loader ]; then make; fi
if [ "$(stat -f -c %T /sys/fs/bpf)" != bpf_fs ]; then mount -t bpf bpf /sys/fs/bpf; fi
nft -f - <<END
add table inet portolan_tracking
add chain inet portolan_tracking on
flush chain inet portolan_tracking on
add rule inet portolan_tracking on ct state new
END

./loader load "$directory" tc

# The isolated pods of the node.
for address in @ADDRESSES@; do
  interface=$(ip -o route get "$address" | sed -n 's/.* dev \([^ ]*\).*/\1/p')
  case $interface in
    '' | lo)
      echo "load-tc.sh: no interface leads to $address" >&2
      exit 1
      ;;
  esac
  tc qdisc add dev "$interface" clsact 2>/dev/null || true
  # The host's end: what comes in there comes from the pod.
  tc filter replace dev "$interface" ingress protocol all pref 49 handle 1 bpf da pinned "$directory/from_pod"
  tc filter replace dev "$interface" egress protocol all pref 49 handle 1 bpf da pinned "$directory/to_pod"
done
rm -rf "$directory+old"
