#!/bin/sh
# Every kind of edit, through ninja: images change exactly when a clean build's programs do.
. "$(dirname "$0")/lib.sh"
/usr/bin/python3 "$top/tests/mutation/run.py" "$top" "$tmp" ninja
