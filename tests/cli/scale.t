#!/bin/sh
# Memory does not grow with the number of images, the size of a program or of the manifests. Long form
# (KO_TEST_LONG=1): 200 images, 1 GB, 50 manifests of 10 MB.
. "$(dirname "$0")/lib.sh"
. "$top/tests/servers/servers.sh"

if ! command -v time >/dev/null; then
	skip "memory" "no GNU time"
	done_testing
	exit
fi
images=60 program=200M manifests=8 manifest=1000000
[ -z "${KO_TEST_LONG-}" ] || images=200 program=1G manifests=50 manifest=10000000

# peak COMMAND...: runs it; $kb is the most memory it had at a time.
peak() {
	command time -q -f %M -o "$tmp/peak" "$@" && kb=$(tail -n 1 "$tmp/peak")
}
# at_most NAME KB LIMIT
at_most() {
	ok "$1: $(($2 / 1024)) MB, at most $(($3 / 1024))" test "$2" -le "$3"
}

# --- manifests
python3 - $manifests $manifest <<'END'
import os, sys
count, size = map(int, sys.argv[1:])
os.makedirs("config")
os.makedirs("one")
pod = "kind: Pod\nspec:\n  containers:\n  - image: ko://example.com/app/cmd/a\n---\n"
text = "kind: ConfigMap\nmetadata:\n  name: c\n  labels: {app: x}\ndata:\n  key: |\n    some text\n---\n"
for i in range(count):
    for name in ["config/%d.yaml" % i] + ["one/0.yaml"] * (not i):
        with open(name, "w") as f:
            f.write(pod + text * (size // len(text)) + pod)
END
mkdir -p cmd/a
printf 'module example.com/app\ngo 1.19\n' >go.mod
printf 'package main\n\nfunc main() {}\n' >cmd/a/main.go
ok "ko-scan of one" peak ko-scan -f one -o one.json
one=$kb
ok "ko-scan of $manifests files of $((manifest / 1000000)) MB" peak ko-scan -f config -o scan.json
is "found them all" "$(jq '.found | length' scan.json)" $((2 * manifests))
at_most "as much memory as for one" "$kb" $((one + 1024))
at_most "and that is little" "$kb" $((16384 + 2 * manifest / 1024))
digest=sha256:$(printf '%064d' 0)
jq -c ".ref = \"r.test/a@$digest\"" scan.json >refs.json
ok "ko-patch of one" peak ko-patch -f one --refs refs.json -o one.yaml
one=$kb
ok "ko-patch of all" peak ko-patch -f config --refs refs.json -o resolved.yaml
at_most "as much memory as for one" "$kb" $((one + 1024))
is "all references are replaced" "$(grep -c "image: r.test/a@$digest" resolved.yaml) $(grep -c ko:// resolved.yaml)" "$((2 * manifests)) 0"
ok "ko resolve" sh -c 'ko resolve -f config >first.yaml'
ok "ko resolve, nothing changed" peak sh -c 'exec ko resolve -f config >again.yaml'
ok "prints the same" cmp first.yaml again.yaml
at_most "out of as little memory" "$kb" 8192
rm -r config one *.yaml

# --- one file, references in every line; the bar is what the file takes and 16 MB
python3 -c '
document = "---\napiVersion: v1\nkind: Pod\nmetadata: {labels: {app: %s}}\nimages:\n" + "- ko://example.com/app/cmd/a\n" * 20
for i in range('$manifests' * 6000):
    print(document % "ab"[i % 2], end="")' >dense.yaml
bar=$((16384 + $(stat -c %s dense.yaml) / 1024))
for selector in "" app=a; do
	ok "ko-scan of dense references, -l '$selector'" peak ko-scan -f dense.yaml -l "$selector" -o scan.json
	at_most "in bounded memory" "$kb" $bar
	is "the first hundred places are told" "$(jq '.found | length' scan.json)" 100
	ok "ko-patch of dense references, -l '$selector'" peak ko-patch -f dense.yaml -l "$selector" --refs refs.json -o resolved.yaml
	at_most "in bounded memory" "$kb" $bar
	is "all are replaced" "$(grep -c "^- r.test/a@$digest" resolved.yaml) $(grep -c ko:// resolved.yaml)" \
		"$((manifests * 6000 * 20 / (1 + ${#selector} / 5))) 0"
done
rm dense.yaml resolved.yaml

# --- a large program, half of it noise
truncate -s $program large
head -c $(($(stat -c %s large) / 8)) /dev/urandom | dd of=large conv=notrunc bs=1M 2>/dev/null
ok "ko-layer -j 8 done" peak ko-layer -j 8 -o large.json large
at_most "ko-layer of $program, 8 threads" "$kb" 32768
ok "ko-layer -j 8 --compression zstd done" peak ko-layer -j 8 --compression zstd -o zstd.json large
at_most "the same as zstd" "$kb" 32768
mkdir large.d && ln large large.d/large
ok "ko-layer -j 8 done" peak ko-layer -j 8 -o dir.json large.d
at_most "as a directory's content" "$kb" 32768

# --- many images
if ! start_registry; then
	skip "a push" "no docker-registry"
	done_testing
	exit
fi
export KO_DOCKER_REPO=$registry/scale
ok "ko-push done" peak ko-push -o pushed.json large.json
at_most "ko-push of the large one" "$kb" 32768
rm -rf large large.d .ko/oci
mkdir few many
i=0
while [ $i -lt $images ]; do
	i=$((i + 1))
	head -c 20000 /dev/urandom >many/p$i
	[ $i -gt $((images / 10)) ] || ln many/p$i few
done
ko-layer -o few.json few/* && ko-layer -o many.json many/*
ok "ko-push done" peak ko-push -o refs.json few.json
few=$kb
ok "ko-push of $images images" peak ko-push -o refs.json many.json
is "a reference for each" "$(jq -r .ref refs.json | grep -c "^$registry/scale/p[0-9]*@sha256:")" $images
at_most "not much more memory than for $((images / 10))" "$kb" $((few + 40 * images))
at_most "and that is little" "$kb" 32768
ok "again, nothing new" peak ko-push -o again.json many.json
ok "the same references" cmp refs.json again.json
at_most "with as little" "$kb" 32768
done_testing
