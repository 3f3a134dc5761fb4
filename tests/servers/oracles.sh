# Foreign programs that Debian does not have, to check ours against. Source after lib.sh.
#
#	oracle NAME      prints the path of the program, built by `go install` at the first use and
#	                 kept in KO_ORACLES or the user's cache; fails when it cannot be had

oracle_module() {
	case $1 in
	crane) echo github.com/google/go-containerregistry/cmd/crane@latest ;;
	ko) echo github.com/google/ko@latest ;;
	registry) echo github.com/distribution/distribution/v3/cmd/registry@latest ;;
	toxiproxy) echo github.com/Shopify/toxiproxy/v2/cmd/server@latest ;;
	*) return 1 ;;
	esac
}

oracle() {
	for oracle_file in "$(command -v "$1")" \
		"${KO_ORACLES:-${XDG_CACHE_HOME:-$HOME/.cache}/ko-toolkit/oracles}/$1"; do
		# our own driver is named as the Go tool is
		[ "$oracle_file" = "$bin/$1" ] || [ ! -x "$oracle_file" ] || break
	done
	[ "$oracle_file" != "$bin/$1" ] && [ -x "$oracle_file" ] ||
		oracle_build "$(dirname "$oracle_file")" "$1" "$(oracle_module "$1")" >&2 || return 1
	echo "$oracle_file"
}

# DIR NAME MODULE: go names a program by the last part of its path.
oracle_build() {
	oracle_built=${3%@*}
	mkdir -p "$1" && GOFLAGS= GOBIN=$1/new-$2 go install "$3" &&
		mv "$1/new-$2/${oracle_built##*/}" "$1/$2" && rmdir "$1/new-$2"
}
