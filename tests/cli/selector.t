#!/bin/sh
# -l leaves documents, and items of lists, out: the rest keeps its bytes and is valid YAML.
. "$(dirname "$0")/lib.sh"

ref=r.example/app@sha256:$(printf '%064d' 1)
echo "{\"importpath\":\"a\",\"references\":[\"ko://a/b\"],\"ref\":\"$ref\"}" >refs.json

cat >all.yaml <<'END'
# Copyright
apiVersion: v1
kind: Service
metadata: {name: one, labels: {app: a}}
image: ko://a/b
---
# about two
apiVersion: v1
kind: Pod
metadata:
  name: two
  labels: {app: b}
image: ko://no/image/for/this
---
apiVersion: v1
kind: List
items:
# about three
- apiVersion: v1
  kind: Pod
  metadata: &three
    name: three
    labels: {app: b}
# about four
- apiVersion: v1
  kind: Pod
  metadata:
    name: four
    labels: {"app": 'a', "n": 7}
  image: ko://a/b
  text: |+
    x

# about five
-
  apiVersion: v1
  kind: Pod
  metadata: {name: five}
# about nothing
---
---
apiVersion: v1
kind: List
items: [{apiVersion: v1, kind: Pod, metadata: {name: six}}]
---
apiVersion: v1
kind: Pod
metadata: {name: seven}
...
# behind seven
%YAML 1.1
---
apiVersion: v1
kind: Pod
metadata: {name: eight, labels: {app: a}}
---
apiVersion: v1
kind: Pod
metadata: {name: nine, labels: {app: a, n: "8"}}
END

names() { /usr/bin/python3 -c '
import sys, yaml
for d in yaml.safe_load_all(sys.stdin):
    for o in d["items"] if d and d["kind"] == "List" else [d]:
        print(o["metadata"]["name"])' | xargs; }

is "documents and items" "$(ko-patch -f all.yaml -l app=a --refs refs.json)" "# Copyright
apiVersion: v1
kind: Service
metadata: {name: one, labels: {app: a}}
image: $ref
---
apiVersion: v1
kind: List
items:
# about four
- apiVersion: v1
  kind: Pod
  metadata:
    name: four
    labels: {\"app\": 'a', \"n\": 7}
  image: $ref
  text: |+
    x

# about nothing
...
# behind seven
%YAML 1.1
---
apiVersion: v1
kind: Pod
metadata: {name: eight, labels: {app: a}}
---
apiVersion: v1
kind: Pod
metadata: {name: nine, labels: {app: a, n: \"8\"}}"
for check in "app=a:one four eight nine" "app:one two three four eight nine" "!app:five six seven" \
	"app notin (a):two three five six seven" "n>6:four nine" "n>7:nine" "n<8,app in (a,b):four" \
	"app==a,!n:one eight" "app!=b:one four five six seven eight nine" "no=thing:"; do
	sed s,ko://no/image/for/this,x, all.yaml >known.yaml
	is "-l ${check%%:*}" "$(ko-patch -f known.yaml -l "${check%%:*}" --refs refs.json | names)" "${check#*:}"
done
is "what is left out is not read for references" "$(ko-scan -f all.yaml -l app=c)" ""
like "what is not, is" "$(ko-scan -f all.yaml -l app=b 2>&1)" 'all.yaml:13:8: .*no/image/for/this'
is "KO_SELECTOR" "$(KO_SELECTOR=n=8 ko-patch -f known.yaml --refs refs.json)" "$(ko-patch -f known.yaml -l n=8 --refs refs.json)"
is "-l is stronger" "$(KO_SELECTOR=n=8 ko-patch -f known.yaml -l app=a --refs refs.json)" "$(ko-patch -f known.yaml -l app=a --refs refs.json)"
is "KO_SELECTOR and ko-scan" "$(KO_SELECTOR=app=c ko-scan -f all.yaml)" ""
is "an empty selector selects all" "$(ko-patch -f known.yaml -l '' --refs refs.json)" "$(ko-patch -f known.yaml --refs refs.json)"

cat >list.json <<'END'
{"apiVersion": "v1", "kind": "List", "items": [
  {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one", "labels": {"app": "b"}}},
  {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "two", "labels": {"app": "a"}}},
  {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "three", "labels": {"app": "b"}}},
  {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "\ud83d\ude00", "labels": {"app": "a"}}, "image": "ko://a/b"},
  {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "five", "labels": {"app": "c"}}}
]}
END
for check in "app=a:two 😀" "app=b:one three" "app!=a:one three five" "app=c:five"; do
	is "JSON, -l ${check%%:*}" "$(ko-patch -f list.json -l "${check%%:*}" --refs refs.json | jq -r '.items[].metadata.name' | xargs)" "${check#*:}"
done
cat >alias.yaml <<'END'
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Pod, metadata: &m {labels: &l {app: a}}}
- {apiVersion: v1, kind: Pod, metadata: {labels: *l}}
- {apiVersion: v1, kind: Pod, metadata: {<<: *m, name: x}}
- {apiVersion: v1, kind: Pod, metadata: {labels: {app: b}}}
END
is "a file of which nothing is left" "$(ko-patch -f alias.yaml -f known.yaml -l n=8 --refs refs.json)" \
	"$(ko-patch -f known.yaml -l n=8 --refs refs.json)"
is "labels by alias and merge" "$(ko-patch -f alias.yaml -l app=a --refs refs.json)" "$(head -n 6 alias.yaml)"
sed 's/app: a/app: c/; s/: \*l/: {app: a}, x: *l/' alias.yaml >broken.yaml

fails() {
	name=$1 status=$2 text=$3
	shift 3
	"$@" >out 2>err
	is "$name: status" $? "$status"
	like "$name: text" "$(cat err)" "$text"
	is "$name: nothing on stdout" "$(cat out)" ""
}
fails "an alias without its anchor" 3 '^ko-patch: broken.yaml:5:63: .*alias.*leaves out' \
	ko-patch -f broken.yaml -l app=a --refs refs.json
fails "a malformed selector" 2 "^ko-patch: selector 'a in' ends where '\(' is wanted" ko-patch -f all.yaml -l 'a in' --refs refs.json
fails "and for ko-scan" 2 "^ko-scan: selector" ko-scan -f all.yaml -l 'a in'
printf '# x\na: b\n' >other.yaml
fails "not an object" 3 'other.yaml:2:1: not a Kubernetes object' ko-patch -f other.yaml -l a --refs refs.json
printf 'apiVersion: v1\nkind: List\n' >other.yaml
fails "no items" 3 'other.yaml:1:1: a List without' ko-patch -f other.yaml -l a --refs refs.json
printf 'apiVersion: v1\nkind: List\nitems: [x]\n' >other.yaml
fails "an item that is none" 3 'other.yaml:3:9: not a Kubernetes object' ko-patch -f other.yaml -l a --refs refs.json
done_testing
