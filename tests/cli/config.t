#!/bin/sh
# ko.yaml and the variables, as they show in images.
. "$(dirname "$0")/lib.sh"
. "$top/tests/servers/layout.sh"

cp -R "$top/examples/hello" app && cd app || exit 1
built() { ko build . 2>"$tmp/err" | sed 's/.*@//'; }
config() {
	manifest=$(built | sed 's/.*://')
	jq -r .config.digest ".ko/oci/blobs/sha256/$manifest" | sed 's/.*://;s|^|.ko/oci/blobs/sha256/|' | xargs jq -c "$1"
}

plain=$(built)
cat >ko.yaml <<'EOF'
labels:
  team: gophers
user: "1234"
containerEnv:
  - MODE=test
EOF
is "labels" "$(config .config.Labels)" '{"team":"gophers"}'
is "user" "$(config .config.User)" '"1234"'
like "environment" "$(config .config.Env)" 'MODE=test'
printf 'defaultLdflags: [-s, -w]\n' >ko.yaml
stripped=$(built)
ok "ldflags" test "$stripped" != "$plain"
rm ko.yaml
is "no ko.yaml: as before" "$(built)" "$plain"
is "KO_GOFLAGS with quotes is the same as the setting" "$(KO_GOFLAGS="-ldflags='-s -w'" built)" "$stripped"

layout_base vendor linux/amd64
printf 'defaultBaseImage: oci:vendor\n' >ko.yaml
is "labels that describe the base are not inherited" "$(config .config.Labels)" '{"kept":"yes"}'
printf 'defaultBaseImage: oci:vendor\ninheritLabels: true\n' >ko.yaml
is "they are when asked for" "$(config .config.Labels)" '{"org.opencontainers.image.title":"base","kept":"yes"}'
is "a variable stands over the file's top level" "$(KO_INHERITLABELS=false config .config.Labels)" '{"kept":"yes"}'
printf 'defaultBaseImage: oci:vendor\nbuilds: [{inheritLabels: true}]\n' >ko.yaml
is "for one program" "$(config .config.Labels)" '{"org.opencontainers.image.title":"base","kept":"yes"}'

printf 'labels:\n  stage: "{{.Env.STAGE}}"\n' >ko.yaml
STAGE=one built >/dev/null
is "a template" "$(STAGE=one config .config.Labels)" '{"stage":"one"}'
is "another value is noticed" "$(STAGE=two config .config.Labels)" '{"stage":"two"}'

git init -q . && git add -A && git -c user.name=x -c user.email=x@y commit -qm x
printf 'labels:\n  commit: "{{.Git.FullCommit}}"\n' >ko.yaml
is "the commit" "$(config .config.Labels)" "{\"commit\":\"$(git rev-parse HEAD)\"}"
git -c user.name=x -c user.email=x@y commit -q --allow-empty -m y
is "the next commit" "$(config .config.Labels)" "{\"commit\":\"$(git rev-parse HEAD)\"}"

printf 'labels: {}\ndefaultBaseImag: x\n' >ko.yaml
ko build . >out 2>err
is "an unknown key: status" $? 3
like "an unknown key: text" "$(cat err)" 'ko.yaml:2.*defaultBaseImag.*defaultBaseImage'
done_testing
