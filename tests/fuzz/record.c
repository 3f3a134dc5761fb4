#include "formats/record.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	cleanup(records_release) struct records records = { 0 };
	cleanup(buf_release) struct buf text = { 0 };
	struct err err;

	buf_add(&text, data, size);
	(void)records_parse(&records, "fuzz", buf_str(&text), text.len, &err);
	for (size_t i = 0; i < records_count(&records); i++)
		free(json_text(records_at(&records, i), NULL));
	return 0;
}
