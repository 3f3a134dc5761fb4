#!/bin/sh
# The oldest Go that is supported, Debian's, and the one on PATH; another go on PATH is noticed.
. "$(dirname "$0")/lib.sh"

cp -R "$top/examples/hello" app && cd app || exit 1
new=$PATH
old=/usr/lib/go-1.19/bin:$PATH
digest() { ko resolve -f config/manifests 2>"$tmp/err" | grep -o 'sha256:[0-9a-f]*'; }

first=$(digest)
like "the go on PATH" "$first" '^sha256:'
PATH=$old
second=$(digest)
like "Go 1.19" "$second" '^sha256:'
like "it was really used" "$(go version)" 'go1\.19'
ok "another toolchain makes another program" test "$first" != "$second"
PATH=$new
is "and back" "$(digest)" "$first"
done_testing
