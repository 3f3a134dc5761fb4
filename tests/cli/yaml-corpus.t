#!/bin/sh
# A corpus of documents, read by another YAML parser before and after.
. "$(dirname "$0")/lib.sh"
/usr/bin/python3 "$top/tests/yaml/corpus.py" "$tmp"
