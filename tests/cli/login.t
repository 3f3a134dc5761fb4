#!/bin/sh
# ko-login writes what docker login would.
. "$(dirname "$0")/lib.sh"

DOCKER_CONFIG=$tmp/docker
PATH=$tmp/helpers:$PATH
export DOCKER_CONFIG
mkdir docker helpers
config=$DOCKER_CONFIG/config.json

ok "a first login" ko-login -u me -p geheim ghcr.io
is "the entry" "$(jq -r '.auths["ghcr.io"].auth' "$config" | base64 -d)" me:geheim
is "only its owner can read it" "$(stat -c %a "$config")" 600

echo '{"HttpHeaders":{"a":"b"},"auths":{"x.example":{"auth":"eDp5"}},"zzz":1}' >"$config"
is "the password from standard input, and nothing to say" \
	"$(printf 'ge:heim\n' | ko-login -u me --password-stdin docker.io 2>&1)" ""
is "Docker Hub has a key of its own" \
	"$(jq -r '.auths["https://index.docker.io/v1/"].auth' "$config" | base64 -d)" me:ge:heim
is "other fields stay, in their order" "$(jq -c '[keys_unsorted, .HttpHeaders, .auths["x.example"]]' "$config")" \
	'[["HttpHeaders","auths","zzz"],{"a":"b"},{"auth":"eDp5"}]'
ok "logout" ko-login --logout docker.io
is "the entry is gone, others are not" "$(jq -c '.auths | keys' "$config")" '["x.example"]'
like "logout, once more" "$(ko-login --logout docker.io 2>&1; echo $?)" 'there were no credentials.*0'

for helper in store fails; do
	cat >helpers/docker-credential-$helper <<-END
		#!/bin/sh
		echo "\$1" >>"$tmp/helper.args"
		cat >>"$tmp/helper.input"
		[ $helper = store ] || { echo no room; exit 3; }
	END
	chmod +x helpers/docker-credential-$helper
done
echo '{"credsStore":"store"}' >"$config"
ok "a login with a credential store" ko-login -u me -p geheim r.example
is "the helper gets it" "$(cat helper.args; jq -c . helper.input)" 'store
{"ServerURL":"r.example","Username":"me","Secret":"geheim"}'
is "the config file does not" "$(jq -c . "$config")" '{"credsStore":"store","auths":{"r.example":{}}}'
ok "a logout with it" ko-login --logout r.example
is "the helper erases it" "$(tail -n 1 helper.args; tail -c 9 helper.input)" 'erase
r.example'
echo '{"credsStore":"store","credHelpers":{"r.example":"fails"}}' >"$config"
like "a helper that fails" "$(ko-login -u me -p geheim r.example 2>&1; echo $?)" \
	'^ko-login: docker-credential-fails store: exit status 3: no room.* 4'

echo '{"auths":{"r.example":{"auth":"Z2VoZWlt"' >"$config"
cp "$config" before
like "a malformed config" "$(ko-login -u me -p geheim r.example 2>&1; echo $?)" 'config.json:[0-9:]*: malformed JSON.* 3'
unlike "it is not shown" "$(ko-login -u me -p geheim r.example 2>&1)" 'Z2Vo|geheim'
ok "and not touched" cmp "$config" before

like "no server" "$(ko-login 2>&1; echo $?)" 'one SERVER is needed.* 2'
like "a URL instead of a server" "$(ko-login -u a -p b https://ghcr.io 2>&1; echo $?)" "is not the name of a registry.* 2"
like "a colon in the user name" "$(ko-login -u a:b -p c ghcr.io 2>&1; echo $?)" 'no colon.* 2'
like "no password" "$(printf '' | ko-login -u a --password-stdin ghcr.io 2>&1; echo $?)" 'password must not be empty.* 2'
like "both passwords" "$(ko-login -u a -p b --password-stdin ghcr.io 2>&1; echo $?)" 'exclude each other.* 2'

# a program on standard input that waits: its command line is looked at meanwhile
mkfifo wait
rm "$config"
cat >helpers/docker-credential-slow <<-END
	#!/bin/sh
	cat >/dev/null
	: >"$tmp/started"
	read -r x <"$tmp/wait"
END
chmod +x helpers/docker-credential-slow
echo '{"credsStore":"slow"}' >"$config"
ko-login -u me -p verygeheim r.example &
pid=$!
while ! [ -e started ]; do sleep 0.01; done
unlike "the password is not among the arguments that others see" "$(tr '\0' ' ' </proc/$pid/cmdline)" verygeheim
echo >wait
ok "that login" wait $pid
done_testing
