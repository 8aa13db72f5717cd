// SPDX-License-Identifier: Apache-2.0
//
// Runs a pinned netfilter program on packets, without a network: bpf_prog_test_run.
//
// usage: run DIRECTORY [REPEAT] < packets
// Each line is a hook (1 input, 2 forward), what connection tracking says (the setting of the
// program built for tests), and an Ethernet frame in hexadecimal. Prints `accept` or `drop` for
// each, and with REPEAT the nanoseconds that one run took.

#include <bpf/bpf.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int count, char **words)
{
	char path[512], *line = NULL, *at;
	size_t room = 0;
	uint32_t key = 1, last = ~0u, repeat = count > 2 ? atoi(words[2]) : 1;
	if (count < 2)
		return 2;
	snprintf(path, sizeof(path), "%s/portolan", words[1]);
	int program = bpf_obj_get(path);
	snprintf(path, sizeof(path), "%s/settings", words[1]);
	int settings = bpf_obj_get(path);
	if (program < 0 || settings < 0) {
		fprintf(stderr, "run: %s: %s\n", path, strerror(errno));
		return 1;
	}
	while (getline(&line, &room, stdin) > 0) {
		uint8_t frame[512];
		uint32_t length = 0, hook = strtoul(line, &at, 10), tracking = strtoul(at, &at, 10);
		for (at++; at[0] > ' ' && at[1] > ' ' && length < sizeof(frame); at += 2) {
			char byte[3] = { at[0], at[1], 0 };
			frame[length++] = strtoul(byte, NULL, 16);
		}
		// nf_hook_state: the hook, and the family.
		uint8_t state[2] = { hook, frame[12] == 8 ? 2 : 10 };
		LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = length,
			    .ctx_in = state, .ctx_size_in = sizeof(state), .repeat = repeat);
		if (tracking != last)
			bpf_map_update_elem(settings, &key, &tracking, 0);
		last = tracking;
		if (bpf_prog_test_run_opts(program, &options)) {
			fprintf(stderr, "run: %s: %s", strerror(errno), line);
			return 1;
		}
		printf("%s", options.retval == 1 ? "accept" : "drop");
		if (repeat > 1)
			printf(" %u", options.duration);
		printf("\n");
	}
	return 0;
}
