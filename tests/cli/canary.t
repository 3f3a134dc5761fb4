#!/bin/sh
# Secrets stay where they belong: each is put into one place, and looked for in everything that can be seen
# while a tool runs and after it: output with -v, arguments and environment of it and of what it starts,
# files, a core.
. "$(dirname "$0")/lib.sh"
. "$top/tests/servers/servers.sh"

HOME=$tmp/home
DOCKER_CONFIG=$tmp/docker
TMPDIR=$tmp/temporary
KO_RETRY_WAIT=20
KO_VERBOSE=2
PATH=$tmp/helpers:$PATH
export HOME DOCKER_CONFIG TMPDIR KO_RETRY_WAIT KO_VERBOSE PATH
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY REGISTRY_AUTH_FILE DOCKER_AUTH_CONFIG \
	XDG_RUNTIME_DIR XDG_CONFIG_HOME GITHUB_TOKEN KO_TIMEOUT KO_RETRY_BUDGET KO_REGISTRY_MIRROR
mkdir -p "$HOME" "$DOCKER_CONFIG" "$TMPDIR" helpers work
start_scripted || { skip "all" "no server"; done_testing; exit; }
make_layout img 3000000 one >one.json
cd work || exit 1

password=canary-5e1f-password
basic=$(printf 'user:%s' "$password" | base64)
# in every form, and what the server makes up: tokens, states of sessions
canary="canary-|$(printf %s "$password" | base64 | cut -c 1-24)|$basic|token-[0-9a-f]{32}|secretstate"

config() { printf '%s' "$1" >"$DOCKER_CONFIG/config.json"; chmod 600 "$DOCKER_CONFIG/config.json"; }

cat >"$tmp/helpers/docker-credential-canary" <<END
#!/bin/sh
{ tr '\\0' '\\n' </proc/\$\$/cmdline; tr '\\0' '\\n' </proc/\$\$/environ; cat; } >$tmp/work/child
printf '{"Username":"user","Secret":"%s"}' "\$(rev <$tmp/helpers/reversed)"
echo "\$(rev <$tmp/helpers/reversed)" >&2
END
chmod +x "$tmp/helpers/docker-credential-canary"
printf %s "$password" | rev >"$tmp/helpers/reversed"

# Everything that is on disk, but for where the secret was put.
on_disk() {
	grep -rlE -e "$canary" "$tmp" --exclude-dir=docker --exclude-dir=helpers --exclude=from --exclude=to 2>/dev/null | sort | tr '\n' ' '
}

# of PID: its arguments and environment, and of those below it
of_process() {
	for process in "$1" $(cat "/proc/$1/task/$1/children" 2>/dev/null); do
		tr '\0' '\n' <"/proc/$process/cmdline"
		tr '\0' '\n' <"/proc/$process/environ"
	done
}

# watch NAME STATUS COMMAND...: while the server keeps a PATCH waiting, and at the end.
watch() {
	name=$1 want=$2
	shift 2
	say 'rule {"m":"PATCH","least":1000000,"n":1,"do":"hang","seconds":0.7}'
	rm -f child
	"$@" >out 2>err &
	pid=$!
	while kill -0 $pid 2>/dev/null && ! say log | grep -q 'PATCH'; do sleep 0.02; done
	of_process $pid >process 2>/dev/null
	is "$name: not on disk while it runs" "$(on_disk)" ""
	wait $pid
	is "$name: status" $? "$want"
	[ "$want" != 0 ] || like "$name: it was seen running" "$(cat process)" "^$tmp/img\$"
	unlike "$name: not in its arguments or environment" "$(cat process)" "$canary"
	unlike "$name: not in what it says" "$(cat err out)" "$canary"
	is "$name: not on disk" "$(on_disk)" ""
	is "$name: nothing is left in TMPDIR" "$(ls -A "$TMPDIR")" ""
}
echo "$password" >found
is "the search finds" "$(on_disk)" "$tmp/work/found "
rm found
push="ko-push --oci $tmp/img --repo $scripted/a --stats stats --image-refs refs -o record.json $tmp/one.json"

config "{\"auths\":{\"$scripted\":{\"auth\":\"$basic\"}}}"
say "set password \"$password\""
say 'set auth "basic"'
watch "config, Basic" 0 $push
is "config, Basic: was used" "$(say log | grep -c 'PUT.*Basic')" 3

config "{\"auths\":{\"$scripted\":{\"auth\":\"$basic\"}}}"
say reset
say "set password \"$password\""
say 'set auth "bearer"'
watch "config, tokens" 0 $push
is "config, tokens: were used" "$(say log | grep -c 'PUT.*Bearer')" 3

config "{\"credHelpers\":{\"$scripted\":\"canary\"}}"
say reset
say "set password \"$password\""
say 'set auth "bearer"'
watch "helper" 0 $push
is "helper: was asked" "$(head -n 3 child | tail -n 2 | tr '\n' ' ') $(tail -n 1 child | tail -c 40)" "$tmp/helpers/docker-credential-canary get  $scripted"

config "{\"auths\":{\"$scripted\":{\"identitytoken\":\"$password\"}}}"
say reset
say "set password \"$password\""
say 'set auth "bearer"'
watch "identity token" 0 $push
is "identity token: never in an address" "$(say log | grep -c canary)" 0

config "{\"credHelpers\":{\"$scripted\":\"canary\"}}"
DOCKER_AUTH_CONFIG="{\"auths\":{\"other.example\":{\"auth\":\"$basic\"}}}" $push >out 2>err
unlike "DOCKER_AUTH_CONFIG: not for a helper" "$(cat child)" "$canary"

# refused, with the secret in what the other side says
config "{\"auths\":{\"$scripted\":{\"auth\":\"$basic\"}}}"
say reset
say 'set auth "bearer"'
watch "refused by the token server" 4 $push
say reset
say "set password \"$password\""
say 'set auth "bearer"'
say 'rule {"p":"^/token","n":0,"do":"status","code":200,"body":"{\"token\":\"canary-in-the-body\",\"expires_in\":300}"}'
watch "a token that is refused" 4 $push
say reset
say "set password \"$password\""
say 'set auth "bearer"'
say 'rule {"p":"^/token","n":0,"do":"status","code":200,"body":"{\"token\":\"canary-in-the-body"}'
watch "a token that is cut" 3 $push
config "{\"auths\":{\"$scripted\":{\"auth\":\"$basic\", \"canary-"
watch "a config that is cut" 3 $push
config "{\"auths\":{\"$scripted\":{\"auth\":\"$(printf %s "$password" | base64 | cut -c 1-24)!!\"}}}"
watch "a config that is no base64" 3 $push
sed -i 's/^printf.*/echo "{$(rev <..\/helpers\/reversed)"/' "$tmp/helpers/docker-credential-canary"
config "{\"credHelpers\":{\"$scripted\":\"canary\"}}"
watch "a helper that answers nonsense" 4 $push
echo 'exit 1' >>"$tmp/helpers/docker-credential-canary"
watch "a helper that fails" 4 $push
rm "$DOCKER_CONFIG/config.json"

# addresses
say reset
ko-push --oci "$tmp/img" --repo "$scripted/a" "$tmp/one.json" >out 2>err
for code in 307 302; do
	say 'rule {"m":"GET","p":"/blobs/","n":0,"do":"status","code":'$code',"h":{"Location":"http://{1}/elsewhere?X-Amz-Signature=canary-signature&digest=x"}}'
	rm -rf .ko
	ko-base "$scripted/a/one" >out 2>err
	is "redirect $code: status" $? 4
	like "redirect $code: was followed" "$(say log)" "^1 GET /elsewhere\?X-Amz-Signature=canary-signature"
	like "redirect $code: is shown" "$(cat err)" "GET http://$elsewhere/elsewhere\?X-Amz-Signature=\*\*\*&digest=x: 404"
	unlike "redirect $code: without the secret" "$(cat err out)" "$canary"
	say again
done
say 'rule {"m":"GET","p":"/blobs/","n":0,"do":"status","code":307,"h":{"Location":"http://user:canary-userinfo@{1}/elsewhere"}}'
ko-base "$scripted/a/one" >out 2>err
is "a redirect with a password: status" $? 3
unlike "a redirect with a password: not shown" "$(cat err out)" "$canary"
say again
say 'rule {"p":"^/v2/","n":0,"do":"status","code":401,"h":{"WWW-Authenticate":"Bearer realm=\"http://user:canary-userinfo@{0}/token\""}}'
ko-base "$scripted/a/one" >out 2>err
is "a realm with a password: status" $? 3
unlike "a realm with a password: not shown" "$(cat err out)" "$canary"
say again
for how in '"status","code":407' '"status","code":502' '"fin"' '"raw","text":"nonsense"'; do
	say again
	say "rule {\"m\":\"CONNECT\",\"n\":0,\"do\":$how}"
	https_proxy=http://user:canary-proxy@$scripted KO_RETRY_BUDGET=1 ko-base registry.example/a/one >out 2>err
	like "proxy, $how: is named" "$(cat err)" "proxy|CONNECT|registry.example"
	unlike "proxy, $how: not its password" "$(cat err out)" "$canary"
	like "proxy, $how: was asked" "$(say log)" "CONNECT registry.example:443"
	is "proxy, $how: not on disk" "$(on_disk)" ""
done

# login
printf %s "$password" | ko-login -u user --password-stdin other.example >out 2>err
unlike "login: nothing is said" "$(cat err out)" "$canary"
rm -f "$DOCKER_CONFIG/config.json"

# a core
config "{\"auths\":{\"$scripted\":{\"auth\":\"$basic\"}}}"
say reset
say "set password \"$password\""
say 'set auth "bearer"'
say 'rule {"m":"PATCH","least":1000000,"n":1,"do":"hang","seconds":5}'
sh -c 'ulimit -c unlimited; exec "$@"' sh $push >out 2>err &
pid=$!
while kill -0 $pid 2>/dev/null && ! say log | grep -q 'PATCH'; do sleep 0.02; done
kill -ABRT $pid
wait $pid 2>/dev/null
is "aborted: status" $? 134
case $(cat /proc/sys/kernel/core_pattern) in
/* | \|*) skip "aborted: no core" "cores are kept elsewhere" ;;
*) is "aborted: no core" "$(ls | grep core)" "" ;;
esac
is "aborted: not on disk" "$(on_disk)" ""
done_testing
