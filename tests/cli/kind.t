#!/bin/sh
# kind.local: images in the nodes of a kind cluster, which are real containerds here.
. "$(dirname "$0")/lib.sh"
. "$top/tests/servers/servers.sh"
. "$top/tests/servers/nodes.sh"
cleanup() {
	nodes_stop
	stop_servers
}
unset KIND_CLUSTER_NAME KIND_EXPERIMENTAL_PROVIDER
mkdir "$tmp/empty" "$tmp/work"
cd "$tmp/work" || exit 1
make_record app linux/amd64 | ko-push --repo '' >app.json 2>/dev/null
make_record more linux/amd64 linux/arm64 | ko-push --repo '' >more.json 2>/dev/null
make_record far linux/s390x linux/arm64 | ko-push --repo '' >far.json 2>/dev/null
hex=$(jq -r '.image.digest' app.json | cut -d : -f 2)

load() { ko-load --repo kind.local --stats stats "$@"; }
ref() { jq -r .ref "$1"; }
# has NODE NAME: the digest that it has under that name.
has() { node "$1" images ls | awk -v name="$2" '$1 == name { print $3 }'; }
# asked: what was done in nodes since the last time.
asked() {
	cat "$tmp/nodes/log"
	: >"$tmp/nodes/log"
}
imports() { asked | sed -n 's/.* exec -i \([^ ]*\) ctr .*import.*/\1/p' | sort | xargs; }

ln -s "$(command -v env)" "$(command -v ko-load)" "$tmp/empty"
fails "no docker and no podman" 1 'kind.local: neither docker nor podman is on PATH to reach the nodes' \
	env PATH="$tmp/empty" ko-load --repo kind.local app.json
fails "an unknown provider" 2 'KIND_EXPERIMENTAL_PROVIDER=lxc: is none of docker, podman, nerdctl' \
	env KIND_EXPERIMENTAL_PROVIDER=lxc ko-load --repo kind.local app.json

if ! nodes_start kind-control-plane kind-worker kind-worker2 dev-control-plane; then
	skip "nodes" "$nodes_why"
	done_testing
	exit
fi
nodes_command docker
nodes_command podman
PATH=$tmp/nodes/bin:$PATH

ok "load" sh -c 'ko-load --repo kind.local --stats stats app.json >loaded.json'
is "the reference" "$(ref loaded.json)" "kind.local/app:$hex"
is "all nodes were sent it" "$(imports)" "kind-control-plane kind-worker kind-worker2"
for name in kind-control-plane kind-worker kind-worker2; do
	is "$name: under its digest and its tag" "$(has $name "kind.local/app:$hex") $(has $name kind.local/app:latest)" \
		"sha256:$hex sha256:$hex"
	like "$name: whole, and unpacked" "$(node $name images check | grep "app:$hex")" 'complete \(3/3\) .* true'
done
is "not those of another cluster" "$(has dev-control-plane "kind.local/app:$hex")" ""
ok "again" sh -c 'ko-load --repo kind.local --stats stats app.json >loaded.json'
is "no node is sent anything" "$(imports) $(jq -c . stats)" ' {"images":1,"loaded":0,"bytesSent":0}'

node kind-worker images rm kind.local/app:latest >/dev/null 2>&1
ok "a name is gone from a node" load app.json
is "only that node is sent an archive" "$(imports)" kind-worker
is "without blobs" "$(tar tf "$tmp/nodes/kind-worker/archive" | grep -c 'sha256/.')" 0
is "it has the name" "$(has kind-worker kind.local/app:latest)" "sha256:$hex"

# A new version of the program: the base's layer is there already.
echo 'program app, changed' >app
next=$(ko-layer --name app app | ko-push --repo '' 2>/dev/null)
echo "$next" >next.json
new=$(jq -r '.image.digest' next.json | cut -d : -f 2)
ok "another version" load next.json
is "all nodes were sent it" "$(imports)" "kind-control-plane kind-worker kind-worker2"
is "manifest, config and one layer" "$(tar tf "$tmp/nodes/kind-worker2/archive" | grep -c 'sha256/.')" 3
is "the tag has moved" "$(has kind-worker kind.local/app:latest) $(has kind-worker "kind.local/app:$hex")" "sha256:$new sha256:$hex"
like "the new one is whole" "$(node kind-worker2 images check | grep "app:$new")" 'complete \(3/3\) .* true'

is "of several platforms the nodes' own" "$(load more.json 2>notes | ref -)" \
	"kind.local/more:$(jq -r '.platforms[0].manifest.digest' more.json | cut -d : -f 2)"
is "the others are said" "$(cat notes)" 'ko-load: example.com/more: kind runs linux/amd64; not loaded: linux/arm64'
fails "none for the nodes" 2 'far: no image for linux/amd64, which is what kind runs; add it to --platform' load far.json
asked >/dev/null
ok "several images, a prefix and tags of their own" sh -c 'ko-load --repo kind.local/team -t v1 app.json more.json >loaded.json 2>/dev/null'
is "in one archive for each node" "$(imports)" "kind-control-plane kind-worker kind-worker2"
is "their names" "$(has kind-worker kind.local/team/app:v1) $(has kind-worker kind.local/team/more:v1)" \
	"sha256:$hex $(jq -r '.platforms[0].manifest.digest' more.json)"

is "KIND_CLUSTER_NAME" "$(KIND_CLUSTER_NAME=dev load app.json | ref -)" "kind.local/app:$hex"
is "it has the image" "$(imports) $(has dev-control-plane "kind.local/app:$hex")" "dev-control-plane sha256:$hex"
ok "provider podman" env KIND_EXPERIMENTAL_PROVIDER=podman KIND_CLUSTER_NAME=dev ko-load --repo kind.local app.json
unlike "by podman alone" "$(asked)" '^docker'
mv "$tmp/nodes/bin/docker" "$tmp/docker"
if command -v docker >/dev/null; then
	skip "podman where there is no docker" "there is one"
else
	ok "podman where there is no docker" load app.json
fi
mv "$tmp/docker" "$tmp/nodes/bin/docker"

# ---- blobs that a node had a moment ago ----
# forgetful TEXT HOW FILTER NAME ALL WHOLE: a program with this text; a node that treats these blobs of its image so
forgetful() {
	echo "$1" >app
	ko-layer --name app app | ko-push --repo '' -o lost.json 2>/dev/null
	lost=$(jq -r '.image.digest' lost.json | cut -d : -f 2)
	jq -r "$3" ".ko/oci/blobs/sha256/$lost" >"$tmp/nodes/kind-worker/$2"
	ok "$4" load lost.json
	is "$5" "$(imports)" "kind-control-plane kind-worker kind-worker kind-worker2"
	like "$6" "$(node kind-worker images check | grep "app:$lost")" 'complete \(3/3\) .* true'
}

forgetful 'program app, once more' once '.layers[].digest, .config.digest' "a node that loses blobs" \
	"gets all of it" "it is whole"
forgetful 'program app, for the last time' drop '.layers[0].digest' "a node that loses the base's layer" \
	"gets all of it, too" "that is whole"

# ---- failures ----
fails "no such cluster" 1 'kind cluster none: docker knows no running nodes of it; kind create cluster makes one, and KIND_CLUSTER_NAME says which is meant' \
	env KIND_CLUSTER_NAME=none ko-load --repo kind.local app.json
echo 'Error response from daemon: no access' >"$tmp/nodes/broken"
fails "nodes that cannot be found" 4 'kind cluster kind: look for its nodes: Error response from daemon: no access' load app.json
rm "$tmp/nodes/broken"
echo 'ctr: failed to ingest "blobs/sha256/x": no space left on device' >"$tmp/nodes/no-import"
node kind-worker images rm "kind.local/app:$hex" >/dev/null 2>&1
fails "a node that takes nothing" 4 'node kind-[a-z-]*: kind cluster kind: import: ctr: failed to ingest .*no space left on device' load app.json
rm "$tmp/nodes/no-import"
ok "it does again" load app.json

# ---- the driver ----
cp -R "$top/examples/hello" "$tmp/hello" && cd "$tmp/hello" || exit 1
export KO_DOCKER_REPO=kind.local
ok "ko resolve" sh -c 'ko resolve -f config/manifests >resolved.yaml'
reference=$(sed -n 's/.*image: //p' resolved.yaml)
like "the reference" "$reference" '^kind.local/myapp:[0-9a-f]{64}$'
is "the nodes have it" "$(has kind-worker "$reference")" "sha256:${reference#*:}"
asked >/dev/null
ok "nothing changed" sh -c 'ko resolve -f config/manifests >again.yaml && cmp again.yaml resolved.yaml'
is "no node is asked" "$(asked)" ""
ok "another cluster is another matter" env KIND_CLUSTER_NAME=dev ko resolve -f config/manifests
is "it has the image" "$(has dev-control-plane "$reference")" "sha256:${reference#*:}"
done_testing
