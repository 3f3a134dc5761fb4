#!/bin/sh
# --debug: the program is started under Delve, which comes from a version that is fixed.
. "$(dirname "$0")/lib.sh"
. "$top/tests/servers/servers.sh"
. "$top/tests/servers/layout.sh"
. "$top/tests/servers/oracles.sh"

mkdir app && cd app || exit 1
printf 'module example.com/app\n\ngo 1.19\n' >go.mod
printf 'package main\n\nfunc main() { println("hello") }\n' >main.go
blob() { echo ".ko/oci/blobs/sha256/${1##*:}"; }

is "the record" "$(ko-scan --debug . | jq -c '[.debugger, .flags]')" \
	'["github.com/go-delve/delve@v1.27.2",["-gcflags=all=-N -l"]]'
is "KO_DELVE_VERSION" "$(KO_DELVE_VERSION=v1.26.2 ko-scan --debug . | jq -r .debugger)" github.com/go-delve/delve@v1.26.2
fails "no version" 2 '^ko-scan: KO_DELVE_VERSION=new: a version of github.com/go-delve/delve, such as v1.27.2, is wanted$' \
	env KO_DELVE_VERSION=new ko-scan --debug .

# The settings for one's own programs are not for Delve.
export KO_GOFLAGS=-tags=mine GOFLAGS=-mod=readonly
if ! ref=$(ko build --debug . 2>err); then
	like "Delve can be had" "$(cat err)" 'proxy|network|dial|lookup'
	skip "images with Delve" "no module proxy"
	done_testing
	exit
fi
manifest=$(blob "$ref")
config=$(blob "$(jq -r .config.digest "$manifest")")
is "how it starts" "$(jq -c .config.Entrypoint "$config")" \
	'["/ko-app/dlv","exec","--listen=:40000","--headless","--log","--accept-multiclient","--api-version=2","--","/ko-app/app"]'
is "a layer more" "$(jq -r '.history[-1].comment' "$config")" "Delve debugger, at /ko-app/dlv"
is "in it" "$(gzip -dc "$(blob "$(jq -r '.layers[-1].digest' "$manifest")")" | tar -tvP | awk '{ print $1, $NF }')" "dr-xr-xr-x ko-app
-r-xr-xr-x /ko-app/dlv"
strace -f -qq -e trace=execve -o "$tmp/trace" ko build --debug . >/dev/null 2>&1
is "nothing changed: only ninja" "$(grep -c '= 0$' "$tmp/trace")" 2
echo '// edited' >>main.go && sed -i s/hello/hi/ main.go
strace -f -qq -s 4096 -e trace=execve -o "$tmp/trace" ko build --debug . >/dev/null 2>&1
is "after an edit Delve is not compiled" "$(grep 'execve.*"build".*= 0$' "$tmp/trace" | grep -c cmd/dlv)" 0
is "but the program is, for a debugger" "$(grep 'execve.*"build".*= 0$' "$tmp/trace" | grep -c -e '-gcflags=all=-N -l')" 1
printf 'KO_IMPORTPATHS := .\nKO_FLAGS := --debug\ninclude %s/mk/ko.mk\n' "$top" >Makefile
ref=$(ko build --debug . 2>/dev/null)
is "make: the same" "$(make -s ko-list 2>err | tail -n 1)" "$ref"
is "the pipe: the same" "$(ko-scan --debug . | ko-gobuild | ko-layer | ko-image | jq -r .image.digest)" "${ref##*@}"
rm -r .ko/go
is "what is in .ko may go" "$(ko build --debug . 2>/dev/null)" "$ref"
like "where there is no Delve" "$(ko build --debug --platform linux/s390x . 2>&1 >out)" \
	'example.com/app: Delve does not run on linux/s390x: the image is made without it'
is "the image is as others" "$(jq -c .config.Entrypoint "$(blob "$(jq -r .config.digest "$(blob "$(cat out)")")")")" '["/ko-app/app"]'

# It runs, and speaks.
for layer in $(jq -r '.layers[-2:][].digest' "$(blob "$ref")"); do gzip -dc "$(blob "$layer")" | tar -xP --transform 's,^/,,'; done
chmod u+w ko-app
port=$(free_port)
HOME=$tmp ./ko-app/dlv exec --listen="127.0.0.1:$port" --headless --log --accept-multiclient --api-version=2 -- ./ko-app/app >dlv.out 2>&1 &
server_pids="$server_pids $!"
await_port "$port"
asked=$(python3 - "$port" <<'END'
import json, socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 10)
f = s.makefile("rw")
def ask(method, **arguments):
    f.write(json.dumps({"method": "RPCServer." + method, "params": [arguments], "id": 1}))
    f.flush()
    return json.loads(f.readline())["result"]
ask("SetApiVersion", APIVersion=2)
print(ask("GetVersion")["DelveVersion"].split()[1])
print(ask("CreateBreakpoint", Breakpoint={"functionName": "main.main"})["Breakpoint"]["functionName"])
ask("Detach", Kill=True)
END
)
is "Delve answers at its port, and finds main" "$asked" "1.27.2
main.main"
note "$(head -n 3 dlv.out)"

# ko clones what it finds on the day; here git gives it the same version.
if ! ko=$(oracle ko) || ! crane=$(oracle crane) || ! start_registry; then
	skip "side by side" "no ko, crane or registry"
	done_testing
	exit
fi
mkdir fake && cat >fake/git <<'END'
#!/bin/sh
case "$*" in
*clone*delve*) cp -R "$DELVE/." . && exec chmod -R u+w . ;;
esac
exec /usr/bin/git "$@"
END
chmod +x fake/git
DELVE=$(cd .ko/go/modules/delve@* && GOWORK=off GOFLAGS=-mod=mod go list -m -f '{{.Dir}}' github.com/go-delve/delve)
export DELVE
layout_base base linux/amd64
skopeo copy -q --all --dest-tls-verify=false oci:base "docker://$registry/base:1"
export KO_DEFAULTBASEIMAGE="$registry/base:1" KO_INHERITLABELS=true
theirs=$(GOFLAGS=-buildvcs=false PATH=$PWD/fake:$PATH KO_DOCKER_REPO=$registry/theirs "$ko" build --debug --insecure-registry --sbom none . 2>theirs.err)
ours=$(KO_DOCKER_REPO=$registry/ours ko build --debug --insecure-registry="$registry" . 2>err)
facts() { "$crane" config --insecure "$1" | jq -S 'del(.rootfs.diff_ids[-2:])'; }
note "$(tail -n 2 theirs.err)"
is "the config is ko's" "$(facts "$ours")" "$(facts "$theirs")"
done_testing
