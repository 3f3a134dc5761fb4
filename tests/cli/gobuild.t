#!/bin/sh
# ko-gobuild by itself: records, what is compiled when, what happens beside it, what goes wrong.
. "$(dirname "$0")/lib.sh"

real_go=$(command -v go)
mkdir "$tmp/wrap"
cat >"$tmp/wrap/go" <<END
#!/bin/sh
echo "\$*" >>"$tmp/log"
[ "\$1" = build ] && [ -f "$tmp/hook" ] && { sh "$tmp/hook"; rm -f "$tmp/hook"; }
exec "$real_go" "\$@"
END
chmod +x "$tmp/wrap/go"
PATH=$tmp/wrap:$PATH
unset GOFLAGS GOOS GOARCH CGO_ENABLED KO_DEFAULTPLATFORMS
GOENV=$tmp/goenv
XDG_CONFIG_HOME=$tmp
export GOENV XDG_CONFIG_HOME

# builds ARGUMENTS: runs ko-gobuild into out.json; the programs that were given to go build, sorted
builds() {
	: >"$tmp/log"
	ko-gobuild -o out.json "$@" 2>stderr
	status=$?
	grep '^build' "$tmp/log" | sed 's/.* -- //' | tr ' ' '\n' | sort | tr '\n' ' '
	return $status
}
starts() { wc -l <"$tmp/log" | tr -d ' '; }
field() { jq -r "select(.importpath == \"$1\") | .platforms[0].$2" out.json; }

module() {
	mkdir -p "$1" && cd "$1" && printf 'module example.com/app\n\ngo 1.19\n' >go.mod
	for p in a b x/tool y/tool; do
		mkdir -p cmd/$p
		printf 'package main\n\nimport "example.com/app/lib"\n\nfunc main() { println("%s", lib.Name) }\n' "$p" >cmd/$p/main.go
	done
	mkdir lib && printf 'package lib\n\nconst Name = "lib"\n' >lib/lib.go
}
module "$tmp/app"

# operands, records, results
is "first build" "$(builds ./cmd/a example.com/app/cmd/b)" "example.com/app/cmd/a example.com/app/cmd/b "
is "one go build for all" "$(grep -c '^build' "$tmp/log")" 1
is "records of operands" "$(jq -r '"\(.importpath) \(.dir) \(.name) \(.platforms[0].platform)"' out.json)" \
	"example.com/app/cmd/a . a linux/amd64
example.com/app/cmd/b . b linux/amd64"
is "the program runs" "$("$(field example.com/app/cmd/a executable)" 2>&1)" "a lib"
like "its hash" "$(field example.com/app/cmd/a hash)" '^sha256:[0-9a-f]{64}$'
is "no kodata" "$(field example.com/app/cmd/a kodata)" null
is "statically linked" "$(go version -m "$(field example.com/app/cmd/a executable)" | grep -c CGO_ENABLED=0)" 1
is "no trace of the directory" "$(grep -c "$tmp" "$(field example.com/app/cmd/a executable)")" 0
cp out.json first.json
is "nothing to do: no go" "$(builds ./cmd/a ./cmd/b)$(starts)" 0
ok "and the same records" cmp out.json first.json
is "records from standard input, unknown fields stay" \
	"$(echo '{"importpath":"example.com/app/cmd/a","name":"a","x":{"y":[1]}}' | ko-gobuild | jq -c '[.x, .platforms[0].hash != null]')" \
	'[{"y":[1]},true]'
ko-gobuild -o 'each/%.bin.json' first.json
is "a file per record" "$(ls each | tr '\n' ' ')" "a.bin.json b.bin.json "

# what is compiled
echo '// x' >>cmd/a/main.go
hash=$(field example.com/app/cmd/a hash)
is "an edit of one program" "$(builds ./cmd/a ./cmd/b)" "example.com/app/cmd/a "
is "a comment does not change the hash" "$(field example.com/app/cmd/a hash)" "$hash"
echo 'const More = 1' >>lib/lib.go
is "an edit of a package of all" "$(builds ./cmd/a ./cmd/b)" "example.com/app/cmd/a example.com/app/cmd/b "
touch lib/lib.go cmd/a cmd/b && : >lib/README && echo 'package lib' >lib/lib_test.go && : >lib/.lib.go.swp
is "touched, and files that do not matter" "$(builds ./cmd/a ./cmd/b)$(starts)" 0
rm "$(field example.com/app/cmd/a executable)"
is "an executable that was removed" "$(builds ./cmd/a ./cmd/b)" "example.com/app/cmd/a "
ok "is there again" test -x "$(field example.com/app/cmd/a executable)"
hash=$(field example.com/app/cmd/b hash)
echo garbage >>"$(field example.com/app/cmd/b executable)"
is "an executable that was damaged" "$(builds ./cmd/a ./cmd/b)" "example.com/app/cmd/b "
is "has the hash it had" "$(field example.com/app/cmd/b hash)" "$hash"
echo garbage >.ko/go/"$(ls .ko/go | head -1)"/state
is "a damaged state file" "$(builds ./cmd/a ./cmd/b)" "example.com/app/cmd/a example.com/app/cmd/b "
sed -i 's/"lib"/"changed"/' lib/lib.go
builds ./cmd/a >/dev/null
builds ./cmd/a >/dev/null
is "what was not asked for meanwhile is still out of date" "$(builds ./cmd/b)" "example.com/app/cmd/b "
is "and then right" "$("$(field example.com/app/cmd/b executable)" 2>&1)" "b changed"

# programs of one name
is "two of one name" "$(builds ./cmd/x/tool ./cmd/y/tool)" "example.com/app/cmd/x/tool example.com/app/cmd/y/tool "
is "one is one" "$("$(field example.com/app/cmd/x/tool executable)" 2>&1)" "x/tool changed"
is "the other the other" "$("$(field example.com/app/cmd/y/tool executable)" 2>&1)" "y/tool changed"
was=$(field example.com/app/cmd/y/tool executable)
builds ./cmd/y/tool >/dev/null
is "its executable keeps its place without the other" "$(field example.com/app/cmd/y/tool executable)" "$was"
is "in the other order, too" "$(builds ./cmd/y/tool ./cmd/x/tool)$(starts)" 0
mkdir -p cmd/v2 cmd/v1 tools/v3 && cp cmd/a/main.go cmd/v2 && cp cmd/a/main.go cmd/v1 && cp cmd/a/main.go tools/v3
ok "elements that look like versions" ko-gobuild -o out.json ./cmd/v1 ./cmd/v2 ./tools/v3
is "names are as go has them" "$(jq -r '.platforms[0].executable | sub(".*/"; "")' out.json | tr '\n' ' ')" "v1 cmd tools "

# kodata
mkdir cmd/a/kodata
is "kodata appears: no go" "$(builds ./cmd/a)$(starts)" 0
is "and is in the record" "$(field example.com/app/cmd/a kodata)" cmd/a/kodata
rmdir cmd/a/kodata
builds ./cmd/a >/dev/null
is "and gone" "$(field example.com/app/cmd/a kodata)" null

# platforms, flags, environment
is "platforms" "$(ko-gobuild --platform linux/arm64,linux/arm/v6 ./cmd/a | jq -r '.platforms[] | .platform + " " + (.executable | split("/")[2])' | sort -u -k2 | wc -l)" 2
is "KO_DEFAULTPLATFORMS" "$(KO_DEFAULTPLATFORMS=linux/arm64 ko-gobuild ./cmd/a | jq -r '.platforms[].platform')" linux/arm64
is "GOOS and GOARCH" "$(GOOS=linux GOARCH=arm64 ko-gobuild ./cmd/a | jq -r '.platforms[].platform')" linux/arm64
is "GOOS alone" "$(GOOS=windows ko-gobuild ./cmd/a | jq -r '.platforms[].platform')" linux/amd64
is "a record's own platforms" "$(echo '{"importpath":"example.com/app/cmd/a","name":"a","platforms":[{"platform":"linux/arm64","x":1}]}
{"importpath":"example.com/app/cmd/b","name":"b"}' | ko-gobuild | jq -c '[.platforms[].platform]' | tr '\n' ' ')" '["linux/arm64"] ["linux/amd64"] '
arm=$(ko-gobuild --platform linux/arm/v6 ./cmd/a | jq -r '.platforms[].executable')
like "a variant" "$(go version -m "$arm")" 'GOARM=6'
exe=$(ko-gobuild --platform windows/amd64 ./cmd/a | jq -r '.platforms[].executable')
like "Windows" "$exe" 'bin/a\.exe$'
stripped=$(KO_GOFLAGS="-ldflags='-s -w'" ko-gobuild ./cmd/a | jq -r '.platforms[].executable')
unlike "KO_GOFLAGS with a quoted value" "$(readelf -S "$stripped")" '\.symtab'
debug=$(ko-gobuild --disable-optimizations ./cmd/a)
like "--disable-optimizations" "$(go version -m "$(echo "$debug" | jq -r '.platforms[].executable')")" 'gcflags=.*-N -l'
exe=$(echo '{"importpath":"example.com/app/cmd/a","name":"a","ldflags":["-s","-w"],"env":["GOAMD64=v2"]}' | ko-gobuild | jq -r '.platforms[].executable')
unlike "ldflags of a record" "$(readelf -S "$exe")" '\.symtab'
like "env of a record" "$(go version -m "$exe")" 'GOAMD64=v2'

# settings of the go command
builds ./cmd/a >/dev/null
go env -w GOFLAGS=-tags=special
is "go env -w" "$(builds ./cmd/a)" "example.com/app/cmd/a "
go env -u GOFLAGS
is "go env -u" "$(builds ./cmd/a)" "example.com/app/cmd/a "
is "then nothing" "$(builds ./cmd/a)$(starts)" 0

# cgo, where there is a C compiler
if command -v gcc >/dev/null; then
	export CGO_ENABLED=1
	mkdir cmd/c && printf 'package main\n\n// #include "x.h"\nimport "C"\n\nfunc main() { println(C.X, C.y()) }\n' >cmd/c/main.go
	printf '#define X 1\nint y(void);\n' >cmd/c/x.h && printf 'int y(void) { return 5; }\n' >cmd/c/y.c
	is "cgo" "$(builds ./cmd/c && "$(field example.com/app/cmd/c executable)" 2>&1)" "example.com/app/cmd/c 1 5"
	sed -i s/1/2/ cmd/c/x.h
	is "a header" "$(builds ./cmd/c && "$(field example.com/app/cmd/c executable)" 2>&1)" "example.com/app/cmd/c 2 5"
	sed -i s/5/6/ cmd/c/y.c
	is "a C source" "$(builds ./cmd/c && "$(field example.com/app/cmd/c executable)" 2>&1)" "example.com/app/cmd/c 2 6"
	is "nothing" "$(builds ./cmd/c)$(starts)" 0
	unset CGO_ENABLED
	rm -r cmd/c
else
	skip "cgo" "no gcc"
fi

# sources that change while go is running
echo "sed -i 's/\"changed\"/\"later\"/' $tmp/app/lib/lib.go" >"$tmp/hook"
echo '// y' >>cmd/b/main.go
builds ./cmd/b >/dev/null
is "a source that changes meanwhile is not missed" "$(builds ./cmd/b >/dev/null; "$(field example.com/app/cmd/b executable)" 2>&1)" "b later"
echo ': >'"$tmp/app/lib/.tmp" >"$tmp/hook"
echo '// z' >>cmd/b/main.go
is "a file that does not matter may come and go" "$(builds ./cmd/b)" "example.com/app/cmd/b "

# two trees, one build directory; two at once
export KO_BUILDDIR="$tmp/shared"
builds ./cmd/a >/dev/null
one=$(field example.com/app/cmd/a executable)
module "$tmp/app2" && sed -i 's/"lib"/"second"/' lib/lib.go
builds ./cmd/a >/dev/null
is "a shared build directory: the first tree's" "$("$one" 2>&1)" "a later"
is "and the second's" "$("$(field example.com/app/cmd/a executable)" 2>&1)" "a second"
unset KO_BUILDDIR
ko-gobuild -o 1.json ./cmd/a ./cmd/b & ko-gobuild -o 2.json ./cmd/b ./cmd/a
wait
is "two at once" "$(jq -cS .platforms 1.json | sort)" "$(jq -cS .platforms 2.json | sort)"

# a workspace; go.mod files that do not count at first
mkdir -p "$tmp/ws/one" "$tmp/ws/two" && cd "$tmp/ws" || exit 1
printf 'go 1.19\n\nuse (\n\t./one\n\t./two\n)\n' >go.work
printf 'module example.com/one\n\ngo 1.19\n' >one/go.mod
printf 'package main\n\nimport "example.com/two"\n\nfunc main() { println(two.X) }\n' >one/main.go
printf 'module example.com/two\n\ngo 1.19\n' >two/go.mod
printf 'package two\n\nconst X = 1\n' >two/two.go
is "a workspace" "$(builds example.com/one && "$(field example.com/one executable)" 2>&1)" "example.com/one 1"
sed -i s/1$/2/ two/two.go
is "a package of its other module" "$(builds example.com/one && "$(field example.com/one executable)" 2>&1)" "example.com/one 2"
mkdir "$tmp/above" "$tmp/above/repo" "$tmp/above/repo/.git" && cp -R one two "$tmp/above/repo" && cd "$tmp/above/repo/one" || exit 1
printf '\nrequire example.com/two v0.0.0\n\nreplace example.com/two => ../two\n' >>go.mod
builds . --depfile d >/dev/null
is "nothing" "$(builds . --depfile d)$(starts)" 0
printf 'go 1.19\n\nuse ./one\n' >../go.work
is "a go.work that appears above" "$(builds . --depfile d)" "example.com/one "
cat d >d.text
like "is in the depfile" "$(cat d.text)" "$tmp/above/repo/go.work"
rm ../go.work
printf 'go 1.19\n\nuse ./repo/one\n' >../../go.work
is "even above the repository" "$(builds . --depfile d)" "example.com/one "

# the depfile
cd "$tmp/app" || exit 1
mkdir -p "cmd/d/a b" && printf 'package main\n\nimport _ "embed"\n\n//go:embed "a b/c#d$e"\nvar s string\n\nfunc main() { println(s) }\n' >cmd/d/main.go
echo 1 >'cmd/d/a b/c#d$e'
ok "a depfile" ko-gobuild --depfile d --make-depfile m -o out.json ./cmd/d
for path in 'cmd/d/main\.go' 'cmd/d' 'cmd/d/a\\ b/c\\#d\$\$e' 'go\.mod' "$(go env GOROOT)/VERSION" '\.ko/go/.*/bin/d'; do
	like "ninja: $path" "$(cat d)" "^ $path( |\$)"
done
like "its target" "$(head -1 d)" '^out.json:'
cat >build.ninja <<'END'
rule g
  command = ko-gobuild --depfile d -o $out ./cmd/d
  depfile = d
  deps = gcc
  restat = 1
build out.json: g
END
ninja >/dev/null && ninja >/dev/null
is "ninja: nothing" "$(ninja)" "ninja: no work to do."
echo 2 >'cmd/d/a b/c#d$e'
unlike "ninja: an embedded file with odd letters" "$(ninja)" 'no work'
is "is in the program" "$("$(field example.com/app/cmd/d executable)" 2>&1)" 2
ninja >/dev/null
is "ninja: nothing after that" "$(ninja)" "ninja: no work to do."
rm -rf .ko
unlike "ninja: the build directory is gone" "$(ninja)" 'no work'
ok "and comes back" test -x "$(field example.com/app/cmd/d executable)"

# what goes wrong
echo before >keep.json
fails() {
	name=$1 want=$2 text=$3
	shift 3
	ko-gobuild -o keep.json "$@" >stdout 2>stderr
	is "$name: status" $? "$want"
	like "$name: text" "$(cat stderr)" "$text"
	is "$name: output" "$(cat keep.json)$(cat stdout)" before
}
printf '{"importpath":"example.com/app/lib","name":"lib","found":["m.yaml:3:9"]}\n' >lib.json
fails "a library" 1 'ko-gobuild: m.yaml:3:9: ko://example.com/app/lib: not a program: importpath is not `package main`' lib.json
printf '{"importpath":"example.com/app/cmd/none","name":"none","found":["m.yaml:3:9"]}\n' >none.json
fails "unknown in this module" 1 \
	'm.yaml:3:9: ko://example.com/app/cmd/none: import path does not match go.mod: no such package in module example.com/app \(go.mod\)' none.json
printf '{"importpath":"example.org/else/x","name":"x"}\n' >else.json
fails "outside" 1 'example.org/else/x: import path does not match go.mod: module is example.com/app \(go.mod\)' else.json
printf '{"importpath":"example.org/else/x","name":"x","found":["k/m.yaml:1:2"]}\n' >found.json
fails "place by --found" 1 'ko-gobuild: k/m.yaml:1:2: ko://example.org/else/x: import path' --found found.json else.json
mkdir cmd/win && printf 'package main\n\nfunc main() {}\n' >cmd/win/main_windows.go
fails "excluded" 1 'cmd/win: build constraints exclude all Go files for linux/amd64: main_windows.go' ./cmd/win
fails "no module" 3 'import path does not match go.mod' github.com/some/thing
fails "a platform" 2 '"linux" is not a platform; os/arch' --platform linux ./cmd/a
fails "unknown to go" 1 'linux/none' --platform linux/none ./cmd/a
for flags in -toolexec=x --toolexec=x '-toolexec x' "'-toolexec=x y'"; do
	KO_GOFLAGS=$flags fails "KO_GOFLAGS=$flags" 2 'KO_GOFLAGS: cannot set -toolexec' ./cmd/a
done
GOFLAGS=-toolexec=x fails "GOFLAGS" 2 'GOFLAGS: cannot set -toolexec' ./cmd/a
echo 'GOFLAGS=-toolexec=x' >"$tmp/goenv"
fails "go env -w" 2 'goenv: cannot set -toolexec' ./cmd/a
rm "$tmp/goenv"
printf '{"importpath":"example.com/app/cmd/a","name":"a","flags":["-toolexec","x"]}\n' >toolexec.json
fails "flags of a record" 2 'example.com/app/cmd/a: cannot set -toolexec' toolexec.json
KO_GOFLAGS="-ldflags='-s" fails "no closing quote" 2 "KO_GOFLAGS: no closing '" ./cmd/a
KO_GOFLAGS=-frobnicate fails "a flag that go does not know" 1 'ko-gobuild: example.com/app/cmd/a: flag provided but not defined: -frobnicate' ./cmd/a
mkdir "$tmp/empty"
text=$(PATH=$tmp/empty "$bin/ko-gobuild" ./cmd/v1 2>&1)
is "no go: status" $? 1
is "no go" "$text" "ko-gobuild: go: not found on PATH; install Go (https://go.dev/dl, Debian: golang-go)"

# some fail: each is named, the others are kept
printf 'package main\n\nfunc main() { undefined() }\n' >cmd/v1/main.go
printf 'package main\n\nimport "example.com/app/gone"\n\nfunc main() { gone.F() }\n' >cmd/v2/main.go
echo '// new' >>cmd/a/main.go
: >"$tmp/log"
fails "several" 1 'example.com/app/cmd/v1: go build failed' ./cmd/a ./cmd/b ./cmd/v1 ./cmd/v2 ./lib
for text in 'cmd/v1/main.go:3:15: undefined: undefined' 'example.com/app/cmd/v2: .*example.com/app/gone' \
	'example.com/app/lib: not a program'; do
	like "several: $text" "$(cat stderr)" "$text"
done
unlike "the good ones are not named" "$(cat stderr)" '^[^#]*cmd/[ab]\b'
is "the good ones are done" "$(builds ./cmd/a ./cmd/b)$(starts)" 0
is "a group that fails keeps no other from being made" \
	"$(printf '{"importpath":"example.com/app/cmd/v1","name":"v1"}\n{"importpath":"example.com/app/cmd/a","name":"a","env":["GOAMD64=v3"]}\n' >two.json
	ko-gobuild two.json >/dev/null 2>&1; : >"$tmp/log"; sed -n 2p two.json >a.json; ko-gobuild a.json >/dev/null; starts)" 0

# another Go on PATH
old=/usr/lib/go-1.19/bin
if [ -x $old/go ] && [ "$("$real_go" env GOVERSION)" != "$($old/go env GOVERSION)" ]; then
	hash=$(field example.com/app/cmd/a hash)
	PATH=$old:$PATH ko-gobuild -o out.json ./cmd/a
	like "Go 1.19" "$(go version "$(field example.com/app/cmd/a executable)")" 'go1\.19'
	unlike "is another program" "$(field example.com/app/cmd/a hash)" "$hash"
else
	skip "Go 1.19" "not installed"
fi

# an editor that never rests
mkdir "$tmp/restless"
cat >"$tmp/restless/go" <<END
#!/bin/sh
[ "\$1" = build ] && echo "// again" >>"$tmp/app/cmd/a/main.go"
exec "$real_go" "\$@"
END
chmod +x "$tmp/restless/go"
cd "$tmp/app" || exit 1
PATH=$tmp/restless:$PATH ko-gobuild -o out.json ./cmd/a 2>stderr
is "sources that keep changing: status" $? 5
like "sources that keep changing: text" "$(cat stderr)" 'sources keep changing while they are compiled; run again'
done_testing
