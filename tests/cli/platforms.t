#!/bin/sh
# Platforms: lists, "all" and other words that depend on the base image, windows, templates that
# differ between platforms, cgo.
. "$(dirname "$0")/lib.sh"
. "$top/tests/servers/servers.sh"
. "$top/tests/servers/layout.sh"
. "$top/tests/servers/oracles.sh"

mkdir app && cd app || exit 1
printf 'module example.com/app\n\ngo 1.19\n' >go.mod
printf 'package main\n\nvar version string\n\nfunc main() { println(version) }\n' >main.go
mkdir kodata && echo hi >kodata/x
printf 'image: ko://example.com/app\n' >app.yaml
top_of() { sed 's/.*@sha256://;s|^|.ko/oci/blobs/sha256/|;q'; }
built() { ko build "$@" . 2>"$tmp/err" | top_of; }
platforms() { jq -r '[.manifests[].platform | [.os, .architecture, .variant, .["os.version"] | select(.)] | join("/")] | join(" ")' "$1"; }
config_at() { # INDEX N FILTER
	manifest=$(jq -r ".manifests[$2].digest" "$1" | sed 's/sha256://')
	config=$(jq -r .config.digest ".ko/oci/blobs/sha256/$manifest" | sed 's/sha256://')
	jq -c "$3" ".ko/oci/blobs/sha256/$config"
}
newest() { ls -t .ko/*/"$1" | head -n 1; }
programs() { strace -f -qq -e trace=execve -o "$tmp/trace" "$@" >/dev/null 2>&1; sed -n 's/.*execve("[^"]*\/\([^"/]*\)".* = 0$/\1/p' "$tmp/trace" | xargs; }

# --- lists
index=$(built --platform linux/amd64,linux/arm/v7)
is "a list" "$(platforms "$index")" "linux/amd64 linux/arm/v7"
is "a repeated option" "$(built --platform linux/amd64 --platform linux/arm/v7)" "$index"
is "KO_DEFAULTPLATFORMS" "$(KO_DEFAULTPLATFORMS='linux/amd64 linux/arm/v7' built)" "$index"
printf 'defaultPlatforms: [linux/amd64, linux/arm/v7]\n' >ko.yaml
is "ko.yaml" "$(built)" "$index"
is "one compile edge for each" "$(grep -c ': ko_gobuild ' "$(newest build.ninja)")" 2
is "one platform: no index" "$(jq -r .mediaType "$(built --platform linux/arm64)")" application/vnd.oci.image.manifest.v1+json
rm ko.yaml

# --- all, of the built-in base: known at once
is "a platform named twice" "$(ko-scan --platform linux/amd64,linux/amd64,linux/arm64 . | jq -c '[.platforms[].platform]')" \
	'["linux/amd64","linux/arm64"]'
is "the built-in base says what linux/arm is" "$(ko-scan --platform linux/arm . | jq -c '.platforms, .wanted')" \
	'[{"platform":"linux/arm/v7"}]
["linux/arm"]'
is "all of the built-in base" "$(ko-scan --platform all . | jq -r '[.platforms[].platform] | join(" ")')" \
	"$(ko-base | jq -r '[.platforms[].platform] | join(" ")')"

# --- all, of a base that has to be looked at
layout_base base linux/amd64 linux/arm/v6 linux/arm/v7 linux/arm64/v8 plan9/386 windows/amd64:10.0.1.1 windows/amd64:10.0.2.2
export KO_BASEIMAGE=oci:base
everything="linux/amd64 linux/arm/v6 linux/arm/v7 linux/arm64/v8 windows/amd64/10.0.1.1 windows/amd64/10.0.2.2"
all=$(built --platform all)
is "all: what the base has and go knows" "$(platforms "$all")" "$everything"
is "nothing changed: only ninja" "$(programs ko build --platform all .)" "ko ninja"
is "resolve" "$(ko resolve -f app.yaml --platform all 2>/dev/null)" "image: ko.local/app@sha256:${all##*/}"
is "linux" "$(platforms "$(built --platform linux)")" "linux/amd64 linux/arm/v6 linux/arm/v7 linux/arm64/v8"
is "linux/arm and windows/amd64" "$(platforms "$(built --platform windows/amd64,linux/arm)")" \
	"linux/arm/v6 linux/arm/v7 windows/amd64/10.0.1.1 windows/amd64/10.0.2.2"
is "a version of windows" "$(config_at "$(built --platform windows/amd64:10.0.2,linux/amd64)" 1 '.["os.version"]')" '"10.0.2.2"'
is "arm variants are compiled for" "$(for n in 1 2; do config_at "$all" $n .rootfs.diff_ids[-1]; done | sort -u | wc -l)" 2

is "windows: how it starts" "$(config_at "$all" 4 '[.config.Entrypoint[0], .config.Env[]]')" \
	'["C:\\ko-app\\app","PATH=/bin;C:\\ko-app","KO_DATA_PATH=C:\\var\\run\\ko"]'

printf 'KO_MANIFESTS := app.yaml\nKO_FLAGS := --platform all\ninclude %s/mk/ko.mk\n' "$top" >Makefile
is "make: the same" "$(make -s ko-list 2>"$tmp/err" | tail -n 1 | top_of)" "$all"
make -s ko-resolve >"$tmp/out" 2>&1
is "make: then nothing" "$(programs make -s ko-resolve)" make
printf 'include %s/rules/ko.ninja\nbuild build.ninja: ko_graph\n  graph = .ko/own/graph.ninja\n  args = -f app.yaml --platform all\nsubninja .ko/own/graph.ninja\n' \
	"$top" >build.ninja
ko-scan --ninja .ko/own/graph.ninja -f app.yaml --platform all
ok "a build.ninja of one's own" ninja --quiet ko-resolve
is "has the same" "$(top_of <.ko/own/resolved.yaml)" "$all"
is "and then does nothing" "$(programs ninja ko-resolve)" ninja
ko-base -o base.json oci:base
is "the pipe: the same" "$(ko-scan --base base.json --platform all . | ko-gobuild | ko-layer | ko-image --base base.json | jq -r .image.digest)" \
	"sha256:${all##*/}"
fails "the pipe needs to be told" 2 'example.com/app: platforms all are those of the base image; name its record, which ko-base makes, with --base$' \
	ko-scan --platform all .

layout_base base linux/amd64 linux/s390x
new=$(KO_BASE_UPDATE=1 built --platform all)
is "another base has other platforms" "$(platforms "$new")" "linux/amd64 linux/s390x"
is "make: likewise" "$(KO_BASE_UPDATE=1 make -s ko-list 2>"$tmp/err" | tail -n 1 | top_of)" "$new"
rm -rf .ko/*/base.*.json
is "without its record the base is looked for again" "$(built --platform all)" "$new"
fails "a word that means nothing in the base" 2 '^ko-base: no matching platforms in base image index of oci:base$' \
	ko build --platform linux/arm .
fails "nor anything that go knows" 2 'example.com/app: base image oci:base has no platform that go compiles for and that is meant by plan9$' \
	env KO_DEFAULTPLATFORMS=plan9 ko-scan --base base.json .
fails "a platform that the base lacks" 2 'base image platform|no matching platforms' ko build --platform linux/arm64 .
like "one of two that it lacks is left out, and said" "$(ko build --platform linux/amd64,linux/arm64 . 2>&1 >/dev/null)" \
	'base image oci:base has no platform linux/arm64: no image is made for it'
fails "all and another" 2 '^ko-scan: --platform: all or specific platforms should be used' ko build --platform all,linux/amd64 .
fails "too many parts" 2 '^ko-scan: --platform: too many slashes in platform spec: linux/arm/v7/x' ko build --platform linux/arm/v7/x .
fails "an odd variant" 2 'strange arm variant: seven' ko build --platform linux/arm/seven .
unset KO_BASEIMAGE

# --- templates
cat >ko.yaml <<'END'
defaultLdflags: ["-X main.version={{.Env.GOARCH}}x"]
labels: {arch: "{{.Env.GOOS}}/{{.Env.GOARCH}}", same: "yes"}
annotations: {arch: "{{.Env.GOARCH}}", same: "yes"}
END
index=$(built --platform linux/amd64,linux/arm/v7)
is "labels of each platform" "$(for n in 0 1; do config_at "$index" $n .config.Labels; done | sort | xargs)" \
	"{arch:linux/amd64,same:yes} {arch:linux/arm,same:yes}"
is "annotations of each platform" "$(for n in 0 1; do jq -r .annotations.arch ".ko/oci/blobs/sha256/$(jq -r ".manifests[$n].digest" "$index" | sed 's/sha256://')"; done | xargs)" \
	"amd64 arm"
is "of the index: what they have in common" "$(jq -c '[.annotations.arch, .annotations.same]' "$index")" '[null,"yes"]'
amd64=$(jq -r 'select(.importpath).platforms[].executable' "$(newest app.linux-amd64.bin.json)")
arm=$(jq -r 'select(.importpath).platforms[].executable' "$(newest app.linux-arm-v7.bin.json)")
is "ldflags of each platform" "$("$amd64" 2>&1)" amd64x
ok "ldflags of each platform: the other one" grep -q armx "$arm"
is "nothing changed: only ninja" "$(programs ko build --platform linux/amd64,linux/arm/v7 .)" "ko ninja"
is "where all are equal it is one setting" "$(ko-scan --platform linux/arm/v6,linux/arm/v7 . | jq -c '.labels, .ldflags')" \
	'{"arch":"linux/arm","same":"yes"}
["-X main.version=armx"]'
printf 'defaultLdflags: "-X main.version={{.GoEnv.GOARCH}}y"\n' >ko.yaml
is ".GoEnv is that of the platform" "$(ko-scan --platform linux/amd64,linux/arm/v7 . | jq -c '[.platforms[].ldflags]')" \
	'[["-X main.version=amd64y"],["-X main.version=army"]]'
printf 'tags: "{{.Env.GOARCH}}"\n' >ko.yaml
is "a tag" "$(ko-scan --platform linux/arm64 . | jq -c .tags)" '["arm64"]'
fails "a tag for several" 3 'ko.yaml:1: tags: not the same for all platforms, which have one tag together' \
	ko build --platform linux/amd64,linux/arm64 .
rm ko.yaml

# --- cgo
cat >main.go <<'END'
package main

// int answer(void) { return 42; }
import "C"

func main() { println(C.answer()) }
END
like "without cgo such a program does not compile" "$(ko build . 2>&1)" 'build constraints exclude all Go files'
fails "no compiler for the platform" 2 'example.com/app: linux/arm64: CGO_ENABLED=1, but no C compiler for this platform is named; set CC_FOR_linux_arm64, or CGO_ENABLED=0' \
	env CGO_ENABLED=1 ko build --platform linux/arm64 .
printf 'builds: [{env: [CGO_ENABLED=1, CC_FOR_linux_arm64=cc-arm64]}]\n' >ko.yaml
printf '#!/bin/sh\necho "$0 $*" >>%s/calls\nexec gcc "$@"\n' "$tmp" >"$tmp/cc-arm64" && chmod +x "$tmp/cc-arm64"
if command -v gcc >/dev/null && [ "$(uname -m)" = x86_64 ]; then
	ok "cgo where the user has set it up" ko build --platform linux/amd64 .
	PATH=$tmp:$PATH ko build --platform linux/arm64 . >/dev/null 2>&1
	ok "the compiler for the platform is called" grep -q cc-arm64 "$tmp/calls"
else
	skip "cgo" "no gcc, or another machine"
fi
rm ko.yaml
printf 'package main\n\nfunc main() {}\n' >main.go

# --- the same as ko
if ! ko=$(oracle ko) || ! crane=$(oracle crane) || ! start_registry; then
	skip "side by side" "no ko, crane or registry"
	done_testing
	exit
fi
git init -q . && git add main.go go.mod kodata && git -c user.name=x -c user.email=x@y commit -qm x
layout_base side linux/amd64 linux/arm/v6 linux/arm/v7 linux/arm64/v8 windows/amd64:10.0.1.1 windows/amd64:10.0.2.2
skopeo copy -q --all --dest-tls-verify=false oci:side "docker://$registry/base:1"
export KO_DEFAULTBASEIMAGE="$registry/base:1" GOFLAGS=-buildvcs=false KO_INHERITLABELS=true
facts() { # REFERENCE: platforms, and configs but for PATH and the digests of ELF files, whose build ID we blank
	"$crane" manifest --insecure "$1" | jq -S 'del(.. | .digest?, .size?, .artifactType?) | del(.annotations)'
	"$crane" manifest --insecure "$1" | jq -r '.manifests[]?.digest // empty' | sed "s|^|${1%@*}@|" >list
	[ -s list ] || echo "$1" >list
	while read -r each; do "$crane" config --insecure "$each" | jq -S '.config.Env |= map(gsub(".?(C:.|/)ko-app"; ""))
		| if .os == "linux" then .rootfs.diff_ids |= .[:-1] else . end'; done <list
}
for platform in all linux linux/arm windows/amd64 windows/amd64:10.0.2 linux/amd64,linux/s390x linux/arm64; do
	theirs=$(KO_DOCKER_REPO=$registry/theirs "$ko" build --insecure-registry --sbom none --platform $platform . 2>"$tmp/theirs.err")
	ours=$(KO_DOCKER_REPO=$registry/ours ko build --insecure-registry="$registry" --platform $platform . 2>"$tmp/err")
	facts "$theirs" >theirs.txt
	facts "$ours" >ours.txt
	ok "side by side: $platform" diff theirs.txt ours.txt
done
KO_DOCKER_REPO=$registry/theirs "$ko" build --insecure-registry --platform all,linux/arm64 . 2>"$tmp/theirs.err"
like "ko refuses all and another likewise" "$(cat "$tmp/theirs.err")" 'all or specific platforms should be used'
before=$(log_of registry | wc -l)
KO_DOCKER_REPO=$registry/ours ko build --insecure-registry="$registry" --platform all . >/dev/null 2>&1
KO_DOCKER_REPO=$registry/ours ko build --insecure-registry="$registry" --platform all . >/dev/null 2>&1
middle=$(log_of registry | wc -l)
KO_DOCKER_REPO=$registry/ours ko build --insecure-registry="$registry" --platform all . >/dev/null 2>&1
is "nothing changed: no request" "$(($(log_of registry | wc -l) - middle))" 0
done_testing
