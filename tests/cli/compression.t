#!/bin/sh
# Layers as gzip of all levels and as zstd: the same content whatever the form, and foreign programs
# and a registry take them; where the setting comes from.
. "$(dirname "$0")/lib.sh"
. "$top/tests/servers/servers.sh"
. "$top/tests/servers/oracles.sh"

blob() { echo "${2:-.ko}/oci/blobs/sha256/$(echo "$1" | cut -d: -f2)"; }
field() { jq -r ".platforms[0].layers[-1].$2" "$1"; }

cat "$bin/ko-scan" "$bin/ko-push" >program
for kind in gzip gzip:0 gzip:1 gzip:6 gzip:9 zstd zstd:1 zstd:19; do
	ok "$kind" ko-layer --compression $kind -o "$kind.json" program
	is "$kind: the same diffID" "$(field $kind.json diffID)" "$(field gzip.json diffID)"
	is "$kind: the digest is the blob's" "$(field $kind.json digest)" \
		"sha256:$(sha256sum <"$(blob "$(field $kind.json digest)")" | cut -d' ' -f1)"
	case $kind in
	gzip*) unpack='gzip -dc' type=gzip ;;
	zstd*) unpack='zstd -dc' type=zstd ;;
	esac
	is "$kind: the media type" "$(field $kind.json mediaType)" "application/vnd.oci.image.layer.v1.tar+$type"
	is "$kind: $unpack gives the archive" "$($unpack <"$(blob "$(field $kind.json digest)")" | sha256sum | cut -d' ' -f1)" \
		"$(field $kind.json diffID | cut -d: -f2)"
	for jobs in 1 3 8; do
		is "$kind: the same with $jobs threads" "$(ko-layer -j $jobs --builddir other --compression $kind program | cmp - $kind.json)" ""
	done
done
size() { field $1.json size; }
ok "higher levels are smaller" test "$(size gzip:0)" -gt "$(size gzip:1)" -a "$(size gzip:1)" -gt "$(size gzip:6)" \
	-a "$(size zstd:1)" -gt "$(size zstd)" -a "$(size zstd)" -gt "$(size zstd:19)"
ok "the level in the record" test "$(field gzip:9.json codec | cut -d/ -f1)" = zlib:9
like "zstd's library, too" "$(field zstd.json codec)" '^zstd:3/[0-9.]+$'
is "tar --zstd" "$(tar --zstd -tf "$(blob "$(field zstd.json digest)")" 2>/dev/null)" "ko-app
/ko-app/program"

# --- where it comes from
record() { printf '{"importpath":"example.com/app","name":"app"%s,"platforms":[{"platform":"linux/amd64","executable":"program"}]}\n' "$1" >record.json; }
type_of() { jq -r '.platforms[0].layers | map(.mediaType) | unique[]' | sed 's/.*+//'; }
record ''
is "the variable" "$(KO_COMPRESSION=zstd ko-layer record.json | type_of)" zstd
is "an empty one" "$(KO_COMPRESSION= ko-layer record.json | type_of)" gzip
record ',"compression":"zstd"'
is "the record comes over it" "$(KO_COMPRESSION=gzip ko-layer record.json | type_of)" zstd
is "the option over both" "$(KO_COMPRESSION=zstd ko-layer --compression gzip record.json | type_of)" gzip
wrong='compression "lz4" is neither gzip, gzip:0 to gzip:9 nor zstd, zstd:1 to zstd:19'
fails "another word" 2 "$wrong" ko-layer --compression lz4 record.json

mkdir -p app/cmd/a app/cmd/b app/config && cd app || exit 1
printf 'module example.com/app\ngo 1.19\n' >go.mod
for name in a b; do
	printf 'package main\n\nfunc main() { println("%s") }\n' $name >cmd/$name/main.go
done
printf 'image: ko://example.com/app/cmd/a\n---\nimage: ko://example.com/app/cmd/b\n' >config/app.yaml
printf 'compression: zstd:1\nbuilds:\n- main: ./cmd/b\n  compression: gzip:9\n' >ko.yaml
is "ko.yaml" "$(ko-scan -f config | jq -r '.name + " " + .compression' | xargs)" "a zstd:1 b gzip:9"
is "a variable is between its two levels" \
	"$(KO_COMPRESSION=zstd:2 ko-scan -f config | jq -r .compression | xargs)" "zstd:2 gzip:9"
is "the option" "$(ko-scan --compression zstd -f config | jq -r .compression | xargs)" "zstd zstd"
fails "a wrong option" 2 "$wrong" ko-scan --compression lz4 -f config
fails "a wrong variable" 2 "KO_COMPRESSION: $wrong" env KO_COMPRESSION=lz4 ko-scan -f config
printf 'user: x\ncompression: lz4\n' >ko.yaml
fails "a wrong key" 3 "ko.yaml:2: $wrong" ko-scan -f config
rm ko.yaml
ok "ko resolve" sh -c 'ko resolve -f config >gzip.yaml'
ok "with KO_COMPRESSION" sh -c 'KO_COMPRESSION=zstd ko resolve -f config >zstd.yaml'
is "gives other images" "$(cmp -s gzip.yaml zstd.yaml; echo $?)" 1
ok "ko build --compression" sh -c 'ko build --compression=zstd ./cmd/a >ref'
like "gives the same as the variable" "$(cat zstd.yaml)" "$(cat ref)"
cat >Makefile <<END
KO_MANIFESTS := config
KO_COMPRESSION := zstd
include $top/mk/ko.mk
END
ok "make ko-resolve" make -s ko-resolve KO_BIN="$bin/" KO_RESOLVED=make.yaml
ok "the same as ninja" cmp make.yaml zstd.yaml

# --- others read it
if ! start_registry; then
	skip "a registry" "no docker-registry"
	done_testing
	exit
fi
ok "pushed" sh -c "KO_DOCKER_REPO=$registry ko build --compression=zstd ./cmd/a >pushed"
pushed=$(cat pushed)
crane=$(oracle crane)
"$crane" export --insecure "$pushed" - 2>crane.log | tar -xPf - --transform 's|.*/||' /ko-app/a
is "crane export: the program runs" "$(./a 2>&1)" a
ok "skopeo copy" skopeo --insecure-policy copy --src-tls-verify=false "docker://$pushed" oci:copied:a
is "keeps zstd" "$(skopeo inspect --raw oci:copied:a | jq -r '.layers[-1].mediaType')" \
	application/vnd.oci.image.layer.v1.tar+zstd
# umoci of Debian 12 has no zstd
ok "skopeo unpacks and packs again" skopeo --insecure-policy copy --dest-compress-format gzip --dest-compress \
	--src-tls-verify=false "docker://$pushed" oci:packed:a
ok "umoci unpack, with all diffIDs right" umoci unpack --rootless --image packed:a bundle
is "the program runs" "$(bundle/rootfs/ko-app/a 2>&1)" a
ok "KO_DOCKER_REPO with gzip:9" sh -c "KO_DOCKER_REPO=$registry ko build --compression=gzip:9 ./cmd/b >pushed"
ok "crane validate" "$crane" validate --insecure --remote "$(cat pushed)"
done_testing
