#!/bin/sh
# Layers: the same tar as ko's, readable by others, the same bytes always, flat memory; kodata and
# KO_DATA_PATH; what goes wrong.
. "$(dirname "$0")/lib.sh"
. "$top/tests/servers/servers.sh"
. "$top/tests/servers/oracles.sh"
unset KO_DATA_DATE_EPOCH KO_DATA_PATH_ALLOWED_ROOT KO_JOBS

# field KIND FIELD: of a layer in the records on standard input.
field() { jq -r --arg kind "$1" --arg field "$2" '.platforms[].layers[] | select(.kind == $kind)[$field]'; }
# blob DIGEST: where the store has it.
blob() { echo ".ko/oci/blobs/sha256/${1#sha256:}"; }
# members KIND: list of the layer in the records on standard input.
members() { tar tvzf "$(blob "$(field "$1" digest)")" 2>/dev/null | sed 's/  */ /g'; }
# record [FIELD...]: of a program with kodata; FIELDs go into its platform.
record() {
	printf '{"importpath":"example.com/mod/hello/v2","name":"hello","platforms":[{"platform":"%s","executable":"hello"%s}]}\n' \
		"${platform:-linux/amd64}" "$*"
}

mkdir src && cd src || exit 1
cat >go.mod <<END
module example.com/mod/hello/v2
go 1.19
END
cat >main.go <<END
package main

import "fmt"

func main() { fmt.Println("hello") }
END
export GOFLAGS=-buildvcs=false CGO_ENABLED=0
ok "go build" go build -trimpath -o ../hello .
cd ..
long=$(printf '%0120d' 0)
mkdir -p kodata/sub/empty "kodata/$long/deep" kodata/many
echo text >kodata/a.txt
echo script >kodata/sub/run.sh && chmod 700 kodata/sub/run.sh
echo unicode >"kodata/sub/größe"
echo long >"kodata/$long/deep/$long"
echo long >"kodata/many/$(printf '%099d' 1)"
ln -s ../a.txt kodata/sub/link
ln -s sub kodata/zdir
cp -R kodata src/

# --- ko's own layers
if start_registry && ko=$(oracle ko) && crane=$(oracle crane); then
	tar -cf empty.tar -T /dev/null
	"$crane" append --oci-empty-base -f empty.tar -t "$registry/base" --insecure >/dev/null 2>&1
	"$crane" mutate "$registry/base" --set-platform linux/amd64 --insecure >/dev/null 2>&1
	kos() { # kos EPOCH: ko's image of src, in the layout "kos"
		rm -rf kos
		(cd src && KO_DEFAULTBASEIMAGE=$registry/base KO_DATA_DATE_EPOCH=$1 KO_DOCKER_REPO=ko.test \
			GOFLAGS='-buildvcs=false -ldflags=-buildid=' "$ko" build --push=false --sbom=none \
			--oci-layout-path=../kos . >/dev/null 2>"$tmp/ko.log") || cat "$tmp/ko.log" >&2
		manifest=$(jq -r '.manifests[0].digest' kos/index.json)
		config=$(jq -r .config.digest "kos/blobs/sha256/${manifest#sha256:}")
		jq -r '.rootfs.diff_ids[-2:][]' "kos/blobs/sha256/${config#sha256:}"
		kos_program=kos/blobs/sha256/$(jq -r '.layers[-1].digest' "kos/blobs/sha256/${manifest#sha256:}" | cut -d: -f2)
	}
	for epoch in 0 1700000000; do
		kos $epoch >theirs
		tar xOzPf "$kos_program" /ko-app/v2 >bare
		# ko's name of a /v2 module is v2, ours is the element before
		printf '{"importpath":"example.com/v2","name":"x","platforms":[{"platform":"linux/amd64","executable":"bare","kodata":"kodata"}]}' |
			sed 's|example.com/v2|v2|' | KO_DATA_DATE_EPOCH=$epoch ko-layer >ours
		is "kodata as ko's, time $epoch" "$(field kodata diffID <ours)" "$(sed -n 1p theirs)"
		is "program as ko's, time $epoch" "$(field program diffID <ours)" "$(sed -n 2p theirs)"
	done
else
	skip "ko's layers" "no docker-registry, ko or crane"
fi

# --- what is in them
record ',"kodata":"kodata"' >in.json
ok "layers" ko-layer -o out.json in.json
is "kodata, then program" "$(jq -r '.platforms[0].layers | map(.kind) | join(" ")' out.json)" "kodata program"
is "program" "$(members program <out.json)" "dr-xr-xr-x 0/0 0 1970-01-01 00:00 ko-app
-r-xr-xr-x 0/0 $(stat -c %s hello) 1970-01-01 00:00 /ko-app/hello"
is "the diffID is the tar's" "$(field program diffID <out.json)" \
	"sha256:$(gzip -dc "$(blob "$(field program digest <out.json)")" | sha256sum | cut -d' ' -f1)"
is "the digest is the blob's" "$(field program digest <out.json)" \
	"sha256:$(sha256sum <"$(blob "$(field program digest <out.json)")" | cut -d' ' -f1)"
like "links are copies" "$(members kodata <out.json)" '-r-xr-xr-x 0/0 5 .* /var/run/ko/sub/link$'
like "links to directories, too" "$(members kodata <out.json)" '/var/run/ko/zdir/run.sh$'
like "empty directories stay" "$(members kodata <out.json)" '^dr-xr-xr-x .* /var/run/ko/sub/empty$'
record | ko-layer >none.json
is "no kodata: ko's constant layer" "$(field kodata diffID <none.json)" \
	sha256:ffe56a1c5f3878e9b5f803842adb9e2ce81584b6bd027e8599582aefe14a975b
is "unknown fields stay" "$(record ',"x":[1]' | ko-layer | jq -c '.platforms[0].x')" '[1]'
tar xOzPf "$(blob "$(field program digest <out.json)")" /ko-app/hello >inside
if command -v readelf >/dev/null; then
	is "build IDs are zeroed" "$(readelf -n inside 2>/dev/null | grep -c 'Build ID: 0*$')" \
		"$(readelf -n hello 2>/dev/null | grep -c 'Build ID:')"
fi
chmod +x inside
is "the program runs" "$(./inside)" hello
is "and differs in the notes alone" "$(test "$(cmp -l inside hello | wc -l)" -le 103 && echo yes)" yes
printf '\n// a comment\n' >>src/main.go
(cd src && go build -trimpath -o ../commented .)
ok "a comment gives another file" test "$(cmp -s hello commented; echo $?)" = 1
is "but the same layer" "$(record | sed 's/"executable":"hello"/"executable":"commented"/' | ko-layer | field program digest)" \
	"$(field program digest <out.json)"

# --- windows, capabilities
platform=windows/amd64
record ',"kodata":"kodata"' | ko-layer >windows.json
is "windows: program" "$(members program <windows.json | cut -d' ' -f1,6)" "dr-xr-xr-x Hives
dr-xr-xr-x Files
dr-xr-xr-x Files/ko-app
-r-xr-xr-x Files/ko-app/hello"
like "windows: kodata" "$(members kodata <windows.json)" 'Files/var/run/ko/a.txt$'
platform=linux/amd64
record | sed 's/"name"/"capabilities":["net_bind_service=ep"],"name"/' | ko-layer >capable.json
like "capabilities" "$(gzip -dc "$(blob "$(field program digest <capable.json)")" | head -c 2048 | tr '\0' '.')" \
	'SCHILY.xattr.security.capability='
fails "an unknown capability" 3 'unknown capability: "fly"' \
	sh -c 'sed "s/\"name\"/\"capabilities\":[\"fly\"],\"name\"/" in.json | ko-layer'

# --- the same bytes always; memory
head -c 40000000 /dev/zero >big
cat "$(command -v go)" "$(command -v ko-scan)" >>big
ok "a large file" ko-layer --jobs 2 -o big.json big
for jobs in 1 2 8; do
	rm -rf .ko/oci
	is "the same with $jobs threads" "$(ko-layer -j $jobs big | cmp - big.json)" ""
	is "and with KO_JOBS" "$(KO_JOBS=$jobs ko-layer big | cmp - big.json)" ""
done
record ',"kodata":"kodata"' | ko-layer -o out.json
is "another time zone, umask and locale" "$(umask 077 && TZ=Asia/Kathmandu LC_ALL=tr_TR.UTF-8 ko-layer in.json | cmp - out.json)" ""
peak() {
	python3 - "$@" <<-'END'
		import resource, subprocess, sys
		subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
		print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
	END
}
truncate -s 600M huge
ok "at most 32 MB of memory for 600 MB, 8 threads" test "$(peak ko-layer -j 8 huge)" -le 32768
rm -f huge

# --- made once
hash=sha256:$(sha256sum <inside | cut -d' ' -f1)
record ",\"hash\":\"$hash\"" >hashed.json
ko-layer -o first.json hashed.json
is "with the hash of what is inside" "$(field program digest <first.json)" "$(field program digest <out.json)"
mv hello away
is "a layer that is known: the program is not read" "$(ko-layer hashed.json | cmp - first.json)" ""
rm -f "$(blob "$(field program digest <first.json)")"
fails "not when the store lacks it" 1 'hello: No such file' ko-layer hashed.json
mv away hello
is "it is made again" "$(ko-layer hashed.json | cmp - first.json)" ""
ok "in the store" test -f "$(blob "$(field program digest <first.json)")"
printf x >>hello
rm -rf .ko/layers
fails "a program that is not the one of its record" 5 'hello: is not the program that was compiled; run again' ko-layer hashed.json
cp inside hello

# --- kodata
git init -q kogit && mkdir -p kogit/app/kodata && echo license >kogit/LICENSE && ln -s ../../LICENSE kogit/app/kodata/LICENSE
is "links inside the git checkout" "$(record ',"kodata":"kogit/app/kodata"' | ko-layer | members kodata | tail -n1 | cut -d' ' -f3,6)" "8 /var/run/ko/LICENSE"
mkdir -p plain/kodata && ln -s ../../kodata/a.txt plain/kodata/out
record ',"kodata":"plain/kodata"' >plain.json
fails "links out of kodata" 1 'plain/kodata/out: kodata symlink resolves to .*/kodata/a.txt, which is outside of .*/plain/kodata; KO_DATA_PATH_ALLOWED_ROOT' ko-layer plain.json
is "KO_DATA_PATH_ALLOWED_ROOT" "$(KO_DATA_PATH_ALLOWED_ROOT=. ko-layer plain.json | members kodata | tail -n1 | cut -d' ' -f6)" /var/run/ko/out
fails "an allowed root that does not exist" 1 'KO_DATA_PATH_ALLOWED_ROOT nowhere: No such file' env KO_DATA_PATH_ALLOWED_ROOT=nowhere ko-layer plain.json
ln -sfn nowhere plain/kodata/out
fails "dangling links" 1 'plain/kodata/out: the link points to something that does not exist' ko-layer plain.json
ln -sfn out plain/kodata/out
fails "links to themselves" 1 'plain/kodata/out: the link leads back to itself' ko-layer plain.json
ln -sfn . plain/kodata/out
fails "links to where they are" 1 'plain/kodata/out: a link to a directory that it is in' ko-layer plain.json
rm plain/kodata/out && mkfifo plain/kodata/pipe
fails "pipes" 1 'plain/kodata/pipe: neither a file nor a directory' ko-layer plain.json
rm -r plain/kodata && ln -s ../kodata plain/kodata
fails "kodata that leads away" 1 'plain/kodata: kodata symlink resolves to .*/kodata, which is outside' ko-layer plain.json
ln -sfn ../LICENSES kogit/app/k2 && mkdir kogit/LICENSES && echo x >kogit/LICENSES/y
is "kodata that is a link inside the checkout" "$(record ',"kodata":"kogit/app/k2"' | ko-layer | members kodata | tail -n1 | cut -d' ' -f6)" /var/run/ko/y

# --- KO_DATA_PATH
mkdir -p root/etc root/bin && echo conf >root/etc/app.conf && echo tool >root/bin/tool && chmod 500 root/bin/tool
ln -s ../bin/tool root/etc/link
KO_DATA_PATH=root KO_DATA_DATE_EPOCH=1000000000 ko-layer in.json >data.json
is "data, kodata, program" "$(jq -r '.platforms[0].layers | map(.kind) | join(" ")' data.json)" "data kodata program"
is "data" "$(TZ=UTC members data <data.json)" "drwxr-xr-x 0/0 0 2001-09-09 01:46 bin
-rwxr-xr-x 0/0 5 2001-09-09 01:46 bin/tool
drwxr-xr-x 0/0 0 2001-09-09 01:46 etc
-rw-r--r-- 0/0 5 2001-09-09 01:46 etc/app.conf
lrwxrwxrwx 0/0 0 2001-09-09 01:46 etc/link -> ../bin/tool"
is "the option wins" "$(KO_DATA_PATH=nowhere KO_DATA_DATE_EPOCH=1000000000 ko-layer --data root in.json | cmp - data.json)" ""
is "the runtime's value is ignored" "$(KO_DATA_PATH=/var/run/ko ko-layer in.json | cmp - out.json)" ""
is "a directory by itself" "$(KO_DATA_DATE_EPOCH=1000000000 ko-layer root | field data digest)" "$(field data digest <data.json)"
fails "no such directory" 2 'KO_DATA_PATH: nowhere is not a directory' env KO_DATA_PATH=nowhere ko-layer in.json
fails "not a directory" 2 'KO_DATA_PATH: hello is not a directory' ko-layer --data hello in.json
fails "the store inside the data" 2 'the image store .ko/oci lies in [.]; name a directory' ko-layer --data . in.json
fails "not a time" 2 "KO_DATA_DATE_EPOCH is to be the number of seconds since 1970-01-01 00:00 UTC, not 'today'" env KO_DATA_DATE_EPOCH=today ko-layer in.json
mkdir secret && echo x >secret/id_rsa
like "what looks secret is mentioned" "$(ko-layer --data secret in.json 2>&1 >/dev/null)" 'secret/id_rsa looks secret and goes into the image'

# --- dependencies
ko-layer --data root --depfile out.d -o dep.json in.json
for path in root root/etc root/etc/app.conf kodata kodata/a.txt kodata/sub/link; do
	like "depfile: $path" "$(cat out.d)" "(^|[ ])$path( |\$)"
done

# --- operands
is "the platform of an executable" "$(cd src && GOARCH=arm64 go build -o ../arm . && cd .. && ko-layer arm | jq -r '.platforms[0].platform')" linux/arm64
is "the name" "$(ko-layer --name app ./hello | members program | tail -n1 | cut -d' ' -f6)" /ko-app/app
fails "no such file" 1 'nothing: No such file or directory' ko-layer nothing
fails "two of one name" 2 '../hello: its name is taken' sh -c 'cd root && cp ../hello . && ko-layer hello ../hello'
fails "a record without an executable" 3 'no executable' sh -c 'echo "{\"importpath\":\"a/b\",\"platforms\":[{\"platform\":\"linux/amd64\"}]}" | ko-layer'
fails "a full disk" 1 'cannot write to standard output: No space' sh -c 'ko-layer in.json >/dev/full'
done_testing
