/* Capabilities: terms as setcap and Docker have them, to the bytes that Linux stores. */
#include "formats/capability.h"

#include "base/mem.h"
#include "tap.h"

/* The bytes in hexadecimal, "" for none, the error's text when there was one. */
static const char *xattr_of(const char *text)
{
	static struct err err;
	static char hex[2 * CAPABILITY_SIZE + 1];
	cleanup(strs_release) struct strs terms = { 0 };
	struct capability capability;

	strs_split(&terms, text, " ");
	hex[0] = '\0';
	if (capability_parse(&capability, &terms, &err))
		return err.text;
	for (size_t i = 0; capability.any && i < CAPABILITY_SIZE; i++)
		snprintf(hex + 2 * i, 3, "%02x", capability.xattr[i]);
	return hex;
}

#define ALL_P "00000002ffffffff00000000ff01000000000000"

static const struct {
	const char *terms, *xattr;
} cases[] = {
	{ "", "" },
	{ "chown", "0000000201000000000000000000000000000000" },
	{ "CAP_CHOWN", "0000000201000000000000000000000000000000" },
	{ "cAp_cHoWn", "0000000201000000000000000000000000000000" },
	{ "0", "0000000201000000000000000000000000000000" },
	{ "chown dac_override 2", "0000000207000000000000000000000000000000" },
	{ "net_bind_service=ep", "0100000200040000000000000000000000000000" },
	{ "cap_net_bind_service+ep", "0100000200040000000000000000000000000000" },
	{ "chown,kill=i", "0000000200000000210000000000000000000000" },
	{ "chown=e", "" },
	{ "63", "0000000200000000000000000000008000000000" },
	{ "checkpoint_restore=pi", "0000000200000000000000000001000000010000" },
	{ "all", ALL_P },
	{ "=p", ALL_P },
	{ "=pe all-e", ALL_P },
	{ "chown=ie chown=p", "0000000201000000000000000000000000000000" },
	{ "chown=ie chown=", "" },
	{ "chown+p-p", "" },
	{ "unknown", "unknown capability: \"unknown\"; see capabilities(7)" },
	{ "64", "unknown capability: \"64\"; see capabilities(7)" },
	{ "chown,=p", "unknown capability: \"\"; see capabilities(7)" },
	{ "+p", "unknown capability: \"\"; see capabilities(7)" },
	{ "chown=c", "capability \"chown=c\": unknown flag 'c'; there are p, i and e" },
};

int main(void)
{
	for (size_t i = 0; i < countof(cases); i++)
		is(xattr_of(cases[i].terms), cases[i].xattr, cases[i].terms);
	return done();
}
