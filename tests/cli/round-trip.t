#!/bin/sh
# With two implementations of a registry and three ways to authenticate: what ko-push brings is what skopeo
# and crane find, what crane brings is a base for us, and the requests are the documented ones.
. "$(dirname "$0")/lib.sh"
. "$top/tests/servers/servers.sh"
. "$top/tests/servers/oracles.sh"

crane=$(oracle crane 2>oracle.log) || crane=
newer=$(oracle registry 2>>oracle.log) || newer=
HOME=$tmp/home
DOCKER_CONFIG=$tmp/docker
KO_RETRY_WAIT=20
export HOME DOCKER_CONFIG KO_RETRY_WAIT
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY REGISTRY_AUTH_FILE DOCKER_AUTH_CONFIG \
	XDG_RUNTIME_DIR XDG_CONFIG_HOME KO_TIMEOUT KO_RETRY_BUDGET KO_REGISTRY_MIRROR
mkdir -p "$HOME" "$DOCKER_CONFIG"
for program in skopeo docker-registry jq; do
	command -v $program >/dev/null || { skip "all" "no $program"; done_testing; exit; }
done
[ -n "$crane" ] || { skip "all" "crane cannot be had: $(tail -n 1 oracle.log)"; done_testing; exit; }

credentials() {
	printf '{"auths":{"%s":{"auth":"%s"}}}' "$registry" "$(printf user:secret | base64)" >"$DOCKER_CONFIG/config.json"
	chmod 600 "$DOCKER_CONFIG/config.json"
}
skopeo() { command skopeo --insecure-policy "$@" >skopeo.log 2>&1; }
read_back() { skopeo copy --preserve-digests --all --src-tls-verify=false --src-authfile "$DOCKER_CONFIG/config.json" "$@"; }

# What is pushed: an image, and an index of two.
{ make_record one linux/amd64 && make_record two linux/amd64 linux/arm64; } >records.json

# Everything with the registry at $registry; the name is in front of each check.
round() {
	printf '{}' >"$DOCKER_CONFIG/config.json"
	chmod 600 "$DOCKER_CONFIG/config.json"
	case $1 in *Basic | *Bearer) credentials ;; esac
	rm -rf base.ko pushed copy
	ok "$1: push" ko-push --repo "$registry/team" -o pushed.json records.json
	for name in one two; do
		want=$(jq -r "select(.name == \"$name\") | .image.digest" pushed.json)
		is "$1: crane has the digest of $name" "$("$crane" digest "$registry/team/$name" 2>&1)" "$want"
		ok "$1: crane finds $name whole" "$crane" validate --remote "$registry/team/$name"
		ok "$1: skopeo copies $name" read_back "docker://$registry/team/$name" "oci:copy:$name"
		is "$1: skopeo has the same of $name" "$(sha256sum <"copy/blobs/sha256/${want#*:}")" "${want#*:}  -"
	done
	is "$1: the references name it" "$(jq -r .ref pushed.json | tr '\n' ' ')" \
		"$registry/team/one@$(jq -r 'select(.name == "one") | .image.digest' pushed.json) $registry/team/two@$(jq -r 'select(.name == "two") | .image.digest' pushed.json) "

	# a base of others: crane's, with a layer of its own
	mkdir -p pushed && echo "$1" >pushed/etc-file && tar -cf base.tar -C pushed etc-file
	ok "$1: crane makes a base" "$crane" append -b "$registry/team/one" -f base.tar -t "$registry/team/base"
	base=$registry/team/base:latest
	make_record app linux/amd64 >app.json
	base=
	ok "$1: an image on it" ko-push --repo "$registry/apps" -o app-pushed.json app.json
	ok "$1: which crane finds whole" "$crane" validate --remote "$registry/apps/app"
	"$crane" export "$registry/apps/app" - | tar -tf - | sort >names
	is "$1: with the base's files and ours" "$(grep -xE 'etc-file|ko-app/(one|app)' names | tr '\n' ' ')" "etc-file ko-app/app ko-app/one "
	is "$1: its base is named" "$("$crane" manifest "$registry/apps/app" | jq -r '.annotations["org.opencontainers.image.base.digest"]')" \
		"$("$crane" digest "$registry/team/base")"
	ok "$1: on it at another registry" ko-push --repo "$away/apps" app.json
	ok "$1: which crane finds whole there" "$crane" validate --remote "$away/apps/app"
}

start_registry away
away=$registry
for program in docker-registry "$newer"; do
	registry_program=$program
	server=docker-registry
	[ "$program" = docker-registry ] || server="distribution v3"
	if [ -z "$program" ]; then
		skip "$server" "it cannot be had: $(tail -n 1 oracle.log)"
		continue
	fi
	rm -rf "$tmp/open" "$tmp/basic" "$tmp/token"
	start_registry open && round "$server, open"
	start_basic && round "$server, Basic"
	start_token user=user password=secret && round "$server, Bearer"
done
registry_program=docker-registry

# The requests. What the blobs take goes on beside each other, and either repository may be first
# with the layer of both, so of them only the sum is told.
plain() {
	log_of registry | sed -E 's/sha256(:|%3A)[0-9a-f]{64}/DIGEST/g; s/[0-9a-f]{8}-[0-9a-f-]{27}/SESSION/; s/_state=[^& ]*/STATE/'
}
wire() {
	for repository in one two; do
		echo "$repository"
		plain | grep "/v2/a/$repository/manifests" | uniq
	done
	echo blobs
	plain | grep /blobs/ | sed -E 's/a(\/|%2F)(one|two)/a\1NAME/g' | sort | uniq -c | sed 's/^ *//'
}
rm -rf "$tmp/registry"
start_registry
ko-push --repo "$registry/a" records.json >/dev/null
is "the requests of a first push" "$(wire)" "$(cat "$top/tests/data/wire-push.txt")"
is "the first is for the registry's kind, then come those for tags" "$(plain | head -n 3 | sort)" "GET /v2/ 200
HEAD /v2/a/one/manifests/latest 404
HEAD /v2/a/two/manifests/latest 404"
for repository in one two; do
	is "the last requests of $repository are for its tag" "$(plain | grep "/v2/a/$repository/" | tail -n 2 | tr '\n' ' ')" \
		"PUT /v2/a/$repository/manifests/latest 201 HEAD /v2/a/$repository/manifests/latest 200 "
done
is "a session is a PUT; of a large body, a PATCH before it" \
	"$(log_of registry | sed -nE 's/^(PATCH|PUT) .*uploads\/([0-9a-f-]*).*/\2 \1/p' | awk '{ of[$1] = of[$1] " " $2 } END { for (session in of) print of[session] }' | sort | uniq -c | sed -E 's/ +/ /g; s/^ //')" \
	"1 PATCH PUT
5 PUT"
: >registry.log
ko-push --repo "$registry/a" records.json >/dev/null
is "the requests when nothing is new" "$(plain | sort)" "GET /v2/ 200
HEAD /v2/a/one/manifests/latest 200
HEAD /v2/a/two/manifests/latest 200"

# Eight images, nothing new, with tokens: as nginx sees it
for i in 1 2 3 4 5 6 7 8; do make_record "image$i" linux/amd64; done >eight.json
start_token user=user password=secret
if start_nginx counting "listen PORT; client_max_body_size 0; access_log $tmp/wire.log wire; location / { proxy_pass http://$registry; proxy_set_header Host \$http_host; }"; then
	registry=$nginx
	credentials
	ok "eight images" ko-push --repo "$nginx/eight" eight.json
	calmly 2 wire.log tokens.log -- ko-push --repo "$nginx/eight" --stats stats -o eight.out eight.json
	for i in $(seq 50); do [ "$(wc -l <wire.log)" -lt 9 ] || break; sleep 0.02; done
	is "eight images, nothing new" "$(wc -l <eight.out)" 8
	is "one connection" "$(cut -d ' ' -f 1 wire.log | sort -u | wc -l)" 1
	is "a ping and eight HEAD" "$(cut -d ' ' -f 2,4 wire.log | sort | uniq -c | sed 's/^ *//')" "1 GET 401
8 HEAD 200"
	is "one token" "$(wc -l <tokens.log) $(jq .tokens stats)" "1 1"
else
	skip "eight images" "no nginx"
fi
done_testing
