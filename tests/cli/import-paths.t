#!/bin/sh
# Which program a reference means, from source to image: relative ones, go.work, several modules,
# vendored and required commands, entries of builds; and the true reason where it means none.
. "$(dirname "$0")/lib.sh"
unset GOFLAGS GOWORK GOOS GOARCH CGO_ENABLED

# a place for everything that go would keep elsewhere
GOMODCACHE=$tmp/modcache GOPROXY=file://$tmp/proxy GOSUMDB=off GOFLAGS=-modcacherw GOTOOLCHAIN=local
export GOMODCACHE GOPROXY GOSUMDB GOFLAGS GOTOOLCHAIN

# put FILE TEXT
put() { mkdir -p "$(dirname "$1")" && printf "$2" >"$1"; }
# program DIRECTORY: one that prints its directory
program() { put "$1/main.go" "package main\n\nfunc main() { println(\"$1\") }\n"; }
# resolved REFERENCE...: what each becomes, in lines, without digests
resolved() {
	for reference in "$@"; do echo "- $reference"; done >m.yaml
	ko resolve -f m.yaml 2>err | sed 's/^- //; s/@sha256:.*//'
}
# says NAME: what the program of the image NAME says, out of the store
says() {
	layer=$(skopeo --insecure-policy inspect --raw "oci:.ko/oci:$1:latest" | jq -r '.layers[-1].digest' | cut -d: -f2)
	tar -xzf ".ko/oci/blobs/sha256/$layer" -O --wildcards '*ko-app/*' >program && chmod +x program && ./program 2>&1
}
refused() { fails "$1" "$2" "$3" ko resolve -f m.yaml; }
# why REFERENCE STATUS ERE: the first line says so
why() {
	echo "- $1" >m.yaml
	ko resolve -f m.yaml >out 2>err
	is "$1: status" "$? $(cat out)" "$2 "
	like "$1: reason" "$(head -n 1 err)" "m.yaml:1:3: ko://[^ ]*: $3"
}

# --- one module
mkdir one && cd one || exit 1
put go.mod 'module example.com/one\n\ngo 1.19\n'
program cmd/a && program .
is "by import path" "$(resolved ko://example.com/one/cmd/a)" ko.local/a
is "relative, named by the import path" "$(resolved ko://./cmd/a)" ko.local/a
is "both are one image" "$(resolved ko://./cmd/a ko://example.com/one/cmd/a | sort -u)" ko.local/a
is "the module itself" "$(resolved ko://example.com/one)" ko.local/one
is "and relative" "$(resolved ko://.)" ko.local/one
is "relative to the module's root, from below it" "$(cd cmd && resolved ko://./cmd/a)" ko.local/a
is "operands are relative to the working directory" "$(cd cmd/a && ko build . 2>/dev/null | sed 's/@.*//')" ko.local/a

put lib/lib.go 'package lib\n'
put windows/main_windows.go 'package main\n\nfunc main() {}\n'
put tagged/main.go '//go:build special && !other\n\npackage main\n\nfunc main() {}\n'
put cgo/main.go 'package main\n\nimport "C"\n\nfunc main() {}\n'
put both/a_windows.go 'package main\n\nfunc main() {}\n'
put both/b.go '//go:build ignore\n\npackage main\n\nfunc main() {}\n'
put tests/main_test.go 'package main\n'
mkdir empty
why ko://example.com/one/lib 1 'not a program: importpath is not `package main`'
why ko://example.com/one/none 3 'import path does not match go.mod: no such package: module example.com/one \(go.mod\) has no directory none'
why ko://example.com/two 3 'import path does not match go.mod: module is example.com/one \(go.mod\)'
why ko://example.com/other/cmd/a 3 'import path does not match go.mod: .*write ko://example.com/one/cmd/a in the manifest'
why ko://example.com/one/windows 1 'build constraints exclude all Go files for linux/amd64: main_windows.go \(by its name\)$'
why ko://example.com/one/tagged 1 'build constraints exclude .*: main.go \(//go:build special && !other\)$'
why ko://example.com/one/cgo 1 'build constraints exclude .*: main.go \(cgo, which is off\)$'
why ko://example.com/one/both 1 'build constraints exclude .*: a_windows.go \(by its name\), b.go \(//go:build ignore\)$'
why ko://example.com/one/tests 1 ''
like "only tests: go's words" "$(cat err)" 'no non-test Go files'
why ko://example.com/one/empty 1 'import path does not match go.mod: no such package .*empty with Go files is wanted'
why ko://./none 3 'no such package: none is not there'
why ko://./cmd/a/main.go 3 'no such package: cmd/a/main.go is a file; name its directory'
why ko://example.com/one/cmd/a/main.go 3 'is a file; write the import path of its package'
why ko://example.com/one/... 3 'names any number of packages'
is "a flag makes it a program" "$(KO_GOFLAGS='-tags special' resolved ko://example.com/one/tagged)" ko.local/tagged

# --- entries of builds
cd "$tmp" && mkdir repository && cd repository || exit 1
put svc/go.mod 'module example.com/svc\n\ngo 1.19\n'
put svc/cmd/b/main.go 'package main\n\nvar version = "unset"\n\nfunc main() { println(version) }\n'
put .ko.yaml 'builds:\n- dir: svc\n  main: ./cmd/b\n  ldflags: [-X main.version=set]\n'
is "a module that only builds names" "$(resolved ko://example.com/svc/cmd/b)" ko.local/b
is "with its settings" "$(says b)" set
put .ko.yaml 'builds:\n- dir: svc\n  main: ./cmd/none\n'
echo '- ko://example.com/svc/cmd/b' >m.yaml
refused "an entry that is not there" 3 '.ko.yaml:2: builds: there is no svc/cmd/none \(dir and main\)'

# --- several modules
cd "$tmp" && mkdir several && cd several || exit 1
put a/go.mod 'module example.com/a\n\ngo 1.19\n' && program a/cmd/x
put deep/er/b/go.mod 'module example.org/b/v2\n\ngo 1.19\n' && program deep/er/b/cmd/y
is "found by themselves" "$(resolved ko://example.com/a/cmd/x ko://example.org/b/v2/cmd/y)" 'ko.local/x
ko.local/y'
is "each is its own program" "$(says x) $(says y)" 'a/cmd/x deep/er/b/cmd/y'
why ko://example.org/b/cmd/y 3 'import path does not match go.mod: modules are example.com/a \(a/go.mod\), example.org/b/v2'
put go.work 'go 1.19\n\nuse ./a\n'
is "go.work" "$(resolved ko://example.com/a/cmd/x)" ko.local/x
why ko://example.org/b/v2/cmd/y 3 'module example.org/b/v2 \(deep/er/b/go.mod\) is not in go.work; "go work use ./deep/er/b" adds it'

# --- commands of other people
far() {
	put "$tmp/far/example.com/far@v1.0.0/go.mod" 'module example.com/far\n\ngo 1.19\n'
	put "$tmp/far/example.com/far@v1.0.0/cmd/tool/main.go" 'package main\n\nfunc main() { println("from afar") }\n'
	put "$tmp/far/example.com/far@v1.0.0/far.go" 'package far\n'
	mkdir -p "$tmp/proxy/example.com/far/@v"
	(cd "$tmp/far" && python3 - "$tmp/proxy/example.com/far/@v/v1.0.0.zip" <<-'END'
		import pathlib, sys, zipfile
		with zipfile.ZipFile(sys.argv[1], "w") as archive:
		    for path in pathlib.Path("example.com").rglob("*"):
		        if path.is_file():
		            archive.write(path)
	END
	)
	cp "$tmp/far/example.com/far@v1.0.0/go.mod" "$tmp/proxy/example.com/far/@v/v1.0.0.mod"
	echo '{"Version":"v1.0.0"}' >"$tmp/proxy/example.com/far/@v/v1.0.0.info"
	echo v1.0.0 >"$tmp/proxy/example.com/far/@v/list"
}
far
cd "$tmp" && mkdir user && cd user || exit 1
put go.mod 'module example.com/user\n\ngo 1.19\n\nrequire example.com/far v1.0.0\n'
put tools.go '//go:build tools\n\npackage user\n\nimport _ "example.com/far/cmd/tool"\n'
ok "go.sum" go mod download example.com/far
go mod tidy 2>/dev/null
is "a command of a required module" "$(resolved ko://example.com/far/cmd/tool)" ko.local/tool
is "from the module cache" "$(says tool)" 'from afar'
why ko://example.com/far/cmd/none 1 'import path does not match go.mod'
ok "go mod vendor" go mod vendor
rm -rf .ko "$tmp/modcache"
is "a vendored command" "$(GOPROXY=off resolved ko://example.com/far/cmd/tool)" ko.local/tool
is "from the vendor directory" "$(says tool)" 'from afar'
ok "which is all there was" test ! -e "$tmp/modcache/example.com"
done_testing
