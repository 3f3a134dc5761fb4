#!/bin/sh
# Images are as ko makes them: the same fields on the same base, with OCI's and with Docker's types.
. "$(dirname "$0")/lib.sh"
. "$top/tests/servers/servers.sh"
. "$top/tests/servers/oracles.sh"

ko_oracle=$(oracle ko)
crane=$(oracle crane)

blob() { cat ".ko/oci/blobs/sha256/${1#sha256:}"; }
field() { jq -r "$1" "$2"; }

layer=$(make_layer hello)
record() {
	printf '{"importpath":"example.com/x/hello","name":"hello","x-kept":[1,{"a":null}],"labels":{"a":"b"},"annotations":{"x":"y"},"user":"7","platforms":['
	comma=
	for platform in "$@"; do
		printf '%s{"platform":"%s","layers":[%s]}' "$comma" "$platform" "$layer"
		comma=,
	done
	echo ']}'
}

record linux/amd64 >one.json
record linux/arm64 linux/amd64 >two.json

ko-base -o base.json
ko-image --base base.json -o made.json one.json
is "fields that it does not know pass through" "$(field '.["x-kept"]|tostring' made.json)" '[1,{"a":null}]'
manifest=$(field .image.digest made.json)
is "one platform: a plain image" "$(field .image.mediaType made.json)" application/vnd.oci.image.manifest.v1+json
is "the base image is noted" "$(field '.baseImage.reference + " " + .baseImage.digest' made.json)" \
	"ko.local/static $(field .digest base.json)"
blob "$manifest" >manifest.json
is "order of the manifest's fields" "$(jq -c keys_unsorted manifest.json)" '["schemaVersion","mediaType","config","layers","annotations"]'
is "annotations" "$(jq -c .annotations manifest.json)" \
	"{\"org.opencontainers.image.base.digest\":\"$(field '.platforms[0].manifest.digest' base.json)\",\"org.opencontainers.image.base.name\":\"ko.local/static\",\"x\":\"y\"}"
is "sizes are right" "$(stat -c %s ".ko/oci/blobs/sha256/$(field .config.digest manifest.json | cut -d: -f2)")" "$(field .config.size manifest.json)"
blob "$(field .config.digest manifest.json)" >config.json
is "config of the container" "$(jq -cS .config config.json)" \
	'{"Entrypoint":["/ko-app/hello"],"Env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/ko-app","SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt","KO_DATA_PATH=/var/run/ko"],"Labels":{"a":"b"},"User":"7","WorkingDir":"/"}'

rm -f ".ko/oci/blobs/sha256/$(printf %s "$layer" | jq -r .digest | cut -d: -f2)"
ok "no layer is opened" ko-image --base base.json -o again.json one.json
ok "the same again" cmp made.json again.json
TZ=Asia/Tokyo SOURCE_DATE_EPOCH=1700000000 ko-image --base base.json -o epoch.json one.json
blob "$(field .image.digest epoch.json)" | jq -r .config.digest >digest
is "SOURCE_DATE_EPOCH is UTC" "$(blob "$(cat digest)" | jq -r '.created + " " + .history[-1].created')" \
	"2023-11-14T22:13:20Z 2023-11-14T22:13:20Z"
SOURCE_DATE_EPOCH=now ko-image --base base.json one.json >out 2>err
is "an epoch that is no number" "$? $(cat out)" "2 "

ko-image --base base.json -o index.json two.json
is "two platforms: an index" "$(field .image.mediaType index.json)" application/vnd.oci.image.index.v1+json
is "in the order of the base" "$(blob "$(field .image.digest index.json)" | jq -c '[.manifests[].platform.architecture]')" '["amd64","arm64"]'
is "annotations of the index" "$(blob "$(field .image.digest index.json)" | jq -r '.annotations["org.opencontainers.image.base.digest"]')" "$(field .digest base.json)"

sed 's|"example.com/x/hello"|"example.com/x/hello/v2"|' one.json | ko-image --base base.json >v2.json
is "a /v2 module's program" "$(blob "$(blob "$(field .image.digest v2.json)" | jq -r .config.digest)" | jq -c .config.Entrypoint)" '["/ko-app/hello"]'
sed 's|"labels"|"containerEnv":["SSL_CERT_FILE=/x","A=b"],"labels"|' one.json | ko-image --base base.json >env.json
is "containerEnv" "$(blob "$(blob "$(field .image.digest env.json)" | jq -r .config.digest)" | jq -c '.config.Env[1:]')" \
	'["SSL_CERT_FILE=/x","KO_DATA_PATH=/var/run/ko","A=b"]'

config_of() { blob "$(blob "$(field .image.digest "$1")" | jq -r .config.digest)"; }

ko-image --base base.json --label a=c=d --label n= --annotation x=z,1 --user 8:9 -o options.json one.json
is "--label and --user" "$(config_of options.json | jq -cS '[.config.Labels, .config.User]')" '[{"a":"c=d","n":""},"8:9"]'
is "--annotation" "$(blob "$(field .image.digest options.json)" | jq -r .annotations.x)" z,1
is "options are in the record" "$(jq -cS '[.labels, .annotations, .user]' options.json)" '[{"a":"c=d","n":""},{"x":"z,1"},"8:9"]'
ko-image --base base.json --label novalue one.json >out 2>err
is "a label without =" "$? $(cat out) $(cat err)" "2  ko-image: missing '=' in novalue: NAME=VALUE is wanted"

jq -c 'del(.importpath) | .platforms[].layers[].kind = "data"' one.json >data.json
ko-image --base base.json -o data-image.json data.json
is "data alone: no entrypoint" "$(config_of data-image.json | jq -c '[.config.Entrypoint, .history[-1].created_by]')" '[null,"ko-layer hello"]'

# A base as others make them: its vendor's labels and annotations, a subject, fields of tomorrow.
mkdir -p vendor/blobs/sha256
keep() { # MEDIATYPE: stores standard input, prints its descriptor
	cat >vendor/new
	digest=$(sha256sum <vendor/new | cut -d' ' -f1)
	printf '{"mediaType":"%s","digest":"sha256:%s","size":%s}' "$1" "$digest" "$(stat -c %s vendor/new)"
	mv vendor/new "vendor/blobs/sha256/$digest"
}
oci=application/vnd.oci.image
config=$(printf '{"os":"linux","architecture":"amd64","x-new":{"b":1,"a":2},"rootfs":{"type":"layers","diff_ids":[]},"config":{"Cmd":["sh"],"Entrypoint":["/bin/e"],"Labels":{"org.opencontainers.image.title":"t","org.label-schema.name":"n","kept":"yes"}}}' |
	keep $oci.config.v1+json)
image=$(printf '{"schemaVersion":2,"mediaType":"%s","artifactType":"x/y","config":%s,"layers":[],"subject":%s,"annotations":{"org.opencontainers.image.version":"1","kept":"yes"}}' \
	$oci.manifest.v1+json "$config" "$config" | keep $oci.manifest.v1+json)
printf '{"schemaVersion":2,"manifests":[%s]}' "$image" >vendor/index.json
ko-base -o vendor.json oci:vendor
ko-image --base vendor.json -o on-vendor.json one.json
is "labels that describe the base are left out, others stay" "$(config_of on-vendor.json | jq -cS .config.Labels)" '{"a":"b","kept":"yes"}'
is "fields that nobody knows stay" "$(config_of on-vendor.json | jq -c '.["x-new"]')" '{"b":1,"a":2}'
is "no date of the base" "$(config_of on-vendor.json | jq -r .created)" 0001-01-01T00:00:00Z
blob "$(field .image.digest on-vendor.json)" >manifest.json
is "annotations likewise; neither subject nor artifactType" "$(jq -c '[keys_unsorted, (.annotations | del(.["org.opencontainers.image.base.name"], .["org.opencontainers.image.base.digest"]))]' manifest.json)" \
	'[["schemaVersion","mediaType","config","layers","annotations"],{"kept":"yes","x":"y"}]'
is "base.digest is the manifest's" "$(jq -r '.annotations["org.opencontainers.image.base.digest"]' manifest.json)" "$(echo "$image" | jq -r .digest)"
is "a directory is no base.name" "$(jq -r '.annotations["org.opencontainers.image.base.name"]' manifest.json)" null
ko-image --base vendor.json --inherit-labels one.json >inherited.json
is "--inherit-labels" "$(config_of inherited.json | jq -cS .config.Labels)" \
	'{"a":"b","kept":"yes","org.label-schema.name":"n","org.opencontainers.image.title":"t"}'
ko-image --base vendor.json data.json >data-image.json
is "data alone keeps how the base starts" "$(config_of data-image.json | jq -c '[.config.Entrypoint, .config.Cmd]')" '[["/bin/e"],["sh"]]'

# what goes wrong
record windows/amd64 | ko-image --base base.json >out 2>err
is "a platform that the base lacks" "$? $(cat out)" "2 "
like "and says so" "$(cat err)" 'example.com/x/hello: base image ko.local/static has none of the platforms'
sed 's/"layers"/"x"/' one.json | ko-image --base base.json >out 2>err
is "no layers" "$? $(cat out)" "3 "
like "and says so" "$(cat err)" 'no layers for linux/amd64; has ko-layer run'
ko-image --base one.json one.json >out 2>err
is "a base record that is none" "$? $(cat out)" "3 "
sed 's|"labels"|"base":"gcr.io/x","labels"|' one.json | ko-image >out 2>err
is "another base than the built-in one needs --base" "$? $(cat out)" "2 "
ko-image --base base.json one.json >/dev/full 2>err
is "a full disk" "$?" 1

# against ko
if ! start_registry || [ -z "$ko_oracle" ] || [ -z "$crane" ] || ! command -v skopeo >/dev/null; then
	skip "the same as ko" "no registry, ko or skopeo"
	done_testing
	exit
fi
ko-push --repo= -o pushed.json index.json 2>/dev/null
rm -rf .ko/oci/blobs/sha256/* && layer=$(make_layer hello) && record linux/amd64 linux/arm64 >two.json
ko-push --repo "$registry/base" -o pushed.json two.json
skopeo --insecure-policy copy -q --src-tls-verify=false --dest-tls-verify=false --format v2s2 --all \
	"docker://$registry/base/hello" "docker://$registry/base/docker" >/dev/null
mkdir hello && cd hello && printf 'module example.com/x/hello\n' >go.mod && printf 'package main\n\nfunc main() {}\n' >main.go
for base in hello docker; do
	KO_DEFAULTBASEIMAGE=$registry/base/$base KO_DOCKER_REPO= "$ko_oracle" build --push=false --oci-layout-path="../ko-$base" --sbom=none \
		--image-label a=b --image-annotation x=y --image-user 7 --platform linux/amd64,linux/arm64 . >/dev/null 2>&1
done
cd ..

# normal DIR INDEX: index, manifests and configs, with what layers and digests of images change out
# of the way.
normal() {
	for digest in $(jq -r '.manifests[].digest' "$1/$2"); do
		jq -cS 'del(.config.digest, .config.size) | .layers = [.layers[].mediaType]' "$1/${digest#sha256:}"
		config=$(jq -r .config.digest "$1/${digest#sha256:}")
		jq -cS 'del(.rootfs.diff_ids[-1])' "$1/${config#sha256:}"
		jq -c 'keys_unsorted' "$1/${config#sha256:}"
	done
	jq -cS '.manifests |= map({mediaType, platform}) | del(.annotations["org.opencontainers.image.base.digest"])' "$1/$2"
}
# ko has a layer for kodata always.
empty='{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:250c06f7c38e52dc77e5c7586c3e40280dc7ff9bb9007c396e06d96736cf8542","size":127,"diffID":"sha256:ffe56a1c5f3878e9b5f803842adb9e2ce81584b6bd027e8599582aefe14a975b","kind":"kodata"}'
layer=$empty,$layer
record linux/amd64 linux/arm64 >two.json
for base in hello docker; do
	ko-base --platform linux/amd64,linux/arm64 -o "$base.json" "$registry/base/$base"
	ko-image --base "$base.json" -o "made-$base.json" two.json
	top_digest=$(field .image.digest "made-$base.json")
	normal .ko/oci/blobs/sha256 "${top_digest#sha256:}" >ours
	normal "ko-$base/blobs/sha256" "$(jq -r '.manifests[0].digest' "ko-$base/index.json" | cut -d: -f2)" >theirs
	is "as ko on $base" "$(cat ours)" "$(cat theirs)"
done
is "base.digest of the index is the base's" \
	"$(blob "$(field .image.digest made-hello.json)" | jq -r '.annotations["org.opencontainers.image.base.digest"]')" \
	"$("$crane" digest --insecure "$registry/base/hello")"
done_testing
