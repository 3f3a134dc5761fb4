#!/bin/sh
# Waiting for what was applied, on a real API server. No controller and no node runs there: the test
# writes the status that they would, through the API, and makes the pods by hand.
. "$(dirname "$0")/lib.sh"
. "$top/tests/servers/servers.sh"
. "$top/tests/servers/cluster.sh"

unset KUBECONFIG
if ! cluster_start_audited; then
	skip "a real cluster" "$cluster_why"
	done_testing
	exit
fi

template='template: {metadata: {labels: {app: NAME}}, spec: {containers: [{name: main, image: x}]}}'
# workload KIND NAME [SPEC]
workload() {
	cat <<-END
		---
		apiVersion: apps/v1
		kind: $1
		metadata: {name: $2}
		spec:
		  selector: {matchLabels: {app: $2}, matchExpressions: [{key: app, operator: In, values: [$2]}]}
		  $(echo "$template" | sed "s/NAME/$2/")
		  $3
	END
}
job() {
	printf -- '---\napiVersion: batch/v1\nkind: Job\nmetadata: {name: %s}\nspec: {template: {spec: {restartPolicy: Never, containers: [{name: main, image: x}]}}%s}\n' "$1" "$2"
}

# status OBJECT JSON: as a controller would.
status() { kubectl patch "$1" --subresource=status --type=merge -p "{\"status\":$2}" >/dev/null; }
rolled='"observedGeneration":1,"replicas":1,"readyReplicas":1,"updatedReplicas":1'
now=$(date -u +%Y-%m-%dT%H:%M:%SZ)

# waits OPTIONS...: applies all.yaml; $waited is the status.
waits() {
	ko-apply -f all.yaml "$@" >"$tmp/stdout" 2>"$tmp/stderr"
	waited=$?
}

# All four kinds, beside something that is not waited for. The controller is slow.
{
	workload Deployment web
	workload StatefulSet db 'serviceName: db'
	workload DaemonSet agent
	job once
	printf -- '---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n'
} >all.yaml
controller() {
	until kubectl get job once; do sleep 0.1; done
	status deployment/web "{$rolled,\"availableReplicas\":1}"
	status statefulset/db "{$rolled,\"currentReplicas\":1,\"currentRevision\":\"r\",\"updateRevision\":\"r\"}"
	status daemonset/agent '{"observedGeneration":1,"desiredNumberScheduled":1,"currentNumberScheduled":1,"updatedNumberScheduled":1,"numberAvailable":1,"numberReady":1,"numberMisscheduled":0}'
	status job/once "{\"startTime\":\"$now\",\"completionTime\":\"$now\",\"succeeded\":1,\"conditions\":[{\"type\":\"SuccessCriteriaMet\",\"status\":\"True\"},{\"type\":\"Complete\",\"status\":\"True\"}]}"
}
controller >/dev/null 2>&1 &
controlled=$!
waits --wait=100s
wait "$controlled"
is "all four kinds: status" "$waited" 0
is "all four kinds: standard output is that of kubectl apply" "$(cat "$tmp/stdout")" \
	"deployment.apps/web created
statefulset.apps/db created
daemonset.apps/agent created
job.batch/once created
configmap/settings created"
like "Deployment" "$(cat "$tmp/stderr")" 'deployment "web" successfully rolled out'
like "StatefulSet" "$(cat "$tmp/stderr")" 'roll ?out complete: 1 new pods|rolling update complete 1 pods'
like "DaemonSet" "$(cat "$tmp/stderr")" 'daemon set "agent" successfully rolled out'
like "Job" "$(cat "$tmp/stderr")" 'job.batch/once condition met'
waits --wait -o name
is "done already: status and standard output" "$waited $(head -n 1 "$tmp/stdout")" "0 deployment.apps/web"

# Deployments and Jobs that fail, and why.
pod() {
	kubectl create -f - >/dev/null <<-END
		apiVersion: v1
		kind: Pod
		metadata: {name: $1, labels: {app: $2}}
		spec: {containers: [{name: main, image: x}]}
	END
	status "pod/$1" "$3"
}
warning() {
	uid=$(kubectl get "pod/$1" -o jsonpath='{.metadata.uid}')
	kubectl create -f - >/dev/null <<-END
		apiVersion: v1
		kind: Event
		metadata: {name: $1.$2}
		type: $4
		reason: $2
		message: "$3"
		involvedObject: {kind: Pod, name: $1, namespace: default, uid: $uid}
	END
}
workload Deployment slow >all.yaml
kubectl apply -f all.yaml >/dev/null
status deployment/slow '{"observedGeneration":1,"replicas":1,"updatedReplicas":1,"unavailableReplicas":1,"conditions":[{"type":"Progressing","status":"False","reason":"ProgressDeadlineExceeded","message":"ReplicaSet \"slow-1\" has timed out progressing."},{"type":"ReplicaFailure","status":"True","reason":"FailedCreate","message":"exceeded quota: pods"}]}'
waiting() { printf '{"containerStatuses":[{"name":"main","image":"x","imageID":"","ready":false,"restartCount":3,"state":{"waiting":{"reason":"%s","message":"%s"}}%s}]}' "$@"; }
pod slow-1 slow "$(waiting ImagePullBackOff 'Back-off pulling image \"x\"')"
pod slow-2 slow "$(waiting CrashLoopBackOff 'back-off 40s' ',"lastState":{"terminated":{"exitCode":3,"reason":"Error","message":"no configuration\nat line 1"}}')"
pod slow-3 slow '{"conditions":[{"type":"PodScheduled","status":"False","reason":"Unschedulable","message":"0/3 nodes are available"}]}'
pod slow-4 slow '{"phase":"Failed","reason":"Evicted","message":"The node was low on memory"}'
pod slow-5 slow '{"conditions":[{"type":"Ready","status":"True"}],"containerStatuses":[{"name":"main","image":"x","imageID":"","ready":true,"restartCount":1,"state":{"running":{}},"lastState":{"terminated":{"exitCode":9,"reason":"Old"}}}]}'
pod else-1 else "$(waiting Elsewhere 'of another program')"
warning slow-3 Unhealthy 'Readiness probe failed: 503' Warning
warning slow-3 Pulled 'Image is there' Normal
warning else-1 Other 'of another program' Warning
waits --wait=50
is "a Deployment that fails: status" "$waited" 1
is "a Deployment that fails: standard output" "$(cat "$tmp/stdout")" "deployment.apps/slow unchanged"
is "a Deployment that fails: why" "$(cat "$tmp/stderr")" \
	'error: deployment "slow" exceeded its progress deadline
ko-apply: deployment/slow does not run
ko-apply: deployment/slow: FailedCreate: exceeded quota: pods
ko-apply: deployment/slow: ProgressDeadlineExceeded: ReplicaSet "slow-1" has timed out progressing.
ko-apply: pod/slow-1: container main: ImagePullBackOff: Back-off pulling image "x"
ko-apply: pod/slow-2: container main: CrashLoopBackOff: back-off 40s
ko-apply: pod/slow-2: container main: Error, exit status 3: no configuration at line 1
ko-apply: pod/slow-3: Unschedulable: 0/3 nodes are available
ko-apply: pod/slow-4: Evicted: The node was low on memory
ko-apply: pod/slow-3: Unhealthy: Readiness probe failed: 503'

{
	job broken
	job endless
	workload Deployment late
} >all.yaml
kubectl apply -f all.yaml >/dev/null
status job/broken "{\"startTime\":\"$now\",\"failed\":1,\"conditions\":[{\"type\":\"FailureTarget\",\"status\":\"True\",\"reason\":\"BackoffLimitExceeded\",\"message\":\"too many\"},{\"type\":\"Failed\",\"status\":\"True\",\"reason\":\"BackoffLimitExceeded\",\"message\":\"Job has reached the specified backoff limit\"}]}"
waits --wait=2s
is "Jobs that fail: status" "$waited" 1
like "a Job that failed is not waited for to complete" "$(cat "$tmp/stderr")" \
	'^ko-apply: job/broken does not run ko-apply: job/broken: BackoffLimitExceeded: Job has reached the specified backoff limit'
like "a Job that does not end in time" "$(cat "$tmp/stderr")" 'error: timed out waiting for the condition on jobs/endless'
like "the others are looked at all the same" "$(cat "$tmp/stderr")" 'ko-apply: deployment/late does not run'

# What stands still.
{
	workload Deployment still 'paused: true'
	workload DaemonSet held 'updateStrategy: {type: OnDelete}'
	workload StatefulSet kept '{serviceName: kept, updateStrategy: {type: OnDelete}}'
	job asleep ', suspend: true'
} | sed 's/{serviceName: kept, \(.*\)}$/serviceName: kept\n  \1/' >all.yaml
waits --wait=20
is "what stands still: status" "$waited" 0
is "what stands still: said" "$(cat "$tmp/stderr")" 'ko-apply: not waited for: deployment/still: it is paused
ko-apply: not waited for: daemonset/held: its pods change only when they are deleted
ko-apply: not waited for: statefulset/kept: its pods change only when they are deleted
ko-apply: not waited for: job/asleep: it is suspended'

# A definition of a resource may be deep.
{
	cat <<-END
		apiVersion: apiextensions.k8s.io/v1
		kind: CustomResourceDefinition
		metadata: {name: deeps.example.com}
		spec:
		  group: example.com
		  scope: Namespaced
		  names: {plural: deeps, kind: Deep}
		  versions:
		  - name: v1
		    served: true
		    storage: true
		    schema: {openAPIV3Schema: $(python3 -c 'n = 50; print("{type: object, properties: {a: " * n + "{type: string}" + "}}" * n)')}
	END
	workload Deployment web
} >all.yaml
waits --wait
is "beside something deep: status" "$waited" 0
like "beside something deep: waited for" "$(cat "$tmp/stderr")" 'deployment "web" successfully rolled out'

# No waiting after a failure, and none in another cluster than that of the words.
workload Deployment wrong 'replicas: -1' >all.yaml
waits --wait
is "what was not applied is not waited for" "$waited $(grep -c 'rollout\|does not run' "$tmp/stderr")" "1 0"
job any | sed 's/name: any/generateName: any-/' >all.yaml
waits --verb=create --wait
is "objects without a name" "$waited $(cat "$tmp/stderr")" \
	"0 ko-apply: not waited for: job/any-: it has generateName, and is not found again"
kubectl create role maker --verb=create --resource=deployments >/dev/null
kubectl create rolebinding maker --role=maker --user=maker >/dev/null
workload Deployment made >all.yaml
waits --verb=create --wait --as=maker --as-group=system:authenticated
is "who may not ask: status" "$waited" 1
like "who may not ask: text" "$(cat "$tmp/stderr")" \
	'^ko-apply: applied, but not waited for: kubectl get -f: Error from server \(Forbidden\)'
workload Deployment web >all.yaml
mv "$KUBECONFIG" "$tmp/moved"
waits --wait --kubeconfig "$tmp/moved"
is "the words name the cluster" "$waited $(cat "$tmp/stdout")" "0 deployment.apps/web unchanged"
waits --wait -- --kubeconfig "$tmp/moved" --cache-dir="$tmp/kube-cache" -v=0 -n default
is "behind -- too" "$waited $(cat "$tmp/stdout")" "0 deployment.apps/web unchanged"

fails "a time that is none" 2 "^ko-apply: --wait takes a time such as 90s or 5m, a week at most, not 'soon'" \
	ko-apply -f all.yaml --wait=soon
for time in 5x -1 1h2 8d 700000s 9999999999999999999s; do
	ko-apply -f all.yaml --wait=$time >/dev/null 2>&1
	is "no time: $time" $? "$(case $time in 1h2) echo 1 ;; *) echo 2 ;; esac)"
done
done_testing
