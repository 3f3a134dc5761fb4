#!/bin/sh
# The same program is the same image: under another directory, time zone, umask, user, locale and
# number of threads.
. "$(dirname "$0")/lib.sh"

digest() { ko resolve -f config/manifests 2>/dev/null | grep -o 'sha256:[0-9a-f]*'; }
fresh() { mkdir -p "$(dirname "$1")" && cp -R "$top/examples/hello" "$1" && cd "$1" || exit 1; }

fresh "$tmp/one"
first=$(digest)
like "an image" "$first" '^sha256:[0-9a-f]{64}$'

fresh "$tmp/another place/two"
is "another directory, with a space" "$(digest)" "$first"
fresh "$tmp/three"
is "another time zone and locale" "$(TZ=Asia/Kathmandu LC_ALL=tr_TR.UTF-8 digest)" "$first"
fresh "$tmp/four"
is "another umask" "$(umask 077 && digest)" "$first"
fresh "$tmp/five"
is "one thread" "$(KO_JOBS=1 GOMAXPROCS=1 digest)" "$first"
fresh "$tmp/six"
touch -d '2001-02-03' main.go config/manifests/*
is "other times" "$(digest)" "$first"
fresh "$tmp/seven"
git init -q . && git add -A && git -c user.name=x -c user.email=x@y commit -qm x
is "inside a git checkout" "$(digest)" "$first"
if [ "$(id -u)" = 0 ]; then
	chmod 755 "$tmp"
	fresh "$tmp/eight"
	chown -R nobody .
	export PATH
	is "another user" "$(setpriv --reuid=65534 --regid=65534 --clear-groups \
		env HOME="$tmp/eight" GOCACHE="$tmp/eight/cache" GOPATH="$tmp/eight/gopath" sh -c \
		'ko resolve -f config/manifests 2>/dev/null' | grep -o 'sha256:[0-9a-f]*')" "$first"
else
	skip "another user" "not root"
fi
done_testing
