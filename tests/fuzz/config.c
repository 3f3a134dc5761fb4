/* ko.yaml and the templates in it: no input breaks them. No program is run: Git and GoEnv are
 * passed over. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "inputs/config.h"
#include "inputs/template.h"

static void expand(const char *text)
{
	struct template template = { 0 };
	struct err err;

	if (!strstr(text, ".Git") && !strstr(text, ".GoEnv"))
		free(template_expand(&template, text, "ko.yaml:1", &err));
	template_release(&template);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	scratch char *text = xstrndup((const char *)data, n);
	struct config config = { 0 };
	struct settings settings = { 0 };
	struct err err;

	if (!config_parse(&config, "ko.yaml", "/nowhere", (const char *)data, n, &err))
		config_for(&config, "example.com/a", &settings);
	settings_release(&settings);
	config_release(&config);
	expand(text);
	return 0;
}
