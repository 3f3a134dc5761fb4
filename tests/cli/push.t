#!/bin/sh
# Pushing: what arrives, what is asked for, what is printed; into the store; what goes wrong.
. "$(dirname "$0")/lib.sh"
. "$top/tests/servers/servers.sh"
. "$top/tests/servers/oracles.sh"

crane=$(oracle crane)

{
	make_record a linux/amd64
	make_record b linux/amd64 linux/arm64
	make_record c linux/amd64
} >three.json

# the store
ko-push -o stored.json three.json 2>err
like "no repository: a note" "$(cat err)" '^ko-push: KO_DOCKER_REPO is unset: the images are in .ko/oci; set it to push them$'
is "references of the store" "$(jq -r '.ref | sub("@.*"; "")' stored.json | tr '\n' ' ')" "ko.local/a ko.local/b ko.local/c "
is "--repo= says nothing" "$(ko-push --repo= three.json 2>&1 >/dev/null)" ""
is "listed once each" "$(jq -r '.manifests[].annotations["org.opencontainers.image.ref.name"]' .ko/oci/index.json | tr '\n' ' ')" "a:latest b:latest c:latest "
if command -v skopeo >/dev/null && command -v umoci >/dev/null; then
	ok "skopeo reads all of it" skopeo --insecure-policy copy -q --all oci:.ko/oci:b:latest dir:copy
	ok "umoci unpacks it" umoci unpack --rootless --image .ko/oci:a:latest unpacked
	is "the program is there" "$(cat unpacked/rootfs/ko-app/a)" "program a"
	ok "and the base" test -s unpacked/rootfs/etc/ssl/certs/ca-certificates.crt
else
	skip "other programs read the store" "no skopeo or umoci"
fi
ko-image -o images.json three.json
ko-push --repo= images.json >from-images.json
is "assembled before or here: the same" "$(jq -r .ref from-images.json)" "$(jq -r .ref stored.json)"
printf '{"importpath":"example.com/a","name":"a"}\n' >bare-record.json
fails "no layers" 3 'no platforms; has ko-layer run' ko-push --repo= bare-record.json
fails "engines" 2 'ko.local is no registry: ko-load brings images there' ko-push --repo ko.local three.json
fails "engines, kind" 2 'kind.local is no registry: ko-load brings images there' ko-push --repo kind.local/x three.json
fails "a repository that is none" 2 'KO_DOCKER_REPO' ko-push --repo 'host.example/UPPER' three.json
fails "a tag that is none" 2 '"a b" is not a tag' ko-push --repo= --tag 'a b' three.json
fails "--tag-only without a tag" 2 '--tag-only needs exactly one tag, and not latest' ko-push --repo localhost:1/x --tag-only --tag '' three.json
ko-push --push=false --repo localhost:1/x --tag v1 --tag v1 -o kept.json three.json 2>err
is "--push=false: nothing is said, no registry is asked" "$(cat err)" ""
is "references are as if pushed" "$(jq -r '.ref | sub("@.*"; "")' kept.json | tr '\n' ' ')" "localhost:1/x/a:v1 localhost:1/x/b:v1 localhost:1/x/c:v1 "
is "and the store has the images" "$(jq -r '.manifests[].annotations["org.opencontainers.image.ref.name"]' .ko/oci/index.json | tr '\n' ' ')" \
	"a:latest b:latest c:latest a:v1 b:v1 c:v1 "
cp -R .ko/oci untagged && rm untagged/index.json
for i in 1 2; do ko-push --repo= --tag '' --oci untagged three.json >/dev/null; done
is "without a tag the store lists an image once, by its digest" "$(jq -c '[.manifests[] | [.digest, .annotations]]' untagged/index.json)" \
	"$(jq -sc '[.[] | [.image.digest, null]]' stored.json)"
fails "--tag-only with latest" 2 '--tag-only needs exactly one tag, and not latest' ko-push --repo localhost:1/x --tag-only three.json
cp -R .ko lost && rm "lost/oci/blobs/sha256/$(jq -r 'select(.name == "c").platforms[0].layers[0].digest' stored.json | cut -d: -f2)"
fails "a layer that is gone" 1 'example.com/c: layer sha256:[0-9a-f]* is no longer in the store lost/oci; remove that directory and run again' \
	ko-push --repo= --oci lost/oci three.json
ko-push --repo= three.json >/dev/full 2>err
is "a full disk" $? 1

if ! start_registry || ! command -v skopeo >/dev/null; then
	skip "pushing" "no registry or skopeo"
	done_testing
	exit
fi

ko-push --repo "$registry/team" --stats stats.json --image-refs refs.txt -o refs.json three.json 2>err
is "silent on success" "$(cat err)" ""
for name in a b c; do
	digest=$(jq -r "select(.name == \"$name\").image.digest" refs.json)
	is "$name: the reference" "$(jq -r "select(.name == \"$name\").ref" refs.json)" "$registry/team/$name@$digest"
	is "$name: what the registry has" "$(skopeo inspect --raw --tls-verify=false "docker://$registry/team/$name" | sha256sum | cut -d' ' -f1)" "${digest#sha256:}"
	if [ -n "$crane" ]; then
		ok "$name: crane finds it sound" "$crane" validate --insecure --remote "$registry/team/$name"
	else
		skip "$name: crane finds it sound" "crane cannot be installed"
	fi
done
is "--image-refs" "$(cat refs.txt)" "$(jq -r '.ref, (if (.platforms | length) > 1 then (.ref | sub("@.*"; "")) as $repo | .platforms[] | $repo + "@" + .manifest.digest else empty end)' refs.json)"
is "the base's layer was sent once" "$(log_of registry | grep -c '^PUT [^ ]*/blobs/')" "$(jq -r .blobsSent stats.json)"
is "and mounted in the others" "$(jq -r .blobsMounted stats.json)" 2
# What is written, by kind, in the order in which it arrives. That a manifest comes after its own blobs is what
# the registry above insists on.
start_scripted
ko-push --repo "$scripted/team" three.json >/dev/null
for name in a b c; do
	is "$name: what has the tag comes last" "$(say log | sed -n "\\|PUT /v2/team/$name/|{s|.*/manifests/[^s].*|tag|;s|.*PUT.*|part|;p;}" | uniq | xargs)" \
		"part tag"
done
is "counts" "$(jq -c '[.images, .pushed, .manifestsSent]' stats.json)" "[3,3,5]"

calmly 1 registry.log -- ko-push --repo "$registry/team" --stats stats -o refs2.json three.json
is "again: the same references" "$(cmp refs.json refs2.json)" ""
is "one HEAD for each image, and the greeting" "$(log_of registry | sed 's| .*||' | sort | uniq -c | tr -s ' \n' ' ')" " 1 GET 3 HEAD "
is "counts of nothing" "$(jq -c '[.pushed, .bytesSent, .connections, .requests]' stats)" "[0,0,1,4]"
touch -d @1000000000 refs.json
ko-push --repo "$registry/team" -o refs.json three.json
is "an unchanged file of references is not touched" "$(stat -c %Y refs.json)" 1000000000
is "its last line with -v" "$(ko-push -v --repo "$registry/team" three.json 2>&1 >/dev/null | tail -1 | sed 's/[0-9.]* s$/T s/')" \
	"ko-push: pushed 0 of 3 images, 0 MB sent, 1 MB already there, 0 mounted, 4 requests, T s"

before=$(log_of registry | grep -c '^PUT [^ ]*/blobs/')
ko-push --repo "$registry/team" --tag v1,v2 -o v.json three.json
is "another tag sends no blob" "$(log_of registry | grep -c '^PUT [^ ]*/blobs/')" "$before"
is "two tags: by digest" "$(jq -r .ref v.json)" "$(jq -r .ref refs.json)"
is "both are there" "$(skopeo inspect --tls-verify=false "docker://$registry/team/a" | jq -c '.RepoTags | sort')" '["latest","v1","v2"]'
is "one tag is in the reference" "$(ko-push --repo "$registry/team" --tag v1 three.json | jq -r 'select(.name == "a").ref')" \
	"$registry/team/a:v1@$(jq -r 'select(.name == "a").image.digest' refs.json)"
ko-push --repo "$registry/team" --tag v1 --image-refs refs.txt three.json >v1.json
is "--image-refs: an index by its tag, its images without" "$(cut -d@ -f1 refs.txt | tr '\n' ' ')" \
	"$registry/team/a:v1 $registry/team/b:v1 $registry/team/b $registry/team/b $registry/team/c:v1 "
is "no tags: by digest" "$(ko-push --repo "$registry/untagged" --tag '' three.json | jq -r .ref | sed 's|/team/|/untagged/|')" \
	"$(jq -r .ref refs.json | sed 's|/team/|/untagged/|')"
is "it is there, and has none" "$(skopeo inspect --no-tags --tls-verify=false "docker://$registry/untagged/b@$(jq -r 'select(.name == "b").image.digest' refs.json)" | jq -r .Name) $(curl -s "http://$registry/v2/untagged/b/tags/list" | jq -c .tags)" \
	"$registry/untagged/b null"
is "--tag-only" "$(ko-push --repo "$registry/team" --tag v1 --tag-only three.json | jq -r 'select(.name == "a").ref')" "$registry/team/a:v1"

sed 's/"importpath"/"bare":true,"importpath"/' three.json >bare.json
ko-push --repo "$registry/all" -o bare-refs.json bare.json
is "bare: --tag-only names the image that has the tag" "$(ko-push --repo "$registry/all" -t v9 --tag-only bare.json |
	jq -r .ref | sed 's/@.*/@/' | xargs)" "$registry/all:v9 $registry/all@ $registry/all@"
is "bare: one repository" "$(jq -r '.ref | sub("@.*"; "")' bare-refs.json | sort -u)" "$registry/all"
is "and the first image has the tag" "$(skopeo inspect --raw --tls-verify=false "docker://$registry/all" | sha256sum | cut -d' ' -f1)" \
	"$(jq -r 'select(.name == "a").image.digest' refs.json | cut -d: -f2)"
sed "s|\"importpath\"|\"repository\":\"$registry/own\",\"tags\":[\"x\"],\"importpath\"|" three.json >own.json
is "a record's own repository and tags" "$(ko-push own.json | jq -r 'select(.name == "c").ref | sub("@.*"; "")')" "$registry/own/c:x"
is "--repo= is stronger" "$(ko-push --repo= own.json | jq -r 'select(.name == "c").ref | sub("@.*"; "")')" "ko.local/c"
is "KO_DOCKER_REPO" "$(KO_DOCKER_REPO=$registry/env ko-push three.json | jq -r 'select(.name == "c").ref | sub("@.*"; "")')" "$registry/env/c"

# a base in the registry: its layers are mounted, not sent; in the store they are fetched
make_record d linux/amd64 >d.json
KO_BASEIMAGE=$registry/team/a ko-push --repo "$registry/on" --stats stats.json -o d-refs.json d.json
is "layers of the base are mounted" "$(jq -c '[.blobsMounted, .blobsSent]' stats.json)" "[2,2]"
mkdir empty && cp -R .ko/oci empty/oci && for d in $(jq -r '.platforms[0].layers[0].digest' stored.json); do rm -f "empty/oci/blobs/sha256/${d#sha256:}"; done
KO_BASEIMAGE=$registry/team/a ko-push --builddir empty --repo= d.json >d-stored.json
ok "layers of the base are fetched into the store" skopeo --insecure-policy copy -q oci:empty/oci:d:latest dir:copy-d

# another registry as source
first=$registry
start_registry second
rm -rf lone && mkdir -p lone/oci/blobs/sha256 && cp ".ko/oci/blobs/sha256/$(jq -r '.platforms[0].layers[0].digest' d.json | cut -d: -f2)" lone/oci/blobs/sha256
KO_BASEIMAGE=$first/team/a ko-push --builddir lone --repo "$registry/far" -o far.json d.json
is "layers of a base elsewhere are streamed" "$(skopeo inspect --tls-verify=false "docker://$registry/far/d" | jq '.Layers | length')" 3
is "without touching the disk" "$(ls lone/oci/blobs/sha256 | grep -c "$(jq -r '.platforms[0].layers[0].digest' stored.json | head -1 | cut -d: -f2)")" 0

# refusals
if start_basic; then
	export DOCKER_CONFIG=$tmp/docker HOME=$tmp
	mkdir docker
	printf '{"auths":{"%s":{"auth":"%s"}}}' "$registry" "$(printf 'user:wrong' | base64)" >docker/config.json
	fails "a wrong password" 4 'unauthorized: authentication required' ko-push --repo "$registry/team" three.json
	unlike "and does not tell it" "$(cat stderr)" "wrong|$(printf 'user:wrong' | base64)"
	printf '{"auths":{"%s":{"auth":"%s"}}}' "$registry" "$(printf 'user:secret' | base64)" >docker/config.json
	ok "the right one" ko-push --repo "$registry/team" -o basic.json three.json
else
	skip "a wrong password" "no htpasswd"
fi
export KO_RETRY_BUDGET=1 KO_RETRY_WAIT=1
echo before >kept.json
fails "a registry that is down" 5 '127.0.0.1:1: ' ko-push --repo 127.0.0.1:1/x -o kept.json three.json
is "the file of references stays" "$(cat kept.json)" before
start_registry readonly "  maintenance: {readonly: {enabled: true}}"
fails "a registry that is read only" 4 "$registry" ko-push --repo "$registry/team" three.json
done_testing
