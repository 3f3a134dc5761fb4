#!/bin/sh
# ko apply against a real API server, side by side with kubectl, and what the server's audit log says of it.
. "$(dirname "$0")/lib.sh"
. "$top/tests/servers/servers.sh"
. "$top/tests/servers/cluster.sh"

unset KUBECONFIG
if ! start_registry || ! cluster_start_audited; then
	skip "a real cluster" "${cluster_why:-docker-registry does not start}"
	done_testing
	exit
fi
export KO_DOCKER_REPO="$registry/x" KO_RETRY_BUDGET=1 KO_RETRY_WAIT=10

# Two services, two namespaces: ko has one, kubectl the other.
cp -R "$top/examples/hello" app && cd app || exit 1
mkdir other && sed 's/Hello from Ko/The other/' main.go >other/main.go
sed 's|ko://github.com/user/myapp|&/other|; s/: myapp$/: other/' config/manifests/myapp.yaml >config/manifests/other.yaml
config=config/manifests
for namespace in one two; do kubectl create namespace $namespace >/dev/null; done

# theirs NAMESPACE ARGS...: what kubectl itself makes of the resolved manifests, in $tmp/theirs.
theirs() {
	theirs_namespace=$1
	shift
	ko resolve -f $config >"$tmp/resolved.yaml" 2>&1
	kubectl apply -f - -n "$theirs_namespace" "$@" <"$tmp/resolved.yaml" >"$tmp/theirs" 2>"$tmp/theirs.err"
	echo "status $?" >>"$tmp/theirs"
}

ours() {
	ko apply -f $config "$@" >"$tmp/ours" 2>"$tmp/ours.err"
	ours_status=$?
	echo "status $ours_status" >>"$tmp/ours"
}

equal() {
	sed -i 's/^\([EW]\)[0-9]\{4\} [0-9:.]* *[0-9]* /\1 /' "$tmp/theirs.err" "$tmp/ours.err" # time, pid
	ok "$1: output and status are kubectl's" diff "$tmp/theirs" "$tmp/ours"
	ok "$1: talk is kubectl's" diff "$tmp/theirs.err" "$tmp/ours.err"
}

generations() {
	kubectl get deployments -n one -o jsonpath='{range .items[*]}{.metadata.name} {.metadata.generation}{" "}{end}'
}

# unchanged NAME: no call since audit_mark that changes the cluster.
unchanged() { is "$1: no call that changes the cluster" "$(audit_changes)" ""; }

theirs two
ours -n one
equal "create"
like "create" "$(cat "$tmp/ours")" 'deployment.apps/myapp created'
is "create: generations" "$(generations)" "myapp 1 other 1 "
theirs two
ours -n one
equal "again"
like "again" "$(cat "$tmp/ours")" 'deployment.apps/myapp unchanged'
is "again: no new generation" "$(generations)" "myapp 1 other 1 "
audit_mark
ours --context test --namespace=one --request-timeout 20s
unchanged "again"

: >"$tmp/registry.log"
ours -n one
is "nothing changed: one request an image" "$(log_of registry | sed '/^GET .v2. /d; s/sha256:.*/DIGEST/' | sort)" \
	"HEAD /v2/x/myapp/manifests/DIGEST
HEAD /v2/x/other/manifests/DIGEST"
: >"$tmp/registry.log"
ok "ko resolve" ko resolve -f $config
is "which has none" "$(log_of registry)" ""

sed -i 's/The other/Another/' other/main.go
theirs two
audit_mark
ours -n one
equal "one edit"
is "one edit: exactly that Deployment has a new generation" "$(generations)" "myapp 1 other 2 "
is "one edit: one call" "$(audit_changes)" \
	"patch /apis/apps/v1/namespaces/one/deployments/other?fieldManager=kubectl-client-side-apply&fieldValidation=Strict"

# What stops before kubectl: the audit log has no call at all.
stopped() {
	unchanged "$1"
	ok "$1: a status other than 0" test "$ours_status" != 0
	is "$1: no output" "$(sed '$d' "$tmp/ours")" ""
}
cp main.go good.go.txt
echo 'func broken( {' >>main.go
audit_mark
ours -n one
stopped "a program that does not compile"
cp good.go.txt main.go
mkdir kodata && ln -s /nowhere kodata/dangling
ours -n one
stopped "a layer that cannot be made"
rm -r kodata
KO_DOCKER_REPO="127.0.0.1:$(free_port)/x" ours -n one
stopped "a registry that is not there"
is "nor any other call" "$(audit_calls)" ""

# An image that somebody removed from the registry.
manifest="http://$registry/v2/x/other/manifests"
digest=$(kubectl get deployment other -n one -o jsonpath='{.spec.template.spec.containers[0].image}' | sed 's/.*@//')
forget() {
	curl -fs --noproxy '*' -X DELETE "$manifest/$digest"
}
ours -n one
ok "an image is removed" forget
ours -n one
is "it is pushed again: status" "$ours_status" 0
is "it is pushed again: and said" "$(cat "$tmp/ours.err")" \
	"ko-push: 1 of 2 images were gone from the registry and have been pushed again"
ok "it is pushed again: it is there" curl -fsI --noproxy '*' \
	-H 'Accept: application/vnd.oci.image.manifest.v1+json' "$manifest/$digest" -o "$tmp/head"
forget
rm .ko/oci/blobs/sha256/*
audit_mark
ours -n one
stopped "gone from the store, too"
like "gone from the store, too: text" "$(cat "$tmp/ours.err")" '^ko-push: .*is no longer in the store'
rm -r .ko/oci
ours -n one
is "without the store: made again" "$ours_status $(generations)" "0 myapp 1 other 2 "

# Refused by validation: kubectl applies what it can. --preflight asks first.
cp -R $config bad && config=bad
sed -i 's/replicas: 1/replicas: -1/' bad/other.yaml
sed -i 's/^metadata:/&\n  annotations: {seen: "yes"}/' bad/myapp.yaml
theirs two --dry-run=server
grep -v '^status 0\|^deployment' "$tmp/theirs" >"$tmp/status"; mv "$tmp/status" "$tmp/theirs"
audit_mark
ours -n one --preflight
equal "invalid, with preflight"
unchanged "invalid, with preflight"
like "invalid, with preflight: the cluster was asked" "$(audit_calls)" 'dryRun=All'
theirs two
ours -n one
equal "invalid, without"
like "invalid, without" "$(cat "$tmp/ours.err")" 'Deployment "other" is invalid: spec.replicas'
like "invalid, without: the other one was applied" "$(audit_changes)" '^patch .*deployments/myapp'
config=config/manifests
theirs two
ours -n one --preflight
equal "valid, with preflight"

# Refused by a policy; warned of by another.
policy() {
	cat <<-END
		apiVersion: admissionregistration.k8s.io/v1
		kind: ValidatingAdmissionPolicy
		metadata: {name: $1}
		spec:
		  matchConstraints:
		    resourceRules:
		    - {apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments]}
		  validations:
		  - {expression: "$2", message: "$3"}
		---
		apiVersion: admissionregistration.k8s.io/v1
		kind: ValidatingAdmissionPolicyBinding
		metadata: {name: $1}
		spec: {policyName: $1, validationActions: [$4]}
	END
}
policy few 'object.spec.replicas < 4' 'too many replicas' Deny | kubectl apply -f - >/dev/null
policy named 'has(object.metadata.labels) && has(object.metadata.labels.team)' 'no team is named' Warn |
	kubectl apply -f - >/dev/null
until_true() {
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		[ $tries -le 300 ] || return 1
		sleep 0.1
	done
}
# in_force TEXT: a policy answers with it.
in_force() { kubectl create deployment probe --image=x --replicas=9 --dry-run=server 2>&1 | grep -q "$1"; }
gone() { ! in_force "$1"; }
ok "a policy that denies" until_true in_force 'too many replicas'
ok "a policy that warns" until_true in_force 'no team is named'

rm -r bad && cp -R $config bad && config=bad
sed -i 's/replicas: 1/replicas: 5/' bad/myapp.yaml
theirs two --dry-run=server
sed -i '/^deployment/d' "$tmp/theirs"
audit_mark
ours -n one --preflight
equal "rejected by a policy, with preflight"
unchanged "rejected by a policy, with preflight"
theirs two
ours -n one
equal "rejected by a policy"
like "rejected by a policy" "$(cat "$tmp/ours.err")" 'too many replicas'
config=config/manifests
sed -i 's/replicas: 1/replicas: 2/' $config/other.yaml
theirs two
ours -n one --preflight
equal "warnings"
is "warnings: each once" "$(grep -c '^Warning: .*no team is named' "$tmp/ours.err")" 1
kubectl delete validatingadmissionpolicybindings few named >/dev/null
ok "no policy that denies" until_true gone 'too many replicas'
ok "no policy that warns" until_true gone 'no team is named'

# Who and where.
theirs nowhere
ours -n nowhere
equal "missing namespace"
like "missing namespace" "$(cat "$tmp/ours.err")" 'namespaces "nowhere" not found'
audit_mark
ours -n nowhere --preflight
sed -i '/^deployment/d' "$tmp/theirs"
equal "missing namespace, with preflight"
unchanged "missing namespace, with preflight"

nobody=127.0.0.1:$(free_port)
theirs one --server="https://$nobody"
ours -n one --server="https://$nobody"
equal "unreachable server"
like "unreachable server" "$(cat "$tmp/ours.err")" 'refused'
ours -n one -s "https://$nobody" --preflight
is "unreachable server, with preflight" "$ours_status" 1

sed "s/secret-of-this-test/$(expired_token)/" "$KUBECONFIG" >"$tmp/expired"
theirs one --kubeconfig="$tmp/expired"
ours -n one --kubeconfig="$tmp/expired"
equal "expired token"
like "expired token" "$(cat "$tmp/ours.err")" 'provide credentials|must be logged in'
like "expired token: the server's reason" "$(cat "$tmp/apiserver.log")" 'token has expired|token is expired'
theirs one --as=somebody
ours -n one --as somebody
equal "forbidden"
like "forbidden" "$(cat "$tmp/ours.err")" 'Error from server \(Forbidden\)'

# Dry runs.
sed -i 's/replicas: 2/replicas: 3/' $config/other.yaml
audit_mark
for mode in server client; do
	theirs two --dry-run=$mode
	ours -n one --dry-run=$mode --preflight --wait
	equal "dry run, $mode"
done
unchanged "dry runs"
theirs two --dry-run=server -o name
ours -n one --dry-run=server -o name
equal "another format"

# Differences: temporary names and times are not the same twice.
plain() { sed -E '/^(diff|---|\+\+\+) /d; /^status/d'; }
kubectl diff -n one -f - <"$tmp/resolved.yaml" | plain >"$tmp/differences"
audit_mark
ours -n one --diff
is "diff, no terminal: status" "$ours_status" 1
is "diff, no terminal: kubectl's differences" "$(plain <"$tmp/ours")" "$(cat "$tmp/differences")"
is "diff, no terminal: text" "$(cat "$tmp/ours.err")" \
	"ko-apply: not applied: there is no terminal to ask on; with --yes it would be"
unchanged "diff, no terminal"
# on_terminal ANSWER COMMAND...: what it shows in $tmp/shown.
on_terminal() {
	python3 - "$@" >"$tmp/shown" <<-'END'
		import os, pty, sys
		pid, fd = pty.fork()
		if pid == 0:
		    os.execvp(sys.argv[2], sys.argv[2:])
		shown = b""
		answered = False
		while True:
		    try:
		        piece = os.read(fd, 65536)
		    except OSError:
		        break
		    if not piece:
		        break
		    shown += piece
		    if not answered and b"Apply this? [y/N] " in shown:
		        os.write(fd, sys.argv[1].encode() + b"\n")
		        answered = True
		sys.stdout.write(shown.decode().replace("\r", ""))
		sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
	END
	shown_status=$?
}
on_terminal n ko apply -n one --diff -f $config
is "diff, no: status" "$shown_status" 1
like "diff, no: differences" "$(cat "$tmp/shown")" '^\+ +replicas: 3'
like "diff, no: text" "$(cat "$tmp/shown")" '^ko-apply: not applied$'
unchanged "diff, no"
on_terminal yes ko apply -n one --diff -f $config
is "diff, yes: status" "$shown_status" 0
like "diff, yes: applied" "$(cat "$tmp/shown")" 'deployment.apps/other configured'
on_terminal yes ko apply -n one --diff -f $config
unlike "no differences: no question" "$(cat "$tmp/shown")" 'Apply this'
like "no differences: applied" "$(cat "$tmp/shown")" 'deployment.apps/other unchanged'
sed -i 's/replicas: 3/replicas: 1/' $config/other.yaml
ours -n one --diff --yes
like "diff, --yes" "$(cat "$tmp/ours")" 'deployment.apps/other configured'
ours -n nowhere --diff --yes -- --context none
is "diff that fails: status" "$ours_status" 2
like "diff that fails: kubectl's words" "$(cat "$tmp/ours.err")" 'context "none" does not exist'

# Prune. The selector chooses both what is applied and what may be removed.
for file in $config/*.yaml; do sed -i 's/^metadata:/&\n  labels: {set: shop}/' $file; done
theirs two
ours -n one
rm $config/other.yaml
theirs two --prune -l set=shop
ours -n one --prune -l set=shop
equal "prune"
like "prune" "$(cat "$tmp/ours")" 'deployment.apps/other pruned'
is "prune: it is gone" "$(kubectl get deployments -n one -o name)" deployment.apps/myapp

# Server-side apply, and a conflict.
kubectl create namespace side >/dev/null
kubectl create namespace side2 >/dev/null
theirs side2 --server-side
ours -n side --server-side
equal "server-side"
sed -i 's/replicas: 1/replicas: 2/' $config/myapp.yaml
theirs side2 --server-side --field-manager=another
ours -n side --server-side --field-manager=another
equal "server-side conflict"
like "server-side conflict" "$(cat "$tmp/ours.err")" 'conflict'
theirs side2 --server-side --field-manager=another --force-conflicts
ours -n side --server-side --field-manager=another --force-conflicts
equal "server-side, forced"

# A namespace that comes with what goes into it.
cp -R $config fresh
printf 'apiVersion: v1\nkind: Namespace\nmetadata: {name: fresh}\n' >fresh/a.yaml
config=fresh
ours -n fresh --preflight
is "a new namespace, with preflight: status" "$ours_status" 0
is "a new namespace, with preflight: text" "$(cat "$tmp/ours.err")" \
	"ko-apply: namespace fresh is new: what goes into it is not checked before it is there"
config=config/manifests

# create, run, delete.
kubectl create namespace made >/dev/null
ko create -n made -f $config >"$tmp/ours" 2>"$tmp/ours.err"
is "ko create" "$? $(cat "$tmp/ours" "$tmp/ours.err")" "0 deployment.apps/myapp created"
ko create -n made -f $config >"$tmp/ours" 2>"$tmp/ours.err"
is "ko create, again: status" $? 1
ko resolve -f $config | kubectl create -n made -f - 2>"$tmp/theirs.err"
is "ko create, again: talk is kubectl's" "$(cat "$tmp/ours.err")" "$(cat "$tmp/theirs.err")"
is "ko run" "$(ko run . -n made -- --attach=false --rm=false --labels=by=test 2>&1)" "pod/myapp created"
is "ko run: the pod" "$(kubectl get pod myapp -n made -o jsonpath='{.spec.containers[0].image} {.metadata.labels.by} {.spec.restartPolicy}')" \
	"$(ko build) test Never"
is "ko delete" "$(ko delete -n made -f $config 2>&1)" 'deployment.apps "myapp" deleted'
ko delete -n made -f $config >"$tmp/ours" 2>"$tmp/ours.err"
is "ko delete, again: status" $? 1
kubectl delete -n made -f $config 2>"$tmp/theirs.err"
is "ko delete, again: talk is kubectl's" "$(cat "$tmp/ours.err")" "$(cat "$tmp/theirs.err")"
done_testing
