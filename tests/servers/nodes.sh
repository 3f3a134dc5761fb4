# Stand-ins for the nodes of a kind cluster: a real containerd for each, reached by the real ctr.
# The command "docker" (or podman) that finds nodes and runs commands in them is a script. Source
# after lib.sh.
#
#	nodes_start NAME...      starts a containerd for each node; fails with the reason in $nodes_why
#	nodes_command PROGRAM    makes the script $tmp/nodes/bin/PROGRAM; what it is asked is in
#	                         $tmp/nodes/log, as is how many bytes an import read. Digests in
#	                         $tmp/nodes/NAME/once are listed once as if the node had the blobs; those in
#	                         drop are removed after the next import
#	node NAME COMMAND...     ctr in the namespace that Kubernetes uses
#	nodes_stop               for the test's cleanup()
#
# A node whose name begins with "other" is of the cluster "other", and so on; before the last "-".

nodes_pids=
nodes_why=

nodes_start() {
	if lacks containerd ctr; then
		nodes_why="no $lacking on PATH"
		return 1
	fi
	if [ "$(id -u)" != 0 ]; then
		nodes_why='a containerd of one'\''s own needs root'
		return 1
	fi
	for node_name; do
		node_start "$node_name" && continue
		nodes_why="containerd does not start: $(tail -n 1 "$tmp/nodes/$node_name/log" | tr '#' ' ')"
		return 1
	done
}

node() {
	node_of=$1
	shift
	ctr --address "$tmp/nodes/$node_of/sock" --namespace k8s.io "$@"
}

node_start() {
	node_dir=$tmp/nodes/$1
	mkdir -p "$node_dir"
	cat >"$node_dir/config.toml" <<-END
		version = 2
		root = "$node_dir/root"
		state = "$node_dir/state"
		disabled_plugins = ["io.containerd.grpc.v1.cri"]
		[grpc]
		address = "$node_dir/sock"
		[ttrpc]
		address = "$node_dir/ttrpc"
	END
	containerd --config "$node_dir/config.toml" >"$node_dir/log" 2>&1 &
	nodes_pids="$nodes_pids $!"
	await 30 $! node "$1" version
}

nodes_command() {
	mkdir -p "$tmp/nodes/bin"
	cat >"$tmp/nodes/bin/$1" <<-END
		#!/bin/sh
		nodes=$tmp/nodes
		echo "$1 \$*" >>"\$nodes/log"
	END
	cat >>"$tmp/nodes/bin/$1" <<-'END'
		case $1 in
		ps)
			for word; do
				case $word in
				label=io.x-k8s.kind.cluster=*) cluster=${word##*=} ;;
				label=io.x-k8s.kind.role=*) role=${word##*=} ;;
				esac
			done
			[ ! -e "$nodes/broken" ] || { cat "$nodes/broken" >&2; exit 1; }
			[ "$role" != control-plane ] || role=control
			ls -d "$nodes/$cluster-$role"* 2>/dev/null | sed 's|.*/||'
			;;
		exec)
			shift
			[ "$1" != -i ] || shift
			name=$1 program=$2
			shift 2
			case $program in
			uname) exec uname "$@" ;;
			ctr) ;;
			*) exit 126 ;;
			esac
			case "$*" in
			*import*)
				[ ! -e "$nodes/no-import" ] || { cat >/dev/null; cat "$nodes/no-import" >&2; exit 1; }
				tee "$nodes/$name/archive" | ctr --address "$nodes/$name/sock" "$@" || exit
				[ ! -e "$nodes/$name/drop" ] || ctr --address "$nodes/$name/sock" --namespace k8s.io \
					content rm $(cat "$nodes/$name/drop") >/dev/null
				rm -f "$nodes/$name/drop"
				;;
			*'content ls'*)
				cat "$nodes/$name/once" 2>/dev/null
				rm -f "$nodes/$name/once"
				exec ctr --address "$nodes/$name/sock" "$@"
				;;
			*) exec ctr --address "$nodes/$name/sock" "$@" ;;
			esac
			;;
		*) exit 125 ;;
		esac
	END
	chmod +x "$tmp/nodes/bin/$1"
}

nodes_stop() {
	for node_pid in $nodes_pids; do
		kill "$node_pid" 2>/dev/null
		wait "$node_pid" 2>/dev/null
	done
	nodes_pids=
}
