#!/bin/sh
# Bills of materials: what is in them, against go version -m, SPDX's own library and ko; where they go.
. "$(dirname "$0")/lib.sh"
. "$top/tests/servers/servers.sh"
. "$top/tests/servers/oracles.sh"

real_ko=$(oracle ko)
programs() { strace -qq -f -e trace=execve -e signal=none -o "$tmp/calls" "$@" >/dev/null 2>&1; grep -c ' = 0$' "$tmp/calls"; }
packages() { jq -r '.packages[] | [.name, .versionInfo // ""] | join(" ")' "$1" | sed 's/ $//'; }
# What go says is in a program, in the words of a bill: modules that stand for others, in their place.
modules() {
	go version -m "$1" | awk -F'\t' '
		NR == 1 { sub(/.*: go/, ""); version = $0 }
		$2 == "dep" && $3 != "" { name = $3; number = $4; print_last(); last = name " " number }
		$2 == "=>" { last = $4 ~ /^v/ ? $3 " " $4 : last_name(last) }
		function last_name(s) { sub(/ .*/, "", s); return s }
		function print_last() { if (last != "") print last; last = "" }
		END { print_last(); print "stdlib " version }'
}

mkdir -p app/other && cd app || exit 1
printf 'module example.com/other\n\ngo 1.19\n' >other/go.mod
printf 'package other\n\nconst Text = "x"\n' >other/other.go
cat >go.mod <<'END'
module example.com/Team/App_1

go 1.19

require (
	example.com/other v1.2.3
	github.com/google/go-cmp v0.5.9
	golang.org/x/xerrors v0.0.0-20191204190536-9bdfabe68543
)

replace (
	example.com/other => ./other
	golang.org/x/xerrors => github.com/golang/xerrors v0.0.0-20191204190536-9bdfabe68543
)
END
cat >main.go <<'END'
package main

import (
	"fmt"

	"example.com/other"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/xerrors"
)

func main() { fmt.Println(other.Text, cmp.Diff(1, 2), xerrors.New("x")) }
END
go mod tidy >/dev/null 2>&1 || { skip all "no Go module proxy"; done_testing; exit; }

ok "ko build --sbom-dir" sh -c 'ko build --push=false --platform linux/amd64,linux/arm/v7 --sbom-dir ../bills . >reference 2>/dev/null'
is "a file for each platform and one for the index" "$(ls ../bills | tr '\n' ' ')" \
	"app_1-index.spdx.json app_1-linux-amd64.spdx.json app_1-linux-arm-v7.spdx.json "
(cd "$top/tests/sbom" && go build -o "$tmp/check" .)
ok "SPDX's library reads them, identifiers and package URLs are valid" "$tmp/check" ../bills/*
executable=$(jq -r '.platforms[0].executable' .ko/*/refs.json)
manifest=$(jq -r '.platforms[0].manifest.digest' .ko/*/refs.json)
is "modules as go version -m has them" "$(packages ../bills/app_1-linux-amd64.spdx.json | tail -n +4)" "$(modules "$executable")"
is "the image, its base, the program" "$(packages ../bills/app_1-linux-amd64.spdx.json | head -3)" \
	"$manifest
ko.local/static@$(jq -r '.annotations["org.opencontainers.image.base.digest"]' ".ko/oci/blobs/sha256/${manifest#sha256:}") ko.local/static
example.com/Team/App_1"
is "the index names its images" "$(jq -r '.relationships[] | select(.relationshipType == "VARIANT_OF").relatedSpdxElement' ../bills/app_1-index.spdx.json)" \
	"$(jq -r '.platforms[].manifest.digest | "SPDXRef-Package-sha256-" + sub("sha256:"; "")' .ko/*/refs.json)"
is "package URLs" "$(jq -r '.packages[].externalRefs[0].referenceLocator | select(startswith("pkg:golang"))' ../bills/app_1-linux-amd64.spdx.json)" \
	"pkg:golang/example.com/team/app_1?type=module
pkg:golang/example.com/other?type=module
pkg:golang/github.com/google/go-cmp@v0.5.9?type=module
pkg:golang/github.com/golang/xerrors@v0.0.0-20191204190536-9bdfabe68543?type=module
pkg:golang/stdlib@$(go env GOVERSION | sed 's/^go//')"
is "nothing to do: ko and ninja alone run" "$(programs ko build --push=false --platform linux/amd64,linux/arm/v7 --sbom-dir ../bills .)" 2
cp -R ../bills ../first
rm ../bills/*index* && echo x >../bills/app_1-linux-amd64.spdx.json
ko build --push=false --platform linux/amd64,linux/arm/v7 --sbom-dir ../bills . >/dev/null
ok "files that were removed or written over come back the same" diff -r ../first ../bills
SOURCE_DATE_EPOCH=1000000000 TZ=Asia/Tokyo ko build --push=false --sbom-dir ../dated . >/dev/null
is "made when the image was, UTC" "$(jq -r .creationInfo.created ../dated/*)" 2001-09-09T01:46:40Z
is "no file where nobody asked" "$(find . -name '*.spdx.json')" ""

# what other linkers make of the info
record() { jq -c --arg file "$1" '.platforms |= [.[0]] | .platforms[0].executable = $file | .image = .platforms[0].manifest' .ko/*/refs.json | head -1; }
for kind in linux/s390x windows/amd64 pie; do
	case $kind in
	pie) go build -buildmode=pie -trimpath -o ../program . ;;
	*) GOOS=${kind%/*} GOARCH=${kind#*/} CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o ../program . ;;
	esac
	record ../program | ko-sbom --sbom-dir ../kinds >/dev/null
	is "$kind: the same modules" "$(packages ../kinds/app_1-linux-amd64.spdx.json | tail -n +4)" "$(modules ../program)"
done
# a program that embeds another one; a copy for each place modulo 16, since only aligned ones count
mkdir ../inner embeds
printf 'module example.com/inner\n\ngo 1.19\n' >../inner/go.mod
printf 'package main\n\nfunc main() {}\n' >../inner/main.go
(cd ../inner && CGO_ENABLED=0 go build -o ../inner.exe .)
at=$(LC_ALL=C grep -abo -m 1 ' Go buildinf:' ../inner.exe | head -1 | cut -d: -f1)
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
	tail -c +"$at" ../inner.exe | head -c 4097
done >embeds/other
cat >embeds/main.go <<'END'
package main

import (
	_ "embed"

	"github.com/google/go-cmp/cmp"
)

//go:embed other
var other string

func main() { println(other, cmp.Diff(1, 2)) }
END
for os in linux windows darwin; do
	GOOS=$os GOARCH=amd64 CGO_ENABLED=0 go build -trimpath -o ../program ./embeds
	record ../program | ko-sbom --sbom-dir ../kinds >/dev/null
	is "$os: the modules of the program, not of one that it embeds" \
		"$(packages ../kinds/app_1-linux-amd64.spdx.json | tail -n +4)" "$(modules ../program)"
done
rm -r embeds
{
	printf '\377 Go buildinf:\10\2%16s\6go1.26\107%16s' '' ''
	printf 'dep\tx\tv1\ndep\tx\tv1\ndep\tx-v1-2\t\ndep\tx\tv1\n%16s' ''
} >../program
record ../program | ko-sbom --sbom-dir ../kinds >/dev/null
is "no two packages have one identifier" "$(jq -r '.packages[].SPDXID | select(contains("-x-"))' ../kinds/app_1-linux-amd64.spdx.json | tr '\n' ' ')" \
	"SPDXRef-Package-x-v1 SPDXRef-Package-x-v1-2 SPDXRef-Package-x-v1-2-2 SPDXRef-Package-x-v1-3 "
echo 'no program' >../program
record ../program | ko-sbom --sbom-dir ../kinds >/dev/null
is "no Go program: image and base alone" "$(packages ../kinds/app_1-linux-amd64.spdx.json | wc -l)" 2

# names that make the same file name, and none (--bare): nobody's bill is lost
for name in x/a/b x/a-b ''; do
	record ../program | jq -c --arg name "$name" '.name = $name | .importpath = "example.com/" + $name'
done | sed '3{p;s,"example.com/","example.com/other",}' >names.json
ok "names that look the same" ko-sbom --sbom-dir ../names names.json
is "have a file each" "$(ls ../names | sed 's/[0-9a-f]\{8\}/HASH/' | tr '\n' ' ')" \
	"-HASH-linux-amd64.spdx.json -linux-amd64.spdx.json x-a-b-HASH-linux-amd64.spdx.json x-a-b-linux-amd64.spdx.json "
cp -R ../names ../names-first
ok "again" ko-sbom --sbom-dir ../names names.json
ok "the same files" diff -r ../names ../names-first

# to a registry
if start_registry bills; then
	export KO_DOCKER_REPO="$registry/team"
	tags() { curl -s "http://$registry/v2/$1/tags/list" | jq -r '.tags | sort[]'; }
	get() { curl -s -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://$registry/v2/$1"; }
	digest=$(ko build . | cut -d@ -f2)
	is "beside the image" "$(tags team/app_1)" "latest
sha256-${digest#sha256:}.sbom"
	get "team/app_1/manifests/sha256-${digest#sha256:}.sbom" >attached
	is "its form is that of cosign" "$(jq -c '[.mediaType, .config.mediaType, (.layers | length), .layers[0].mediaType]' attached)" \
		'["application/vnd.oci.image.manifest.v1+json","application/vnd.oci.image.config.v1+json",1,"text/spdx+json"]'
	get "team/app_1/blobs/$(jq -r '.layers[0].digest' attached)" >attached.json
	is "its content is the file's" "$(sha256sum <attached.json)" "$(sha256sum <../bills/app_1-linux-amd64.spdx.json)"
	rm .ko/*/refs.json .ko/last
	calmly_build() { ko build --stats stats . >/dev/null && jq -c '[.pushed, .requests, .connections]' stats; }
	is "nothing new: one more HEAD, on the same connection" "$(calmly_build)" '[0,3,1]'
	push_known() { ko-push --known "$@" --stats stats >/dev/null && jq -c '[.pushed, .requests]' stats; }
	key=$(cat .ko/last)
	cp ".ko/$key/refs.json" known
	cp ".ko/$key/sboms.json" record
	is "a record that is known: not asked for" "$(push_known known record)" '[0,2]'
	jq -c '.user = "other"' record >changed
	is "one that is not" "$(push_known known changed) $(push_known no-file record)" '[0,3] [0,3]'
	push_known known record --repo "$registry/unknown" >/dev/null
	is "one with another reference: all is sent" "$(tags unknown/app_1 | wc -l)" 2
	echo '{' >broken
	is "a file that is no record" "$(push_known broken record)" '[0,3]'
	curl -s -X DELETE "http://$registry/v2/team/app_1/manifests/$(sha256sum <attached | sed 's/ .*//; s/^/sha256:/')"
	rm .ko/*/refs.json
	ko build . >/dev/null
	is "one that is missing is pushed again" "$(tags team/app_1 | wc -l)" 2
	ko build --platform linux/amd64,linux/arm64 --image-refs refs -t multi . >/dev/null
	is "of several platforms: each image and the index" "$(tags team/app_1 | grep -c sbom)" 3
	is "they are no references" "$(grep -c sbom refs) $(wc -l <refs)" "0 3"
	KO_DOCKER_REPO=$registry/none ko build --sbom none . >/dev/null
	is "--sbom none" "$(tags none/app_1)" latest
	KO_DOCKER_REPO=$registry/else COSIGN_REPOSITORY=$registry/apart/bills ko build . >/dev/null
	is "COSIGN_REPOSITORY" "$(tags else/app_1) $(tags apart/bills)" "latest sha256-${digest#sha256:}.sbom"
	ko-scan . | ko-gobuild | ko-layer | ko-image | ko-sbom | ko-push --repo "$registry/pipe" >/dev/null
	is "the pipe" "$(tags pipe/app_1 | wc -l)" 2
	printf 'KO_IMPORTPATHS := .\ninclude %s\n' "$top/mk/ko.mk" >Makefile
	ok "make ko-push" env KO_DOCKER_REPO="$registry/make" make -s ko-push
	is "pushes them too" "$(tags make/app_1 | wc -l)" 2
	rm Makefile
	if [ -n "$real_ko" ]; then
		skopeo --insecure-policy copy -q --dest-tls-verify=false oci:.ko/oci:app_1:latest "docker://$registry/base/image:v1"
		KO_DEFAULTBASEIMAGE=$registry/base/image:v1 "$real_ko" build -B --sbom-dir ../ko . >/dev/null 2>&1
		KO_BASEIMAGE=$registry/base/image:v1 ko build --sbom-dir ../ours . >/dev/null 2>&1
		# what ko says otherwise: replaced modules by their old names; no standard library
		is "the packages are those of ko" \
			"$(packages ../ours/app_1-linux-amd64.spdx.json | sed 1d | grep -v '^stdlib\|/xerrors\|^example.com/other')" \
			"$(packages ../ko/*-linux-amd64.spdx.json | sed 1d | grep -v '/xerrors\|^example.com/other')"
		is "and their relationships" \
			"$(jq -r '.relationships[].relationshipType' ../ours/*-linux-amd64.spdx.json | sort | uniq -c)" \
			"$(jq -r '.relationships[].relationshipType, "DEPENDS_ON"' ../ko/*-linux-amd64.spdx.json | sort | uniq -c)"
		ko_digest=$(jq -r '.packages[0].name' ../ko/*-linux-amd64.spdx.json)
		get "team/app_1/manifests/sha256-${ko_digest#sha256:}.sbom" >attached-ko
		is "they are attached in the same form" \
			"$(jq -c '[.mediaType, .config.mediaType, .layers[0].mediaType, keys]' attached-ko)" \
			"$(jq -c '[.mediaType, .config.mediaType, .layers[0].mediaType, keys]' attached)"
	else
		skip "as ko" "ko cannot be installed"
	fi
	unset KO_DOCKER_REPO
else
	skip "to a registry" "no registry"
fi

# what goes wrong
fails "another kind" 2 'sbom=cyclonedx: spdx or none is wanted' ko build --sbom cyclonedx .
printf '{"importpath":"example.com/x","name":"x"}\n' >bare.json
fails "no image" 3 'record of example.com/x: no image; has ko-image run' ko-sbom bare.json
jq -c '.platforms[].executable = "gone"' .ko/*/refs.json | head -1 >gone.json
fails "no executable" 1 'example.com/Team/App_1: gone: No such file or directory' ko-sbom gone.json
jq -c 'del(.platforms[].platform)' .ko/*/refs.json | head -1 >nowhere.json
fails "no platform" 3 'example.com/Team/App_1: .*no platform; has the tool before this one run' ko-sbom nowhere.json
done_testing
