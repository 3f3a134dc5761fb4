#!/bin/sh
# Runs beside each other, sources that change under a build, a full disk, another file system.
. "$(dirname "$0")/lib.sh"

cp -R "$top/examples/hello" app && cd app || exit 1

ko resolve -f config/manifests >want.yaml 2>/dev/null
rm -rf .ko
for i in 1 2 3 4; do
	(ko resolve -f config/manifests >"out.$i" 2>"err.$i"; echo $? >"status.$i") &
done
(ko build . >out.5 2>err.5; echo $? >status.5) &
wait
is "five runs at once: all succeed" "$(cat status.? | tr '\n' ' ')" "0 0 0 0 0 "
is "five runs at once: all right" "$(for i in 1 2 3 4; do cmp want.yaml out.$i; done)" ""
is "five runs at once: the image" "$(cat out.5)" "$(grep -o 'ko.local.*' want.yaml)"

printf 'KO_MANIFESTS := config/manifests\ninclude %s/mk/ko.mk\n' "$top" >Makefile
rm -rf .ko
ok "eight goals at once" make -s -j8 ko-build ko-push ko-resolve ko-list ko-why ko-build ko-push ko-resolve
is "eight goals at once: right" "$(cat .ko/resolved.yaml)" "$(cat want.yaml)"
is "make and ninja beside each other" "$(make -s ko-resolve & ko resolve -f config/manifests 2>/dev/null; wait)" "$(cat want.yaml)"

# an editor that saves all the time while programs are compiled
(for i in 1 2 3 4 5 6 7 8; do echo "// $i" >>main.go; sleep 0.1; done) &
editor=$!
ko resolve -f config/manifests >now.yaml 2>/dev/null
wait $editor
sed -i 's/Hello from Ko/Hello again/' main.go
ko resolve -f config/manifests >now.yaml 2>/dev/null
rm -rf clean && mkdir clean && cp -R go.mod main.go config clean
is "saves under a build are not lost" "$(cat now.yaml)" "$(cd clean && ko resolve -f config/manifests 2>/dev/null)"

if [ -d /dev/shm ] && [ -w /dev/shm ]; then
	elsewhere=$(mktemp -d /dev/shm/ko-test.XXXXXX)
	is "a build directory on another file system" \
		"$(KO_BUILDDIR=$elsewhere ko resolve -f config/manifests 2>/dev/null)" "$(cat now.yaml)"
	rm -rf "$elsewhere"
else
	skip "a build directory on another file system" "no /dev/shm"
fi

mkdir small
if [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=1m tmpfs small 2>/dev/null; then
	cleanup() { umount "$tmp/app/small" 2>/dev/null; }
	KO_BUILDDIR=small/ko ko resolve -f config/manifests >full.out 2>full.err
	is "a full disk: status" $? 1
	like "a full disk: text" "$(cat full.err)" '[Nn]o space left'
	is "a full disk: nothing on stdout" "$(cat full.out)" ""
	mount -o remount,size=100m small
	is "and with space again" "$(KO_BUILDDIR=small/ko ko resolve -f config/manifests 2>/dev/null)" "$(cat now.yaml)"
else
	skip "a full disk" "a small file system cannot be mounted"
fi
done_testing
