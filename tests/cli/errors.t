#!/bin/sh
# What goes wrong says what, where and what to do; has the status of the table; and leaves output
# files and standard output untouched.
. "$(dirname "$0")/lib.sh"
. "$top/tests/servers/servers.sh"

cp -R "$top/examples/hello" app && cd app || exit 1

# A kubectl that only leaves a trace.
mkdir "$tmp/kubectl"
printf '#!/bin/sh\ncat >"%s"\n' "$tmp/applied" >"$tmp/kubectl/kubectl"
chmod +x "$tmp/kubectl/kubectl"

# fails NAME STATUS ERE COMMAND...: the command ends with this status, says this in its first line
# and writes nothing to standard output.
fails() {
	name=$1 status=$2 text=$3
	shift 3
	"$@" >"$tmp/stdout" 2>"$tmp/stderr"
	got=$?
	is "$name: status" "$got" "$status"
	like "$name: text" "$(cat "$tmp/stderr")" "$text"
	is "$name: nothing on stdout" "$(cat "$tmp/stdout")" ""
}

# stops NAME STATUS ERE FILE: ko resolve fails like that, ko apply with the same status and without
# kubectl; make and the pipe, whose stages do not see each other's status, leave their output alone.
stops() {
	fails "$1" "$2" "$3" ko resolve -f "$4"
	PATH="$tmp/kubectl:$PATH" KO_DOCKER_REPO=${repo:-127.0.0.1:1/x} ko apply -f "$4" >"$tmp/stdout" 2>&1
	is "$1: the same status from apply" $? "$2"
	ok "$1: kubectl is not started" test ! -e "$tmp/applied"
	echo before >out.yaml
	printf 'KO_MANIFESTS := %s\nKO_RESOLVED := out.yaml\ninclude %s\n' "$4" "$top/mk/ko.mk" |
		make -s -f - ko-resolve >"$tmp/stdout" 2>&1
	ok "$1: make fails" test $? = 2
	is "$1: make leaves its output alone" "$(cat out.yaml)" before
	ko-scan -f "$4" 2>"$tmp/stderr" | ko-gobuild 2>>"$tmp/stderr" | ko-layer 2>>"$tmp/stderr" |
		ko-push 2>>"$tmp/stderr" | ko-patch -f "$4" -o out.yaml 2>>"$tmp/stderr"
	ok "$1: the pipe fails" test $? != 0
	is "$1: the pipe leaves its output alone" "$(cat out.yaml)" before
}

manifest() { sed "s|ko://.*|ko://$1|" "$top/examples/hello/config/manifests/myapp.yaml" >m.yaml; }

manifest github.com/user/myapp/cmd/none
stops "unknown package" 3 \
	'm.yaml:18:18: ko://github.com/user/myapp/cmd/none: import path does not match go.mod: no such package' m.yaml
manifest github.com/user/other
stops "wrong module" 3 \
	'm.yaml:18:18: ko://github.com/user/other: import path does not match go.mod: module is github.com/user/myapp' m.yaml
mkdir lib && printf 'package lib\n\nconst X = 1\n' >lib/lib.go
manifest github.com/user/myapp/lib
stops "a library" 1 'm.yaml:18:18: ko://github.com/user/myapp/lib: .*is not `package main`' m.yaml
mkdir win && printf '//go:build windows\n\npackage main\n\nfunc main() {}\n' >win/main.go
manifest github.com/user/myapp/win
stops "excluded by build constraints" 1 'm.yaml:18:18: .*build constraints exclude all Go files for linux/amd64: main.go \(//go:build windows\)' m.yaml

manifest github.com/user/myapp
cp main.go main.go.good
sed -i 's/fmt.Fprintf(w/fmt.Undefined(w/' main.go
stops "compile error: where" 1 'm.yaml:18:18: ko://github.com/user/myapp: go build failed' m.yaml
ko resolve -f m.yaml >"$tmp/stdout" 2>"$tmp/stderr"
like "compile error: go's own text" "$(cat "$tmp/stderr")" 'main.go:11:[0-9]+: undefined: fmt.Undefined'
unlike "compile error: nothing of ninja's" "$(cat "$tmp/stderr")" 'FAILED|ninja'
cp main.go.good main.go

printf 'a: b\n  c: [\n' >bad.yaml
stops "malformed YAML" 3 'bad.yaml:[23]:[0-9]+: malformed YAML' bad.yaml
printf '{"a": \n  b}\n' >bad.json
stops "malformed JSON" 3 'bad.json:2:[0-9]+: malformed JSON' bad.json
printf 'kind: x\n{{- if .Values.y }}\n' >helm.yaml
stops "a template" 3 'helm.yaml:[0-9]+:[0-9]+: malformed YAML' helm.yaml
fails "no such file" 1 'nothing.yaml: no such file' ko resolve -f nothing.yaml
fails "an address" 2 'https://example.com/m.yaml: .*cannot be read' ko resolve -f https://example.com/m.yaml
mkdir empty
fails "a directory without manifests" 1 "empty: no .yaml" ko resolve -f empty
fails "no -f" 2 'no manifests' ko resolve
fails "unknown option" 2 'unknown option --nothing' ko resolve --nothing
fails "unknown command" 2 "unknown command 'frobnicate'" ko frobnicate

# programs that are not there
for program in go ninja; do
	mkdir -p "$tmp/only-$program"
	for p in sh env cat sed grep mkdir printf touch mv rm dirname test; do
		ln -sf "$(command -v $p)" "$tmp/only-$program/"
	done
done
ln -sf "$(command -v ninja)" "$tmp/only-go/ninja"
rm -rf .ko
fails "no go" 1 'go: not found on PATH; install Go' env PATH="$tmp/only-go" "$bin/ko" resolve -f m.yaml
ln -sf "$(command -v go)" "$tmp/only-ninja/go"
fails "no ninja" 1 'install ninja.*: ninja: not found on PATH' env PATH="$tmp/only-ninja" "$bin/ko" resolve -f m.yaml

# destinations
fails "registry down" 5 '127.0.0.1:1: .*connect' env KO_RETRY_BUDGET=1 KO_RETRY_WAIT=50 KO_DOCKER_REPO=127.0.0.1:1/x ko resolve -f m.yaml
fails "apply without a registry" 2 'KO_DOCKER_REPO environment variable is unset' ko apply -f m.yaml
fails "create without a registry" 2 'KO_DOCKER_REPO environment variable is unset' ko create -f m.yaml
fails "a registry with a tag" 2 'KO_DOCKER_REPO.*' env KO_DOCKER_REPO=example.com/x:v1 ko resolve -f m.yaml

if ! start_basic; then
	skip "wrong password" "docker-registry or htpasswd is missing"
else
	mkdir "$tmp/docker"
	printf '{"auths": {"%s": {"auth": "%s"}}}' "$registry" "$(printf user:stale | base64)" >"$tmp/docker/config.json"
	DOCKER_CONFIG=$tmp/docker KO_DOCKER_REPO=$registry/x
	export DOCKER_CONFIG KO_DOCKER_REPO
	repo=$registry/x
	stops "wrong password" 4 \
		"$registry.*unauthorized: authentication required.*docker/config.json.*ko login $registry" m.yaml
	printf '{"auths": {"%s": {"auth": "%s"}}}' "$registry" "$(printf user:secret | base64)" >"$tmp/docker/config.json"
	like "the right one" "$(ko resolve -f m.yaml 2>"$tmp/stderr")" "image: $registry/x/myapp@sha256:"
	PATH="$tmp/kubectl:$PATH" ko apply -f m.yaml >"$tmp/stdout" 2>&1
	like "and then kubectl gets it" "$(cat "$tmp/applied")" "image: $registry/x/myapp@sha256:"
	rm -f "$tmp/applied"
	unset DOCKER_CONFIG KO_DOCKER_REPO repo
fi

# output that cannot be written
fails "full disk" 1 'cannot write to standard output: No space left' sh -c 'ko resolve -f m.yaml >/dev/full'
fails "full disk, ko-scan" 1 'cannot write to standard output: No space left' sh -c 'ko-scan -f m.yaml >/dev/full'
if [ "$(id -u)" = 0 ]; then
	mkdir ro && cp go.mod main.go m.yaml ro && chmod 755 "$tmp"
	fails "read-only directory" 1 '.ko.*Permission denied' setpriv --reuid=65534 --regid=65534 --clear-groups \
		env HOME=/nonexistent GOCACHE="$tmp/cache" sh -c 'cd ro && ko resolve -f m.yaml'
else
	mkdir ro && cp go.mod main.go m.yaml ro && chmod 555 ro
	fails "read-only directory" 1 '.ko.*Permission denied' sh -c 'cd ro && ko resolve -f m.yaml'
fi

# what is no error
printf '# nothing to build here\na:  1\n' >none.yaml
is "no references: out as in" "$(ko resolve -f none.yaml 2>/dev/null; echo .)" "$(cat none.yaml; echo .)"

# two programs with one name
mkdir -p a/x b/x && cp main.go a/x && cp main.go b/x
printf -- '- ko://github.com/user/myapp/a/x\n- ko://github.com/user/myapp/b/x\n' >two.yaml
stops "two programs with one name" 2 'github.com/user/myapp/a/x.*github.com/user/myapp/b/x.*-P' two.yaml
ok "the way out: -P" ko resolve -P -f two.yaml
ok "the way out: md5" ko resolve --naming=md5 -f two.yaml
is "they are two images" "$(ko resolve -P -f two.yaml 2>/dev/null | grep -c 'ko.local/github.com/user/myapp/[ab]/x@sha256')" 2

# a pipe of tools
fails "a record is no record" 3 'standard input:1: not a record' sh -c 'echo "{}" | ko-layer'
fails "a record of nothing" 3 'malformed record' sh -c 'echo "{" | ko-gobuild'
fails "nothing to apply" 3 'no manifests: nothing was applied' sh -c 'printf "" | ko-apply'

done_testing
