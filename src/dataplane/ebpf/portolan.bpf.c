// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
//
// One fixed program that enforces whatever policy its maps hold. What it does is written a second
// time, for the proof, in semantics.rs beside this file: change both or neither.
//
// Built as it is, it is a netfilter program for the hooks FORWARD and LOCAL_IN (Linux 6.4 and
// later): after destination NAT, after reassembly, with connection tracking at hand. With -DTC it
// is two classifiers for the host's end of a pod's interface, for older kernels.
//
// Nothing that is missing lets a packet through: no generation, no map, no entry, no port.

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

// Kernels give the functions used here to programs under this licence only.
char _license[] SEC("license") = "GPL";

// --- What is in the maps -----------------------------------------------------------------------

// The generation word: which slot packets go by, and what the API leaves open. All of it is in
// the lowest byte, so that no reader meets half of a change.
enum {
	WORD_SLOT = 1 << 0,
	WORD_LOADED = 1 << 1,
	WORD_REPLIES_ESTABLISHED = 1 << 2,
	WORD_INVALID_POLICY = 1 << 3,
	WORD_POD_TO_NODE_ALLOW = 1 << 4,
	WORD_UNKNOWN_LOCAL_ALLOW = 1 << 5,
};

// Who an address is. Every address has an entry: a look-up that finds none drops the packet.
struct end {
	__u32 egress_class; // as a source: what it may send; 0 is not isolated
	__u32 ingress_class; // as a destination: what it may get; 0 is not isolated
	__u32 egress_peer; // as a destination: who it is to those classes
	__u32 ingress_peer; // as a source: likewise
	__u32 flags;
};
enum { END_UNKNOWN_LOCAL = 1 << 0 };

// The protocols that policies tell apart. 0 is none of them: what cannot be read.
enum { KIND_UNREADABLE, KIND_TCP, KIND_UDP, KIND_SCTP, KIND_OTHER };
enum { EGRESS, INGRESS };

// Which halves of the policy are asked, where a packet is met.
enum { ASK_EGRESS = 1 << EGRESS, ASK_INGRESS = 1 << INGRESS };

struct address4 {
	__u32 length;
	__u8 address[4];
};

struct address6 {
	__u32 length;
	__u8 address[16];
};

// A longest prefix is found, so an entry says all there is to say of its traffic, and shorter
// ones nothing. Prefixes end after `direction`, after `kind`, or in `port`.
struct policy_key {
	__u32 length;
	__u32 class;
	__u32 peer;
	__u8 direction;
	__u8 kind;
	__be16 port;
};
enum { WHOLE_POLICY_KEY = 96 };

// What one generation consists of. The sizes here are those of a node with nothing loaded; the
// loader puts maps in that are as large as the bundle needs.
struct addresses4_map {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(key_size, sizeof(struct address4));
	__uint(value_size, sizeof(struct end));
};

struct addresses6_map {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(key_size, sizeof(struct address6));
	__uint(value_size, sizeof(struct end));
};

// The value is the number of the rule that lets the traffic through; 0 lets nothing through.
struct policy_map {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(key_size, sizeof(struct policy_key));
	__uint(value_size, sizeof(__u32));
};

struct counters_map {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u64));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u32);
} generation SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct addresses4_map);
} addresses4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct addresses6_map);
} addresses6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct policy_map);
} policy SEC(".maps");

// Packets of each rule.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct counters_map);
} counters SEC(".maps");

// Why a packet was let through or dropped; the index of `verdicts`, and part of what is reported.
enum reason {
	ACCEPT_NOT_ISOLATED,
	ACCEPT_TRACKING,
	ACCEPT_NOT_POLICED,
	ACCEPT_POLICY,
	DROP_NOT_LOADED,
	DROP_MALFORMED,
	DROP_INVALID,
	DROP_NO_ENTRY,
	DROP_UNKNOWN_LOCAL,
	DROP_UNREADABLE,
	DROP_EGRESS,
	DROP_INGRESS,
	REASONS,
};
#define IS_DROP(reason) ((reason) >= DROP_NOT_LOADED)

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, REASONS);
	__type(key, __u32);
	__type(value, __u64);
} verdicts SEC(".maps");

// 0: whether dropped packets are reported.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u32);
} settings SEC(".maps");
enum { SETTING_REPORT, SETTING_TEST_TRACKING };

// A dropped packet, for people. IPv4 addresses are the first four bytes.
struct denied {
	__u64 time;
	__u8 source[16];
	__u8 destination[16];
	__u32 class;
	__u16 port;
	__u8 version;
	__u8 protocol;
	__u8 reason;
	__u8 hook;
	__u8 tracking;
	__u8 unused;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} reports SEC(".maps");

// --- What a packet is --------------------------------------------------------------------------

enum { HOOK_INPUT = 1, HOOK_FORWARD = 2, HOOK_POD = 16 };
enum { NEW, ORIGINAL, REPLY, RELATED, INVALID, UNTRACKED };

struct packet {
	__u8 source[16] __attribute__((aligned(8))); // IPv4: the first four bytes, and zeros
	__u8 destination[16];
	__u32 offset; // of what the IP header carries
	__u32 length; // of all of it, by the IP header
	__be16 port;
	__u8 version;
	__u8 protocol;
	__u8 kind;
	__u8 discovery;
	__u8 hook;
	__u8 tracking;
};

#ifdef TC

typedef struct __sk_buff context;

static __always_inline int load(context *context, __u32 offset, void *to, __u32 length)
{
	return bpf_skb_load_bytes_relative(context, offset, to, length, BPF_HDR_START_NET);
}

#else

// Only what is used of the kernel's types; their offsets are found out when the program is loaded.
struct nf_hook_state {
	__u8 hook;
	__u8 pf;
} __attribute__((preserve_access_index));

struct sk_buff {
	unsigned long _nfct;
} __attribute__((preserve_access_index));

struct bpf_nf_ctx {
	const struct nf_hook_state *state;
	struct sk_buff *skb;
} __attribute__((preserve_access_index));

extern int bpf_dynptr_from_skb(struct __sk_buff *skb, __u64 flags,
			       struct bpf_dynptr *dynptr) __ksym;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *dynptr, __u32 offset, void *buffer,
			      __u32 buffer__szk) __ksym;

typedef const struct bpf_dynptr context;

// `length` is known to the compiler.
static __always_inline int load(context *context, __u32 offset, void *to, __u32 length)
{
	void *from = bpf_dynptr_slice(context, offset, to, length);
	if (!from)
		return -1;
	if (from != to)
		__builtin_memcpy(to, from, length);
	return 0;
}

#endif

enum { TCP = 6, UDP = 17, ICMPV6 = 58, SCTP = 132 };

// Neighbour and multicast listener discovery.
static __always_inline int is_discovery(__u8 type)
{
	return (type >= 130 && type <= 136) || type == 143;
}

// What the IP header carries. A fragment carries nothing that can be read.
static __always_inline void read_transport(context *context, struct packet *packet)
{
	__be16 ports[2];
	__u8 type;
	switch (packet->protocol) {
	case TCP:
	case UDP:
	case SCTP:
		if (packet->offset + sizeof(ports) > packet->length ||
		    load(context, packet->offset, ports, sizeof(ports)))
			return;
		packet->port = ports[1];
		packet->kind = packet->protocol == TCP ? KIND_TCP :
			       packet->protocol == UDP ? KIND_UDP :
							 KIND_SCTP;
		return;
	case ICMPV6:
		if (packet->offset + sizeof(type) > packet->length ||
		    load(context, packet->offset, &type, sizeof(type)))
			return;
		packet->discovery = is_discovery(type);
		packet->kind = KIND_OTHER;
		return;
	default:
		packet->kind = KIND_OTHER;
	}
}

struct ipv4_header {
	__u8 version_and_words;
	__u8 service;
	__be16 length;
	__be16 id;
	__be16 fragment;
	__u8 ttl;
	__u8 protocol;
	__u16 checksum;
	__u8 source[4];
	__u8 destination[4];
};

struct ipv6_header {
	__u8 version;
	__u8 flow[3];
	__be16 length;
	__u8 next;
	__u8 hops;
	__u8 source[16];
	__u8 destination[16];
};

// Nonzero when there is no IPv4 header.
static __always_inline int read_ipv4(context *context, struct packet *packet)
{
	struct ipv4_header header;
	if (load(context, 0, &header, sizeof(header)))
		return -1;
	packet->offset = (header.version_and_words & 15) * 4;
	packet->length = bpf_ntohs(header.length);
	if (header.version_and_words >> 4 != 4 || packet->offset < sizeof(header) ||
	    packet->length < packet->offset)
		return -1;
	__builtin_memcpy(packet->source, header.source, 4);
	__builtin_memcpy(packet->destination, header.destination, 4);
	packet->protocol = header.protocol;
	// More fragments, or not the first.
	if (header.fragment & bpf_htons(0x3fff))
		return 0;
	read_transport(context, packet);
	return 0;
}

enum { HOP_BY_HOP = 0, ROUTING = 43, FRAGMENT = 44, AUTHENTICATION = 51, OPTIONS = 60 };
enum { MOST_EXTENSIONS = 8 };

// Nonzero when there is no IPv6 header.
static __always_inline int read_ipv6(context *context, struct packet *packet)
{
	struct ipv6_header header;
	if (load(context, 0, &header, sizeof(header)) || header.version >> 4 != 6)
		return -1;
	__builtin_memcpy(packet->source, header.source, 16);
	__builtin_memcpy(packet->destination, header.destination, 16);
	packet->offset = sizeof(header);
	packet->length = sizeof(header) + bpf_ntohs(header.length);
	packet->protocol = header.next;
	for (int i = 0; i < MOST_EXTENSIONS; i++) {
		struct {
			__u8 next;
			__u8 length;
			__be16 fragment;
			__u8 rest[4];
		} extension;
		switch (packet->protocol) {
		case HOP_BY_HOP:
		case ROUTING:
		case FRAGMENT:
		case AUTHENTICATION:
		case OPTIONS:
			break;
		default:
			read_transport(context, packet);
			return 0;
		}
		if (packet->offset + sizeof(extension) > packet->length ||
		    load(context, packet->offset, &extension, sizeof(extension)))
			return 0;
		if (packet->protocol == FRAGMENT) {
			// More fragments, or not the first. A fragment that is all of it is none.
			if (extension.fragment & bpf_htons(0xfff9))
				return 0;
			packet->offset += 8;
		} else if (packet->protocol == AUTHENTICATION) {
			packet->offset += (extension.length + 2) * 4;
		} else {
			packet->offset += (extension.length + 1) * 8;
		}
		packet->protocol = extension.next;
	}
	return 0;
}

// --- What becomes of it ------------------------------------------------------------------------

static __always_inline const struct end *find4(void *map, const __u8 *address)
{
	struct address4 key = { .length = 32 };
	__builtin_memcpy(key.address, address, 4);
	return bpf_map_lookup_elem(map, &key);
}

static __always_inline const struct end *find6(void *map, const __u8 *address)
{
	struct address6 key = { .length = 128 };
	__builtin_memcpy(key.address, address, 16);
	return bpf_map_lookup_elem(map, &key);
}

static __always_inline int same_ends(const struct packet *packet)
{
	__u64 source[2], destination[2];
	__builtin_memcpy(source, packet->source, sizeof(source));
	__builtin_memcpy(destination, packet->destination, sizeof(destination));
	return source[0] == destination[0] && source[1] == destination[1];
}

// Whether a class lets the packet through to or from a peer.
static __always_inline int lets_through(__u32 slot, const struct packet *packet, __u32 class,
					__u32 peer, __u8 direction)
{
	void *map = bpf_map_lookup_elem(&policy, &slot);
	struct policy_key key = {
		.length = WHOLE_POLICY_KEY,
		.class = class,
		.peer = peer,
		.direction = direction,
		.kind = packet->kind,
		.port = packet->port,
	};
	__u32 *rule = map ? bpf_map_lookup_elem(map, &key) : 0;
	if (!rule || !*rule)
		return 0;
	map = bpf_map_lookup_elem(&counters, &slot);
	__u64 *count = map ? bpf_map_lookup_elem(map, rule) : 0;
	if (count)
		(*count)++;
	return 1;
}

static __always_inline enum reason decide(context *context, struct packet *packet, int halves,
					   __u32 *class)
{
	__u32 zero = 0;
	__u32 *found = bpf_map_lookup_elem(&generation, &zero);
	__u32 word = found ? *(volatile __u32 *)found : 0;
	__u32 slot = word & WORD_SLOT;
	if (!(word & WORD_LOADED))
		return DROP_NOT_LOADED;
	if (packet->tracking == REPLY || packet->tracking == RELATED)
		return ACCEPT_TRACKING;
	if (packet->tracking == ORIGINAL && (word & WORD_REPLIES_ESTABLISHED))
		return ACCEPT_TRACKING;
	if (packet->tracking == INVALID && packet->hook == HOOK_FORWARD &&
	    !(word & WORD_INVALID_POLICY))
		return DROP_INVALID;
	if (packet->hook == HOOK_INPUT && (word & WORD_POD_TO_NODE_ALLOW))
		return ACCEPT_NOT_POLICED;
	const struct end *source = 0, *destination = 0;
	if (packet->version == 4) {
		if (read_ipv4(context, packet))
			return DROP_MALFORMED;
		void *map = bpf_map_lookup_elem(&addresses4, &slot);
		if (map) {
			source = find4(map, packet->source);
			destination = find4(map, packet->destination);
		}
	} else {
		if (read_ipv6(context, packet))
			return DROP_MALFORMED;
		void *map = bpf_map_lookup_elem(&addresses6, &slot);
		if (map) {
			source = find6(map, packet->source);
			destination = find6(map, packet->destination);
		}
	}
	if (packet->hook != HOOK_FORWARD && packet->discovery)
		return ACCEPT_NOT_POLICED;
	if (!source || !destination)
		return DROP_NO_ENTRY;
	if (packet->hook == HOOK_FORWARD && !(word & WORD_UNKNOWN_LOCAL_ALLOW) &&
	    ((source->flags | destination->flags) & END_UNKNOWN_LOCAL))
		return DROP_UNKNOWN_LOCAL;
	__u32 egress = halves & ASK_EGRESS ? source->egress_class : 0;
	__u32 ingress = halves & ASK_INGRESS ? destination->ingress_class : 0;
	if (!egress && !ingress)
		return ACCEPT_NOT_ISOLATED;
	// A Service can lead a pod back to it, and nothing keeps it from itself.
	if (same_ends(packet))
		return ACCEPT_POLICY;
	// An entry for all traffic would match it too.
	if (packet->kind == KIND_UNREADABLE)
		return DROP_UNREADABLE;
	*class = egress;
	if (egress && !lets_through(slot, packet, egress, destination->egress_peer, EGRESS))
		return DROP_EGRESS;
	*class = ingress;
	if (ingress && !lets_through(slot, packet, ingress, source->ingress_peer, INGRESS))
		return DROP_INGRESS;
	return ACCEPT_POLICY;
}

static __always_inline void report(const struct packet *packet, enum reason reason, __u32 class)
{
	__u32 setting = SETTING_REPORT;
	__u32 *wanted = bpf_map_lookup_elem(&settings, &setting);
	if (!wanted || !*wanted)
		return;
	struct denied *denied = bpf_ringbuf_reserve(&reports, sizeof(*denied), 0);
	if (!denied)
		return;
	denied->time = bpf_ktime_get_ns();
	__builtin_memcpy(denied->source, packet->source, 16);
	__builtin_memcpy(denied->destination, packet->destination, 16);
	denied->class = class;
	denied->port = bpf_ntohs(packet->port);
	denied->version = packet->version;
	denied->protocol = packet->protocol;
	denied->reason = reason;
	denied->hook = packet->hook;
	denied->tracking = packet->tracking;
	denied->unused = 0;
	bpf_ringbuf_submit(denied, 0);
}

// Nonzero when the packet goes on.
static __always_inline int passes(context *context, struct packet *packet, int halves)
{
	__u32 class = 0;
	__u32 reason = decide(context, packet, halves, &class);
	__u64 *count = bpf_map_lookup_elem(&verdicts, &reason);
	if (count)
		(*count)++;
	if (!IS_DROP(reason))
		return 1;
	report(packet, reason, class);
	return 0;
}

// --- Where it is met ---------------------------------------------------------------------------

#ifndef TC

enum { ESTABLISHED, RELATED_ORIGINAL, FIRST, ESTABLISHED_REPLY, RELATED_REPLY, NOT_TRACKED = 7 };

static __always_inline __u8 tracking_of(unsigned long nfct)
{
#ifdef TRACKING_FROM_SETTINGS
	// For tests: what the kernel runs without a network has no connection.
	(void)nfct;
	__u32 setting = SETTING_TEST_TRACKING;
	__u32 *wanted = bpf_map_lookup_elem(&settings, &setting);
	return wanted ? *wanted : INVALID;
#else
	__u8 state = nfct & 7;
	if (!(nfct & ~7ul))
		return state == NOT_TRACKED ? UNTRACKED : INVALID;
	switch (state) {
	case ESTABLISHED:
		return ORIGINAL;
	case RELATED_ORIGINAL:
	case RELATED_REPLY:
		return RELATED;
	case FIRST:
		return NEW;
	case ESTABLISHED_REPLY:
		return REPLY;
	default:
		return INVALID;
	}
#endif
}

enum { NF_DROP, NF_ACCEPT };
enum { NFPROTO_IPV4 = 2 };

SEC("netfilter")
int portolan(struct bpf_nf_ctx *ctx)
{
	struct packet packet = {
		.version = ctx->state->pf == NFPROTO_IPV4 ? 4 : 6,
		.hook = ctx->state->hook,
		.tracking = tracking_of(ctx->skb->_nfct),
	};
	struct bpf_dynptr dynptr;
	if (bpf_dynptr_from_skb((void *)ctx->skb, 0, &dynptr))
		return NF_DROP;
	return passes(&dynptr, &packet, ASK_EGRESS | ASK_INGRESS) ? NF_ACCEPT : NF_DROP;
}

#else

// At the host's end of a pod's interface it is not known whether a packet goes to the node or on,
// nor what destination NAT will make of it, nor what a fragment belongs to. Connections are looked
// up, which kernels can do for TCP and UDP only. docs/dataplanes/ebpf.md says what follows.

struct bpf_ct_opts {
	__s32 netns_id;
	__s32 error;
	__u8 l4proto;
	__u8 dir;
	__u8 reserved[2];
};

struct nf_conn {
	unsigned long status;
} __attribute__((preserve_access_index));

extern struct nf_conn *bpf_skb_ct_lookup(struct __sk_buff *skb, struct bpf_sock_tuple *tuple,
					 __u32 tuple__sz, struct bpf_ct_opts *opts,
					 __u32 opts__sz) __ksym;
extern void bpf_ct_release(struct nf_conn *connection) __ksym;

enum { DIRECTION_REPLY = 1 };

// Ports as they are in the packet, after its IP header: what `read_ipv4` and `read_ipv6` found.
static __always_inline __u8 tracking_of(context *context, const struct packet *packet)
{
	struct bpf_ct_opts options = { .netns_id = -1, .l4proto = packet->protocol };
	struct bpf_sock_tuple tuple = {};
	struct nf_conn *connection;
	__be16 ports[2];
	if (packet->kind != KIND_TCP && packet->kind != KIND_UDP)
		return NEW;
	if (load(context, packet->offset, ports, sizeof(ports)))
		return NEW;
	if (packet->version == 4) {
		__builtin_memcpy(&tuple.ipv4.saddr, packet->source, 4);
		__builtin_memcpy(&tuple.ipv4.daddr, packet->destination, 4);
		tuple.ipv4.sport = ports[0];
		tuple.ipv4.dport = ports[1];
		connection = bpf_skb_ct_lookup(context, &tuple, sizeof(tuple.ipv4), &options,
					       sizeof(options));
	} else {
		__builtin_memcpy(&tuple.ipv6.saddr, packet->source, 16);
		__builtin_memcpy(&tuple.ipv6.daddr, packet->destination, 16);
		tuple.ipv6.sport = ports[0];
		tuple.ipv6.dport = ports[1];
		connection = bpf_skb_ct_lookup(context, &tuple, sizeof(tuple.ipv6), &options,
					       sizeof(options));
	}
	if (!connection)
		return NEW;
	bpf_ct_release(connection);
	return options.dir == DIRECTION_REPLY ? REPLY : ORIGINAL;
}

enum { TC_PASS = 0, TC_DROP = 2 };
enum { ETHERNET_IPV4 = 0x0800, ETHERNET_IPV6 = 0x86dd };

static __always_inline int classify(context *context, int halves)
{
	struct packet packet = { .hook = HOOK_POD };
	int failed;
	if (context->protocol == bpf_htons(ETHERNET_IPV4)) {
		packet.version = 4;
		failed = read_ipv4(context, &packet);
	} else if (context->protocol == bpf_htons(ETHERNET_IPV6)) {
		packet.version = 6;
		failed = read_ipv6(context, &packet);
	} else {
		// Address resolution, and what is not IP at all.
		return TC_PASS;
	}
	packet.tracking = failed ? NEW : tracking_of(context, &packet);
	return passes(context, &packet, halves) ? TC_PASS : TC_DROP;
}

SEC("tc")
int from_pod(struct __sk_buff *context)
{
	return classify(context, ASK_EGRESS);
}

SEC("tc")
int to_pod(struct __sk_buff *context)
{
	// What the node itself sends to its pods is not policed.
	if (!context->ingress_ifindex)
		return TC_PASS;
	return classify(context, ASK_INGRESS);
}

#endif
