# A Docker engine of one's own for a test: no network, no firewall rules, its data in the scratch
# directory. Source after lib.sh.
#
#	engine_start     starts dockerd, waits until it answers and sets DOCKER_HOST; when this machine
#	                 cannot run one, fails and leaves the reason in $engine_why
#	engine_stop      ends the containers and dockerd; for the test's cleanup()

engine_pid=
engine_why=

engine_up() {
	engine_tries=0
	until docker version >/dev/null 2>&1; do
		kill -0 "$engine_pid" 2>/dev/null || return 1
		engine_tries=$((engine_tries + 1))
		[ "$engine_tries" -le 300 ] || return 1
		sleep 0.1
	done
}

# engine_try DRIVER: containerd and dockerd with their state below $tmp/engine.
engine_try() {
	dockerd --iptables=false --ip6tables=false --ip-forward=false --bridge=none \
		--storage-driver "$1" --data-root "$tmp/engine/data" --exec-root "$tmp/engine/exec" \
		--pidfile "$tmp/engine/pid" --host "$DOCKER_HOST" >"$tmp/engine/log" 2>&1 &
	engine_pid=$!
	engine_up && return
	engine_stop
	return 1
}

engine_start() {
	for engine_program in dockerd docker containerd runc; do
		if ! command -v $engine_program >/dev/null; then
			engine_why="no $engine_program on PATH"
			return 1
		fi
	done
	if [ "$(id -u)" != 0 ]; then
		engine_why='a Docker engine of one'\''s own needs root'
		return 1
	fi
	mkdir -p "$tmp/engine"
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
	awk -v dir="$tmp/engine/" 'index($2, dir) == 1 { print $2 }' /proc/mounts | sort -r |
		xargs -r umount -l 2>/dev/null
}
