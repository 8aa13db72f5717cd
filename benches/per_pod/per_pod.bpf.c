// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
//
// For comparison: the layout that existing agents use, a map for each pod from the peer's prefix to
// an array of 24 protocols with ports, written only to be measured.

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

char _license[] SEC("license") = "GPL";

enum { SLOTS = 24 };

struct key {
	__u32 length;
	__u8 address[4];
};

struct slots {
	struct {
		__u32 protocol, first, last;
	} of[SLOTS];
};

struct pod_map {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(key_size, sizeof(struct key));
	__uint(value_size, sizeof(struct slots));
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__array(values, struct pod_map);
} pods SEC(".maps");

struct sk_buff {
	unsigned long _nfct;
} __attribute__((preserve_access_index));

struct bpf_nf_ctx {
	const void *state;
	struct sk_buff *skb;
} __attribute__((preserve_access_index));

extern int bpf_dynptr_from_skb(struct __sk_buff *skb, __u64 flags,
			       struct bpf_dynptr *dynptr) __ksym;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *dynptr, __u32 offset, void *buffer,
			      __u32 buffer__szk) __ksym;

SEC("netfilter")
int portolan(struct bpf_nf_ctx *ctx)
{
	struct bpf_dynptr dynptr;
	__u8 buffer[24];
	__u32 state = ctx->skb->_nfct & 7;
	if ((ctx->skb->_nfct & ~7ul) && (state == 3 || state == 4))
		return 1;
	if (bpf_dynptr_from_skb((void *)ctx->skb, 0, &dynptr))
		return 0;
	__u8 *packet = bpf_dynptr_slice(&dynptr, 0, buffer, sizeof(buffer));
	if (!packet)
		return 0;
	__u32 destination;
	__builtin_memcpy(&destination, packet + 16, 4);
	void *pod = bpf_map_lookup_elem(&pods, &destination);
	if (!pod)
		return 1;
	struct key key = { .length = 32 };
	__builtin_memcpy(key.address, packet + 12, 4);
	struct slots *slots = bpf_map_lookup_elem(pod, &key);
	if (!slots)
		return 0;
	__u32 protocol = packet[9], port = packet[22] << 8 | packet[23];
	for (int i = 0; i < SLOTS; i++)
		if (slots->of[i].protocol == protocol && slots->of[i].first <= port &&
		    port <= slots->of[i].last)
			return 1;
	return 0;
}
