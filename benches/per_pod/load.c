// SPDX-License-Identifier: Apache-2.0
//
// usage: load OBJECT PIN PODS PEERS FIRST_POD FIRST_PEER
// Loads per_pod.bpf.o, fills a map for each pod, attaches where packets leave, and pins the link.

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct key {
	uint32_t length, address;
};

struct slots {
	struct {
		uint32_t protocol, first, last;
	} of[24];
};

int main(int count, char **words)
{
	if (count != 7)
		return 2;
	uint32_t pods = atoi(words[3]), peers = atoi(words[4]) / pods;
	uint32_t first_pod = strtoul(words[5], NULL, 0), first_peer = strtoul(words[6], NULL, 0);
	struct bpf_object *object = bpf_object__open_file(words[1], NULL);
	struct bpf_program *program = bpf_object__find_program_by_name(object, "portolan");
	bpf_program__set_type(program, (enum bpf_prog_type)32);
	bpf_program__set_expected_attach_type(program, (enum bpf_attach_type)45);
	if (bpf_object__load(object))
		return 1;
	int outer = bpf_object__find_map_fd_by_name(object, "pods");
	struct key *keys = calloc(peers, sizeof(*keys));
	struct slots *values = calloc(peers, sizeof(*values));
	for (uint32_t pod = 0; pod < pods; pod++) {
		LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_NO_PREALLOC);
		LIBBPF_OPTS(bpf_map_batch_opts, batch);
		int map = bpf_map_create(BPF_MAP_TYPE_LPM_TRIE, "pod", 8, sizeof(*values), peers, &options);
		for (uint32_t i = 0; i < peers; i++) {
			keys[i] = (struct key){ 32, htonl(first_peer + 2 * (pod * peers + i)) };
			for (int slot = 0; slot < 24; slot++)
				values[i].of[slot].protocol = 255;
			values[i].of[0].protocol = values[i].of[1].protocol = 17;
			values[i].of[0].first = values[i].of[0].last = 8080;
			values[i].of[1].first = 9000;
			values[i].of[1].last = 9100;
		}
		uint32_t n = peers, address = htonl(first_pod + pod);
		if (map < 0 || bpf_map_update_batch(map, keys, values, &n, &batch) ||
		    bpf_map_update_elem(outer, &address, &map, 0))
			return 1;
		close(map);
	}
	struct {
		uint32_t program, target, type, flags, family, hook;
		int32_t priority;
		uint32_t unused[21];
	} attributes = { bpf_program__fd(program), 0, 45, 0, 2, 3, -1, { 0 } };
	int link = syscall(SYS_bpf, 28, &attributes, sizeof(attributes));
	char path[512];
	snprintf(path, sizeof(path), "%s/link", words[2]);
	return link < 0 || bpf_obj_pin(link, path);
}
