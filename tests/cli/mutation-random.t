#!/bin/sh
# Edits at random, on top of each other; each result compared with a clean build.
. "$(dirname "$0")/lib.sh"
/usr/bin/python3 "$top/tests/mutation/run.py" "$top" "$tmp" random $([ -n "$KO_TEST_LONG" ] && echo 500 || echo 12)
