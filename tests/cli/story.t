#!/bin/sh
# The whole story, with each container builder: build the service, apply it, edit the source, apply
# again. The Deployment has the new digest, and nothing else has changed.
. "$(dirname "$0")/lib.sh"
. "$top/tests/servers/servers.sh"
. "$top/tests/servers/engine.sh"
. "$top/tests/servers/cluster.sh"
cleanup() {
	engine_stop
	engine_unmount
	stop_servers
}
unset KUBECONFIG
export DOCKER_CONFIG="$tmp/docker"
mkdir "$DOCKER_CONFIG"
echo '{}' >"$DOCKER_CONFIG/config.json" # where DOCKER_CONFIG is set, podman wants the file

if ! start_registry; then
	skip "the story" "docker-registry does not start"
	done_testing
	exit
fi
cluster=
cluster_start && cluster=yes

# image REF: what is the same in all builders' images: config and digests of the content of layers.
image() {
	skopeo --insecure-policy inspect --tls-verify=false --config "docker://$1" | jq -c '[.config, .architecture, .os, .created, .rootfs.diff_ids]'
}

# answers PID: what the service with this process says; it is alone in its network.
answers() {
	nsenter -t "$1" -n curl -s --noproxy '*' --retry 20 --retry-delay 1 --retry-connrefused http://127.0.0.1:8080/
}

# runs BUILDER REF: the service as a container of the engine, which has the image from building it.
runs() {
	case $1 in
	native) ;;
	docker | podman)
		container=$($1 run -d --network=none "$2" 2>&1)
		service=$($1 inspect -f '{{.State.Pid}}' "$container" 2>/dev/null)
		is "$1 runs it" "$(answers "$service")" "$3"
		$1 rm -f "$container" >/dev/null 2>&1
		;;
	buildah)
		container=$(buildah from --pull-never "$2" 2>&1)
		# when the shell ends, all that runs in its namespace of processes does
		is "buildah runs it" "$(unshare -n -p -f --kill-child --mount-proc sh -c "
			python3 -c '$loopback_up'
			buildah run --isolation chroot $container /ko-app/myapp >/dev/null 2>&1 &
			curl -s --noproxy '*' --retry 20 --retry-delay 1 --retry-connrefused http://127.0.0.1:8080/")" "$3"
		buildah rm "$container" >/dev/null 2>&1
		;;
	esac
}

deployment() { kubectl get deployment myapp -o json --show-managed-fields=false | jq -S "$@"; }
# but FOR what another image makes another one.
constant='del(.metadata.generation, .metadata.resourceVersion, .metadata.annotations["kubectl.kubernetes.io/last-applied-configuration"], .spec.template.spec.containers[0].image)'

# story BUILDER
story() {
	export KO_BUILDER="$1" KO_DOCKER_REPO="$registry/$1"
	rm -rf "$tmp/app"
	cp -R "$top/examples/hello" "$tmp/app" && cd "$tmp/app" || exit 1
	ok "$1: ko resolve" sh -c 'ko resolve -f config/manifests >one.yaml'
	one=$(sed -n 's/.*image: //p' one.yaml)
	like "$1: a digest in the manifest" "$one" "^$registry/$1/myapp@sha256:[0-9a-f]{64}$"
	[ "$1" != native ] || native_image=$(image "$one")
	is "$1: the image is that of the native builder" "$(image "$one")" "$native_image"
	ok "$1: nothing changed" sh -c 'ko resolve -f config/manifests | cmp - one.yaml'
	runs "$1" "$registry/$1/myapp:latest" 'Hello from Ko'
	if [ -n "$cluster" ]; then
		is "$1: ko apply" "$(ko apply -f config/manifests 2>&1)" 'deployment.apps/myapp created'
		is "$1: the cluster has that image" "$(deployment -r '.spec.template.spec.containers[0].image')" "$one"
		deployment "$constant" >before.json
		is "$1: again" "$(ko apply -f config/manifests 2>&1)" 'deployment.apps/myapp unchanged'
	fi
	sed -i 's/Hello from Ko/Hello again/' main.go
	ok "$1: after an edit" sh -c 'ko resolve -f config/manifests >two.yaml'
	two=$(sed -n 's/.*image: //p' two.yaml)
	ok "$1: another digest" test "$one" != "$two"
	is "$1: one line of the manifest is another one" "$(diff one.yaml two.yaml | grep -c '^>')" 1
	runs "$1" "$registry/$1/myapp:latest" 'Hello again'
	if [ -n "$cluster" ]; then
		is "$1: ko apply after the edit" "$(ko apply -f config/manifests 2>&1)" 'deployment.apps/myapp configured'
		is "$1: the cluster has the new image" "$(deployment -r '.spec.template.spec.containers[0].image')" "$two"
		deployment "$constant" >after.json
		ok "$1: nothing else has changed" cmp before.json after.json
		is "$1: one new generation" "$(deployment .metadata.generation)" 2
		ok "$1: ko delete" ko delete -f config/manifests
	fi
}

loopback_up='import fcntl, socket, struct
s = socket.socket()
fcntl.ioctl(s, 0x8914, struct.pack("16sh", b"lo", 0x49))'

story native
if engine_start; then
	story docker
	# The graph knows which engine it was: another one has to get the image, too.
	other=$DOCKER_HOST
	cd "$tmp/app" || exit 1
	ok "docker: load" sh -c 'KO_DOCKER_REPO=ko.local ko build . >reference'
	like "docker: the reference" "$(cat reference)" '^ko.local/myapp:[0-9a-f]{64}$'
	ok "docker: it is there" docker image inspect "$(cat reference)"
	is "docker: --local" "$(KO_DOCKER_REPO=example.com/team ko build -L .)" "example.com/team/myapp:$(cut -d : -f 2 reference)"
	is "docker: by make" "$(printf 'KO_IMPORTPATHS := .\nKO_BUILDER := docker\nKO_DOCKER_REPO := ko.local/make\ninclude %s/mk/ko.mk\n' "$top" |
		env -u KO_DOCKER_REPO -u KO_BUILDER make -s -f - ko-list 2>&1 | tail -n 1)" "ko.local/make/myapp:$(cut -d : -f 2 reference)"
	is "docker: in the pipe" "$(ko-scan . | ko-gobuild | ko-layer | ko-load --repo ko.local | jq -r .ref)" "$(cat reference)"
	is "docker: back to the first" "$(KO_DOCKER_REPO=ko.local ko build .)" "$(cat reference)"
	engine_stop
	is "docker: nothing changed, and no engine is asked" "$(KO_DOCKER_REPO=ko.local ko build .)" "$(cat reference)"
	fails "docker: another engine" 5 'unix:///none .DOCKER_HOST.: No such file' env DOCKER_HOST=unix:///none KO_DOCKER_REPO=ko.local ko build .
else
	skip "docker" "$engine_why"
fi
unset DOCKER_HOST
if storage_start; then
	story podman
	podman rmi -af >/dev/null 2>&1
	story buildah
else
	skip "podman and buildah" "$engine_why"
fi
[ -n "$cluster" ] || skip "apply" "$cluster_why"
done_testing
