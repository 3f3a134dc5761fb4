#!/bin/sh
# Mirrors of registries: KO_REGISTRY_MIRROR and registries.conf; what fails at one, and its credentials.
. "$(dirname "$0")/lib.sh"
. "$top/tests/servers/servers.sh"

HOME=$tmp/home
DOCKER_CONFIG=$tmp/docker
KO_RETRY_WAIT=20
export HOME DOCKER_CONFIG KO_RETRY_WAIT
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY REGISTRY_AUTH_FILE DOCKER_AUTH_CONFIG \
	XDG_RUNTIME_DIR XDG_CONFIG_HOME KO_TIMEOUT KO_RETRY_BUDGET KO_REGISTRY_MIRROR
mkdir -p "$HOME/.config/containers" "$DOCKER_CONFIG"
CONTAINERS_REGISTRIES_CONF=$HOME/none.conf
export CONTAINERS_REGISTRIES_CONF
: >"$CONTAINERS_REGISTRIES_CONF"

start_scripted || { skip "all" "no server"; done_testing; exit; }
make_layout img 300000 base >base.json
ok "a base" ko-push --oci img --repo "$scripted/team" base.json
ok "the same elsewhere, below another path" ko-push --oci img --repo "$scripted/hub/team" base.json
digest=$(jq -r .image.digest base.json)
layer=$(jq -r '.layers[0].digest' "img/blobs/sha256/${digest#*:}")
layout=$(find img -type f | sort | xargs sha256sum)

# requests PORT: those that came to it, without HEAD of the API itself
requests() { say log | sed -n "s/^$1 //p"; }
paths() { requests "$1" | sed -E 's/ -$//; s/sha256:[0-9a-f]*/DIGEST/' | tr '\n' ';'; }
pull() {
	rm -rf .ko
	say again
	ko-base "$scripted/team/base" 2>err | jq -r '.digest + " " + .canonical'
}
all="GET /v2/;GET /v2/team/base/manifests/latest;GET /v2/team/base/blobs/DIGEST;"
good="$digest $scripted/team/base:latest"

# the variable
KO_REGISTRY_MIRROR=$scripted=$elsewhere
export KO_REGISTRY_MIRROR
is "a mirror is asked" "$(pull)" "$good"
is "everything" "$(paths 1)" "$all"
is "the registry is not" "$(paths 0)" ""
is "silently" "$(cat err)" ""
KO_REGISTRY_MIRROR="other.example=$scripted,$scripted=$elsewhere/hub"
is "a mirror with a path" "$(pull)" "$good"
is "which stands before that of the repository" "$(paths 1)" "GET /v2/;GET /v2/hub/team/base/manifests/latest;GET /v2/hub/team/base/blobs/DIGEST;"
KO_REGISTRY_MIRROR="$scripted=127.0.0.1:1"
is "a mirror that is down" "$(pull)" "$good"
is "the registry has it" "$(paths 0)" "$all"
like "and it is said once" "$(wc -l <err) $(cat err)" "^1 ko-base: mirror of $scripted: 127.0.0.1:1: .*it is asked no more in this run"
KO_REGISTRY_MIRROR="$scripted=127.0.0.1:1,$scripted=$elsewhere"
is "a second mirror after one that is down" "$(pull) $(paths 0)" "$good "
is "and the second is asked" "$(paths 1)" "$all"
KO_REGISTRY_MIRROR=$scripted=$elsewhere

# with rules for the mirror
with() {
	rm -rf .ko
	say again
	for rule in "$@"; do say "$rule"; done
	ko-base "$scripted/team/base" 2>err | jq -r '.digest + " " + .canonical'
}
is "a mirror that lacks it" "$(with 'rule {"port":1,"p":"manifests","n":0,"do":"status","code":404}') $(cat err)" "$good "
is "is asked for the rest all the same" "$(paths 1)" "$all"
is "a mirror that has a part of it" "$(with 'rule {"port":1,"p":"blobs","n":0,"do":"status","code":404}') $(cat err)" "$good "
is "the rest is the registry's" "$(paths 0)" "GET /v2/;GET /v2/team/base/blobs/DIGEST;"
is "a mirror that sends something else" "$(with 'rule {"port":1,"p":"blobs","n":0,"do":"status","code":200,"body":"{}"}')" "$good"
like "is told of" "$(wc -l <err) $(cat err)" "^1 .*mirror of $scripted: $elsewhere/team/base: blob sha256:[0-9a-f]*: "
is "a mirror that answers 503: once" "$(with 'rule {"port":1,"p":"manifests","n":0,"do":"status","code":503}') $(requests 1 | wc -l)" "$good 2"
is "a mirror that is no registry" "$(with 'rule {"port":1,"n":0,"do":"status","code":200,"h":{"Content-Type":"text/html"},"body":"<html>"}')" "$good"
is "a mirror that keeps silent" "$(KO_TIMEOUT=1 with 'rule {"port":1,"n":0,"do":"hang","seconds":5}')" "$good"
is "a mirror that sends us to a private address" "$(with 'rule {"port":1,"p":"blobs","n":0,"do":"status","code":307,"h":{"Location":"http://10.0.0.1/x"}}')" "$good"
is "a mirror whose token server refuses" "$(with 'rule {"port":1,"p":"^/token","n":0,"do":"status","code":401}' 'rule {"port":1,"p":"^/v2/","n":0,"do":"status","code":401,"h":{"WWW-Authenticate":"Bearer realm=\"http://{1}/token\""}}')" "$good"
with 'rule {"n":0,"do":"status","code":404,"p":"manifests"}' >out
is "neither has it: the registry's error" "$(cat out err)" "ko-base: base image $scripted/team/base: not found in the registry"

# credentials
docker() { printf '{"auths":{"%s":{"auth":"%s"}}}' "$1" "$(printf user:secret | base64)" >"$DOCKER_CONFIG/config.json"; chmod 600 "$DOCKER_CONFIG/config.json"; }
docker "$elsewhere"
is "the mirror's credentials" "$(with 'set auth "basic"') $(paths 0)" "$good "
is "are for it" "$(requests 1 | tr '\n' ';' | sed -E 's/sha256:[0-9a-f]*/D/')" \
	"GET /v2/ -;GET /v2/team/base/manifests/latest Basic;GET /v2/team/base/blobs/D Basic;"
docker "$scripted"
is "the registry's credentials" "$(with 'set auth "basic"')" "$good"
is "are not for the mirror" "$(requests 1 | grep -c Basic) $(requests 0 | grep -c Basic)" "0 2"
unlike "no secret is told" "$(cat err)" 'secret|dXNlcjpzZWNyZXQ'
rm "$DOCKER_CONFIG/config.json"

# layers
say again
rm -rf .ko
ko-base "$scripted/team/base" >/dev/null
mkdir -p t/ko-app && echo program >t/ko-app/app && tar -C t -cf t.tar ko-app && gzip -n <t.tar >t.tar.gz
own=$(sha256sum <t.tar.gz | cut -d ' ' -f 1)
mkdir -p keep
cp t.tar.gz keep/blob
printf '{"importpath":"example.com/app","name":"app","base":"%s/team/base","platforms":[{"platform":"linux/amd64","layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:%s","size":%s,"diffID":"sha256:%s","kind":"program"}]}]}\n' \
	"$scripted" "$own" "$(stat -c %s t.tar.gz)" "$(sha256sum <t.tar | cut -d ' ' -f 1)" >app.json
store() { mkdir -p .ko/oci/blobs/sha256 && cp keep/blob ".ko/oci/blobs/sha256/$own"; }
if start_registry; then
	is "a layer goes from the mirror to the target" "$(store; ko-push --repo "$registry/a" app.json 2>err | jq -r .name) $(cat err)" "app "
	is "from there alone" "$(requests 1 | grep -c "GET /v2/team/base/blobs/$layer") $(requests 0 | grep -c "$layer")" "1 0"
	is "a layer that is cut: from the registry" "$(with 'rule {"port":1,"p":"blobs/'"$layer"'","n":0,"do":"rst"}' >/dev/null
		store; ko-push --repo "$registry/b" app.json 2>err | jq -r .name)" "app"
	is "a layer that is cut: asked for there" "$(requests 0 | grep -c "GET.*$layer")" 1
	is "a layer that is another: from the registry" "$(with 'rule {"port":1,"p":"blobs/'"$layer"'","n":0,"do":"status","code":200,"body":"x","repeat":300000}' >/dev/null
		store; ko-push --repo "$registry/c" app.json 2>err | jq -r .name)" "app"
	like "a layer that is another: told" "$(cat err)" "mirror of .*sent something else"
	is "a layer that it lacks" "$(with 'rule {"port":1,"p":"blobs/'"$layer"'","n":0,"do":"status","code":404}' >/dev/null
		store; ko-push --repo "$registry/d" app.json 2>err | jq -r .name) $(cat err)" "app "
	is "a mirror that is down, and layers" "$(rm -rf .ko; store; KO_REGISTRY_MIRROR=$scripted=127.0.0.1:1 ko-push --repo "$registry/e" app.json 2>err | jq -r .name)" app
	for repo in a b c d e; do
		is "what arrived in $repo" "$(skopeo copy -q --insecure-policy --src-tls-verify=false "docker://$registry/$repo/app" "dir:$repo" 2>&1; sha256sum <"$repo/${layer#*:}" | cut -d ' ' -f 1)" "${layer#*:}"
	done
else
	skip "layers" "no docker-registry"
fi
with >/dev/null
store
say again
is "into the store" "$(ko-push --repo= app.json | jq -r .name)" app
is "layers from the mirror" "$(requests 1 | grep -c "GET.*$layer") $(requests 0 | wc -l) $(sha256sum <".ko/oci/blobs/sha256/${layer#*:}" | cut -d ' ' -f 1)" "1 0 ${layer#*:}"
say again
ok "pushing to a registry that has a mirror" ko-push --oci img --repo "$scripted/new" base.json
is "is no matter of the mirror" "$(paths 1)" ""
is "the inputs are as before" "$(find img -type f | sort | xargs sha256sum)" "$layout"

# the variable, malformed
fails() {
	want=$2 ere=$3
	ko-base "$scripted/team/base" >out 2>err
	is "$1: status, lines" "$? $(wc -l <err) $(cat out)" "$want 1 "
	like "$1: text" "$(cat err)" "$ere"
}
rm -rf .ko
for bad in nothing =x x= "x=http://y" "x=y/" "x=y?z"; do
	KO_REGISTRY_MIRROR=$bad fails "KO_REGISTRY_MIRROR=$bad" 2 'KO_REGISTRY_MIRROR: .* is not HOST=MIRROR, where MIRROR is HOST\[:PORT\]\[/PATH\]'
done
unset KO_REGISTRY_MIRROR

# registries.conf
conf() { # NAME WANT-PORT-1 TEXT
	printf '%s\n' "$3" | sed "s|REGISTRY|$scripted|; s|MIRROR|$elsewhere|" >"$CONTAINERS_REGISTRIES_CONF"
	is "$1" "$(pull)" "$good"
	is "$1: asked of the mirror" "$(paths 1)" "$2"
}
conf "location and mirror" "$all" 'unqualified-search-registries = [
  "docker.io", # [[registry]]
]
[[registry]]
location = "REGISTRY"
  [[registry.mirror]] # ours
  location = "MIRROR"'
conf "prefix" "GET /v2/;GET /v2/hub/team/base/manifests/latest;GET /v2/hub/team/base/blobs/DIGEST;" "[[registry]]
prefix = 'REGISTRY/team'
[[registry.mirror]]
location = 'MIRROR/hub/team'
insecure = true
[aliases]
\"x\" = \"y\""
conf "the longest prefix counts" "$all" '[[registry]]
prefix = "REGISTRY"
[[registry.mirror]]
location = "127.0.0.1:1"
[[registry]]
prefix = "REGISTRY/team"
[[registry.mirror]]
location = "MIRROR/team"'
conf "a prefix is whole parts" "" '[[registry]]
prefix = "REGISTRY/tea"
[[registry.mirror]]
location = "MIRROR/nothing"'
conf "by digest only" "GET /v2/;GET /v2/team/base/blobs/DIGEST;" '[[registry]]
location = "REGISTRY"
[[registry.mirror]]
location = "MIRROR"
pull-from-mirror = "digest-only"'
conf "by tag only" "GET /v2/;GET /v2/team/base/manifests/latest;" '[[registry]]
location = "REGISTRY"
[[registry.mirror]]
location = "MIRROR"
pull-from-mirror = "tag-only"'
conf "mirror-by-digest-only" "GET /v2/;GET /v2/team/base/blobs/DIGEST;" '[[registry]]
mirror-by-digest-only = true
location = "REGISTRY"
[[registry.mirror]]
location = "MIRROR"'
conf "a location that is another" "$all" '[[registry]]
prefix = "REGISTRY"
location = "MIRROR"'
is "is no mirror: nothing is asked elsewhere" "$(paths 0)" ""
KO_REGISTRY_MIRROR=$scripted=$elsewhere conf "the variable goes before the file" "$all" '[[registry]]
prefix = "REGISTRY/team"
[[registry.mirror]]
location = "127.0.0.1:1"'

bad() { # NAME STATUS ERE TEXT
	printf '%s\n' "$4" | sed "s|REGISTRY|$scripted|; s|MIRROR|$elsewhere|" >"$CONTAINERS_REGISTRIES_CONF"
	rm -rf .ko
	fails "$1" "$2" "$3"
}
bad "blocked" 2 "$scripted/team/base is blocked by .*none.conf:1" '[[registry]]
location = "REGISTRY"
blocked = true'
bad "no location" 3 'none.conf:2: registry without location or prefix' '#
[[registry]]
blocked = false'
bad "a mirror without location" 3 'none.conf:1: mirror without location' '[[registry]]
location = "REGISTRY"
[[registry.mirror]]
insecure = true'
bad "a mirror of nothing" 3 'none.conf:1: a mirror, but of no' '[[registry.mirror]]'
bad "no string" 3 'none.conf:2: a string in quotes is expected' '[[registry]]
location = 5'
bad "no location" 3 'none.conf:2: HOST\[:PORT\]\[/PATH\] is expected' '[[registry]]
location = "https://x"'
bad "no flag" 3 'none.conf:2: true or false is expected' '[[registry]]
blocked = "yes"'
bad "no way to pull" 3 'none.conf:3: all, digest-only or tag-only is expected' '[[registry]]
[[registry.mirror]]
pull-from-mirror = "some"'
bad "no pair" 3 'none.conf:2: KEY = VALUE is expected' '[[registry]]
what'
bad "mirrors in line" 3 'none.conf:2: write mirrors as' '[[registry]]
mirror = [{location = "x"}]'
bad "registries in line" 3 'none.conf:1: write registries as' 'registry = [{location = "x"}]'
bad "no name is left" 2 "none.conf:1: '$elsewhere' leaves no name of a repository" '[[registry]]
prefix = "REGISTRY/team/base"
[[registry.mirror]]
location = "MIRROR"'
CONTAINERS_REGISTRIES_CONF=$tmp/nowhere
fails "the file that is named is not there" 1 'nowhere: no such file'
unset CONTAINERS_REGISTRIES_CONF
printf '[[registry]]\nlocation = "%s"\n[[registry.mirror]]\nlocation = "%s"\n' "$scripted" "$elsewhere" >"$HOME/.config/containers/registries.conf"
is "the user's own file" "$(pull) $(paths 1)" "$good $all"
: >"$HOME/.config/containers/registries.conf"
mkdir "$HOME/.config/containers/registries.conf.d"
printf '[[registry]]\nlocation = "%s"\n[[registry.mirror]]\nlocation = "%s"\n' "$scripted" "$elsewhere" >"$HOME/.config/containers/registries.conf.d/a.conf"
is "and the directory beside it" "$(pull) $(paths 1)" "$good $all"
is "once it is at hand nothing is asked" "$(say again; ko-base "$scripted/team/base" | jq -r .digest) $(say log)" "$digest "
done_testing
