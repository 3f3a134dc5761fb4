#!/bin/sh
# The cache of layers: what one project made, another one on this machine takes; it is limited, may
# be shared, damaged, removed, read-only or full, and never changes a result.
. "$(dirname "$0")/lib.sh"
export KO_CACHE_DIR="$tmp/cache"

# make_program NAME: an executable of half a megabyte of noise behind a small program, and its record
# NAME.json with the hash.
make_program() {
	cat /bin/true >"$1"
	head -c 500000 /dev/urandom >>"$1"
	KO_CACHE_DIR=off ko-layer --builddir hashing "$1" >"$1.made"
	hash=$(tar xOzPf "$(blob hashing "$1.made")" "/ko-app/$1" | sha256sum | cut -d' ' -f1)
	printf '{"importpath":"example.com/%s","name":"%s","platforms":[{"platform":"linux/amd64","executable":"%s","hash":"sha256:%s"}]}\n' \
		"$1" "$1" "$1" "$hash" >"$1.json"
	rm -r hashing "$1.made"
}
digest() { jq -r '.platforms[].layers[] | select(.kind == "program").digest' "$1"; }
# blob PROJECT RECORDS: where the project's store has the program's layer.
blob() { echo "$1/oci/blobs/sha256/$(digest "$2" | cut -d: -f2)"; }
# layer PROJECT NAME [OPTION...]: as in that project; the records are in PROJECT-NAME.
layer() {
	layer_project=$1 layer_name=$2
	shift 2
	ko-layer "$@" --builddir "$layer_project" -o "$layer_project-$layer_name" "$layer_name.json"
}
whole() { test "sha256:$(sha256sum <"$(blob "$1" "$1-$2")" | cut -d' ' -f1)" = "$(digest "$1-$2")"; }
cached() { ls cache/layers/*.layer 2>/dev/null | wc -l; }

for name in one two three; do make_program $name; done
is "silent" "$(layer a one 2>&1)" ""
is "one layer in the cache" "$(cached)" 1
is "for this user alone" "$(stat -c %a cache/layers)" 700
mv one away
ok "another project: the program is not read" layer b one
ok "the same records" cmp a-one b-one
ok "the layer is in its store" whole b one
is "where nobody may write to it" "$(stat -c %a "$(blob b b-one)")" 444
: >probe && cp --reflink=always probe probe2 2>/dev/null ||
	ok "one file in both stores" test "$(blob a a-one)" -ef "$(blob b b-one)"
fails "not under another name" 1 'one: No such file' \
	sh -c 'sed "s|example.com/one|example.com/other|" one.json | ko-layer --builddir c'
fails "not with another compression" 1 'one: No such file' ko-layer --builddir c --compression gzip:1 one.json
fails "off" 1 'one: No such file' env KO_CACHE_DIR=off ko-layer --builddir c one.json
rm -rf a
ok "the project that made it may go" whole b one
mv away one

# --- where it is
ok "XDG_CACHE_HOME" env -u KO_CACHE_DIR XDG_CACHE_HOME="$tmp/xdg" ko-layer --builddir d one.json
is "default place there" "$(ls xdg/ko/layers | wc -l)" 2
ok "HOME" env -u KO_CACHE_DIR -u XDG_CACHE_HOME HOME="$tmp/home" ko-layer --builddir e one.json
is "default place at home" "$(ls home/.cache/ko/layers | wc -l)" 2
ok "no home at all" env -u KO_CACHE_DIR -u XDG_CACHE_HOME -u HOME ko-layer --builddir e2 one.json

# --- damage
damage() { # damage PATTERN COMMAND...: changes a copy of the file, so that no store is changed with it
	file=$(ls cache/layers/$1)
	cp "$file" damaged && chmod u+w damaged && shift && "$@" && mv damaged "$file"
}
flip() { printf '\377\376' | dd of=damaged bs=1 seek=1000 conv=notrunc 2>/dev/null; }
damage '*.layer' flip
like "a damaged blob is noticed" "$(layer f one -v 2>&1)" '^ko-layer: cache of layers: .*[.]layer: was damaged; removed$'
ok "and not used" whole f one
ok "but replaced" test "$(cached)" = 1
mv one away
ok "by a good one" layer g one
damage '*.layer' truncate -s 1000 damaged
fails "one that is too short" 1 'one: No such file' ko-layer --builddir h one.json
mv away one && layer h one
damage '*.json' truncate -s 40 damaged
is "a damaged note" "$(layer i one 2>&1)" ""
ok "is not used" whole i one
rm cache/layers/*.layer
ok "a blob that was removed" layer j one
ok "is made again" whole j one
rm -rf cache
ok "the cache that was removed" layer k one

# --- the size
wrong="KO_CACHE_SIZE is to be a number of bytes, or with K, M, G or T, such as 2G, not"
fails "a size that is none" 2 "$wrong 'much'" env KO_CACHE_SIZE=much ko-layer one.json
fails "another one" 2 "$wrong '1GB'" env KO_CACHE_SIZE=1GB ko-layer one.json
rm -rf cache
layer l one && layer l two
touch -d '1 hour ago' cache/layers/*
mv one away && layer m one && mv away one
echo left >cache/layers/.draft && touch -d yesterday cache/layers/.draft
ok "a third one, and room for two" env KO_CACHE_SIZE=1200K ko-layer --builddir n three.json
is "two are there" "$(cached)" 2
ok "nothing that was left behind" test ! -e cache/layers/.draft
mv one away && mv two gone
ok "the one used lately stayed" layer o one
fails "the one used longest ago went" 1 'two: No such file' ko-layer --builddir o two.json
mv away one && mv gone two
rm -rf cache
ok "a layer that is larger than the cache" env KO_CACHE_SIZE=100K ko-layer --builddir p one.json
is "is not in it" "$(cached)" 0

# --- no cache to be had
is "a cache that cannot be made: silent" "$(KO_CACHE_DIR=/dev/null/x layer q one 2>&1)" ""
ok "and it works" whole q one
is "with -v, one line" "$(KO_CACHE_DIR=/dev/null/x layer q2 one -v 2>&1)" \
	"ko-layer: cache of layers: /dev/null/x: Not a directory"
rm -rf cache && layer r one && chmod 500 cache/layers
if [ "$(id -u)" = 0 ]; then
	nobody="setpriv --reuid 65534 --clear-groups --bounding-set -all"
	chmod 755 "$tmp" && chmod 555 cache cache/layers && mkdir -m 777 s
else
	nobody=
	mkdir s
fi
cp "$bin/ko-layer" . && mv one away
ok "read-only: what is there is taken" $nobody ./ko-layer --builddir s one.json
is "what is not is made, silently" "$($nobody ./ko-layer --builddir s two.json 2>&1 >s/two)" ""
ok "and right" test -s "$(blob s s/two)"
mv away one
chmod -R u+w cache
if unshare -rm true 2>/dev/null; then
	mkdir small
	cat >full.sh <<-'END'
		mount -t tmpfs -o size=64k tmpfs small || exit 77
		KO_CACHE_DIR=$PWD/small ko-layer -v --builddir t -o t-one one.json 2>&1
		ls -A small/layers
	END
	like "full: one line with -v, and nothing half" "$(unshare -rm sh full.sh)" \
		'^ko-layer: cache of layers: .*: cannot write: No space left on device$'
	ok "full: the layer is right" whole t one
else
	skip "a full disk" "no user namespaces"
fi

# --- many at once, with room for one or two, and somebody who removes
rm -rf cache
for i in 1 2 3 4 5 6; do
	(
		for round in 1 2 3; do
			for name in one two three; do
				KO_CACHE_SIZE=1M ko-layer -j 1 --builddir "many-$i-$round" -o "many-$i-$round-$name" $name.json || exit 1
			done
			[ $i != 6 ] || rm -f cache/layers/*.layer
		done
	) 2>"errors-$i" &
	eval "job$i=$!"
done
for i in 1 2 3 4 5 6; do
	eval "ok 'worker $i' wait \$job$i"
	is "  says nothing" "$(cat errors-$i)" ""
done
is "all layers are whole" "$(for i in 1 2 3 4 5 6; do for round in 1 2 3; do for name in one two three; do
	whole many-$i-$round $name || echo many-$i-$round $name
done; done; done)" ""
is "no draft is left" "$(find . -name '.*.layer.*' -o -name '.*.json.*' -o -name '.draft.*')" ""
ok "the cache keeps its size" test "$(du -bs cache/layers | cut -f1)" -le 1100000
ok "a size in bytes" env KO_CACHE_SIZE=20000000000 ko-layer --name app --oci sized/oci "$bin/ko-layer"
done_testing
