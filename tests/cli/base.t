#!/bin/sh
# Base images: the built-in one, those of layouts and of registries; the lock; what is refused.
. "$(dirname "$0")/lib.sh"
. "$top/tests/servers/servers.sh"

ko-base -o static.json
is "the built-in base is the default" "$(jq -r .base static.json)" ko.local/static
is "its platforms" "$(jq -r '[.platforms[].platform] | join(" ")' static.json)" \
	"linux/amd64 linux/arm64 linux/arm/v7 linux/386 linux/ppc64le linux/s390x linux/riscv64 linux/loong64"
is "all in the store" "$(for d in $(jq -r '.digest, .platforms[].manifest.digest, .platforms[].config.digest' static.json); do
	echo "$d" "$(sha256sum <".ko/oci/blobs/sha256/${d#sha256:}" | cut -d' ' -f1)"; done | awk '"sha256:" $2 != $1')" ""
is "one platform" "$(ko-base --platform linux/arm | jq -c '[.platforms[].platform]')" '["linux/arm/v7"]'
is "the same again" "$(ko-base | cmp - static.json)" ""
fails "a platform that it lacks" 2 'no matching platforms in base image ko.local/static' ko-base --platform plan9/386
fails "a platform and all" 2 'all or specific platforms should be used' ko-base --platform all,linux/amd64
fails "four parts" 2 'too many slashes in platform spec: a/b/c/d' ko-base --platform a/b/c/d
fails "two references" 2 'one reference at a time' ko-base ko.local/static other
fails "an image of an engine" 2 'images of a local engine cannot be a base' ko-base ko.local/mine
fails "a reference that is none" 2 'base image: ' ko-base 'host/UPPER'
KO_BASEIMAGE=ko.local/mine fails "KO_BASEIMAGE counts" 2 'ko.local/mine' ko-base
chmod a-w .ko/oci/blobs/sha256
is "nothing is written when all is there" "$(ko-base | cmp - static.json)" ""
chmod u+w .ko/oci/blobs/sha256

if ! start_registry || ! command -v skopeo >/dev/null; then
	skip "bases of registries" "no registry or skopeo"
	done_testing
	exit
fi
requests() { log_of registry | wc -l; }
printf 'layer\n' >file && tar -cf layer.tar file && gzip -n layer.tar
mkdir -p b/oci/blobs/sha256 && cp layer.tar.gz "b/oci/blobs/sha256/$(sha256sum <layer.tar.gz | cut -d' ' -f1)"
layer=$(printf '{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:%s","size":%s,"diffID":"sha256:%s","kind":"data"}' \
	"$(sha256sum <layer.tar.gz | cut -d' ' -f1)" "$(stat -c %s layer.tar.gz)" "$(gzip -dc layer.tar.gz | sha256sum | cut -d' ' -f1)")
printf '{"importpath":"example.com/base","name":"base","platforms":[{"platform":"linux/amd64","layers":[%s]},{"platform":"linux/arm64","layers":[%s]}]}\n' \
	"$layer" "$layer" >base-record.json
ko-push --builddir b --repo "$registry/team" -o pushed.json base-record.json
digest=$(jq -r .image.digest pushed.json)

ko-base -o net.json "$registry/team/base"
is "the digest" "$(jq -r .digest net.json)" "$digest"
is "the full name" "$(jq -r .canonical net.json)" "$registry/team/base:latest"
is "no layer was fetched" "$(log_of registry | grep -c "GET .*$(jq -rn "$layer | .digest")")" 0
before=$(requests)
is "the second run gives the same" "$(ko-base "$registry/team/base" | cmp - net.json)" ""
is "and asks for nothing" "$(requests)" "$before"
ko-base --platform linux/arm64 "$registry/team/base" >/dev/null
is "another choice of platforms too" "$(requests)" "$before"
rm -rf .ko/oci
fails "offline with an empty store" 1 "not in the store .ko/oci; run once without --offline" ko-base --offline "$registry/team/base"
ko-base "$registry/team/base" >out.json
is "an empty store is filled, as the lock says" "$(cmp out.json net.json)" ""
is "offline with a full one" "$(ko-base --offline "$registry/team/base" | cmp - net.json)" ""

sed 's/"name"/"labels":{"new":"1"},"name"/' base-record.json | ko-push --builddir b --repo "$registry/team" -o moved.json
is "a tag that moves is not followed" "$(ko-base "$registry/team/base" | cmp - net.json)" ""
ko-base --update -o new.json "$registry/team/base" 2>err
is "--update follows" "$(jq -r .digest new.json)" "$(jq -r .image.digest moved.json)"
is "and says so" "$(cat err)" "ko-base: base image $registry/team/base is now $(jq -r .digest new.json), was $digest"
before=$(log_of registry | grep -c manifests)
KO_BASE_UPDATE=1 ko-base "$registry/team/base" >out.json 2>err
is "nothing moved: one request" "$(($(log_of registry | grep -c manifests) - before)) $(cat err)" "1 "
is "and the same" "$(cmp out.json new.json)" ""
is "by digest" "$(ko-base "$registry/team/base@$digest" | jq -r .digest)" "$digest"
ko-base --lock mine.lock --builddir other "$registry/team/base" >/dev/null
is "--lock" "$(jq -r .digest mine.lock)" "$(jq -r .digest new.json)"
printf '{"base":"x"' >mine.lock
fails "a lock that is damaged" 3 'lock of base image .*mine.lock:1:' ko-base --lock mine.lock "$registry/team/base"

fails "no such image" 4 "base image $registry/team/none: not found in the registry" ko-base "$registry/team/none"
fails "no such platform" 2 "no matching platforms in base image index" ko-base --platform linux/s390x "$registry/team/base"
is "one that is there and one that is not" "$(ko-base --platform linux/amd64,linux/s390x "$registry/team/base" 2>err | jq -c '[.platforms[].platform]')" '["linux/amd64"]'
like "and says so" "$(cat err)" 'has no platform linux/s390x'
skopeo --insecure-policy copy -q --src-tls-verify=false --dest-tls-verify=false "docker://$registry/team/base" "docker://$registry/team/single" >/dev/null
fails "one image, for another platform" 2 'base image platform "linux/amd64" does not match desired platforms \[linux/arm64\]' \
	ko-base --platform linux/arm64 "$registry/team/single"
is "one image" "$(ko-base --platform linux/amd64 "$registry/team/single" | jq -c '[.platforms[].platform]')" '["linux/amd64"]'
KO_RETRY_BUDGET=1 KO_RETRY_WAIT=1 fails "a registry that is down" 5 '127.0.0.1:1: .*try again' ko-base 127.0.0.1:1/x

# layouts
skopeo --insecure-policy copy -q --src-tls-verify=false --all "docker://$registry/team/base" oci:layout:one >/dev/null
is "a layout" "$(ko-base oci:layout | jq -r .digest)" "$(jq -r .digest new.json)"
skopeo --insecure-policy copy -q --src-tls-verify=false "docker://$registry/team/single" oci:layout:two >/dev/null
fails "several images in it" 2 '2 images in layout/index.json and none is meant; oci:DIR:NAME takes one' ko-base oci:layout
is "one by name" "$(ko-base oci:layout:one | jq -r .digest)" "$(jq -r .digest new.json)"
for f in layout/blobs/sha256/*; do
	grep -q '"manifests"' "$f" && echo >>"$f"
done
rm -rf .ko
fails "damaged" 3 'damaged: its digest is' ko-base oci:layout:one
fails "no layout" 1 'nothing/index.json' ko-base oci:nothing
done_testing
