#!/bin/sh
# ko-push with real servers: docker-registry, open and with both kinds of authentication, nginx in front of
# it, and a scripted server for what must be interrupted at a known moment.
. "$(dirname "$0")/lib.sh"
. "$top/tests/servers/servers.sh"

HOME=$tmp/home
XDG_CONFIG_HOME=$HOME/.config
DOCKER_CONFIG=$tmp/docker
KO_RETRY_WAIT=20
export HOME XDG_CONFIG_HOME DOCKER_CONFIG KO_RETRY_WAIT
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY SSL_CERT_FILE SSL_CERT_DIR \
	REGISTRY_AUTH_FILE DOCKER_AUTH_CONFIG XDG_RUNTIME_DIR GITHUB_TOKEN KO_TIMEOUT KO_RETRY_BUDGET
mkdir -p "$HOME" "$DOCKER_CONFIG"

if ! command -v docker-registry >/dev/null || ! start_registry; then
	skip "all" "no docker-registry"
	done_testing
	exit
fi
make_certificate
make_layout img 3000000 one >one.json
make_layout img 1000 two >two.json
make_layout img 1001 three >three.json
digest=$(jq -r .image.digest one.json)

# As user:secret, in all forms that it may be seen in.
canary='secret|dXNlcjpzZWNyZXQ|wrongpass|dXNlcjp3cm9uZ3Bhc3M|eyJ0eXAi'

credentials() { # USER PASSWORD: for $registry
	printf '{"auths":{"%s":{"auth":"%s"}}}' "$registry" "$(printf '%s:%s' "$1" "$2" | base64)" >"$DOCKER_CONFIG/config.json"
	chmod 600 "$DOCKER_CONFIG/config.json"
}

push() { ko-push --oci img "$@"; }

# NAME STATUS ERE ARGUMENTS...: the push fails like this, in one line, with nothing on stdout.
fails() {
	name=$1 want=$2 ere=$3
	shift 3
	timeout 60 ko-push --oci img "$@" >out 2>err
	is "$name: status" $? "$want"
	like "$name: what it says" "$(cat err)" "$ere"
	is "$name: in one line, and nothing on standard output" "$(wc -l <err) $(wc -c <out)" "1 0"
	unlike "$name: no secret" "$(cat err)" "$canary"
}

succeeds() {
	name=$1
	shift
	ok "$name" timeout 60 ko-push --oci img "$@"
}

wire() { log_of "$1" | sed -E 's/sha256(:|%3A)[0-9a-f]{64}/DIGEST/g; s/[0-9a-f]{8}-[0-9a-f-]{27}/SESSION/; s/_state=[^& ]*/STATE/'; }

# An open registry: what goes over the wire, and what others find there.
is "a push names what it pushed" "$(push --repo "$registry/a" one.json 2>/dev/null | jq -r .ref)" "$registry/a/one@$digest"
is "the requests of a first push" "$(wire registry | sort | uniq -c | sed 's/^ *//')" "1 GET /v2/ 200
1 HEAD /v2/a/one/blobs/DIGEST 404
1 HEAD /v2/a/one/manifests/DIGEST 404
1 HEAD /v2/a/one/manifests/latest 200
1 HEAD /v2/a/one/manifests/latest 404
1 PATCH /v2/a/one/blobs/uploads/SESSION?STATE 202
2 POST /v2/a/one/blobs/uploads/ 202
2 PUT /v2/a/one/blobs/uploads/SESSION?STATE&digest=DIGEST 201
1 PUT /v2/a/one/manifests/latest 201"
is "skopeo finds it" "$(skopeo inspect --tls-verify=false "docker://$registry/a/one" 2>/dev/null | jq -r .Digest)" "$digest"
rm -rf copy
ok "skopeo copies it" skopeo copy --preserve-digests --insecure-policy --src-tls-verify=false "docker://$registry/a/one" oci:copy:one
ok "with the same bytes" cmp "img/blobs/sha256/${digest#*:}" "copy/blobs/sha256/${digest#*:}"
succeeds "three images" --repo "$registry/a" --stats stats one.json two.json three.json
ok "three images, nothing new" calmly 1 registry.log -- push --repo "$registry/a" --stats stats one.json two.json three.json
is "one connection, one ping, one HEAD an image" "$(jq -c '[.connections,.requests,.bytesSent]' stats)" "[1,4,0]"
is "as the registry saw it" "$(wire registry | cut -d ' ' -f 1,3 | sort | uniq -c | sed 's/^ *//')" "1 GET 200
3 HEAD 200"
ko-push --oci img --repo "$registry/both" one.json >out1 2>/dev/null &
first=$!
ko-push --oci img --repo "$registry/both" one.json >out2 2>/dev/null
is "two pushes of the same at once: the second" $? 0
ok "the first" wait $first
ok "both say the same" cmp out1 out2

# Basic
open=$registry
start_basic
fails "Basic without credentials" 4 "unauthorized: authentication required.*ko login $registry" --repo "$registry/a" one.json
credentials user wrongpass
fails "Basic, stale" 4 "unauthorized: authentication required.*docker/config.json.*ko login $registry" --repo "$registry/a" one.json
credentials user secret
ok "Basic" push -v --repo "$registry/a" one.json
unlike "Basic: no secret with -v" "$(push -v 2 --repo "$registry/b" one.json 2>&1)" "$canary"
rm "$DOCKER_CONFIG/config.json"
printf secret | ko-login -u user --password-stdin "$registry"
succeeds "what ko-login keeps is used" --repo "$registry/c" one.json
rm "$DOCKER_CONFIG/config.json"
ok "DOCKER_AUTH_CONFIG" env DOCKER_AUTH_CONFIG='{"auths":{"'"$registry"'":{"auth":"dXNlcjpzZWNyZXQ="}}}' ko-push --oci img --repo "$registry/d" one.json
mkdir -p "$XDG_CONFIG_HOME/containers"
printf '{"auths":{"%s":{"auth":"dXNlcjpzZWNyZXQ="}}}' "$registry" >auth.json
ok "REGISTRY_AUTH_FILE" env REGISTRY_AUTH_FILE=auth.json ko-push --oci img --repo "$registry/e" one.json
mv auth.json "$XDG_CONFIG_HOME/containers"
succeeds "containers/auth.json" --repo "$registry/f" one.json
rm "$XDG_CONFIG_HOME/containers/auth.json"
echo '{"auths":{"secret' >"$DOCKER_CONFIG/config.json"
fails "a malformed config" 3 "config.json:[0-9]+:[0-9]+: malformed JSON" --repo "$registry/a" one.json
rm "$DOCKER_CONFIG/config.json"
mkdir "$DOCKER_CONFIG/config.json"
fails "a config that is a directory" 1 "config.json: is a directory" --repo "$registry/a" one.json
rmdir "$DOCKER_CONFIG/config.json"
truncate -s 2M "$DOCKER_CONFIG/config.json"
fails "a config that is too large" 3 "config.json: more than 1048576 bytes" --repo "$registry/a" one.json
rm "$DOCKER_CONFIG/config.json"

# Tokens
start_token user=user password=secret refuse=private/base
fails "tokens without credentials" 4 "unauthorized: authentication required" --repo "$registry/a" one.json
credentials user wrongpass
fails "tokens, stale" 4 "unauthorized: authentication required.*docker/config.json.*ko login" --repo "$registry/a" one.json
credentials user secret
succeeds "tokens" --repo "$registry/a" one.json two.json three.json
: >tokens.log
succeeds "tokens, nothing new" --repo "$registry/a" --stats stats one.json two.json three.json
is "one token for all" "$(cut -d ' ' -f 1 tokens.log; jq .tokens stats)" "GET
1"
unlike "tokens: no secret with -v" "$(push -v 2 --repo "$registry/b" one.json 2>&1)" "$canary"

# TLS, by nginx
registry=$open
front="location / { proxy_pass http://$open; proxy_set_header Host \$http_host; proxy_set_header X-Forwarded-Proto \$scheme; }"
if start_nginx tls "listen PORT ssl; client_max_body_size 0; $front"; then
	fails "an authority that nobody knows" 1 "self-signed.*--ca-file" --repo "$nginx/t" one.json
	succeeds "--ca-file" --ca-file cert.pem --repo "$nginx/t" one.json
	ok "SSL_CERT_FILE" env SSL_CERT_FILE="$tmp/cert.pem" ko-push --oci img --repo "$nginx/u" one.json
	SSL_CERT_FILE=$tmp/none fails "an SSL_CERT_FILE that is not there" 1 "SSL_CERT_FILE: .*/none: " --repo "$nginx/t" one.json
	SSL_CERT_FILE=$tmp/none succeeds "which does not matter without TLS" --repo "$registry/t" one.json
	mkdir certs
	cp cert.pem certs
	ok "SSL_CERT_DIR" env SSL_CERT_DIR="$tmp/certs" ko-push --oci img --repo "$nginx/v" one.json
	mkdir -p "$XDG_CONFIG_HOME/docker/certs.d/$nginx"
	cp cert.pem "$XDG_CONFIG_HOME/docker/certs.d/$nginx/ca.crt"
	succeeds "certs.d" --repo "$nginx/w" one.json
	fails "a --ca-file without a certificate" 3 "one.json: no certificate" --ca-file one.json --repo "$nginx/t" one.json

	start_nginx downgrade "listen PORT ssl; client_max_body_size 0; location / { proxy_pass http://$open; proxy_set_header Host \$http_host; }"
	succeeds "a proxy that makes http of https" --ca-file cert.pem --repo "$nginx/x" one.json

	start_nginx mutual "listen PORT ssl; client_max_body_size 0; ssl_client_certificate $tmp/cert.pem; ssl_verify_client on; $front"
	fails "a registry that wants a client certificate" 4 "wants a client certificate.*certs.d" --ca-file cert.pem --repo "$nginx/t" one.json
	mkdir -p "$XDG_CONFIG_HOME/docker/certs.d/$nginx"
	cp cert.pem "$XDG_CONFIG_HOME/docker/certs.d/$nginx/client.cert"
	cp key.pem "$XDG_CONFIG_HOME/docker/certs.d/$nginx/client.key"
	succeeds "and gets it" --ca-file cert.pem --repo "$nginx/t" one.json

	start_nginx limit "listen PORT; client_max_body_size 1m; $front"
	fails "a proxy with a limit" 4 "HTTP 413.*it is too large for the registry or for a proxy before it: raise the limit there, or set KO_UPLOAD_CHUNK" --repo "$nginx/big" one.json
	ok "and in pieces that it lets through" env KO_UPLOAD_CHUNK=1 ko-push --oci img --repo "$nginx/big" one.json
	is "which the registry has put together" "$(skopeo inspect --raw --tls-verify=false "docker://$open/big/one" | sha256sum | cut -d ' ' -f 1)" "${digest#*:}"
	start_nginx slow "listen PORT; client_max_body_size 0; limit_req zone=one; limit_req_status 429; $front"
	succeeds "429" --repo "$nginx/slow" two.json
	start_nginx brief "listen PORT; client_max_body_size 0; keepalive_requests 1; $front"
	succeeds "a new connection for each request" --repo "$nginx/brief" one.json
	start_nginx page "listen PORT; location / { return 200 '<html>login</html>'; }"
	fails "a web page" 4 "not a container registry" --repo "$nginx/page" one.json
	start_nginx gone "listen PORT; location / { proxy_pass http://127.0.0.1:1; }"
	fails "a proxy whose registry is down" 5 "HTTP 502.*try again later" --repo "$nginx/gone" one.json
else
	skip "TLS and proxies" "no nginx"
fi

# Settings of the registry
registry_http=", relativeurls: true"
start_registry relative
succeeds "relative URLs" --repo "$registry/a" one.json
registry_http=
start_registry readonly "  maintenance: {readonly: {enabled: true}}"
fails "a registry that is read-only" 4 "read-only" --repo "$registry/a" one.json
start_registry redirecting "middleware: {storage: [{name: redirect, options: {baseurl: 'http://127.0.0.1:1/'}}]}"
succeeds "blobs kept elsewhere" --repo "$registry/a" one.json
succeeds "blobs kept elsewhere, once more" --repo "$registry/a" -t again one.json

# The machine
registry=$open
fails "nobody listens" 5 "127.0.0.1:1.*[Cc]onnect.*try again" --repo 127.0.0.1:1/a one.json
fails "no such host" 5 "resolve.*name.invalid" --repo name.invalid/a one.json
push --repo "$registry/full" one.json >/dev/full 2>err
is "standard output is full: status" $? 1
cp -r img broken
chmod -R u+w broken
layer=$(jq -r '.layers[0].digest' "img/blobs/sha256/${digest#*:}")
printf x | dd of="broken/blobs/sha256/${layer#*:}" bs=1 seek=1000 conv=notrunc 2>/dev/null
ko-push --oci broken --repo "$registry/changed" one.json >out 2>err
is "a layer that was changed: status" $? 1
like "it says so" "$(cat err)" "changed during push"
is "nothing is printed, nothing is there" "$(wc -c <out) $(ls "$tmp/registry/docker/registry/v2/repositories/changed/one/_manifests" 2>/dev/null)" "0 "
truncate -s 100 "broken/blobs/sha256/${layer#*:}"
ko-push --oci broken --repo "$registry/changed" one.json >out 2>err
is "a layer that was cut: status" $? 1
sh -c 'ulimit -n 6; exec ko-push --oci img --repo "$1/few" one.json' sh "$registry" >out 2>err
is "few descriptors: status" $? 1
is "few descriptors: in one line" "$(wc -l <err)" 1

# Signals, at a moment that is known
start_scripted
for signal in 15 2 1; do
	say reset
	say 'rule {"m":"PATCH","least":1000,"n":1,"do":"hang","seconds":20}'
	env --default-signal=INT,HUP ko-push --oci img --repo "$scripted/a" one.json >out 2>err &
	pid=$!
	while ! say log | grep -q PATCH; do sleep 0.05; done
	sleep 0.1
	kill -$signal $pid
	wait $pid 2>/dev/null
	is "signal $signal: the status says so" $? "$((128 + signal))"
	is "signal $signal: nothing is printed" "$(cat out)" ""
	like "signal $signal: the upload is cancelled" "$(say log)" "DELETE /v2/a/one/blobs/uploads/"
done
say reset
say 'rule {"m":"PATCH","least":1000,"n":1,"do":"hang","seconds":20}'
ko-push --oci img --repo "$scripted/a" one.json >out 2>err &
pid=$!
while ! say log | grep -q PATCH; do sleep 0.05; done
kill -KILL $pid
wait $pid 2>/dev/null
ok "killed in the middle, it succeeds the next time" ko-push --oci img --repo "$scripted/a" one.json
done_testing
