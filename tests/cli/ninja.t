#!/bin/sh
# The graph as part of somebody's own build.ninja.
. "$(dirname "$0")/lib.sh"

cp -R "$top/examples/hello" app && cd app || exit 1
unset KO_DOCKER_REPO
cat >build.ninja <<EOF
mine = untouched
rule show
  command = echo \$mine > \$out
build mine.txt: show
include $top/rules/ko.ninja
build build.ninja: ko_graph
  graph = .ko/graph.ninja
  args = -f config/manifests
subninja .ko/graph.ninja
EOF

unresolved() {
	sed 's|ko.local/myapp@sha256:[0-9a-f]*|ko://github.com/user/myapp|' "$@"
}

ok "the first graph" ko-scan --ninja .ko/graph.ninja -f config/manifests
ok "ko-resolve" ninja --quiet ko-resolve
is "only the reference changed" "$(unresolved .ko/resolved.yaml)" "$(cat config/manifests/*.yaml)"
like "nothing changed" "$(ninja ko-resolve)" 'no work to do'

printf '\n// a comment\n' >>main.go
like "comment: one edge" "$(ninja ko-resolve)" '^\[1/[0-9]*\] compile myapp[^[]*$'
like "and then nothing" "$(ninja ko-resolve)" 'no work to do'

sed 's/myapp$/other/' config/manifests/myapp.yaml >config/manifests/other.yml
sed -i 's|ko://.*|ko://github.com/user/myapp|' config/manifests/other.yml
touch -d '2001-01-01' config/manifests/other.yml
ok "manifest added" ninja --quiet ko-resolve
is "it is in the result" "$(grep -c '^kind' .ko/resolved.yaml)" 2
rm config/manifests/other.yml
ok "manifest removed" ninja --quiet ko-resolve
is "it is gone from the result" "$(grep -c '^kind' .ko/resolved.yaml)" 1
like "nothing changed" "$(ninja ko-resolve)" 'no work to do'

{ cat config/manifests/myapp.yaml; echo '# older'; } >older
touch -d '2001-01-01' older
mv older config/manifests/myapp.yaml
ok "manifest replaced by an older one" ninja --quiet ko-resolve
is "it is in the result" "$(tail -n1 .ko/resolved.yaml)" '# older'
like "nothing changed" "$(ninja ko-resolve)" 'no work to do'

one=config/manifests/myapp.yaml
ok "one manifest by its name" ko resolve -f $one
{ cat $one; echo '# oldest'; } >older
touch -d '2000-01-01' older
mv older $one
is "replaced by an older one" "$(ko resolve -f $one | tail -n1)" '# oldest'

mkdir -p cmd/sub && cp main.go cmd/sub && cp -R kodata cmd/sub/kodata 2>/dev/null
echo 'image: ko://github.com/user/myapp/cmd/sub' >config/manifests/sub.yaml
ok "another program" ninja --quiet ko-resolve
cp go.mod go.sum cmd/sub/ 2>/dev/null
sed -i 's|^module .*|module github.com/user/myapp/cmd/sub|' cmd/sub/go.mod
ok "it becomes a module of its own" ninja --quiet ko-resolve
is "which go is run for" "$(jq -r 'select(.name == "sub").dir' .ko/scan.json)" cmd/sub
rm -r config/manifests/sub.yaml cmd

umoci init --layout 'my base' && umoci new --image 'my base:latest'
ok "a base whose name has a blank" env "KO_BASEIMAGE=oci:my base" ko resolve -f config/manifests
ok "a build directory whose name has a blank" env "KO_BUILDDIR=my dir" ko resolve -f config/manifests
rm -r 'my dir'

lines=$(printf 'a=1\nb=2')
ok "a setting of two lines" env "KO_LABELS=$lines" ko resolve -f config/manifests
fails "is refused where a graph would have to hold it" 2 '^ko-scan: KO_LABELS: has a line break' \
	env "KO_LABELS=$lines" ko-scan --ninja lines.ninja -f config/manifests

# words before every command, which see the settings too
make_wrap
sed -i "s|^include|ko_wrap = ./wrap\n&|" build.ninja
export KO_DEFAULTPLATFORMS=linux/arm64
ok "the graph with settings" ko-scan --ninja .ko/graph.ninja -f config/manifests
ok "a wrapper" ninja --quiet ko-resolve
is "has had what is compiled" "$(grep gobuild wrapped | head -n 1)" "ko-gobuild linux/arm64"
unset KO_DEFAULTPLATFORMS

ok "other targets" ninja --quiet mine.txt
is "variables are somebody's own" "$(cat mine.txt)" untouched
done_testing
