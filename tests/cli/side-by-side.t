#!/bin/sh
# The toolkit beside the Go tool ko: the same images, names and decisions. "make check-ko" runs all
# of tests/ko/cases.py and verdicts.py, "make check" a few of them.
. "$(dirname "$0")/lib.sh"
. "$top/tests/servers/servers.sh"
. "$top/tests/servers/oracles.sh"

if ! start_registry; then
	skip "side by side with ko" "docker-registry does not start"
elif ! ko=$(oracle ko 2>"$tmp/ko.log"); then
	skip "side by side with ko" "no ko: $(tail -n 1 "$tmp/ko.log")"
else
	mkdir scratch
	python3 -B "$top/tests/ko/compare.py" "$ko" "$bin/ko" "$registry" "$tmp/scratch" \
		"$([ -n "${KO_TEST_LONG:-}" ] && echo long || echo short)"
	exit
fi
done_testing
