#!/bin/sh
# Layers are uploaded and tags asked for while others are compiled, and nothing but blobs is sent before all is
# well. A go that waits stands in for a long build, so that no check depends on time.
. "$(dirname "$0")/lib.sh"
. "$top/tests/servers/servers.sh"

go=$(command -v go)
eval "$(go env | grep -E '^(export )?(GOPATH|GOMODCACHE|GOCACHE)=')"
HOME=$tmp/home
DOCKER_CONFIG=$tmp/docker
export HOME DOCKER_CONFIG GOPATH GOMODCACHE GOCACHE
mkdir -p "$HOME" "$DOCKER_CONFIG" wrap app/cmd/one app/cmd/two app/config
start_registry || { skip "all" "no docker-registry"; done_testing; exit; }

cd app || exit 1
printf 'module example.com/app\n\ngo 1.19\n' >go.mod
for name in one two; do
	printf 'package main\n\nfunc main() { println("%s") }\n' $name >cmd/$name/main.go
	printf 'kind: Pod\nspec:\n  containers:\n  - image: ko://example.com/app/cmd/%s\n' $name >config/$name.yaml
done

# go build of two: the first program; then what the test says; then both
cat >"$tmp/wrap/go" <<END
#!/bin/sh
case \$* in
build*cmd/one\ *cmd/two)
	all="\$*"
	if [ -e "$tmp/meanwhile" ]; then
		"$go" \${all% *} && sh "$tmp/meanwhile" || exit
	fi
esac
exec "$go" "\$@"
END
chmod +x "$tmp/wrap/go"
PATH=$tmp/wrap:$PATH
KO_DOCKER_REPO=$registry/team
export KO_DOCKER_REPO

# await PATTERN: the registry was asked this; at most 20 seconds
cat >"$tmp/await" <<'END'
for i in $(seq 1000); do
	! grep -Eq "$1" "$2" || exit 0
	sleep 0.02
done
echo "nobody asked for $1" >&2
exit 1
END
await="sh $tmp/await '\"(PUT|POST) /v2/team/one/blobs/uploads/[^ ]*(digest|mount)' $tmp/registry.log"
manifests() { log_of registry | grep -v sbom | grep -c 'PUT .*manifests'; }
# No process of a run is left: they keep its lock.
ended() { for lock in .ko/*/lock; do flock -w 10 "$lock" true || return 1; done; }

echo "$await" >"$tmp/meanwhile"
ok "a blob arrives while another program is compiled" ko resolve -f config --stats ../stats --trace ../t.json
is "all were compiled at once" "$(jq '[.[] | select(.name == "go build")] | length' ../t.json)" 1
is "counts are those of both processes" "$(jq .requests ../stats)" "$(log_of registry | wc -l)"
is "the trace has all of it" "$(jq '[.[] | select(.cat == "request")] | length' ../t.json)" "$(jq .requests ../stats)"
is "layers that have arrived are not asked for again" "$(log_of registry | grep 'HEAD /v2/team/one/blobs/' | cut -d ' ' -f 2 | sort | uniq -d)" ""
is "each blob was sent once" "$(log_of registry | grep 'PUT .*/blobs/' | sed 's/.*sha256/sha256/' | sort | uniq -d)" ""
is "nothing stays" "$(find .ko -type p)" ""
asked=$(log_of registry | wc -l)
ok "nothing changed" ko resolve -f config --stats ../stats --trace ../t.json
is "nothing changed: no request, only ninja" "$(log_of registry | wc -l) $(jq -c '[.[] | select(.cat == "process") | .name]' ../t.json)" "$asked [\"ninja\"]"

# another program fails after the blob is there
manifests=$(manifests)
: >"$tmp/registry.log"
sed -i 's/"one"/"first"/' cmd/one/main.go
sed -i 's/println/prantln/' cmd/two/main.go
ko resolve -f config >../out 2>../err
is "a build that fails: its status, no output" "$? $(cat ../out)" "1 "
like "a build that fails: go's words" "$(cat ../err)" 'undefined: prantln'
unlike "a build that fails: no words of others" "$(cat ../err)" 'ko-push|ko-layer'
ok "a build that fails: the blob had come" sh -c "$await"
is "a build that fails: no manifest" "$(manifests)" 0
ok "a build that fails: nobody is left" ended
sed -i 's/prantln/println/' cmd/two/main.go
ok "mended" ko resolve -f config --stats ../stats

# what goes ahead of one edit is the question for the tags of all
asks='HEAD /v2/team/(one|two)/manifests/latest'
sed -i 's/"two"/"second"/' cmd/two/main.go
rm "$tmp/meanwhile"
: >"$tmp/registry.log"
ok "one edit" ko resolve -f config --stats ../stats
is "one edit: each tag is asked for once, and confirmed where it is new" "$(log_of registry | grep -E "$asks" | sort)" \
	"HEAD /v2/team/one/manifests/latest 200
HEAD /v2/team/two/manifests/latest 200
HEAD /v2/team/two/manifests/latest 200"
is "one edit: of the other image nothing else" "$(log_of registry | grep -c team/one)" 1
is "one edit: only the new layer is asked for" "$(log_of registry | grep 'HEAD .*/blobs/' | cut -d ' ' -f 1,3)" "HEAD 404"
is "one edit: counts are those of both processes" "$(jq .requests ../stats)" "$(log_of registry | wc -l)"
rm -r "$tmp/registry/docker/registry/v2/repositories/team/one/_manifests"
sed -i 's/"second"/"2nd"/' cmd/two/main.go
ok "a tag that is gone" ko resolve -f config --stats ../stats
is "a tag that is gone is set again" "$(log_of registry | grep -c 'PUT /v2/team/one/manifests/latest 201')" 1

# a registry that has lost parts of an image
layers=$tmp/registry/docker/registry/v2/repositories/team/two/_layers/sha256
rm -r "$layers"
mkdir "$layers"
sed -i 's/"2nd"/"3rd"/' cmd/two/main.go
ok "parts that are gone" ko resolve -f config --stats ../stats
is "parts that are gone are sent again: both layers, the base's one, config" \
	"$(curl -sH 'Accept: application/vnd.oci.image.manifest.v1+json' "http://$registry/v2/team/two/manifests/latest" | jq -r '.layers[].digest, .config.digest' |
		while read -r digest; do curl -sIo /dev/null -w '%{http_code} ' "http://$registry/v2/team/two/blobs/$digest"; done)" "200 200 200 200 "
rm -r "${layers%/_layers*}"
sed -i 's/"3rd"/"second"/' cmd/two/main.go

# one program alone has nothing to be uploaded beside
ok "one program" ko resolve -f config/two.yaml --trace ../t.json
is "one program: one ko-push" "$(jq '[.[] | select(.cat == "tool" and .name == "ko-push")] | length' ../t.json)" 1
is "one program: nobody follows" "$(jq '[.[] | select(.cat == "tool" and .args.output == null)] | length' ../t.json)" 0

# interrupted while it is uploaded
sed -i 's/"first"/"third"/' cmd/one/main.go
sed -i 's/"second"/"fourth"/' cmd/two/main.go
: >"$tmp/registry.log"
echo "$await; kill -INT -\$(cat $tmp/pid); sleep 20" >"$tmp/meanwhile"
setsid sh -c "echo \$\$ >$tmp/pid; exec ko resolve -f config >../out 2>../err"
is "interrupted: no output" "$(cat ../out)" ""
is "interrupted: no manifest" "$(manifests)" 0
ok "interrupted: nobody is left" ended
rm "$tmp/meanwhile"
ok "interrupted: the next run" ko resolve -f config
is "interrupted: is right" "$(manifests)" 2

# killed
sed -i 's/"third"/"fifth"/' cmd/one/main.go
sed -i 's/"fourth"/"sixth"/' cmd/two/main.go
: >"$tmp/registry.log"
echo "$await; kill -KILL \$(cat $tmp/pid)" >"$tmp/meanwhile"
setsid sh -c "echo \$\$ >$tmp/pid; exec ko resolve -f config >../out 2>../err"
ok "killed: nobody is left" ended
rm "$tmp/meanwhile"
ok "killed: the next run" ko resolve -f config

# a registry that is not there
sed -i 's/"fifth"/"seventh"/' cmd/one/main.go
sed -i 's/"sixth"/"eighth"/' cmd/two/main.go
KO_RETRY_WAIT=10 KO_RETRY_BUDGET=1 KO_DOCKER_REPO=127.0.0.1:$(free_port)/team ko resolve -f config >../out 2>../err
is "no registry: status and output" "$? $(cat ../out)" "5 "
is "no registry: one line" "$(grep -c . ../err)" 1

# no registry, no FIFO
unset KO_DOCKER_REPO
ok "into the store" ko resolve -f config --trace ../t.json
is "into the store: one ko-push" "$(jq '[.[] | select(.cat == "tool" and .name == "ko-push")] | length' ../t.json)" 1
done_testing
