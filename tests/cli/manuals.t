#!/bin/sh
# Every error text that a manual quotes is in a test.
exec python3 -B "$(dirname "$0")/../manual/errors.py" "$(dirname "$0")/../.."
