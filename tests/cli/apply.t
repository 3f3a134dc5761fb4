#!/bin/sh
# ko apply, create and delete: what kubectl is given, what comes back from it, and what a cluster
# makes of it.
. "$(dirname "$0")/lib.sh"
. "$top/tests/servers/servers.sh"
. "$top/tests/servers/cluster.sh"

cp -R "$top/examples/hello" app && cd app || exit 1
unset KUBECONFIG

if ! start_registry; then
	skip "apply" "docker-registry does not start"
	done_testing
	exit
fi
reference="$registry/x/myapp@sha256:[0-9a-f]{64}"

# A kubectl that only writes down what it is given, for what no cluster shows: words, input, status.
mkdir "$tmp/recorder"
cat >"$tmp/recorder/kubectl" <<END
#!/bin/sh
for word; do printf '%s\n' "\$word"; done >"$tmp/words"
{ printf '%s|' "\$@"; echo; } >>"$tmp/calls"
case \$1 in apply | create) cat >"$tmp/input" ;; esac
echo 'said on stdout'
echo 'said on stderr' >&2
exit \$(cat "$tmp/kubectl-status")
END
chmod +x "$tmp/recorder/kubectl"
echo 0 >"$tmp/kubectl-status"

# recorded COMMAND...: with that kubectl; its words in $words.
recorded() {
	rm -f "$tmp/words" "$tmp/input" "$tmp/calls"
	PATH="$tmp/recorder:$PATH" "$@" >"$tmp/stdout" 2>"$tmp/stderr"
	status=$?
	words=$(cat "$tmp/words" 2>/dev/null | tr '\n' '|')
}

recorded ko apply -f config/manifests/
is "no KO_DOCKER_REPO: status" "$status" 2
like "no KO_DOCKER_REPO: text" "$(cat "$tmp/stderr")" '^ko: KO_DOCKER_REPO environment variable is unset'
is "no KO_DOCKER_REPO: kubectl is not started" "$words" ""
ok "no KO_DOCKER_REPO: nothing is built" test ! -e .ko

# Where ko.yaml says for all programs where they go, nothing else has to.
mkdir second && cp main.go second/
echo 'builds: [{main: ./second, repository: r.example/x}]' >ko.yaml
recorded ko apply -f config/manifests/
like "a repository for another program: text" "$(cat "$tmp/stderr")" '^ko: KO_DOCKER_REPO environment variable is unset'
ok "a repository for another program: nothing is built" test ! -e .ko
for where in "repository: $registry/y" "builds: [{main: ., repository: $registry/y}]"; do
	echo "$where" >ko.yaml
	recorded sh -c 'ko apply -f - <config/manifests/myapp.yaml'
	is "ko.yaml has a repository: status" "$status" 0
	like "ko.yaml has a repository: the reference" "$(cat "$tmp/input")" "image: $registry/y/myapp@sha256:"
done
recorded ko run .
like "ko.yaml has a repository: ko run" "$words" "^run\\|myapp\\|--image\\|$registry/y/myapp@sha256:"
rm -r second ko.yaml .ko

export KO_DOCKER_REPO="$registry/x"
fails "no kubectl" 1 '^ko: kubectl: not found on PATH' env PATH="$bin" ko apply -f config/manifests/
ok "no kubectl: nothing is built" test ! -e .ko
recorded ko apply -v 1 -f config/manifests/ -- --namespace 'a b' --dry-run=server ''
is "apply: the words" "$words" 'apply|-f|-|--namespace|a b|--dry-run=server||'
is "apply: the status" "$status" 0
is "apply: kubectl's output" "$(cat "$tmp/stdout")" 'said on stdout'
like "apply: kubectl's talk" "$(cat "$tmp/stderr")" '^said on stderr$'
like "apply: the reference" "$(cat "$tmp/input")" "image: $reference\$"
sed -E "s|$reference|ko://github.com/user/myapp|" "$tmp/input" >"$tmp/back"
ok "apply: the rest as it was" cmp "$tmp/back" config/manifests/myapp.yaml

for code in 1 2 37 255; do
	echo $code >"$tmp/kubectl-status"
	recorded ko apply -f config/manifests
	is "kubectl's status $code is ko's" "$status" $code
done
unlike "and ko adds no word to kubectl's error" "$(cat "$tmp/stderr")" '^ko'
echo 0 >"$tmp/kubectl-status"

recorded ko apply -f config/manifests -n shop --context c -s https://h --dry-run=server --server-side \
	--prune -l '!off' --as me --request-timeout 5s --validate=strict -o yaml -- --cascade=orphan
is "apply: kubectl's usual options need no --" "$words" 'apply|-f|-|--selector=!off|--namespace=shop|--context=c|--server=https://h|--dry-run=server|--server-side|--prune|--as=me|--request-timeout=5s|--validate=strict|--output=yaml|--cascade=orphan|'
recorded ko apply -f config/manifests --dry-run --prune=false
is "apply: nor do their values" "$words" 'apply|-f|-|--dry-run|--prune=false|'
fails "apply: an option of nobody" 2 '^ko: unknown option --no-such' ko apply -f config/manifests --no-such
recorded ko create -f config/manifests
is "create: the words" "$words" 'create|-f|-|'
like "create: the reference" "$(cat "$tmp/input")" "image: $reference\$"
recorded ko delete -f config/manifests --ignore-not-found
is "delete: the words" "$words" 'delete|-f|config/manifests|--ignore-not-found|'
# A word that lacks its value (an empty variable) takes nothing of ours for it.
recorded ko apply -f config/manifests --preflight -- --server-side --field-manager
is "a value is missing: status" "$status" 2
is "a value is missing: text" "$(cat "$tmp/stderr")" 'ko: --field-manager, an option for kubectl, lacks its value at the end'
is "a value is missing: kubectl is not started" "$words" ""
recorded sh -c 'ko-apply --preflight -- -n <config/manifests/myapp.yaml'
is "a value is missing, in the pipe" "$status $words" "2 "
recorded ko apply -f config/manifests --preflight -- --dry-run=server --dry-run=none --timeout
is "a value that only kubectl misses: the preflight stays a dry run" "$(head -n 1 "$tmp/calls")" \
	'apply|-f|-|--dry-run=server|--dry-run=none|--timeout|--dry-run=server|--dry-run=server|'
recorded ko apply -f config/manifests --diff -- -Rn prod --filename more --wait
is "further files go to diff and apply" "$(cat "$tmp/calls")" 'diff|-f|-|-R|-n|prod|--filename|more|
apply|-f|-|-Rn|prod|--filename|more|--wait|'

# The manifests are those of this run, though the next one may begin when ko has become ko-apply.
mkdir "$tmp/bin" && cp "$bin"/* "$tmp/bin/"
mv "$tmp/bin/ko-apply" "$tmp/bin/ko-apply.real"
printf '#!/bin/sh\nrm .ko/*/resolved.yaml\nexec "$0.real" "$@"\n' >"$tmp/bin/ko-apply"
chmod +x "$tmp/bin/ko-apply"
recorded "$tmp/bin/ko" apply -f config/manifests
like "another run begins before the manifests are read" "$status $(cat "$tmp/input")" "image: $reference\$"
rm -r "$tmp/bin"

recorded sh -c 'ko resolve -f config/manifests | ko-apply -- --wait'
is "in a pipe" "$words" 'apply|-f|-|--wait|'
recorded sh -c 'ko-apply <config/manifests/myapp.yaml'
like "a reference that is left is noted" "$(cat "$tmp/stderr")" \
	'^ko-apply: -:18:18: ko://github.com/user/myapp is not resolved'
recorded sh -c 'make -s -f - ko-apply' <<END
KO_MANIFESTS := config/manifests
KO_KUBECTL_FLAGS := --wait
KO_APPLY_FLAGS := -n shop
include $top/mk/ko.mk
END
is "by make" "$words" 'apply|-f|-|--namespace=shop|--wait|'
: >"$tmp/registry.log"
printf 'include %s\nbuild build.ninja: ko_graph\n  graph = .ko/graph.ninja\n  args = -f config/manifests\nsubninja .ko/graph.ninja\n' "$top/rules/ko.ninja" >build.ninja
recorded sh -c 'ko-scan --ninja .ko/graph.ninja -f config/manifests && ninja -f build.ninja ko-apply'
is "by ninja" "$words" 'apply|-f|-|'
like "by ninja: the registry was asked" "$(log_of registry)" 'HEAD /v2/x/myapp/manifests/sha256:'
rm build.ninja

# ko run: the words that ko gives to kubectl.
recorded ko run .
ref=$(ko build 2>"$tmp/stderr")
is "run: the words" "$words" "run|myapp|--image|$ref|--attach|--rm|--restart=Never|--log-flush-frequency=1s|"
recorded ko run . -n shop -- --env=A=b -- -x 'y z'
is "run: further words" "$words" \
	"run|myapp|--image|$ref|--attach|--rm|--restart=Never|--log-flush-frequency=1s|--namespace=shop|--env=A=b|--|-x|y z|"
is "run: kubectl's output" "$(cat "$tmp/stdout")" 'said on stdout'
echo 7 >"$tmp/kubectl-status"
recorded ko run .
is "run: kubectl's status" "$status" 7
echo 0 >"$tmp/kubectl-status"
fails "run: without a program" 2 '^ko: no program: name its import path' ko run
recorded env KO_DOCKER_REPO= ko run .
is "run: no KO_DOCKER_REPO" "$status $words" "2 "

# A failure before kubectl leaves the cluster alone.
untouched() {
	isnot=$status
	is "$1: kubectl is not started" "$words" ""
	ok "$1: a status other than 0" test "$isnot" != 0
}
cp main.go main.go.good
echo 'func broken( {' >>main.go
recorded ko apply -f config/manifests
untouched "a program that does not compile"
recorded sh -c 'ko-scan -f config/manifests | ko-gobuild | ko-layer | ko-push | ko-patch -f config/manifests | ko-apply'
untouched "the same in the pipe"
cp main.go.good main.go
recorded env KO_DOCKER_REPO="127.0.0.1:$(free_port)/x" ko apply -f config/manifests
untouched "no registry"
printf 'a: b\n  c: [\n' >bad.yaml
recorded ko apply -f config/manifests -f bad.yaml
untouched "a malformed manifest"
recorded ko-apply </dev/null
untouched "nothing to apply"
sed 's|ko://.*|ko://github.com/user/none|' config/manifests/myapp.yaml >none.yaml
recorded ko apply -f none.yaml
untouched "an unknown program"

# The real kubectl and no cluster.
unset KUBECONFIG
out=$(ko apply -f config/manifests -- --server="http://127.0.0.1:$(free_port)" 2>&1)
is "no cluster: kubectl's status" $? 1
like "no cluster: kubectl's words" "$out" 'connection to the server 127.0.0.1:[0-9]+ was refused|connection refused'

# The real kubectl and a real API server.
generation() { kubectl get deployment "$1" -o jsonpath='{.metadata.generation}'; }
image() { kubectl get deployment "$1" -o jsonpath='{.spec.template.spec.containers[0].image}'; }

if ! cluster_start; then
	skip "a real cluster" "$cluster_why"
	done_testing
	exit
fi
like "a real kube-apiserver" "$(kubectl version 2>&1)" 'Server Version: v1'
is "apply" "$(ko apply -f config/manifests 2>&1)" 'deployment.apps/myapp created'
like "the cluster has the image" "$(image myapp)" "^$reference\$"
is "which is the registry's" "$(curl -sI --noproxy '*' -H 'Accept: application/vnd.oci.image.manifest.v1+json' \
	"http://$registry/v2/x/myapp/manifests/latest" | tr -d '\r' | sed -n 's/^Docker-Content-Digest: //Ip')" \
	"$(image myapp | sed 's/.*@//')"
is "again, unchanged" "$(ko apply -f config/manifests 2>&1)" 'deployment.apps/myapp unchanged'
is "its generation is the first" "$(generation myapp)" 1

# A second program beside it, so that one edit must leave one Deployment alone.
mkdir -p other && sed 's/Hello from Ko/The other/' main.go >other/main.go
sed 's|ko://github.com/user/myapp|&/other|; s/: myapp$/: other/' config/manifests/myapp.yaml >config/manifests/other.yaml
ok "a second program" ko apply -f config/manifests
is "generations" "$(generation myapp) $(generation other)" "1 1"
before=$(image other)
sed -i 's/The other/Another/' other/main.go
is "one edit" "$(ko apply -f config/manifests 2>&1)" 'deployment.apps/myapp unchanged
deployment.apps/other configured'
is "exactly that Deployment has a new generation" "$(generation myapp) $(generation other)" "1 2"
ok "and another image" test "$(image other)" != "$before"
printf '\n// a comment\n' >>other/main.go
is "a comment" "$(ko apply -f config/manifests 2>&1)" 'deployment.apps/myapp unchanged
deployment.apps/other unchanged'
is "has none" "$(generation myapp) $(generation other)" "1 2"

echo 'func broken( {' >>main.go
ok "a program that does not compile" sh -c '! ko apply -f config/manifests'
is "leaves the cluster as it was" "$(generation myapp) $(generation other)" "1 2"
cp main.go.good main.go

out=$(ko create -f config/manifests 2>&1)
is "create what exists: kubectl's status" $? 1
like "create what exists: kubectl's words" "$out" 'Error from server \(AlreadyExists\).*"myapp" already exists'
sed -i 's/replicas: 1/replicas: -1/' config/manifests/myapp.yaml
out=$(ko apply -f config/manifests/myapp.yaml 2>&1)
is "refused by the cluster: status" $? 1
like "refused by the cluster: kubectl's words" "$out" 'Deployment "myapp" is invalid: spec.replicas'
like "forbidden: kubectl's words" "$(ko apply -f config/manifests/other.yaml -- --as=nobody 2>&1)" \
	'Error from server \(Forbidden\)'
like "ko delete" "$(ko delete -f config/manifests/other.yaml 2>&1)" 'deployment.apps "other" deleted'
is "it is gone" "$(kubectl get deployments -o name)" deployment.apps/myapp
done_testing
