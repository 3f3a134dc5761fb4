#!/bin/sh
# The article's service, from source to a container that answers; what programs find in the image.
. "$(dirname "$0")/lib.sh"
. "$top/tests/servers/engine.sh"
. "$top/tests/servers/servers.sh"
. "$top/tests/servers/oracles.sh"
cleanup() { engine_stop; stop_servers; }

policy=--insecure-policy
layout_ok() { python3 "$top/tests/servers/verify-layout.py" "$1"; }

# unpack LAYOUT:TAG DIRECTORY: the image's files, by umoci, in DIRECTORY/rootfs.
unpack() { umoci unpack --rootless --image "$1" "$2"; }

cp -R "$top/examples/hello" app && cd app || exit 1
ok "hello is resolved" sh -c 'ko resolve -f config/manifests >resolved.yaml 2>talk'
like "where it is" "$(cat resolved.yaml)" 'image: ko.local/myapp@sha256:[0-9a-f]{64}$'
digest=$(sed -n 's/.*ko.local.myapp@//p' resolved.yaml)
is "the layout has it under its name" \
	"$(skopeo $policy inspect oci:.ko/oci:myapp:latest | jq -r .Digest)" "$digest"
ok "digests, sizes and diffIDs, recomputed" layout_ok .ko/oci
ok "umoci unpacks it" unpack .ko/oci:myapp:latest "$tmp/unpacked"
is "the program is in its place" "$(stat -c '%a %s' "$tmp/unpacked/rootfs/ko-app/myapp")" \
	"555 $(find .ko/go -name myapp -type f -exec stat -c %s {} +)"
is "it starts the program, as nonroot" \
	"$(skopeo $policy inspect --config oci:.ko/oci:myapp:latest | jq -c '.config | [.Entrypoint, .User]')" \
	'[["/ko-app/myapp"],"65532:65532"]'

# A program that tells what it finds.
mkdir -p "$tmp/probe/data/etc" "$tmp/probe/kodata" && cd "$tmp/probe" || exit 1
cat >go.mod <<'END'
module example.com/probe

go 1.19
END
cat >main.go <<'END'
package main

import (
	"crypto/x509"
	"fmt"
	"os"
	"os/user"
	"time"
)

func main() {
	pool, err := x509.SystemCertPool()
	fmt.Println("roots:", err == nil && len(pool.Subjects()) > 100)
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err == nil {
		_, offset := time.Date(2024, 7, 1, 0, 0, 0, 0, berlin).Zone()
		fmt.Println("summer in Berlin:", offset)
	}
	who, err := user.Current()
	if err == nil {
		fmt.Println("user:", os.Getuid(), os.Getgid(), who.Username, who.HomeDir)
	}
	fmt.Println("temporary files:", os.WriteFile("/tmp/x", nil, 0o600) == nil)
	fmt.Println("own files are read-only:", os.WriteFile("/ko-app/x", nil, 0o600) != nil)
	for _, file := range []string{"/etc/motd", os.Getenv("KO_DATA_PATH") + "/text"} {
		text, _ := os.ReadFile(file)
		fmt.Print(file, ": ", string(text))
	}
}
END
echo 'from KO_DATA_PATH' >data/etc/motd
echo 'from kodata' >kodata/text
ok "ko build with KO_DATA_PATH" sh -c 'KO_DATA_PATH=./data ko build . >reference 2>talk'
like "it prints one reference" "$(cat reference)" '^ko.local/probe@sha256:[0-9a-f]{64}$'
ok "digests, sizes and diffIDs of it" layout_ok .ko/oci
ok "umoci unpacks that, too" unpack .ko/oci:probe:latest "$tmp/unpacked-probe"
is "KO_DATA_PATH is in the container's root" "$(cat "$tmp/unpacked-probe/rootfs/etc/motd")" 'from KO_DATA_PATH'
is "the base's files are still there" "$(ls "$tmp/unpacked-probe/rootfs/etc/passwd" | wc -l)" 1

# pid ID: the process of a container; it may be there before it listens.
pid() { docker inspect -f '{{.State.Pid}}' "$1"; }

runs_hello() {
	container=$(docker run -d --network=none --name hello myapp:latest)
	is "it answers" "$(nsenter -t "$(pid "$container")" -n curl -s --noproxy '*' --retry 20 \
		--retry-delay 1 --retry-connrefused http://127.0.0.1:8080/)" "Hello from Ko"
	is "it runs as nonroot" "$(awk '/^[UG]id/ { print $2 }' "/proc/$(pid "$container")/status" | xargs)" \
		"65532 65532"
	ok "it stops on a signal" docker stop -t 10 "$container"
	is "and took no kill" "$(docker inspect -f '{{.State.ExitCode}}' "$container")" 2
}

if engine_start; then
	ok "skopeo hands hello to the engine" skopeo $policy copy --dest-daemon-host "$DOCKER_HOST" \
		"oci:$tmp/app/.ko/oci:myapp:latest" docker-daemon:myapp:latest
	runs_hello
	ok "skopeo hands the probe to the engine" skopeo $policy copy --dest-daemon-host "$DOCKER_HOST" \
		"oci:$tmp/probe/.ko/oci:probe:latest" docker-daemon:probe:latest
	is "what a program finds in the image" "$(docker run --rm --network=none probe:latest)" \
		'roots: true
summer in Berlin: 7200
user: 65532 65532 nonroot /home/nonroot
temporary files: true
own files are read-only: true
/etc/motd: from KO_DATA_PATH
/var/run/ko/text: from kodata'
else
	skip "the images run" "$engine_why"
fi

# Another base, from a registry.
cd "$tmp/app" || exit 1
make_base() {
	mkdir -p base/etc
	echo "this is $1" >base/etc/base
	tar -C base --owner=0 --group=0 -cf base.tar etc
	"$crane" append --insecure -f base.tar -t "$registry/base:$1" &&
		"$crane" mutate --insecure --set-platform linux/amd64 --env "BASE=$1" \
			-t "$registry/base:$1" "$registry/base:$1"
}

# base_of MANIFESTS: what the image named there, unpacked, says about its base.
base_of() {
	rm -rf "$tmp/unpacked-base"
	skopeo $policy copy --src-tls-verify=false "docker://$(sed -n "s/.*image: //p" "$1")" "oci:$tmp/copy:it" >"$tmp/.out" 2>&1 &&
		unpack "$tmp/copy:it" "$tmp/unpacked-base" >"$tmp/.out" 2>&1 || note "$(cat "$tmp/.out")"
	cat "$tmp/unpacked-base/rootfs/etc/base"
}

if ! start_registry; then
	skip "other bases" "docker-registry does not start"
elif ! crane=$(oracle crane 2>"$tmp/crane.log"); then
	skip "other bases" "no crane: $(tail -n 1 "$tmp/crane.log")"
else
	ok "a base by crane" make_base one
	ok "another" make_base two
	echo "defaultBaseImage: $registry/base:one" >ko.yaml
	export KO_DOCKER_REPO="$registry/apps"
	ok "defaultBaseImage in ko.yaml" sh -c 'ko resolve -f config/manifests >resolved.yaml'
	like "the reference" "$(cat resolved.yaml)" "image: $registry/apps/myapp@sha256:[0-9a-f]{64}$"
	ok "crane validates it" "$crane" validate --insecure --remote "$registry/apps/myapp:latest"
	is "it stands on that base" "$(base_of resolved.yaml)" "this is one"
	is "the base's environment is kept" "$("$crane" config --insecure "$registry/apps/myapp:latest" |
		jq -r '.config.Env[] | select(startswith("BASE"))')" 'BASE=one'
	is "the manifest names its base" "$("$crane" manifest --insecure "$registry/apps/myapp:latest" |
		jq -r '.annotations["org.opencontainers.image.base.name", "org.opencontainers.image.base.digest"]')" \
		"$registry/base:one
$("$crane" digest --insecure "$registry/base:one")"
	ok "KO_BASEIMAGE goes before it" sh -c \
		"KO_BASEIMAGE=$registry/base:two ko resolve -f config/manifests >resolved.yaml"
	is "it stands on that base" "$(base_of resolved.yaml)" "this is two"
	ok "and back" sh -c 'ko resolve -f config/manifests >resolved.yaml'
	is "it stands on the first again" "$(base_of resolved.yaml)" "this is one"
fi
done_testing
