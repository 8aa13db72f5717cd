// SPDX-License-Identifier: Apache-2.0
//
// Loads the bundle it lies in into the kernel, for the network namespace it runs in, and pins all
// of it, so that nothing has to go on running. Needs libbpf: cc -O2 -o loader loader.c -lbpf

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/netfilter.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the maps of a bundle are for little-endian machines"
#endif

static const char usage[] =
	"usage: loader COMMAND DIRECTORY [tc]\n"
	"  load     loads the bundle in the current directory, or replaces what is loaded\n"
	"  prepare  the first half of it: maps to fill, in DIRECTORY/next\n"
	"  flip     the second half: packets go by what is in them\n"
	"  unload   takes all of it away\n"
	"  status   says what is loaded, and counts\n"
	"  report   prints packets as they are dropped, until it is stopped\n"
	"DIRECTORY is in a BPF file system, such as /sys/fs/bpf/portolan/worker-1\n"
	"tc: the classifiers for kernels before 6.4; `tc` attaches them\n";

// Of libbpf's and the kernel's headers these are newer than the oldest that this is built with.
enum { PROGRAM_TYPE_NETFILTER = 32, ATTACH_NETFILTER = 45, COMMAND_LINK_CREATE = 28 };
enum { HOOK_INPUT = 1, HOOK_FORWARD = 2 };
// After destination NAT (-100) and before source NAT (100). Each program at a hook has its own.
enum { PRIORITY = -1, LAST_PRIORITY = -16 };

enum { ADDRESSES4, ADDRESSES6, POLICY, COUNTERS, TABLES };

// The maps of one generation. Sizes are in bytes, as in portolan.bpf.c.
static const struct {
	const char *name;
	enum bpf_map_type type;
	uint32_t key, value, flags;
} tables[TABLES] = {
	{ "addresses4", BPF_MAP_TYPE_LPM_TRIE, 8, 20, BPF_F_NO_PREALLOC },
	{ "addresses6", BPF_MAP_TYPE_LPM_TRIE, 20, 20, BPF_F_NO_PREALLOC },
	{ "policy", BPF_MAP_TYPE_LPM_TRIE, 16, 4, BPF_F_NO_PREALLOC },
	{ "counters", BPF_MAP_TYPE_PERCPU_HASH, 4, 8, 0 },
};

static const char *const shared[] = { "generation", "verdicts", "settings", "reports" };

static const struct {
	const char *name;
	uint32_t family, hook;
} links[] = {
	{ "link_forward4", NFPROTO_IPV4, HOOK_FORWARD },
	{ "link_forward6", NFPROTO_IPV6, HOOK_FORWARD },
	{ "link_input4", NFPROTO_IPV4, HOOK_INPUT },
	{ "link_input6", NFPROTO_IPV6, HOOK_INPUT },
};

enum { WORD_SLOT = 1 };

static const char *const netfilter_programs[] = { "portolan", NULL };
static const char *const tc_programs[] = { "from_pod", "to_pod", NULL };
// What is loaded: the programs for netfilter, which links attach, or those for tc.
static const char *const *programs = netfilter_programs;

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void stop(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	fprintf(stderr, "loader: ");
	vfprintf(stderr, format, arguments);
	fprintf(stderr, "\n");
	va_end(arguments);
	exit(1);
}

static void check(int result, const char *what, const char *name)
{
	if (result < 0)
		stop("cannot %s %s: %s", what, name, strerror(errno));
}

struct path {
	char name[512];
};

static struct path in(const char *directory, const char *name)
{
	struct path path;
	int length = snprintf(path.name, sizeof(path.name), "%s/%s", directory, name);
	if (length >= (int)sizeof(path.name))
		stop("the name of `%s` is too long", directory);
	return path;
}

// --- What the bundle says ----------------------------------------------------------------------

struct entries {
	uint32_t count;
	uint8_t *keys, *values;
};

// Hexadecimal bytes after a word, and where they end.
static char *read_bytes(char *from, const char *word, uint8_t *to, uint32_t count)
{
	char *at = from ? strstr(from, word) : NULL;
	if (!at)
		return NULL;
	at += strlen(word);
	for (uint32_t i = 0; i < count; i++) {
		char *end;
		unsigned long byte = strtoul(at, &end, 16);
		if (end == at || byte > 255)
			return NULL;
		to[i] = byte;
		at = end;
	}
	return at;
}

// The lines of a file for `bpftool batch`.
static struct entries read_file(const char *name, uint32_t key, uint32_t value)
{
	struct entries entries = { 0 };
	size_t room = 0, length = 0;
	char *line = NULL;
	FILE *file = fopen(name, "r");
	if (!file)
		stop("cannot open %s: %s", name, strerror(errno));
	for (int number = 1; getline(&line, &length, file) >= 0; number++) {
		if (line[0] == '#' || line[0] == '\n')
			continue;
		if (entries.count == room) {
			room = room ? 2 * room : 1024;
			entries.keys = realloc(entries.keys, room * key);
			entries.values = realloc(entries.values, room * value);
			if (!entries.keys || !entries.values)
				stop("not enough memory for %s", name);
		}
		char *end = read_bytes(line, " key hex ", entries.keys + entries.count * key, key);
		end = read_bytes(end, " value hex ", entries.values + entries.count * value, value);
		if (!end || *end != '\n')
			stop("%s:%d is not an entry", name, number);
		entries.count++;
	}
	free(line);
	fclose(file);
	return entries;
}

static struct entries read_table(int table)
{
	if (table != COUNTERS)
		return read_file(table == ADDRESSES4 ? "addresses4.batch" :
				 table == ADDRESSES6 ? "addresses6.batch" :
						       "policy.batch",
				 tables[table].key, tables[table].value);
	// One for each rule: they are numbered from 1.
	struct entries policy = read_table(POLICY), counters = { 0 };
	for (uint32_t i = 0; i < policy.count; i++) {
		uint32_t rule;
		memcpy(&rule, policy.values + i * sizeof(rule), sizeof(rule));
		if (rule > counters.count)
			counters.count = rule;
	}
	counters.keys = calloc(counters.count + 1, sizeof(uint32_t));
	if (!counters.keys)
		stop("not enough memory for the counters");
	for (uint32_t i = 0; i < counters.count; i++)
		((uint32_t *)counters.keys)[i] = i + 1;
	return counters;
}

// --- Maps --------------------------------------------------------------------------------------

static int make_map(int table, uint32_t entries)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = tables[table].flags);
	int map = bpf_map_create(tables[table].type, tables[table].name, tables[table].key,
				 tables[table].value, entries ? entries : 1, &options);
	check(map, "make the map", tables[table].name);
	return map;
}

static void fill(int map, int table, const struct entries *entries)
{
	LIBBPF_OPTS(bpf_map_batch_opts, options);
	uint32_t count = entries->count;
	if (!count)
		return;
	if (table == COUNTERS) {
		// Each CPU counts for itself.
		uint64_t *zeros = calloc(libbpf_num_possible_cpus(), sizeof(*zeros));
		for (uint32_t i = 0; zeros && i < count; i++)
			check(bpf_map_update_elem(map, (uint32_t *)entries->keys + i, zeros, 0),
			      "fill", "counters");
		free(zeros);
		return;
	}
	check(bpf_map_update_batch(map, entries->keys, entries->values, &count, &options), "fill",
	      tables[table].name);
	if (count != entries->count)
		stop("%u of %u entries fit into %s", count, entries->count, tables[table].name);
}

// --- The program -------------------------------------------------------------------------------

static struct bpf_object *load_programs(void)
{
	const char *file = programs == tc_programs ? "portolan.tc.o" : "portolan.bpf.o";
	struct bpf_object *object = bpf_object__open_file(file, NULL);
	if (!object)
		stop("cannot open %s: %s", file, strerror(errno));
	struct bpf_program *found = bpf_object__find_program_by_name(object, programs[0]);
	if (!found)
		stop("%s has no program %s", file, programs[0]);
	if (programs == netfilter_programs) {
		bpf_program__set_type(found, (enum bpf_prog_type)PROGRAM_TYPE_NETFILTER);
		bpf_program__set_expected_attach_type(found, (enum bpf_attach_type)ATTACH_NETFILTER);
	}
	if (bpf_object__load(object))
		stop("the kernel does not take the program: %s (it takes Linux 6.4, and for tc 6.1)",
		     strerror(errno));
	return object;
}

static int program_of(struct bpf_object *object, const char *name)
{
	return bpf_program__fd(bpf_object__find_program_by_name(object, name));
}

// Two programs of the same instructions have the same tag.
static int same_program(int one, int other)
{
	struct bpf_prog_info infos[2] = { 0 };
	uint32_t length = sizeof(*infos);
	check(bpf_obj_get_info_by_fd(one, &infos[0], &length), "ask about", "the program");
	length = sizeof(*infos);
	check(bpf_obj_get_info_by_fd(other, &infos[1], &length), "ask about", "the program");
	return !memcmp(infos[0].tag, infos[1].tag, sizeof(infos[0].tag));
}

static void pin(int fd, const char *directory, const char *name)
{
	struct path path = in(directory, name);
	check(bpf_obj_pin(fd, path.name), "pin", path.name);
}

static int pinned(const char *directory, const char *name)
{
	struct path path = in(directory, name);
	int fd = bpf_obj_get(path.name);
	check(fd, "open", path.name);
	return fd;
}

// At the first priority that no other program has.
static int attach_to(int program, uint32_t family, uint32_t hook)
{
	for (int priority = PRIORITY; priority >= LAST_PRIORITY; priority--) {
		struct {
			uint32_t program, target, type, flags, family, hook;
			int32_t priority;
			uint32_t link_flags, unused[20];
		} attributes = { .program = program,
				 .type = ATTACH_NETFILTER,
				 .family = family,
				 .hook = hook,
				 .priority = priority };
		int link = syscall(SYS_bpf, COMMAND_LINK_CREATE, &attributes, sizeof(attributes));
		if (link >= 0 || errno != EBUSY)
			return link;
	}
	return -1;
}

static void attach(int program, const char *directory)
{
	for (unsigned int i = 0; i < COUNT(links); i++) {
		int link = attach_to(program, links[i].family, links[i].hook);
		check(link, "attach", links[i].name);
		pin(link, directory, links[i].name);
		close(link);
	}
}

// --- Generations -------------------------------------------------------------------------------

static volatile uint32_t *word_of(const char *directory)
{
	void *word = mmap(NULL, getpagesize(), PROT_READ | PROT_WRITE, MAP_SHARED,
			  pinned(directory, "generation"), 0);
	if (word == MAP_FAILED)
		stop("cannot map the generation: %s", strerror(errno));
	return word;
}

static void put_one(const char *directory, int table, uint32_t slot, int map)
{
	int outer = pinned(directory, tables[table].name);
	check(bpf_map_update_elem(outer, &slot, &map, 0), "put in place", tables[table].name);
	close(outer);
}

static void put(const char *directory, uint32_t slot, const int maps[TABLES])
{
	for (int table = 0; table < TABLES; table++)
		put_one(directory, table, slot, maps[table]);
}

// Packets go by new maps. One store decides; then every packet that went by the old ones is
// waited for, and the old ones are let go.
static void flip(const char *directory, const int maps[TABLES])
{
	struct entries entries = read_file("generation.batch", 4, 4);
	uint32_t modes;
	if (entries.count != 1)
		stop("generation.batch does not say one thing");
	memcpy(&modes, entries.values, sizeof(modes));
	volatile uint32_t *word = word_of(directory);
	uint32_t old = *word & WORD_SLOT, new = !old;
	put(directory, new, maps);
	__atomic_store_n(word, (modes & ~WORD_SLOT) | new, __ATOMIC_RELEASE);
	// The kernel waits for all packets on their way when a map in a map is replaced. One in use is
	// replaced by itself, so that this is before the other slot changes.
	put_one(directory, POLICY, new, maps[POLICY]);
	put(directory, old, maps);
}

static void remove_all(const char *directory, int with_directory)
{
	for (unsigned int i = 0; i < COUNT(links); i++)
		unlink(in(directory, links[i].name).name);
	for (int i = 0; netfilter_programs[i]; i++)
		unlink(in(directory, netfilter_programs[i]).name);
	for (int i = 0; tc_programs[i]; i++)
		unlink(in(directory, tc_programs[i]).name);
	for (unsigned int i = 0; i < COUNT(shared); i++)
		unlink(in(directory, shared[i]).name);
	for (int table = 0; table < TABLES; table++)
		unlink(in(directory, tables[table].name).name);
	if (with_directory && rmdir(directory) && errno != ENOENT)
		stop("cannot remove %s: %s", directory, strerror(errno));
}

static void remove_next(const char *directory)
{
	struct path next = in(directory, "next");
	for (int table = 0; table < TABLES; table++)
		unlink(in(next.name, tables[table].name).name);
	rmdir(next.name);
}

// The program and what all generations share, in an empty directory.
static void pin_programs(struct bpf_object *object, const char *directory)
{
	for (unsigned int i = 0; i < COUNT(shared); i++)
		pin(bpf_object__find_map_fd_by_name(object, shared[i]), directory, shared[i]);
	for (int table = 0; table < TABLES; table++)
		pin(bpf_object__find_map_fd_by_name(object, tables[table].name), directory,
		    tables[table].name);
	for (int i = 0; programs[i]; i++)
		pin(program_of(object, programs[i]), directory, programs[i]);
}

static void prepare_maps(int maps[TABLES], int is_filled)
{
	for (int table = 0; table < TABLES; table++) {
		struct entries entries = read_table(table);
		maps[table] = make_map(table, entries.count);
		if (is_filled || table == COUNTERS)
			fill(maps[table], table, &entries);
		free(entries.keys);
		free(entries.values);
	}
}

static int is_there(const char *path)
{
	struct stat status;
	return !stat(path, &status);
}

// Where another program is until this one filters. BPF file systems allow no dots, and a node whose
// name ends so has an underscore there.
static struct path old_of(const char *directory)
{
	struct path path;
	int length = snprintf(path.name, sizeof(path.name), "%s+old", directory);
	if (length >= (int)sizeof(path.name))
		stop("the name of `%s` is too long", directory);
	return path;
}

// What is pinned last: all before it is there too.
static const char *last_pin(void)
{
	return programs == tc_programs ? "to_pod" : links[COUNT(links) - 1].name;
}

static int is_same(struct bpf_object *object, const char *directory)
{
	for (int i = 0; programs[i]; i++)
		if (!same_program(program_of(object, programs[i]), pinned(directory, programs[i])))
			return 0;
	return 1;
}

// Everything to be replaced with new maps, whatever is there: nothing, the same program, another
// one, or what an interrupted run left.
static void load(const char *directory, int maps[TABLES])
{
	struct bpf_object *object = load_programs();
	int is_whole = is_there(in(directory, last_pin()).name);
	const char *const *others = programs == tc_programs ? netfilter_programs : tc_programs;
	if (is_there(in(directory, others[0]).name))
		stop("%s holds the program of the other form: run unload.sh first", directory);
	// Another program is loaded beside this one, and both filter until the old one is gone.
	struct path old = old_of(directory);
	if (is_whole && is_same(object, directory)) {
		flip(directory, maps);
		remove_all(old.name, 1);
		bpf_object__close(object);
		return;
	}
	if (is_whole) {
		remove_all(old.name, 1);
		remove_next(directory);
		check(rename(directory, old.name), "rename", directory);
		check(mkdir(directory, 0700), "make", directory);
	} else {
		// Never came to filter, or the old one still does.
		remove_all(directory, 0);
	}
	pin_programs(object, directory);
	flip(directory, maps);
	if (programs == netfilter_programs) {
		attach(program_of(object, programs[0]), directory);
		remove_all(old.name, 1);
	}
	bpf_object__close(object);
}

// --- For people --------------------------------------------------------------------------------

static const char *const reasons[] = {
	"accepted: neither end is isolated",
	"accepted: connection tracking",
	"accepted: not policed at this hook",
	"accepted: policy",
	"dropped: nothing is loaded",
	"dropped: no IP header",
	"dropped: invalid to connection tracking",
	"dropped: an address without an entry",
	"dropped: unknown pod of this node",
	"dropped: fragment, or cut short",
	"dropped: egress policy of the source",
	"dropped: ingress policy of the destination",
};

static uint64_t total(int map, const void *key)
{
	int cpus = libbpf_num_possible_cpus();
	uint64_t *each = calloc(cpus, sizeof(*each)), sum = 0;
	if (!each || bpf_map_lookup_elem(map, key, each))
		stop("cannot read a counter: %s", strerror(errno));
	for (int i = 0; i < cpus; i++)
		sum += each[i];
	free(each);
	return sum;
}

static void status(const char *directory)
{
	uint32_t word = *word_of(directory), slot = word & WORD_SLOT, id;
	printf("slot %u, word 0x%02x\n", slot, word);
	int verdicts = pinned(directory, "verdicts");
	for (uint32_t i = 0; i < COUNT(reasons); i++)
		printf("%12llu  %s\n", (unsigned long long)total(verdicts, &i), reasons[i]);
	check(bpf_map_lookup_elem(pinned(directory, "counters"), &slot, &id), "find", "counters");
	int counters = bpf_map_get_fd_by_id(id);
	check(counters, "open", "counters");
	for (uint32_t *last = NULL, rule; !bpf_map_get_next_key(counters, last, &rule); last = &rule) {
		uint64_t count = total(counters, &rule);
		if (count)
			printf("%12llu  by rule %u\n", (unsigned long long)count, rule);
	}
}

struct denied {
	uint64_t time;
	uint8_t source[16], destination[16];
	uint32_t class;
	uint16_t port;
	uint8_t version, protocol, reason, hook, tracking, unused;
};

static int print(void *context, void *data, size_t size)
{
	const struct denied *denied = data;
	char source[INET6_ADDRSTRLEN], destination[INET6_ADDRSTRLEN];
	int family = denied->version == 4 ? AF_INET : AF_INET6;
	(void)context;
	if (size < sizeof(*denied) || denied->reason >= COUNT(reasons))
		return 0;
	inet_ntop(family, denied->source, source, sizeof(source));
	inet_ntop(family, denied->destination, destination, sizeof(destination));
	printf("%llu.%06llu %s -> %s protocol %u port %u at %s, %s", denied->time / 1000000000ull,
	       denied->time / 1000 % 1000000ull, source, destination, denied->protocol, denied->port,
	       denied->hook == HOOK_FORWARD ? "forward" : "input", reasons[denied->reason]);
	if (denied->class)
		printf(" (class %u)", denied->class);
	printf("\n");
	fflush(stdout);
	return 0;
}

static volatile uint32_t *report_setting;

static void end_report(int signal)
{
	(void)signal;
	*report_setting = 0;
	_exit(0);
}

static void report(const char *directory)
{
	uint32_t key = 0, on = 1;
	int settings = pinned(directory, "settings");
	struct ring_buffer *ring = ring_buffer__new(pinned(directory, "reports"), print, NULL, NULL);
	if (!ring)
		stop("cannot read reports: %s", strerror(errno));
	report_setting = mmap(NULL, getpagesize(), PROT_READ | PROT_WRITE, MAP_SHARED, settings, 0);
	if (report_setting == MAP_FAILED)
		stop("cannot map the settings: %s", strerror(errno));
	signal(SIGINT, end_report);
	signal(SIGTERM, end_report);
	signal(SIGPIPE, end_report);
	check(bpf_map_update_elem(settings, &key, &on, 0), "switch on", "reports");
	for (;;)
		if (ring_buffer__poll(ring, -1) < 0 && errno != EINTR)
			break;
}

// --- Commands ----------------------------------------------------------------------------------

static struct path above(const char *directory)
{
	struct path path;
	snprintf(path.name, sizeof(path.name), "%s", directory);
	char *end = strrchr(path.name, '/');
	if (!end || end == path.name)
		stop("`%s` is not the name of a directory in a BPF file system", directory);
	*end = 0;
	return path;
}

static void make_directories(const char *directory)
{
	struct path path = above(directory);
	struct statfs status;
	if (mkdir(path.name, 0700) && errno != EEXIST)
		stop("cannot make %s: %s", path.name, strerror(errno));
	check(statfs(path.name, &status), "look at", path.name);
	if (status.f_type != BPF_FS_MAGIC)
		stop("%s is not in a BPF file system: mount -t bpf bpf /sys/fs/bpf", path.name);
	if (mkdir(directory, 0700) && errno != EEXIST)
		stop("cannot make %s: %s", directory, strerror(errno));
}

// One at a time. Not the directory itself, since another program's takes its place.
static void lock(const char *directory)
{
	struct path path = above(directory);
	int parent = open(path.name, O_RDONLY | O_DIRECTORY);
	check(parent, "open", path.name);
	check(flock(parent, LOCK_EX), "lock", path.name);
}

static void load_all(const char *directory)
{
	int maps[TABLES];
	make_directories(directory);
	lock(directory);
	prepare_maps(maps, 1);
	remove_next(directory);
	load(directory, maps);
}

static void prepare(const char *directory)
{
	int maps[TABLES];
	struct path next = in(directory, "next");
	make_directories(directory);
	lock(directory);
	remove_next(directory);
	prepare_maps(maps, 0);
	check(mkdir(next.name, 0700), "make", next.name);
	for (int table = 0; table < TABLES; table++)
		pin(maps[table], next.name, tables[table].name);
}

static void flip_prepared(const char *directory)
{
	int maps[TABLES];
	lock(directory);
	for (int table = 0; table < TABLES; table++)
		maps[table] = pinned(in(directory, "next").name, tables[table].name);
	remove_next(directory);
	load(directory, maps);
}

static void unload(const char *directory)
{
	struct path parent = above(directory);
	if (!is_there(parent.name))
		return;
	lock(directory);
	remove_next(directory);
	remove_all(directory, 1);
	remove_all(old_of(directory).name, 1);
	// Stays when another node's are in it.
	rmdir(parent.name);
}

static const struct {
	const char *name;
	void (*run)(const char *directory);
} commands[] = {
	{ "load", load_all }, { "prepare", prepare }, { "flip", flip_prepared },
	{ "unload", unload }, { "status", status },   { "report", report },
};

int main(int count, char **words)
{
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	if (count == 4 && !strcmp(words[3], "tc")) {
		programs = tc_programs;
		count--;
	}
	for (unsigned int i = 0; count == 3 && i < COUNT(commands); i++) {
		if (!strcmp(words[1], commands[i].name)) {
			commands[i].run(words[2]);
			return 0;
		}
	}
	fputs(usage, stderr);
	return 2;
}
