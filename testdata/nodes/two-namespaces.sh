#!/bin/sh
# A node and one of its pods as network namespaces, `worker-1` and `db-0`, to try rules in. Takes root.
#
# usage: two-namespaces.sh [remove]
set -eu
for name in worker-1 db-0; do ip netns del "$name" 2>/dev/null || true; done
[ "${1:-}" = remove ] && exit 0

ip netns add worker-1
ip netns add db-0
ip -n worker-1 link set lo up
ip -n worker-1 link add vdb type veth peer name eth0 netns db-0
ip -n worker-1 link set vdb address ee:ee:ee:ee:ee:ee up
ip -n worker-1 addr add 10.244.1.1/32 dev vdb
ip -n worker-1 route add 10.244.1.11 dev vdb
ip -n db-0 link set eth0 up
ip -n db-0 addr add 10.244.1.11/32 dev eth0
ip -n db-0 route add 10.244.1.1 dev eth0
ip -n db-0 route add default via 10.244.1.1
