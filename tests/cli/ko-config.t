#!/bin/sh
# ko config says which settings are in effect, and where each comes from.
. "$(dirname "$0")/lib.sh"

mkdir -p app/cmd/x app/cmd/y && cd app || exit 1
printf 'module example.com/app\n\ngo 1.19\n' >go.mod
for dir in x y; do printf 'package main\n\nfunc main() {}\n' >cmd/$dir/main.go; done
says() { awk -v key="$1" '$1 == key { sub(/^[^ ]+ +/, ""); gsub(/  +/, "|"); print }'; }

is "nothing is set" "$(ko config)" "baseImage           built in  ko.local/static
platforms           built in  linux/amd64
naming              built in  last
tags                built in  latest"

cat >ko.yaml <<'END'
defaultBaseImage: r.example/base:1
defaultPlatforms: [linux/amd64, linux/arm64]
defaultFlags: [-tags, netgo]
defaultLdflags: [-s, -w -X main.token=hunter2]
defaultEnv: [GOPRIVATE=x, GITHUB_TOKEN=hunter2, "PASSWORD={{.Env.PW}}"]
repository: r.example/team
naming: path
tags: [a, b]
labels: {team: red}
annotations: {note: hello}
user: nobody
containerEnv: {DB_PASSWORD: hunter2, MODE: "test", URL: "https://me:hunter2@db.example/x"}
inheritLabels: true
baseImageOverrides:
  example.com/app/cmd/y: r.example/y
builds:
- id: the-x
  main: ./cmd/x
  flags: -v
  ldflags: "-X main.version={{.Git.Tag}}"
  env: [A=b]
  linux_capabilities: net_bind_service
  repository: r.example/x
  naming: last
  tags: x
  labels: {team: blue, arch: "{{.Env.GOARCH}}"}
  annotations: {more: "1"}
  user: "7"
  containerEnv: [MODE=x]
  inheritLabels: false
END
all=$(ko config)
default=$(printf '%s\n' "$all" | sed '/^$/,$d')
x=$(ko config ./cmd/x)
y=$(ko config example.com/app/cmd/y)
is "the defaults, then each program" "$(printf '%s\n' "$all" | grep '^example')" \
	"example.com/app/cmd/x  ko.yaml:17  the-x
example.com/app/cmd/y"
is "a program by its directory is the same" "$(printf '%s\n' "$all" | sed -n '/^example.*x/,/^$/{/^$/d;p}')" "$x"
is "one line each" "$(printf '%s\n' "$default" | wc -l)" 13
is "aligned" "$(printf '%s\n' "$default" | cut -c19-20 | sort -u)" "  "
while read -r key value; do
	is "by default: $key" "$(printf '%s\n' "$default" | says "$key")" "$value"
done <<'END'
baseImage ko.yaml:1|r.example/base:1
platforms ko.yaml:2|linux/amd64, linux/arm64
flags ko.yaml:3|-tags, netgo
ldflags ko.yaml:4|-s, -w -X main.token=***
env ko.yaml:5|GOPRIVATE=x, GITHUB_TOKEN=***, PASSWORD={{.Env.PW}}
repository ko.yaml:6|r.example/team
naming ko.yaml:7|path
tags ko.yaml:8|a, b
labels ko.yaml:9|team=red
annotations ko.yaml:10|note=hello
user ko.yaml:11|nobody
containerEnv ko.yaml:12|DB_PASSWORD=***, MODE=test, URL=https://***@db.example/x
inheritLabels ko.yaml:13|true
END
while read -r key value; do
	is "by builds entry: $key" "$(printf '%s\n' "$x" | says "$key")" "$value"
done <<'END'
baseImage ko.yaml:1|r.example/base:1
flags ko.yaml:19|-v
ldflags ko.yaml:20|-X main.version={{.Git.Tag}}
env ko.yaml:21|A=b
linux_capabilities ko.yaml:22|net_bind_service
repository ko.yaml:23|r.example/x
naming ko.yaml:24|last
tags ko.yaml:25|x
labels ko.yaml:9, ko.yaml:26|team=blue, arch={{.Env.GOARCH}}
annotations ko.yaml:10, ko.yaml:27|note=hello, more=1
user ko.yaml:28|7
containerEnv ko.yaml:12, ko.yaml:29|DB_PASSWORD=***, MODE=x, URL=https://***@db.example/x
inheritLabels ko.yaml:30|false
END
is "an override" "$(printf '%s\n' "$y" | says baseImage)" "ko.yaml:15|r.example/y"
unlike "no secret is shown" "$all$(ko config --json)" hunter2

while read -r variable value key; do
	is "$variable" "$(env "$variable=$value" ko config | sed '/^$/,$d' | says "$key")" "$variable|$value"
	case $key in baseImage | platforms | repository) continue ;; esac
	like "$variable: a builds entry is stronger" "$(env "$variable=$value" ko config ./cmd/x | says "$key")" 'ko.yaml:(19|[23])'
done <<'END'
KO_BASEIMAGE r.example/o baseImage
KO_DEFAULTBASEIMAGE r.example/o baseImage
KO_DEFAULTPLATFORMS linux/s390x platforms
KO_DEFAULTFLAGS -x flags
KO_DEFAULTLDFLAGS -s ldflags
KO_DEFAULTENV B=c env
KO_DOCKER_REPO r.example/mine repository
KO_NAMING md5 naming
KO_TAGS v1 tags
KO_LABELS a=b labels
KO_ANNOTATIONS a=b annotations
KO_USER 12 user
KO_CONTAINERENV A=b containerEnv
KO_INHERITLABELS false inheritLabels
END
is "KO_DOCKER_REPO is stronger than a builds entry" \
	"$(KO_DOCKER_REPO=r.example/mine ko config ./cmd/x | says repository)" "KO_DOCKER_REPO|r.example/mine"
is "KO_BASEIMAGEOVERRIDES" "$(KO_BASEIMAGEOVERRIDES='{"example.com/app/cmd/x":"r.example/q"}' ko config ./cmd/x |
	says baseImage)" "KO_BASEIMAGEOVERRIDES|r.example/q"
is "KO_GOFLAGS" "$(KO_GOFLAGS="-ldflags='-X a.secret=hunter2 -w'" ko config ./cmd/x | says goflags)" \
	"KO_GOFLAGS|-ldflags='-X a.secret=*** -w'"

options=$(ko config --platform linux/arm/v7 --tags q --image-label a=b --image-annotation c=d --image-user root \
	--ldflags -w,-s --bare --repo r.example/z ./cmd/x)
while read -r key value; do
	is "option: $key" "$(printf '%s\n' "$options" | says "$key")" "$value"
done <<'END'
platforms --platform|linux/arm/v7
tags --tags|q
labels ko.yaml:9, ko.yaml:26, --image-label|team=blue, arch={{.Env.GOARCH}}, a=b
annotations ko.yaml:10, ko.yaml:27, --image-annotation|note=hello, more=1, c=d
user --image-user|root
ldflags --ldflags|-w,-s
naming --bare|bare
repository --repo|r.example/z
END

json=$(ko config --json)
is "JSON: file" "$(printf %s "$json" | jq -r .file)" ko.yaml
is "JSON: one line" "$(printf '%s\n' "$json" | wc -l)" 1
is "JSON: a list" "$(printf %s "$json" | jq -c .default.settings.platforms)" \
	'{"value":["linux/amd64","linux/arm64"],"from":"ko.yaml:2"}'
is "JSON: a map, and a program" "$(printf %s "$json" | jq -c '.programs[0]|.importpath,.id,.dir,.from,.settings.labels' | xargs)" \
	'example.com/app/cmd/x the-x . ko.yaml:17 {value:{team:blue,arch:{{.Env.GOARCH}}},from:ko.yaml:9, ko.yaml:26}'

mkdir elsewhere && cp ko.yaml elsewhere/.ko.yaml && rm ko.yaml
like "KO_CONFIG_PATH names a directory: where from" "$(KO_CONFIG_PATH=elsewhere ko config)" 'user +elsewhere/.ko.yaml:11 +nobody'
like "and a file" "$(KO_CONFIG_PATH=elsewhere/.ko.yaml ko config)" 'user +elsewhere/.ko.yaml:11 +nobody'

fails "no such file" 2 '^ko: KO_CONFIG_PATH=gone: there is no such file$' env KO_CONFIG_PATH=gone ko config
fails "a directory without one" 2 '^ko: KO_CONFIG_PATH=cmd: holds no .ko.yaml$' env KO_CONFIG_PATH=cmd ko config
fails "not a program of ours" 3 '^ko: .*import path does not match go.mod' ko config example.org/else
fails "a wrong option" 2 '^ko: --tags: "a b" is no tag' ko config --tags 'a b'
fails "a wrong label" 2 "^ko: --image-label: labels: \"a\" has no \"=\"; write NAME=VALUE$" ko config --image-label a
fails "a wrong naming" 2 '^ko: --naming: ' ko config --naming odd
fails "all and others" 2 '^ko: --platform: all or specific platforms should be used, not both of them$' \
	ko config --platform all,linux/arm64
fails "a wrong platform" 2 '^ko: --platform: too many slashes in platform spec: a/b/c/d' ko config --platform a/b/c/d
printf 'tags: x\n\ninheritLabels: yes\n' >ko.yaml
fails "neither true nor false" 3 '^ko: ko.yaml:3: inheritLabels: "yes" is neither true nor false$' ko config
printf 'tags: x\n\ndefaultPlatforms: [linux/amd64, all]\n' >ko.yaml
fails "all and others, in the file" 3 '^ko: ko.yaml:3: all or specific platforms should be used, not both of them$' ko config
for slip in inheritlabel:inheritLabels lables:labels defaultEnvironment:defaultEnv tag:tags users:user labels_:labels platforms:defaultPlatforms; do
	printf '\n%s: x\n' "${slip%:*}" >ko.yaml
	fails "the key ${slip%:*}" 3 "^ko: ko.yaml:2: unknown key \"${slip%:*}\"; the nearest known one is \"${slip#*:}\"$" ko config
done
printf 'builds:\n- main: cmd/x\n  usr: x\n' >ko.yaml
fails "an unknown key in builds" 3 '^ko: ko.yaml:3: unknown key "usr" in builds; the nearest known one is "user"$' ko config
done_testing
