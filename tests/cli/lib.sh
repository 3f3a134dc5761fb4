# For tests in sh: TAP, and a scratch directory to work in. A test sources this file first.
#
#	ok NAME COMMAND...     the command succeeds (what it prints is shown when it does not)
#	is NAME GOT WANT       the strings are equal
#	like NAME GOT ERE      the string matches
#	unlike NAME GOT ERE    it does not
#	fails NAME STATUS ERE COMMAND...   it ends with this status, says this in one line, and writes
#	                       nothing to standard output
#	skip NAME REASON       a check that cannot be made here
#	make_wrap              makes "wrap": runs what it is given, and notes it in "wrapped" with a setting
#	lacks PROGRAM...       one of them is not there: $lacking
#	await SECONDS PID COMMAND...   waits until the command succeeds; fails when the process ends, or
#	                       when this takes longer
#	done_testing           at the end

top=$(cd "$(dirname "$0")/../.." && pwd)
bin=$top/${O:-build}/bin
PATH=$bin:$PATH
tmp=$(mktemp -d)
export PATH KO_CACHE_DIR=off
unset KO_BUILDER DOCKER_HOST DOCKER_CONTEXT CONTAINER_HOST KO_COMPRESSION KO_CACHE_SIZE KO_DOCKER_REPO KO_BUILDDIR KO_BASEIMAGE KO_GOFLAGS KO_DATA_PATH KO_CONFIG_PATH MAKEFLAGS MAKELEVEL
trap 'status=$?; cleanup; rm -rf "$tmp"; exit $status' EXIT
trap 'exit 130' INT TERM HUP
cd "$tmp" || exit 1

count=0
failed=0

# A test that starts servers defines its own.
cleanup() { :; }

result() {
	count=$((count + 1))
	[ "$1" = ok ] || failed=$((failed + 1))
	echo "$1 $count - $2"
}

note() { printf '%s\n' "$1" | sed 's/^/# /' >&2; }

ok() {
	ok_name=$1
	shift
	if "$@" >"$tmp/.out" 2>&1; then
		result ok "$ok_name"
	else
		result 'not ok' "$ok_name"
		note "status $? of: $*"
		note "$(tail -c 4000 "$tmp/.out")"
	fi
}

is() {
	if [ "$2" = "$3" ]; then
		result ok "$1"
	else
		result 'not ok' "$1"
		note "     got: $2"
		note "expected: $3"
	fi
}

like() {
	if printf '%s\n' "$2" | tr '\n' ' ' | grep -Eq -e "$3" || printf '%s\n' "$2" | grep -Eq -e "$3"; then
		result ok "$1"
	else
		result 'not ok' "$1"
		note "     got: $2"
		note "expected: $3"
	fi
}

unlike() {
	if printf '%s\n' "$2" | grep -Eq -e "$3"; then
		result 'not ok' "$1"
		note "     got: $2"
		note "unwanted: $3"
	else
		result ok "$1"
	fi
}

fails() {
	fails_name=$1 fails_status=$2 fails_text=$3
	shift 3
	"$@" >"$tmp/stdout" 2>"$tmp/stderr"
	fails_got=$?
	is "$fails_name: status and stdout" "$fails_got $(cat "$tmp/stdout")" "$fails_status "
	like "$fails_name: text" "$(cat "$tmp/stderr")" "$fails_text"
	is "$fails_name: one line" "$(wc -l <"$tmp/stderr")" 1
}

await() {
	await_left=$(($1 * 10)) await_pid=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		kill -0 "$await_pid" 2>/dev/null || return 1
		await_left=$((await_left - 1))
		[ "$await_left" -ge 0 ] || return 1
		sleep 0.1
	done
}

make_wrap() {
	cat >wrap <<'END'
#!/bin/sh
echo "${1##*/} $KO_DEFAULTPLATFORMS" >>wrapped
exec "$@"
END
	chmod +x wrap
}

lacks() {
	for lacking; do
		command -v "$lacking" >/dev/null || return 0
	done
	return 1
}

skip() {
	count=$((count + 1))
	echo "ok $count - $1 # SKIP $2"
}

done_testing() {
	echo "1..$count"
	[ "$failed" = 0 ]
}
