#!/bin/sh
# ko --trace and --stats -: what they tell is what ninja and the registry saw.
. "$(dirname "$0")/lib.sh"
. "$top/tests/servers/servers.sh"

HOME=$tmp/home
DOCKER_CONFIG=$tmp/docker
export HOME DOCKER_CONFIG GOPATH GOMODCACHE GOCACHE
GOPATH=$(HOME=/root go env GOPATH) GOMODCACHE=$(HOME=/root go env GOMODCACHE) GOCACHE=$(HOME=/root go env GOCACHE)
mkdir -p "$HOME" "$DOCKER_CONFIG"
cp -R "$top/examples/hello" app && cd app || exit 1

# trace.py FILE: checks the form, and prints a line "CATEGORY NAME" for each event
cat >"$tmp/trace.py" <<'END'
import json, sys
events = json.load(open(sys.argv[1]))
timed = [e for e in events if e["ph"] == "X"]
assert all(e["ph"] in "XM" for e in events)
assert all(isinstance(e["ts"], int) and e["ts"] >= 0 and e["dur"] >= 0 for e in timed)
whole = [e for e in timed if e["cat"] == "run"]
assert len(whole) == 1 and whole[0]["ts"] == 0
# a lane holds events side by side or inside each other
for lane in {(e["pid"], e["tid"]) for e in timed}:
    open_until = []
    for e in sorted((e for e in timed if (e["pid"], e["tid"]) == lane),
                    key=lambda e: (e["ts"], -e["dur"])):
        while open_until and open_until[-1] <= e["ts"]:
            open_until.pop()
        assert not open_until or e["ts"] + e["dur"] <= open_until[-1], e
        open_until.append(e["ts"] + e["dur"])
edges = [e for e in timed if e["cat"] == "edge"]
def inside(e, o):
    return o["pid"] == e["pid"] and o["tid"] == e["tid"] and \
        o["ts"] <= e["ts"] and e["ts"] + e["dur"] <= o["ts"] + o["dur"]
for tool in timed:
    if tool["cat"] == "tool" and not tool["args"]["status"] and tool["args"].get("output", "").endswith(".json"):
        assert sum(inside(tool, e) for e in edges) == 1, tool
for layer in timed:
    if layer["cat"] == "layer":
        assert any(o["cat"] == "tool" and inside(layer, o) for o in timed), layer
for e in timed:
    assert e["ts"] + e["dur"] <= whole[0]["dur"], e
    print(e["cat"], e["name"])
END
trace() { python3 "$tmp/trace.py" "$1" >"$tmp/trace.out" && cat "$tmp/trace.out"; }
edges() { trace "$1" | sed -n 's/^edge //p' | sort | tr '\n' ' '; }
count() { grep -c "$1" "$tmp/trace.out"; }

ok "a first run" ko resolve -f config/manifests --trace ../t.json
ok "the file is well-formed and its events nest" trace ../t.json
is "each edge once" "$(edges ../t.json | tr ' ' '\n' | grep -v -e scan -e base -e store | xargs)" \
	"compile myapp.linux-amd64 image myapp layer myapp.linux-amd64 patch push split myapp.linux-amd64"
is "the log has no other" "$(grep -c . .ko/*/.ninja_log)" \
	"$(($(jq '[.[] | select(.cat == "edge") | .args.outputs[]] | length' ../t.json) + 1))"
is "go build" "$(count '^process go build$')" 1
is "and what it did" "$(count '^package link github.com/user/myapp$')" 1
is "layers" "$(grep '^layer' "$tmp/trace.out" | sort | tr '\n' ' ')" "layer kodata layer program "
is "nothing stays" "$(ls .ko/*/events 2>&1 | grep -v 'No such')" ""

sed -i 's/Hello/Hullo/' main.go
ko resolve -f config/manifests --trace ../t.json >/dev/null 2>&1
is "an edit: only what was made in this run" "$(edges ../t.json)" \
	"compile myapp.linux-amd64 image myapp layer myapp.linux-amd64 patch push split myapp.linux-amd64 "
ok "nothing changed" ko resolve -f config/manifests --trace ../t.json
is "nothing changed: no edge" "$(edges ../t.json)" ""

ko resolve -f config/manifests --stats - >../now.yaml 2>../err
like "table: nothing to do" "$(cat ../err)" '^ko: [0-9.]+ s in all: nothing to do$'
sed -i 's/Hullo/Hello/' main.go
ko resolve -f config/manifests --stats - >../now.yaml 2>../err
like "table: a line for each kind of work" "$(cat ../err)" '^ +[0-9.]+ s +[0-9]+ % +1  compile$'
like "table: a whole" "$(cat ../err)" '^ko: [0-9.]+ s in all'

sed -i 's/^func main/func broken(/' main.go
ko resolve -f config/manifests --trace ../t.json >/dev/null 2>&1
is "a run that fails: its status" "$?" 1
ok "a run that fails: is told" trace ../t.json
is "a run that fails: the tool's status" \
	"$(jq -c '[.[] | select(.name == "ko-gobuild") | .args.status]' ../t.json)" '[1]'
cp "$top/examples/hello/main.go" .

# A trace changes nothing in what is made anew.
mkdir -p two/other && cd two && cp ../main.go ../go.mod . && sed 's/Hello/Other/' main.go >other/main.go
ko build . ./other >/dev/null 2>&1
sed 's/Hello/Others/' main.go >other/main.go
ko build . ./other --trace ../../t.json >/dev/null 2>&1
is "one of two programs: what belongs to it" "$(edges ../../t.json)" \
	"compile myapp.linux-amd64 image other layer other.linux-amd64 push split myapp.linux-amd64 "
cd ..

if start_basic; then
	auth=$(printf user:secret | base64)
	echo "{\"auths\":{\"$registry\":{\"auth\":\"$auth\"}}}" >"$DOCKER_CONFIG/config.json"
	ok "push" env KO_DOCKER_REPO="$registry/team" ko resolve -f config/manifests --trace ../t.json --stats ../stats
	trace ../t.json >/dev/null
	is "push: each request is there once" "$(count '^request ')" "$(jq .requests ../stats)"
	is "push: as the registry saw them" "$(sed -n "s|^request \([A-Z]*\) http://$registry\(/v2/team[^ ]*\)|\1 \2|p" "$tmp/trace.out" | sort)" \
		"$(log_of basic | sed -n 's|^\([A-Z]* /v2/team[^ ?]*\).*|\1|p' | sort)"
	is "push: what was sent" "$(jq '[.[] | select(.name | test("PATCH|PUT.*uploads")) | .args.sent] | add' ../t.json)" "$(jq .bytesSent ../stats)"
	unlike "push: no secret, no query" "$(cat ../t.json)" "$auth|secret|_state|digest="
	ok "an option for people makes no other graph" \
		env KO_DOCKER_REPO="$registry/team" ko resolve -f config/manifests --stats ../stats --trace ../t.json --stats -
else
	skip "push" "no docker-registry"
fi
done_testing
