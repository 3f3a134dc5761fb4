#!/bin/sh
# ko base update: tags that have moved are followed, by the graphs of the driver and by others, and only then.
. "$(dirname "$0")/lib.sh"
. "$top/tests/servers/servers.sh"

fails "no graph, no base" 2 'r.example/a: no image in .ko is made on this base' ko base update r.example/a
fails "ko base alone" 2 'what is to be done with bases' ko base
is "nothing made yet" "$(ko base update 2>&1)" "ko: no base image has changed"

if ! start_registry; then
	skip "bases of a registry" "no docker-registry"
	done_testing
	exit
fi
cp -R "$top/examples/hello" app && cd app || exit 1
# VALUE: another image gets the tag; prints its digest, and keeps that of its first platform in "made/VALUE".
tag() (
	mkdir -p "$tmp/made" && cd "$tmp/made" || exit 1
	make_record base linux/amd64 linux/arm64 | sed "s/\"name\"/\"labels\":{\"v\":\"$1\"},\"name\"/" >record.json
	KO_BASEIMAGE=ko.local/static ko-push --repo "$registry/team" -o pushed.json record.json
	jq -r '.platforms[0].manifest.digest' pushed.json >"$1"
	jq -r .image.digest pushed.json
)
resolve() { ko resolve --repo= -f config/manifests; }
# The digest of the base that the resolved image is made on.
base_of() {
	sed -n 's/.*image: *ko.local\/myapp@sha256:\([0-9a-f]*\).*/\1/p' "$1" >hash
	jq -r '.annotations["org.opencontainers.image.base.digest"]' ".ko/oci/blobs/sha256/$(cat hash)"
}

KO_BASEIMAGE=$registry/team/base
export KO_BASEIMAGE
first=$(tag 1)
resolve >one.yaml
is "the base" "$(base_of one.yaml)" "$(cat ../made/1)"
: >"$tmp/registry.log"
ko base update >out 2>err
is "nothing has moved" "$? $(cat out err)" "0 ko: no base image has changed"
is "one HEAD says so" "$(log_of registry | sed 's/ .*manifests.*/ manifest/; s/ 200//')" "GET /v2/
HEAD manifest"
: >"$tmp/registry.log"
is "and nothing is made anew" "$(resolve | cmp - one.yaml)$(log_of registry)" ""

second=$(tag 2)
is "a tag that moves is not followed" "$(resolve | cmp - one.yaml)" ""
ko-scan --ninja .ko/graph.ninja -f config/manifests
cat >build.ninja <<EOF
include $top/rules/ko.ninja
build build.ninja: ko_graph
  graph = .ko/graph.ninja
  args = -f config/manifests
subninja .ko/graph.ninja
EOF
ninja --quiet ko-resolve >/dev/null
is "nor in a graph of one's own" "$(base_of .ko/resolved.yaml)" "$(cat ../made/1)"
fails "one that is not used here" 2 'r.example/a: no image in .ko is made on this base' ko base update r.example/a
kill "$registry_pid" && wait "$registry_pid" 2>/dev/null
KO_RETRY_WAIT=1 KO_RETRY_BUDGET=1 fails "a registry that is down" 5 "^ko-base: $registry.*try again" ko base update
is "and nothing is forgotten" "$(resolve | cmp - one.yaml)" ""
OTEL_TRACES_EXPORTER=none docker-registry serve "$tmp/registry.yml" >>"$tmp/registry.log" 2>&1 &
server_pids="$server_pids $!"
await_port "${registry#*:}"
ko base update "$KO_BASEIMAGE" >out 2>err
is "an update is told" "$? $(cat out err)" "0 $KO_BASEIMAGE: $first -> $second"
: >"$tmp/registry.log"
resolve >two.yaml
is "and followed" "$(base_of two.yaml)" "$(cat ../made/2)"
ninja --quiet ko-resolve >/dev/null
is "in a graph of one's own, too" "$(base_of .ko/resolved.yaml)" "$(cat ../made/2)"
is "which asks for no manifest again" "$(log_of registry | grep -c manifests)" 0
is "once more: nothing" "$(ko base update 2>&1)" "ko: no base image has changed"
is "the others' bases stay" "$(KO_BASEIMAGE=ko.local/static ko resolve -f config/manifests >/dev/null && ko base update 2>&1)" "ko: no base image has changed"
tag 3 >/dev/null
ko base update >/dev/full 2>err
is "standard output is full" "$? $(wc -l <err)" "1 1"
done_testing
