# A Docker engine of one's own for a test: no network, no firewall rules, its data in the scratch
# directory. Source after lib.sh.
#
#	engine_start     starts dockerd, waits until it answers and sets DOCKER_HOST; when this machine
#	                 cannot run one, fails and leaves the reason in $engine_why
#	engine_stop      ends the containers and dockerd; for the test's cleanup()
#	storage_start    for Podman and Buildah: a storage in the scratch directory, by CONTAINERS_*_CONF;
#	                 fails with the reason in $engine_why
#
# $engine_options are further options for dockerd. With $engine_size (6m), data and storage are on a
# disk of that size.

engine_pid=
engine_why=
engine_options=
engine_size=

# engine_disk DIR: the directory, on a disk of its own where a size is set.
engine_disk() {
	mkdir -p "$1"
	[ -z "$engine_size" ] || mount -t tmpfs -o "size=$engine_size" ko-test "$1"
}

# engine_try DRIVER: containerd and dockerd with their state below $tmp/engine.
engine_try() {
	dockerd --iptables=false --ip6tables=false --ip-forward=false --bridge=none \
		--storage-driver "$1" --data-root "$tmp/engine/data" --exec-root "$tmp/engine/exec" \
		--pidfile "$tmp/engine/pid" --host "$DOCKER_HOST" $engine_options >"$tmp/engine/log" 2>&1 &
	engine_pid=$!
	await 30 "$engine_pid" docker version && return
	engine_stop
	return 1
}

engine_start() {
	if lacks dockerd docker containerd runc; then
		engine_why="no $lacking on PATH"
		return 1
	fi
	if [ "$(id -u)" != 0 ]; then
		engine_why='a Docker engine of one'\''s own needs root'
		return 1
	fi
	if ! engine_disk "$tmp/engine/data"; then
		engine_why='no small disk can be mounted'
		return 1
	fi
	export DOCKER_HOST="unix://$tmp/engine/sock"
	engine_try overlay2 || engine_try vfs && return
	engine_why="dockerd does not start: $(grep -v level=info "$tmp/engine/log" | tail -n 1 | tr '#' ' ')"
	return 1
}

engine_stop() {
	[ -n "$engine_pid" ] || return 0
	docker ps -q 2>/dev/null | xargs -r docker rm -f >/dev/null 2>&1
	kill "$engine_pid" 2>/dev/null
	wait "$engine_pid" 2>/dev/null
	engine_pid=
	engine_unmount
}

# All that is mounted below the scratch directory, by engines or for them.
engine_unmount() {
	awk -v dir="$tmp/" 'index($2, dir) == 1 { print $2 }' /proc/mounts | sort -r |
		xargs -r umount -l 2>/dev/null
}

storage_start() {
	if lacks podman buildah; then
		engine_why="no $lacking on PATH"
		return 1
	fi
	if [ "$(id -u)" != 0 ]; then
		engine_why='a storage of one'\''s own needs root'
		return 1
	fi
	storage_dir=$tmp/storage${1:+-$1}
	if ! engine_disk "$storage_dir"; then
		engine_why='no small disk can be mounted'
		return 1
	fi
	export CONTAINERS_STORAGE_CONF="$storage_dir/storage.conf" CONTAINERS_CONF="$storage_dir/containers.conf"
	cat >"$CONTAINERS_STORAGE_CONF" <<-END
		[storage]
		driver = "vfs"
		runroot = "$storage_dir/run"
		graphroot = "$storage_dir/graph"
	END
	cat >"$CONTAINERS_CONF" <<-END
		[engine]
		cgroup_manager = "cgroupfs"
		runtime = "runc"
		[containers]
		default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
	END
}
