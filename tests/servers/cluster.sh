# A cluster without nodes for a test: etcd and a real kube-apiserver. Source after servers.sh.
#
#	cluster_start     starts both, waits until they are ready and sets KUBECONFIG; fails with the
#	                  reason in $cluster_why
#	cluster_start_audited   the same, and writes down what is asked of the API server
#	audit_mark        forgets what was asked so far
#	audit_calls       what was asked since by the user of the test: VERB URI
#	audit_changes     those of them that may have changed the cluster: no dry runs
#	expired_token     a token of a service account that is no longer valid
#
# No controllers run: a Deployment is stored, defaulted, validated and counted (metadata.generation),
# but its status stays empty. kube-apiserver is what scripts/build-kube-apiserver made.

cluster_why=
kube_apiserver=${XDG_CACHE_HOME:-$HOME/.cache}/ko-toolkit/kube-apiserver

cluster_etcd() {
	etcd_url=http://127.0.0.1:$(free_port)
	etcd_peer=http://127.0.0.1:$(free_port)
	etcd --data-dir "$tmp/etcd" --listen-client-urls "$etcd_url" --advertise-client-urls "$etcd_url" \
		--listen-peer-urls "$etcd_peer" --initial-advertise-peer-urls "$etcd_peer" \
		--initial-cluster "default=$etcd_peer" >"$tmp/etcd.log" 2>&1 &
	server_pids="$! $server_pids"
	await 60 $! curl -fs --noproxy '*' "$etcd_url/health"
}

cluster_apiserver() {
	cluster_port=$(free_port)
	make_certificate || return 1
	echo 'secret-of-this-test,admin,1,"system:masters"' >"$tmp/tokens.csv"
	"$kube_apiserver" --etcd-servers="$etcd_url" --bind-address=127.0.0.1 \
		--advertise-address=127.0.0.1 --secure-port="$cluster_port" \
		--tls-cert-file="$tmp/cert.pem" --tls-private-key-file="$tmp/key.pem" \
		--service-account-key-file="$tmp/key.pem" --service-account-signing-key-file="$tmp/key.pem" \
		--service-account-issuer=https://kubernetes.default.svc --authorization-mode=RBAC \
		--token-auth-file="$tmp/tokens.csv" --service-cluster-ip-range=10.0.0.0/24 \
		--endpoint-reconciler-type=none --disable-admission-plugins=ServiceAccount \
		--cert-dir="$tmp/kube" "$@" >"$tmp/apiserver.log" 2>&1 &
	server_pids="$! $server_pids"
	await 60 $! curl -fs --noproxy '*' --cacert "$tmp/cert.pem" "https://127.0.0.1:$cluster_port/readyz"
}

cluster_config() {
	export KUBECONFIG="$tmp/kubeconfig"
	cat >"$KUBECONFIG" <<-END
		apiVersion: v1
		kind: Config
		current-context: test
		clusters:
		- {name: test, cluster: {server: "https://127.0.0.1:$cluster_port", certificate-authority: "$tmp/cert.pem"}}
		users:
		- {name: admin, user: {token: secret-of-this-test}}
		contexts:
		- {name: test, context: {cluster: test, user: admin}}
	END
}

# cluster_start [OPTION...]: with further options for kube-apiserver.
cluster_start() {
	if lacks etcd kubectl openssl "$kube_apiserver"; then
		cluster_why="no $lacking"
		[ "$lacking" != "$kube_apiserver" ] || cluster_why="$cluster_why: run scripts/build-kube-apiserver"
		return 1
	fi
	if ! cluster_etcd; then
		cluster_why="etcd does not start: $(tail -n 1 "$tmp/etcd.log" | tr '#' ' ')"
	elif ! cluster_apiserver "$@"; then
		cluster_why="kube-apiserver does not start: $(tail -n 1 "$tmp/apiserver.log" | tr '#' ' ')"
	else
		cluster_config
		return
	fi
	return 1
}

cluster_start_audited() {
	cat >"$tmp/audit.yaml" <<-END
		apiVersion: audit.k8s.io/v1
		kind: Policy
		omitStages: [RequestReceived]
		rules: [{level: Metadata}]
	END
	cluster_start --audit-policy-file="$tmp/audit.yaml" --audit-log-path="$tmp/audit.log"
	audit_mark
}

audit_mark() { audit_from=$(($(wc -l <"$tmp/audit.log") + 1)); }

audit_select() {
	tail -n "+$audit_from" "$tmp/audit.log" |
		jq -r 'select(.user.username == "admin" and (.stage == "ResponseComplete")) | '"$1"' | .verb + " " + .requestURI'
}
audit_calls() { audit_select .; }
audit_changes() {
	audit_select 'select((.verb | test("^(get|list|watch)$") | not) and (.requestURI | contains("dryRun=All") | not))'
}

base64url() { base64 -w 0 | tr '+/' '-_' | tr -d =; }
expired_token() {
	token_head=$(printf '{"alg":"RS256","typ":"JWT"}' | base64url)
	token_body=$(printf '{"iss":"https://kubernetes.default.svc","aud":["https://kubernetes.default.svc"],"sub":"system:serviceaccount:default:test","iat":1000000000,"nbf":1000000000,"exp":1000003600,"kubernetes.io":{"namespace":"default","serviceaccount":{"name":"test","uid":"1"}}}' | base64url)
	token_signature=$(printf '%s.%s' "$token_head" "$token_body" | openssl dgst -sha256 -sign "$tmp/key.pem" | base64url)
	printf '%s.%s.%s' "$token_head" "$token_body" "$token_signature"
}
