#!/bin/sh
# Clocks that are wrong: one that was set back, so that what is edited is older than what was made before, and files
# from the future.
. "$(dirname "$0")/lib.sh"

cp -R "$top/examples/hello" app && cd app || exit 1
resolve() { ko resolve --repo= -f config/manifests 2>../err; }
digest() { sed -n 's/.*@sha256://p'; }

first=$(resolve | digest)
find .ko -exec touch -h -d '+1 hour' {} +
sed -i 's/Hello/Hullo/' main.go
second=$(resolve | digest)
is "an edit after that is seen" "$([ "$first" != "$second" ] && cat ../err)" \
	"ko: the clock was set back since the last run: all files are looked at again"
is "and then all is as usual" "$(resolve | digest) $(cat ../err)" "$second "
sed -i 's/Hullo/Hello/' main.go
is "the next edit, too" "$(resolve | digest)" "$first"
find .ko -exec touch -h -d '+1 hour' {} +
touch -d '+1 minute' config/manifests/*.yaml
is "nothing edited: the same again" "$(resolve | digest)" "$first"

# a manifest from the future decides over the graph, which is then made anew each time
printf 'KO_MANIFESTS := config/manifests\ninclude %s/mk/ko.mk\n' "$top" >Makefile
touch -d '+1 day' config/manifests/*.yaml
ok "make" timeout 60 make -s ko-resolve
is "make: the same" "$(digest <.ko/resolved.yaml)" "$first"
sed -i 's/replicas: 1/replicas: 7/' config/manifests/*.yaml
touch -d '+1 hour' config/manifests/*.yaml
ok "make, with an edit from the future, too" timeout 60 make -s ko-resolve
is "make: it is seen" "$(grep -c 'replicas: 7' .ko/resolved.yaml)" 1
is "ko: it is seen" "$(resolve | grep -c 'replicas: 7')" 1
done_testing
