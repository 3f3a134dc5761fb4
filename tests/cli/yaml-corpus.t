#!/bin/sh
# A corpus of documents, read by other YAML parsers before and after.
. "$(dirname "$0")/lib.sh"
(cd "$top/tests/yaml" && go build -o "$tmp/tree" .) && /usr/bin/python3 "$top/tests/yaml/corpus.py" "$tmp" "$tmp/tree"
