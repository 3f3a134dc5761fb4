#!/bin/sh
# Images for other programs: archives and layouts, and what skopeo, crane, umoci, Docker and ko make
# of them.
. "$(dirname "$0")/lib.sh"
. "$top/tests/servers/servers.sh"
. "$top/tests/servers/oracles.sh"
. "$top/tests/servers/engine.sh"
cleanup() { engine_stop; stop_servers; }

policy=--insecure-policy
crane=$(oracle crane)
real_ko=$(oracle ko)
sha() { sha256sum "$1" | cut -d' ' -f1; }
entries() { jq -r '.manifests[].annotations["org.opencontainers.image.ref.name"]' "$1/index.json"; }
# listing ARCHIVE: kinds of entries, with modes, owners, times.
listing() { tar tvf "$1" | sed 's/[0-9a-f]\{64\}/HEX/; s| 0/0 *[0-9]*| 0/0|' | sort -u; }
# The package directory is an input, so what is checked for doing nothing is written elsewhere.
# programs COMMAND...: how many programs it starts, itself included.
programs() { strace -qq -f -e trace=execve -e signal=none -o "$tmp/calls" "$@" >/dev/null 2>&1; grep -c ' = 0$' "$tmp/calls"; }

cp -R "$top/examples/hello" app && cd app || exit 1

# one platform: the form of docker save
ok "ko build --tarball" sh -c 'ko build --tarball ../out/x.tar . >reference 2>/dev/null'
digest=$(cut -d@ -f2 reference)
config=$(jq -r .config.digest ".ko/oci/blobs/sha256/${digest#sha256:}")
is "skopeo finds it by its tag" "$(skopeo $policy inspect --config --raw docker-archive:../out/x.tar:ko.local/myapp:latest | sha256sum | cut -d' ' -f1)" "${config#sha256:}"
is "names of entries are those of ko" "$(tar tf ../out/x.tar | sed 's/[0-9a-f]\{64\}/HEX/' | tr '\n' ' ')" \
	"sha256:HEX HEX.tar.gz HEX.tar.gz HEX.tar.gz manifest.json "
if [ -n "$crane" ]; then
	ok "crane finds it sound" "$crane" validate --tarball ../out/x.tar
else
	skip "crane finds it sound" "crane cannot be installed"
fi
before=$(stat -c %y ../out/x.tar) bytes=$(sha ../out/x.tar)
is "nothing to do: ko and ninja alone run" "$(programs ko build --tarball ../out/x.tar .)" 2
is "and the archive stays" "$(stat -c %y ../out/x.tar)" "$before"
rm ../out/x.tar
ko build --tarball ../out/x.tar . >/dev/null 2>&1
is "an archive that was removed comes back, the same bytes" "$(sha ../out/x.tar)" "$bytes"
echo "something else" >../out/x.tar
ko build --tarball ../out/x.tar . >/dev/null 2>&1
is "so does one that was written over" "$(sha ../out/x.tar)" "$bytes"
touch -d '2001-01-01' ../out/x.tar
ko-save --tarball ../out/x.tar .ko/*/refs.json >/dev/null
is "unchanged: not written" "$(stat -c %y ../out/x.tar | cut -c1-4)" 2001
ko build --tarball ../out/x.tar --image-label a=b . >/dev/null 2>&1
ok "another image of the same program" test "$(sha ../out/x.tar)" != "$bytes"
ko build --tarball ../out/x.tar . >/dev/null 2>&1
is "another graph wrote the archive: it is written again" "$(sha ../out/x.tar)" "$bytes"
is "names are those that a push gives" "$(KO_DOCKER_REPO=reg.example/team ko build -t v1,v2 --push=false --tarball t.tar . | cut -d@ -f1) $(tar xOf t.tar manifest.json | jq -c '.[].RepoTags')" \
	'reg.example/team/myapp ["reg.example/team/myapp:v1","reg.example/team/myapp:v2"]'
KO_DOCKER_REPO=reg.example/team ko build -t '' --push=false --tarball t.tar . >/dev/null
is "--tags '': no name" "$(tar xOf t.tar manifest.json | jq -c '.[].RepoTags')" null

# the pipe
ko-scan . 2>/dev/null | ko-gobuild | ko-layer | ko-save --tarball pipe.tar >records
is "the pipe gives the same archive" "$(sha pipe.tar)" "$bytes"
is "records go on" "$(jq -r .image.digest records)" "$digest"
is "to standard output" "$(ko-save --tarball - records | sha256sum | cut -d' ' -f1)" "$bytes"
mkfifo pipe
ko-save --tarball pipe records >/dev/null &
is "to a named pipe" "$(sha pipe)" "$bytes"
wait $!
ok "which stays one" test -p pipe

# several platforms: a layout as an archive
ok "several platforms" sh -c 'KO_DOCKER_REPO=reg.example/team ko build --push=false --platform linux/amd64,linux/arm64 --tarball multi.tar . >multi 2>/dev/null'
index=$(cut -d@ -f2 multi)
is "skopeo finds the index by its tag" "$(skopeo $policy inspect --raw oci-archive:multi.tar:reg.example/team/myapp:latest | sha256sum | cut -d' ' -f1)" "${index#sha256:}"
ok "and copies all of it" skopeo $policy copy -q --all oci-archive:multi.tar:reg.example/team/myapp:latest dir:copy
store="--root $tmp/podman --runroot $tmp/podman-run --storage-driver vfs"
if [ "$(id -u)" = 0 ] && podman $store info >/dev/null 2>&1; then
	is "podman load" "$(podman $store load -q -i multi.tar)" "Loaded image: reg.example/team/myapp:latest"
	is "of an archive of docker save too" "$(podman $store load -q -i ../out/x.tar)" "Loaded image: ko.local/myapp:latest"
	podman $store rmi -af >/dev/null 2>&1
else
	skip "podman load" "podman does not run here"
fi
mkdir unpacked && tar xf multi.tar -C unpacked
ok "digests, sizes and diffIDs, recomputed" python3 "$top/tests/servers/verify-layout.py" unpacked
is "containerd's name" "$(jq -r '.manifests[].annotations["io.containerd.image.name"]' unpacked/index.json)" reg.example/team/myapp:latest

# a layout
ok "ko build --oci-layout-path" sh -c 'ko build --oci-layout-path ../lay . >/dev/null 2>&1'
is "nothing to do: ko and ninja alone run" "$(programs ko build --oci-layout-path ../lay .)" 2
is "skopeo finds it by its name" "$(skopeo $policy inspect --raw oci:../lay:ko.local/myapp:latest | sha256sum | cut -d' ' -f1)" "${digest#sha256:}"
ok "umoci unpacks it" umoci unpack --rootless --image ../lay:ko.local/myapp:latest rootfs
ok "digests, sizes and diffIDs, recomputed" python3 "$top/tests/servers/verify-layout.py" ../lay
is "its layers are links to those of the store, or their blocks are" \
	"$(find ../lay/blobs -type f -size +8k -links 1 | wc -l)" "$(touch probe && cp --reflink=always probe probe2 2>/dev/null && echo 1 || echo 0)"
for i in 1 2; do ko-save --oci-layout-path ../lay records >/dev/null; done
is "again: listed once" "$(entries ../lay)" ko.local/myapp:latest
KO_DOCKER_REPO=reg.example/team ko build --push=false -t v1,v2 --oci-layout-path ../lay . >/dev/null
is "under each name" "$(entries ../lay | tr '\n' ' ')" "ko.local/myapp:latest reg.example/team/myapp:v1 reg.example/team/myapp:v2 "
rm -r ../lay/index.json
ko build --oci-layout-path ../lay . >/dev/null 2>&1
is "an entry that was removed comes back" "$(entries ../lay)" ko.local/myapp:latest
mkdir many
for i in 1 2 3 4 5 6 7 8; do ko-save --repo reg.example/x --tag "v$i" --oci-layout-path many records >/dev/null & done
wait
is "eight at once: all are there" "$(entries many | sort | tr '\n' ' ')" "$(for i in 1 2 3 4 5 6 7 8; do printf 'reg.example/x/myapp:v%d ' $i; done)"
ok "and the layout is sound" python3 "$top/tests/servers/verify-layout.py" many

# a base in a registry: its layers are fetched
if start_registry base; then
	skopeo $policy copy -q --dest-tls-verify=false oci:../lay:ko.local/myapp:latest "docker://$registry/base/image"
	ok "a base in a registry" sh -c "KO_BASEIMAGE=$registry/base/image KO_BUILDDIR=other ko build --push=false --tarball on.tar . >/dev/null 2>&1"
	is "all layers are in the archive" "$(tar tf on.tar | grep -c 'tar.gz$') $(tar xOf on.tar manifest.json | jq '.[].Layers | length')" "3 5"
	ok "and whole" skopeo $policy copy -q docker-archive:on.tar dir:copy-on
	ko-scan . | KO_BASEIMAGE=$registry/base/image ko-gobuild --builddir third | KO_BASEIMAGE=$registry/base/image ko-layer --builddir third >third.json
	ok "the pipe" sh -c "KO_BASEIMAGE=$registry/base/image ko-save --builddir third --tarball on2.tar third.json >/dev/null"
	if [ -n "$real_ko" ]; then
		mkdir real && cp main.go go.mod real && cd real || exit 1
		ok "ko adds to our layout" env KO_DEFAULTBASEIMAGE="$registry/base/image" KO_DOCKER_REPO=reg.example/team \
			"$real_ko" build --bare --push=false --sbom=none --oci-layout-path ../../lay --tarball ko.tar .
		cd ..
		is "which has both" "$(jq '.manifests | length' ../lay/index.json)" 2
		ok "we add to it again" ko-save --tag more --oci-layout-path ../lay records
		ok "and it is sound" python3 "$top/tests/servers/verify-layout.py" ../lay
		KO_BASEIMAGE=$registry/base/image KO_DOCKER_REPO=reg.example/team ko build --bare --push=false --tarball ours.tar . >/dev/null
		is "names in archives are those of ko" "$(tar xOf ours.tar manifest.json | jq -c '.[].RepoTags')" "$(tar xOf real/ko.tar manifest.json | jq -c '.[].RepoTags')"
		is "so are their entries" "$(listing ours.tar)" "$(listing real/ko.tar)"
	else
		skip "as ko" "ko cannot be installed"
	fi
else
	skip "a base in a registry" "no registry"
fi

# make
cat >Makefile <<END
KO_IMPORTPATHS := .
KO_FLAGS := --tarball ../made.tar --oci-layout-path ../made
include $top/mk/ko.mk
END
ok "make ko-push" make -s ko-push
is "the same archive" "$(sha ../made.tar)" "$bytes"
like "nothing to do" "$(make ko-push)" 'Nothing to be done'
rm ../made.tar
make -s ko-push >/dev/null 2>&1
is "removed: it comes back" "$(sha ../made.tar)" "$bytes"
rm Makefile

# what goes wrong
fails "nothing named" 2 'nothing to save to: name --oci-layout-path DIR or --tarball FILE' ko-save records
fails "standard output of ko" 2 'tarball=-: standard output has references or manifests' ko build --tarball - .
mkdir strange && echo '{"imageLayoutVersion":"2.0.0"}' >strange/oci-layout
fails "another kind of layout" 3 'strange/oci-layout: not an image layout of version 1.0.0; name another directory' \
	ko-save --oci-layout-path strange records
fails "a directory as archive" 1 'strange' ko-save --tarball strange records
jq -c 'del(.image) | del(.platforms[].layers)' records >bare.json
fails "no layers" 3 'no layers for linux/amd64; has ko-layer run' ko-save --tarball no.tar bare.json
cp -R .ko lost
layer=$(jq -r '.platforms[0].layers[-1].digest' records)
blob=lost/oci/blobs/sha256/${layer#sha256:}
chmod u+w "$blob" && printf x | dd of="$blob" bs=1 seek=100 conv=notrunc 2>/dev/null
fails "a damaged layer" 3 "$blob: damaged: its content has digest sha256:[0-9a-f]*; remove the file" \
	ko-save --builddir lost --tarball no.tar records
fails "and for a layout" 1 "$blob: missing or damaged; remove it and run again" ko-save --builddir lost --oci-layout-path new records
is "nothing is listed there" "$(ls new)" "blobs
oci-layout"
rm -f "$blob"
fails "a layer that is gone" 1 "layer $layer is no longer in the store lost/oci; remove that directory and run again" \
	ko-save --builddir lost --tarball no.tar records
ok "no archive is left" test ! -e no.tar
is "and nothing else" "$(find . -name '.no.tar*')" ""
ko-save --tarball /dev/full records >/dev/null 2>err
is "a full disk" "$? $(wc -l <err)" "1 1"

# Docker
if engine_start; then
	ok "docker load" docker load -q -i ../out/x.tar
	is "by its name and config" "$(docker inspect -f '{{.Id}}' ko.local/myapp:latest)" "$config"
	ok "docker load from a pipe" sh -c 'ko-save --repo reg.example/x --tarball - records | docker load -q'
	is "the same image, another name" "$(docker inspect -f '{{.Id}}' reg.example/x/myapp)" "$config"
else
	skip "docker load" "$engine_why"
fi
done_testing
