#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "driver.h"
#include "graph/bases.h"
#include "graph/destination.h"

static struct destination trust;

static const struct opt opts[] = {
	REGISTRY_OPTIONS(&trust.insecure, &trust.ca_file),
};

const struct opt_tool driver_base_tool = { "ko base", "update [OPTIONS] [REFERENCE...]",
	"Ask registries whether the tags of base images have moved, and print what has changed. "
	"The "
	"next\n"
	"run makes the images on them anew. The default is every base that was used here.",
	opts, countof(opts) };

int driver_base(int argc, char *argv[], struct err *err)
{
	cleanup(strs_release) struct strs operands = { 0 };
	cleanup(strs_release) struct strs references = { 0 };
	cleanup(strs_release) struct strs words = { 0 };
	cleanup(buf_release) struct buf report = { 0 };
	struct bases bases = { file_build_dir(NULL), &references, &words };
	int status = opt_parse(&driver_base_tool, argc, argv, &operands, NULL, err);

	if (status)
		return status > 0 ? 0 : -1;
	if (!operands.n || strcmp(operands.v[0], "update"))
		return err_set(err, ERR_USAGE, "what is to be done with bases? see ko base --help");
	for (size_t i = 1; i < operands.n; i++)
		strs_add(&references, operands.v[i]);
	destination_trust_words(&trust, &words);
	status = bases_update(&bases, &report, err);
	if (status)
		return status;
	if (!report.len)
		log_note("no base image has changed");
	return file_output(NULL, buf_str(&report), report.len, err) < 0 ? -1 : 0;
}
