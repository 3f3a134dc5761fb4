#!/bin/sh
# ko-load: what Docker, Podman and Buildah get, and what is said when they cannot take it.
. "$(dirname "$0")/lib.sh"
. "$top/tests/servers/servers.sh"
. "$top/tests/servers/engine.sh"
cleanup() {
	engine_stop
	engine_unmount
	stop_servers
}
unset DOCKER_TLS_VERIFY DOCKER_TLS DOCKER_CERT_PATH
export DOCKER_CONFIG="$tmp/docker"
mkdir "$DOCKER_CONFIG" "$tmp/work" && cd "$tmp/work" || exit 1

make_record app linux/amd64 | ko-push --repo '' >app.json 2>/dev/null
make_record multi linux/amd64 linux/arm64 | ko-push --repo '' >multi.json 2>/dev/null
make_record far linux/arm64 linux/s390x | ko-push --repo '' >far.json 2>/dev/null
digest=$(jq -r .image.digest app.json)
hex=${digest#sha256:}
id=$(jq -r .config.digest ".ko/oci/blobs/sha256/$hex")
multi_id=$(jq -r .config.digest ".ko/oci/blobs/sha256/$(jq -r '.platforms[0].manifest.digest' multi.json | cut -d : -f 2)")
local_ref=ko.local/app:$hex

ref() { jq -r .ref "$1"; }
sent() { jq -r .bytesSent stats; }

# ---- no engine ----
fails "an unknown builder" 2 'builder rkt is none of native, docker, podman, buildah' ko-load --builder rkt app.json
fails "the same in the environment" 2 'builder rkt is none of' env KO_BUILDER=rkt ko-load app.json
fails "no socket" 5 "^ko-load: docker: unix://$tmp/none .DOCKER_HOST.: No such file or directory; is the engine running\?.*KO_BUILDER" \
	env DOCKER_HOST="unix://$tmp/none" ko-load app.json
python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$tmp/dead"
fails "a socket that refuses" 5 'Connection refused; is the engine running' env DOCKER_HOST="unix://$tmp/dead" ko-load app.json
fails "a port that refuses" 5 "docker: tcp://127.0.0.1:1 .DOCKER_HOST.: .*; is the engine running" \
	env DOCKER_HOST=tcp://127.0.0.1:1 ko-load app.json
fails "ssh" 2 'DOCKER_HOST=ssh://host: ssh is not spoken here; forward the socket' env DOCKER_HOST=ssh://host ko-load app.json
fails "an address of no kind" 2 'DOCKER_HOST=fd://: is neither unix://PATH nor tcp://HOST:PORT' env DOCKER_HOST=fd:// ko-load app.json
fails "an address without a host" 2 'DOCKER_HOST=tcp://: is not tcp://HOST:PORT' env DOCKER_HOST=tcp:// ko-load app.json
fails "TLS without an authority" 2 "$tmp/docker/ca.pem: no such file; DOCKER_CERT_PATH is where it is looked for" \
	env DOCKER_HOST=tcp://127.0.0.1:1 DOCKER_TLS_VERIFY=1 ko-load app.json
fails "a context that is none" 2 "docker context other: there is none of this name in $tmp/docker; see docker context ls" \
	env DOCKER_CONTEXT=other ko-load app.json
mkdir "$tmp/empty"
ln -s "$(command -v env)" "$(command -v ko-load)" "$tmp/empty"
for name in podman buildah; do
	fails "$name is not there" 1 "builder $name: $name: not found on PATH" env PATH="$tmp/empty" ko-load --builder $name app.json
done
fails "a record without an image" 3 'record of x: no platforms; has ko-layer run' sh -c 'echo "{\"importpath\":\"x\",\"name\":\"x\",\"platforms\":[]}" | ko-load'

# ---- an engine that misbehaves ----
start_fake() {
	fake=$tmp/fake
	mkdir -p "$fake"
	python3 "$servers/fake-engine.py" "$fake/sock" "$fake" 2>"$fake/errors" &
	server_pids="$server_pids $!"
	until [ -S "$fake/sock" ]; do sleep 0.02; done
}
start_fake
real_host=${DOCKER_HOST:-}
export DOCKER_HOST="unix://$fake/sock"
# says KIND TEXT: what it answers from now on.
says() { printf "$2" >"$fake/$1"; }

is "an engine that takes everything" "$(ko-load app.json | ref -)" "$local_ref"
is "what it was asked" "$(sed 's/ [0-9]*$//' "$fake/log")" "GET /version
GET /images/$id/json
GET /images/ko.local/app:latest/json
POST /images/load?quiet=1
POST /images/$local_ref/tag?repo=ko.local%2Fapp&tag=latest"
says load '200\n{"stream":"Loading"}\r\n{"errorDetail":{"message":"no space left on device"},"error":"no space left on device"}\r\n'
fails "an error after 200" 4 '^ko-load: docker: load images: no space left on device$' ko-load app.json
says load '200\n{"error":"old form\\nof two lines"}\n'
fails "the older form" 4 'docker: load images: old form of two lines' ko-load app.json
says load '500\n{"message":"invalid tar header"}\n'
fails "a refusal" 4 'docker: load images: invalid tar header .HTTP 500.' ko-load app.json
says load '200\n<html>\n'
fails "no JSON" 3 'docker: load images: answer:1' ko-load app.json
says load 'cut\n{"stream":"Load'
fails "an answer that is cut" 5 'docker: ' ko-load app.json
rm "$fake/load"
# An engine that has the lowest layer, and one that wants all the same.
says look '200\n{"RootFS":{"Layers":["'"$(jq -r '.rootfs.diff_ids[0]' ".ko/oci/blobs/sha256/${id#sha256:}")"'"]}}'
: >"$fake/log"
is "a layer is there" "$(ko-load --stats stats app.json | ref -)" "$local_ref"
is "it is not sent" "$(sent)" "$(awk '/load/ { print $3 }' "$fake/log")"
ok "the archive is small" test "$(sent)" -lt 50000
says load '500\n{"message":"no such layer"}\n'
: >"$fake/log"
fails "an engine that wants it all the same" 4 'docker: load images: no such layer' ko-load app.json
is "gets it the second time" "$(awk '/load/ { print ($3 < 50000) }' "$fake/log" | xargs)" "1 0"
rm "$fake/look" "$fake/load"
says inspect '500\nbroken'
fails "an engine that cannot look" 4 'docker: look for an image: broken .HTTP 500.' ko-load app.json
rm "$fake/inspect"
says tag '404\n{"message":"No such image"}'
fails "an image that went away" 4 "docker: tag ko.local/app:latest: No such image .HTTP 404." ko-load app.json
rm "$fake/tag"
says version '200\n{}'
fails "no platform" 3 'docker: version: the answer has no Os and Arch' ko-load app.json
says version '200\n{"Os":"linux","Arch":"arm64"}'
is "another platform: of an image for one, that" "$(ko-load app.json | ref -)" "$local_ref"
is "of one for several, the engine's" "$(ko-load multi.json 2>notes | ref -)" \
	"ko.local/multi:$(jq -r '.platforms[1].manifest.digest' multi.json | cut -d : -f 2)"
is "the others are said" "$(cat notes)" 'ko-load: example.com/multi: docker runs linux/arm64; not loaded: linux/amd64'
rm "$fake/version"
fails "none of the image's platforms" 2 'example.com/far: no image for linux/amd64, which is what docker runs; add it to --platform' ko-load far.json

# ---- credentials for the engine's push ----
if start_registry; then
	echo '{"auths":{"'"$registry"'":{"auth":"'"$(printf user:geheim | base64)"'"}}}' >"$DOCKER_CONFIG/config.json"
	fails "a push that did not happen" 4 "$registry/x/app: the engine says that it pushed the image, but the registry does not have it" \
		ko-load --repo "$registry/x" app.json
	is "the credential is handed over" "$(tr -- -_ +/ <"$fake/auth" | base64 -d | jq -c '[.username, .password, .serveraddress]')" \
		"[\"user\",\"geheim\",\"$registry\"]"
	unlike "and is not shown" "$(cat "$tmp/stderr"; ko-load -v --repo "$registry/x" app.json 2>&1)" "geheim|$(cat "$fake/auth")"
	says push '200\n{"status":"x"}\n{"aux":{"Tag":"latest","Digest":"sha256:'"$(printf %064d 0)"'","Size":1}}\n'
	fails "a digest that is not there" 4 'says that it pushed sha256:0{64}, but the registry does not have it' ko-load --repo "$registry/x" app.json
	says push '200\n{"errorDetail":{"message":"denied"}}\n'
	fails "a push that is refused" 4 "docker: push $registry/x/app:latest: denied" ko-load --repo "$registry/x" app.json
	# What another run brought to the registry under the same tag.
	other=$(jq -c '.bare = true' multi.json | ko-push --repo "$registry/x/app" | jq -r '.platforms[0].manifest.digest')
	says push '200\n{}\n'
	fails "no digest, and another image under the tag" 4 "$registry/x/app: sha256:[0-9a-f]{64}, which the engine pushed, is another image than example.com/app: its config is not $id; does another run push the same tag\? run again" \
		ko-load --repo "$registry/x" app.json
	own=$(ko-push --repo "$registry/x" app.json | ref -)
	says push '200\n{"aux":{"Tag":"latest","Digest":"'"$other"'","Size":1}}\n'
	fails "the digest of another image" 4 "which the engine pushed, is another image than example.com/app" ko-load --repo "$registry/x" app.json
	says push '200\n{"aux":{"Tag":"latest","Digest":"'"$digest"'","Size":1}}\n'
	is "the image" "$(ko-load --repo "$registry/x" app.json | ref -)" "$own"
	jq -c --arg ref "$registry/x/app@sha256:$(printf %064d 0)" '.ref = $ref' app.json >gone.json
	fails "--confirm: gone, and pushed with another digest" 4 "^ko-load: $registry/x/app@sha256:0{64} is gone from the registry, and the engine pushed $digest in its place; remove gone.json and run again$" \
		ko-load --confirm --repo "$registry/x" gone.json
	ok "the same image elsewhere" ko-push --repo "$registry/y" app.json
	jq -c --arg ref "$own" '.ref = $ref' app.json >here.json
	is "--confirm in another repository" "$(ko-load --confirm --repo "$registry/y" here.json | ref -)" "$registry/y/app@$digest"
	rm -f "$DOCKER_CONFIG/config.json" "$fake/push"
fi
export DOCKER_HOST="$real_host"

# ---- real engines ----

# contents REF: what an image is, whoever pushed it.
contents() {
	skopeo --insecure-policy inspect --tls-verify=false --raw --config "docker://$1" | sha256sum
	skopeo --insecure-policy inspect --tls-verify=false --config "docker://$1" | jq -c '[.rootfs.diff_ids, .config]'
}

config_of() { skopeo --insecure-policy inspect --tls-verify=false --raw "docker://$1" | jq -r .config.digest; }

# loads BUILDER: the checks that all engines have in common.
loads() {
	export KO_BUILDER="$1"
	ok "$1: load" sh -c 'ko-load --stats stats app.json >loaded.json'
	is "$1: the reference" "$(ref loaded.json)" "$local_ref"
	ok "$1: bytes were sent" test "$(sent)" -gt 0
	ok "$1: again" sh -c 'ko-load --stats stats app.json >loaded.json'
	is "$1: no byte is sent" "$(sent)" 0
	is "$1: the same reference" "$(ref loaded.json)" "$local_ref"
	is "$1: the image of several" "$(ko-load multi.json 2>/dev/null | ref -)" \
		"ko.local/multi:$(jq -r '.platforms[0].manifest.digest' multi.json | cut -d : -f 2)"
	is "$1: under another name and other tags" "$(ko-load --repo ko.local/team -t one,two --stats stats app.json | ref -)" \
		"ko.local/team/app:$hex"
	is "$1: nothing is sent for that" "$(sent)" 0
	is "$1: --local, and the name of a registry" "$(ko-load -L --repo example.com/team app.json | ref -)" "example.com/team/app:$hex"
	pushed=$(ko-load --repo "$registry/$1" app.json | ref -)
	like "$1: push" "$pushed" "^$registry/$1/app@sha256:[0-9a-f]{64}$"
	is "$1: the registry has it" "$(skopeo --insecure-policy inspect --tls-verify=false --format '{{.Digest}}' "docker://$registry/$1/app:latest")" \
		"${pushed#*@}"
	is "$1: config and diffIDs are those of ko-push" "$(contents "$pushed")" "$(contents "$native")"
	ko-load --repo "$registry/$1" -o pushed.json app.json
	is "$1: --confirm asks the registry, not the engine" "$(env PATH="$tmp/empty" DOCKER_HOST=unix:///none CONTAINER_HOST=unix:///none \
		ko-load --confirm --repo "$registry/$1" pushed.json | ref -)" "$pushed"
	curl -fs --noproxy '*' -X DELETE "http://$registry/v2/$1/app/manifests/${pushed#*@}"
	is "$1: --confirm where it is gone" "$(ko-load --confirm --repo "$registry/$1" pushed.json | ref -)" "$pushed"
	is "$1: it is there again" "$(contents "$pushed")" "$(contents "$native")"
	like "$1: a tag of its own" "$(ko-load --repo "$registry/$1" -t v1 app.json | ref -)" "^$registry/$1/app:v1@${pushed#*@}$"
	is "$1: --tag-only" "$(ko-load --repo "$registry/$1" -t v2 --tag-only app.json | ref -)" "$registry/$1/app:v2"
	like "$1: a registry that is not there" "$(ko-load --repo "127.0.0.1:1/x" app.json 2>&1)" "^ko-load: $1.* push.*(refused|connect)"
	is "$1: several at once, in the order of the records" "$(ko-load --image-refs refs app.json multi.json 2>/dev/null | jq -r .name; cat refs)" \
		"app
multi
$local_ref
ko.local/multi:$(jq -r '.platforms[0].manifest.digest' multi.json | cut -d : -f 2)"
	is "$1: two programs in one repository are themselves" \
		"$(jq -c '.bare = true' app.json multi.json | ko-load --repo "$registry/bare-$1" 2>/dev/null | jq -r .ref |
			while read -r each; do config_of "$each"; done)" "$id
$multi_id"
	is "$1: the first one has the tag" "$(config_of "$registry/bare-$1:latest")" "$id"
}

if ! start_registry; then
	skip "engines" "docker-registry does not start"
	done_testing
	exit
fi
native=$(ko-push --repo "$registry/native" app.json | ref -)
client=127.0.0.1:$(free_port)
make_certificate
# the same certificate for both sides, and as the authority of both
engine_options="--tlsverify --tlscacert $tmp/cert.pem --tlscert $tmp/cert.pem --tlskey $tmp/key.pem --host tcp://$client"
if engine_start; then
	loads docker
	is "docker: its image ID is the digest of the config" "$(docker image inspect --format '{{.Id}}' "$local_ref")" "$id"
	echo 'program app, changed' >app
	ko-layer --name app app | ko-push --repo '' -o next.json 2>/dev/null
	ok "docker: another version" sh -c 'ko-load --stats stats next.json >loaded.json'
	ok "docker: the base's layer is not sent again" test "$(sent)" -lt 50000
	is "docker: it is whole" "$(docker image inspect --format '{{json .RootFS.Layers}}' "$(ref loaded.json)")" \
		"$(jq -c .rootfs.diff_ids ".ko/oci/blobs/sha256/$(jq -r '.platforms[0].manifest.digest' next.json | cut -d : -f 2 |
			xargs -I @ jq -r .config.digest .ko/oci/blobs/sha256/@ | cut -d : -f 2)")"
	ok "docker: all of it can be had" sh -c "docker save '$(ref loaded.json)' | tar t >/dev/null"
	ko-load app.json >/dev/null
	ko-layer --name packed --compression zstd app | ko-push --repo '' -o packed.json 2>/dev/null
	packed=$(ko-load packed.json 2>&1 >/dev/null)
	case $(docker version --format '{{.Server.Version}}') in
	1?.* | 20.*) like "docker: zstd" "$packed" 'docker: load images: .*; its layers are zstd, which Docker reads from version 23 on' ;;
	*) is "docker: zstd" "$packed" "" ;;
	esac
	is "docker: the names" "$(docker image inspect --format '{{.RepoTags}}' "$id" | tr ' ' '\n' | grep -c -e "^.*ko.local/app:$hex" -e 'ko.local/app:latest' -e team/app:one -e team/app:two)" 4
	export DOCKER_CERT_PATH="$tmp/certs"
	mkdir "$DOCKER_CERT_PATH"
	cp "$tmp/cert.pem" "$DOCKER_CERT_PATH/ca.pem"
	cp "$tmp/cert.pem" "$tmp/key.pem" "$DOCKER_CERT_PATH"
	is "docker: TLS" "$(DOCKER_TLS_VERIFY=1 DOCKER_HOST=tcp://$client ko-load app.json | ref -)" "$local_ref"
	like "docker: no TLS where TLS is spoken" "$(DOCKER_HOST=tcp://$client ko-load app.json 2>&1)" 'ko-load: docker: version: Client sent an HTTP request to an HTTPS server'
	rm "$DOCKER_CERT_PATH/key.pem"
	fails "docker: half a pair" 2 'has one of cert.pem and key.pem; both are needed' env DOCKER_TLS_VERIFY=1 DOCKER_HOST=tcp://$client ko-load app.json
	rm "$DOCKER_CERT_PATH/cert.pem"
	fails "docker: TLS without our certificate" 5 "docker: tcp://$client .DOCKER_HOST.: .*certificate" env DOCKER_TLS_VERIFY=1 DOCKER_HOST=tcp://$client ko-load app.json
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=other -keyout "$tmp/o.pem" -out "$DOCKER_CERT_PATH/ca.pem" 2>/dev/null
	fails "docker: another authority" 5 'look at the certificates in DOCKER_CERT_PATH' env DOCKER_TLS_VERIFY=1 DOCKER_HOST=tcp://$client ko-load app.json
	unset DOCKER_CERT_PATH
	host=$DOCKER_HOST
	docker context create safe --docker "host=tcp://$client,ca=$tmp/cert.pem,cert=$tmp/cert.pem,key=$tmp/key.pem" >/dev/null 2>&1
	docker context create plain --docker "host=$host" >/dev/null 2>&1
	unset DOCKER_HOST
	is "docker: DOCKER_CONTEXT, with TLS" "$(DOCKER_CONTEXT=safe ko-load app.json | ref -)" "$local_ref"
	docker context use plain >/dev/null 2>&1
	is "docker: the current context" "$(ko-load app.json | ref -)" "$local_ref"
	like "docker: DOCKER_CONTEXT goes before it" "$(DOCKER_CONTEXT=none ko-load app.json 2>&1)" 'docker context none: there is none'
	like "docker: DOCKER_HOST goes before that" "$(DOCKER_HOST=unix:///none DOCKER_CONTEXT=safe ko-load app.json 2>&1)" 'unix:///none'
	echo '{' >"$DOCKER_CONFIG/config.json"
	fails "docker: a malformed config" 3 "docker/config.json:" ko-load app.json
	rm "$DOCKER_CONFIG/config.json"
	export DOCKER_HOST="$host"
	engine_stop
else
	skip "docker" "$engine_why"
fi
unset KO_BUILDER DOCKER_HOST

echo '{}' >"$DOCKER_CONFIG/config.json" # where DOCKER_CONFIG is set, podman wants the file
if storage_start; then
	loads podman
	podman rmi -af >/dev/null 2>&1
	loads buildah
	is "podman and buildah: one storage, one ID" "$(podman image inspect --format '{{.Id}}' "$local_ref")" "${id#sha256:}"
	podman rmi -af >/dev/null 2>&1
	podman system service --time 0 "unix://$tmp/podman.sock" >"$tmp/podman.log" 2>&1 &
	server_pids="$server_pids $!"
	export CONTAINER_HOST="unix://$tmp/podman.sock"
	tries=0
	until curl -fs --unix-socket "$tmp/podman.sock" http://d/_ping >/dev/null || [ $tries = 200 ]; do
		tries=$((tries + 1))
		sleep 0.05
	done
	storage=$CONTAINERS_STORAGE_CONF
	export CONTAINERS_STORAGE_CONF=/none # the command would fail
	loads podman
	export CONTAINERS_STORAGE_CONF="$storage"
	is "the service did it" "$(podman image inspect --format '{{.Id}}' "$local_ref")" "${id#sha256:}"
	unset CONTAINER_HOST
else
	skip "podman and buildah" "$engine_why"
fi

# ---- a disk that is full ----
engine_size=4m
head -c 6000000 /dev/urandom >big
big=$(ko-layer --name big big | ko-push --repo '' 2>/dev/null)
echo "$big" >big.json
export KO_BUILDER=docker
engine_options=
rm -rf "$tmp/engine"
if engine_start; then
	fails "docker: a full disk" 4 '^ko-load: docker: load images: .*no space left on device' ko-load big.json
	engine_stop
else
	skip "docker: a full disk" "$engine_why"
fi
if storage_start full; then
	for name in podman buildah; do
		fails "$name: a full disk" 4 "^ko-load: $name pull: .*no space left on device" ko-load --builder $name big.json
	done
else
	skip "podman: a full disk" "$engine_why"
fi
done_testing
