#!/bin/sh
# Every parser, fed with what a fuzzer finds: a few seconds each, ten minutes with KO_TEST_LONG.
. "$(dirname "$0")/lib.sh"

seconds=3
[ -z "$KO_TEST_LONG" ] || seconds=600
for source in "$top"/tests/fuzz/*.c; do
	target=$(basename "$source" .c)
	mkdir -p "$target"
	ok "$target" "$top/build/sanitize/fuzz/$target" -max_total_time=$seconds -timeout=20 -rss_limit_mb=2048 \
		-artifact_prefix="$tmp/crash-$target-" "$target" $(ls -d "$top/tests/fuzz/$target" 2>/dev/null)
done
done_testing
