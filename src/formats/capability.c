#include "capability.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

#define REVISION 0x02000000u
#define EFFECTIVE 1u

/* The numbers of capabilities(7), from 0 on. */
static const char *const names[] = { "chown", "dac_override", "dac_read_search", "fowner", "fsetid",
	"kill", "setgid", "setuid", "setpcap", "linux_immutable", "net_bind_service",
	"net_broadcast", "net_admin", "net_raw", "ipc_lock", "ipc_owner", "sys_module", "sys_rawio",
	"sys_chroot", "sys_ptrace", "sys_pacct", "sys_admin", "sys_boot", "sys_nice",
	"sys_resource", "sys_time", "sys_tty_config", "mknod", "lease", "audit_write",
	"audit_control", "setfcap", "mac_override", "mac_admin", "syslog", "wake_alarm",
	"block_suspend", "audit_read", "perfmon", "bpf", "checkpoint_restore" };

struct sets {
	uint64_t permitted, inheritable, effective;
};

/* The bit of one name, all known ones for "all", 0 for what is none. */
static uint64_t bit(const char *name)
{
	const char *bare = strncasecmp(name, "cap_", 4) ? name : name + 4;
	size_t digits = strspn(name, "0123456789");

	if (digits && !name[digits]) {
		unsigned long n = strtoul(name, NULL, 10);

		return n < 64 ? (uint64_t)1 << n : 0;
	}
	if (!strcasecmp(name, "all"))
		return ((uint64_t)1 << countof(names)) - 1;
	for (size_t i = 0; i < countof(names); i++) {
		if (!strcasecmp(bare, names[i]))
			return (uint64_t)1 << i;
	}
	return 0;
}

static int add_names(const char *text, size_t n, uint64_t *mask, struct err *err)
{
	const char *end = text + n;

	for (;;) {
		const char *comma = memchr(text, ',', (size_t)(end - text));
		const char *stop = comma ? comma : end;
		scratch char *name = xstrndup(text, (size_t)(stop - text));
		uint64_t one = bit(name);

		if (!one)
			return err_set(err, ERR_INPUT,
				"unknown capability: \"%s\"; see capabilities(7)", name);
		*mask |= one;
		if (!comma)
			return 0;
		text = comma + 1;
	}
}

static void act(uint64_t *set, uint64_t mask, char action)
{
	if (action == '-')
		*set &= ~mask;
	else
		*set |= mask;
}

static int apply(
	struct sets *sets, uint64_t mask, const char *actions, const char *term, struct err *err)
{
	char action = '+';

	for (const char *p = actions; *p; p++) {
		switch (*p) {
		case '=':
			sets->permitted &= ~mask;
			sets->inheritable &= ~mask;
			sets->effective &= ~mask;
			action = '+';
			break;
		case '+':
		case '-':
			action = *p;
			break;
		case 'p':
			act(&sets->permitted, mask, action);
			break;
		case 'i':
			act(&sets->inheritable, mask, action);
			break;
		case 'e':
			act(&sets->effective, mask, action);
			break;
		default:
			return err_set(err, ERR_INPUT,
				"capability \"%s\": unknown flag '%c'; there are p, i and e", term,
				*p);
		}
	}
	return 0;
}

static int parse_term(struct sets *sets, const char *term, struct err *err)
{
	size_t n = strcspn(term, "+-=");
	uint64_t mask = 0;

	if (!n && *term == '=')
		mask = bit("all");
	else if (add_names(term, n, &mask, err))
		return -1;
	return apply(sets, mask, term[n] ? term + n : "+p", term, err);
}

static void put32(unsigned char *p, uint64_t n)
{
	for (int i = 0; i < 4; i++)
		p[i] = (unsigned char)(n >> 8 * i);
}

int capability_parse(struct capability *capability, const struct strs *terms, struct err *err)
{
	struct sets sets = { 0 };

	*capability = (struct capability){ 0 };
	for (size_t i = 0; i < terms->n; i++) {
		if (parse_term(&sets, terms->v[i], err))
			return -1;
	}
	capability->any = sets.permitted || sets.inheritable;
	put32(capability->xattr, REVISION | (sets.effective ? EFFECTIVE : 0));
	put32(capability->xattr + 4, sets.permitted);
	put32(capability->xattr + 8, sets.inheritable);
	put32(capability->xattr + 12, sets.permitted >> 32);
	put32(capability->xattr + 16, sets.inheritable >> 32);
	return 0;
}
