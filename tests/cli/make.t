#!/bin/sh
# include ko.mk in somebody's Makefile: goals, nothing to do, cut-off, changed settings.
. "$(dirname "$0")/lib.sh"

cp -R "$top/examples/hello" app && cd app || exit 1
cat >Makefile <<EOF
CFLAGS = untouched
KO_MANIFESTS := config/manifests
include $top/mk/ko.mk
mine: ; @echo \$(CFLAGS)
EOF
unset KO_DOCKER_REPO

# Which tools make runs, with their number.
tools() {
	make V=1 "$@" 2>&1 | grep -o 'ko-[a-z]* --' | sort | uniq -c | tr -s ' \n' ' ' | sed 's/ --//g'
}

# The manifest as it was, if nothing but the reference was changed.
unresolved() {
	sed 's|ko.local/myapp@sha256:[0-9a-f]*|ko://github.com/user/myapp|' "$@"
}

ok "ko-resolve" make -s ko-resolve
is "only the reference changed" "$(unresolved .ko/resolved.yaml)" "$(cat config/manifests/*.yaml)"
like "nothing changed: nothing runs" "$(make ko-resolve)" 'Nothing to be done'
is "nothing changed: no tool" "$(tools ko-resolve ko-push ko-build)" ""
is "the default goal is somebody's own" "$(make -s)" untouched

before=$(cat .ko/resolved.yaml)
printf '\n// a comment\n' >>main.go
is "comment: compiled, then cut off" "$(tools ko-resolve)" " 1 ko-gobuild "
is "comment: same image" "$(cat .ko/resolved.yaml)" "$before"
is "and then nothing" "$(tools ko-resolve)" ""

sed -i 's/Hello from Ko/Hello again/' main.go
like "edit: all steps" "$(tools ko-resolve)" 'ko-gobuild.*ko-image.*ko-layer.*ko-patch.*ko-push'
ok "edit: another image" test "$(cat .ko/resolved.yaml)" != "$before"

echo '# more' >>config/manifests/myapp.yaml
like "manifest edited: scanned and patched" "$(tools ko-resolve)" 'ko-patch.*ko-scan'
is "the edit is in the result" "$(tail -n1 .ko/resolved.yaml)" '# more'

sed 's/myapp$/other/' config/manifests/myapp.yaml >config/manifests/other.yml
sed -i 's|ko://.*|ko://github.com/user/myapp|' config/manifests/other.yml
touch -d '2001-01-01' config/manifests/other.yml
ok "manifest added, with an old time" make -s ko-resolve
is "it is in the result" "$(grep -c '^kind' .ko/resolved.yaml)" 2
rm config/manifests/other.yml
ok "manifest removed" make -s ko-resolve
is "it is gone from the result" "$(grep -c '^kind' .ko/resolved.yaml)" 1

like "another setting: compiled anew" "$(KO_GOFLAGS=-tags=x tools ko-resolve)" 'ko-gobuild'
is "the same setting: nothing" "$(KO_GOFLAGS=-tags=x tools ko-resolve)" ""
ok "back to the first setting" make -s ko-resolve

like "another linker: compiled anew" "$(GO_EXTLINK_ENABLED=0 tools ko-resolve)" 'ko-gobuild'
umoci init --layout 'my base' && umoci new --image 'my base:latest'
ok "a base whose name has a blank" make -s 'KO_BASEIMAGE=oci:my base' ko-resolve
{ echo 'COSIGN_REPOSITORY = registry.test/more'; cat Makefile; } >more.mk
like "ko-push gets its variables" "$(make -n -f more.mk ko-push 2>&1)" 'COSIGN_REPOSITORY=registry.test/more.*ko-push'
ok "back to the first setting" make -s ko-resolve

{ cat config/manifests/myapp.yaml; echo '# older'; } >older
touch -d '2001-01-01' older
mv older config/manifests/myapp.yaml
ok "manifest replaced by an older one" make -s ko-resolve
is "it is in the result" "$(tail -n1 .ko/resolved.yaml)" '# older'
is "and then nothing" "$(tools ko-resolve)" ""

rm -rf .ko/go
ok "executables removed" make -s ko-resolve
rm -rf .ko/oci
ok "store removed" make -s ko-resolve
ok "the store is complete again" \
	skopeo --insecure-policy copy -q oci:.ko/oci:myapp:latest "oci:$tmp/copy:x"

like "apply needs a registry" "$(make -s ko-apply 2>&1)" \
	'KO_DOCKER_REPO environment variable is unset'
like "ko-help" "$(make -s ko-help)" 'ko-resolve +write the manifests'
like "ko-help: variables" "$(make -s ko-help)" 'KO_SELECTOR +only objects whose labels match'
while read -r variable value field; do
	is "$variable counts in the Makefile" "$(make -s "$variable=$value" KO_BUILDDIR=.ko/v ko-resolve >"$tmp/out" 2>&1; jq -c ".$field" .ko/v/make/scan.json)" \
		"$(env "$variable=$value" ko-scan -f config/manifests | jq -c ".$field")"
done <<'END'
KO_TAGS a,b tags
KO_LABELS a=b labels
KO_ANNOTATIONS a=b annotations
KO_USER 7 user
KO_CONTAINERENV A=b containerEnv
KO_INHERITLABELS true inheritLabels
KO_NAMING md5 name
KO_DEFAULTPLATFORMS linux/arm64 platforms
END
make -s KO_SELECTOR=no=such KO_BUILDDIR=.ko/v ko-resolve >"$tmp/out" 2>&1
is "KO_SELECTOR counts in the Makefile" "$(cat .ko/v/resolved.yaml)" ""
ok "ko-clean" make -s ko-clean
ok "nothing is left" test ! -e .ko

ok "another build directory" make -s ko-resolve KO_BUILDDIR=out/ko KO_RESOLVED=out/all.yaml
ok "everything is there" test -s out/all.yaml -a -d out/ko -a ! -e .ko
ok "parallel from nothing" make -s -j8 ko-build ko-push ko-resolve ko-list

# words before every command, which see the settings too
make_wrap
ok "a wrapper" env KO_DEFAULTPLATFORMS=linux/arm64 make -s ko-resolve KO_WRAP=./wrap
is "has had what is compiled" "$(grep gobuild wrapped | head -n 1)" "ko-gobuild linux/arm64"

printf 'a: [\n' >config/manifests/bad.yaml
like "a malformed manifest is named" "$(make -s ko-resolve 2>&1)" 'config/manifests/bad.yaml:[12]:'
is "goals of somebody's own still work" "$(make -s mine 2>/dev/null)" untouched

done_testing
