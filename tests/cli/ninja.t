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

ok "other targets" ninja --quiet mine.txt
is "variables are somebody's own" "$(cat mine.txt)" untouched
done_testing
