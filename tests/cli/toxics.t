#!/bin/sh
# ko-push over bad networks (toxiproxy in front of docker-registry) and on bad machines: what is cut, slow,
# full, closed or short of memory.
. "$(dirname "$0")/lib.sh"
. "$top/tests/servers/servers.sh"
. "$top/tests/servers/oracles.sh"

toxiproxy=$(oracle toxiproxy 2>oracle.log) || toxiproxy=
HOME=$tmp/home
DOCKER_CONFIG=$tmp/docker
KO_RETRY_WAIT=20
KO_TIMEOUT=1
export HOME DOCKER_CONFIG KO_RETRY_WAIT KO_TIMEOUT
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY REGISTRY_AUTH_FILE DOCKER_AUTH_CONFIG \
	XDG_RUNTIME_DIR XDG_CONFIG_HOME KO_RETRY_BUDGET KO_REGISTRY_MIRROR KO_VERBOSE
mkdir -p "$HOME" "$DOCKER_CONFIG"
start_registry || { skip "all" "no docker-registry"; done_testing; exit; }
make_layout img 30000000 one >one.json
digest=$(jq -r .image.digest one.json)

# fails NAME STATUS ERE COMMAND...: in one line, with nothing on standard output, in bounded time
fails() {
	name=$1 want=$2 ere=$3
	shift 3
	timeout 60 "$@" >out 2>err
	is "$name: status" $? "$want"
	like "$name: what it says" "$(cat err)" "$ere"
	is "$name: in one line, and nothing on standard output" "$(wc -l <err) $(wc -c <out)" "1 0"
}

# ---- the network ----

api() { curl -sf -o "$tmp/api.out" -X "$1" -d "$3" "http://127.0.0.1:$api_port$2" || cat "$tmp/api.out"; }
toxic() { api POST /proxies/p/toxics "{\"name\":\"$1\",\"type\":\"$1\",\"stream\":\"$2\",\"attributes\":{$3}}"; }
heal() { api DELETE "/proxies/p/toxics/$1" ''; }
requests() { log_of registry | grep -c "$1"; }

# heals NAME TOXIC REQUEST: the push goes on when the toxic is removed, after the registry was asked for
# REQUEST a second time
heals() {
	seen=$(requests "$3")
	ko-push --oci img --repo "$toxic/$1" one.json >out 2>err &
	pid=$!
	for i in $(seq 400); do
		[ "$(requests "$3")" -lt $((seen + 3)) ] || break
		kill -0 $pid 2>/dev/null || break
		sleep 0.02
	done
	heal "$2"
	wait $pid
	is "$1, healed: status" "$? $(cat err)" "0 "
	is "$1, healed: the registry has it" "$(curl -s "http://$registry/v2/$1/one/manifests/latest" -H 'Accept: application/vnd.oci.image.manifest.v1+json' | sha256sum | cut -d ' ' -f 1)" "${digest#*:}"
}

if [ -n "$toxiproxy" ] && command -v curl >/dev/null; then
	api_port=$(free_port)
	"$toxiproxy" -host 127.0.0.1 -port "$api_port" >toxiproxy.log 2>&1 &
	server_pids="$server_pids $!"
	await_port "$api_port"
	port=$(free_port)
	api POST /proxies "{\"name\":\"p\",\"listen\":\"127.0.0.1:$port\",\"upstream\":\"$registry\"}"
	toxic=127.0.0.1:$port
	ok "through the proxy" ko-push --oci img --repo "$toxic/plain" one.json
	rm -rf .ko

	toxic limit_data upstream '"bytes":1000000'
	fails "cut after 1 MB" 5 "$toxic/cut/one: blob sha256:.*try again" ko-push --oci img --repo "$toxic/cut" one.json
	heals again limit_data 'POST /v2/again'
	toxic reset_peer upstream '"timeout":20'
	fails "reset" 5 "$toxic.*try again" ko-push --oci img --repo "$toxic/reset" one.json
	heal reset_peer
	toxic bandwidth upstream '"rate":0'
	fails "no byte goes through" 5 "$toxic.*try again" env KO_RETRY_BUDGET=1 ko-push --oci img --repo "$toxic/still" one.json
	heal bandwidth
	toxic timeout downstream '"timeout":0'
	fails "no byte comes back" 5 "$toxic.*try again" env KO_RETRY_BUDGET=1 ko-push --oci img --repo "$toxic/silent" one.json
	heal timeout
	toxic limit_data downstream '"bytes":300'
	fails "answers are cut" 5 "$toxic.*try again" ko-base "$toxic/plain/one"
	is "answers are cut: nothing is kept" "$(find .ko -type f ! -name oci-layout)" ""
	heal limit_data
	base=$registry/plain/one:latest
	make_record app linux/amd64 | sed "s|$registry|$toxic|" >app.json
	base=
	toxic limit_data downstream '"bytes":12000000'
	seen=$(requests 'blobs/.* 206')
	ok "a layer of 30 MB, 12 MB by each connection" ko-push --repo= app.json
	is "the rest is asked for, not all of it" "$(($(requests 'blobs/.* 206') - seen))" 2
	heal limit_data
	rm -rf .ko
	toxic slicer downstream '"average_size":3,"size_variation":2,"delay":100'
	is "answers in crumbs" "$(ko-base "$toxic/plain/one" | jq -r .digest)" "$digest"
	heal slicer
	toxic bandwidth upstream '"rate":60000'
	ok "a slow line is no fault" ko-push --oci img --repo "$toxic/slow" one.json
	heal bandwidth

	# the registry is another one in the middle of a body
	toxic bandwidth upstream '"rate":4000'
	ko-push --oci img --repo "$toxic/restart" one.json >out 2>err &
	pid=$!
	for i in $(seq 400); do
		[ "$(requests 'POST /v2/restart')" -lt 2 ] || break
		sleep 0.02
	done
	kill $registry_pid
	wait $registry_pid 2>/dev/null
	sed -i 's/^http: {/http: {secret: other, /' registry.yml
	OTEL_TRACES_EXPORTER=none docker-registry serve registry.yml >>registry.log 2>&1 &
	server_pids="$server_pids $!"
	await_port "${registry#*:}"
	heal bandwidth
	wait $pid
	is "a registry that is restarted: status" "$? $(cat err)" "0 "

	# eight images, where each answer takes its time
	for i in 1 2 3 4 5 6 7 8; do make_record "image$i" linux/amd64; done >eight.json
	ko-push --repo "$registry/eight" eight.json >/dev/null
	toxic latency downstream '"latency":100'
	ok "eight images, nothing new, by a slow network" ko-push --repo "$toxic/eight" --stats stats eight.json
	is "at the same time" "$(jq '.requests == 9 and .connections == 8' stats)" true
	note "eight HEAD and a ping with 100 ms each: $(jq .seconds stats) s"
	heal latency
else
	skip "the network" "toxiproxy cannot be had: $(tail -n 1 oracle.log)"
fi

# A peer whose queue is full answers no SYN.
python3 - <<-'END' >hole &
	import socket, time
	sock = socket.socket()
	sock.bind(("127.0.0.1", 0))
	sock.listen(0)
	others = []
	for i in range(8):
	    other = socket.socket()
	    other.setblocking(False)
	    other.connect_ex(sock.getsockname())
	    others.append(other)
	time.sleep(0.2)
	print("127.0.0.1:%d" % sock.getsockname()[1], flush=True)
	time.sleep(60)
END
hole_pid=$!
server_pids="$server_pids $hole_pid"
while ! [ -s hole ]; do sleep 0.02; done
fails "nobody answers" 5 "$(cat hole).*try again" env KO_RETRY_BUDGET=1 ko-push --oci img --repo "$(cat hole)/a" one.json
kill $hole_pid

if python3 -c 'import socket; socket.socket(socket.AF_INET6).bind(("::1", 0))' 2>/dev/null; then
	port=$(free_port)
	sed "s/addr: '[^']*'/addr: '[::1]:$port'/" registry.yml >six.yml
	OTEL_TRACES_EXPORTER=none docker-registry serve six.yml >six.log 2>&1 &
	server_pids="$server_pids $!"
	for i in $(seq 200); do grep -q listening six.log && break; sleep 0.02; done
	sleep 0.3
	is "IPv6" "$(ko-push --oci img --repo "[::1]:$port/six" one.json 2>&1 | jq -r .ref)" "[::1]:$port/six/one@$digest"
else
	skip "IPv6" "the machine has none"
fi

# ---- certificates ----

certificate() { # NAME SUBJECT-ALT-NAME FROM TO
	rm -rf ca && mkdir ca && : >ca/index && echo 01 >ca/serial
	printf '[ca]\ndefault_ca=d\n[d]\ndatabase=ca/index\nserial=ca/serial\nnew_certs_dir=ca\ndefault_md=sha256\npolicy=p\nx509_extensions=x\nunique_subject=no\n[p]\ncommonName=supplied\n[x]\nsubjectAltName=%s\nbasicConstraints=critical,CA:TRUE\n' "$2" >ca/conf
	openssl req -newkey rsa:2048 -nodes -subj /CN=test -keyout "$1.key" -out ca/request 2>/dev/null &&
		openssl ca -batch -selfsign -config ca/conf -keyfile "$1.key" -in ca/request -out "$1.pem" \
			-startdate "$3" -enddate "$4" -notext 2>/dev/null
}
front="ssl_certificate_key $tmp/key.pem;"
make_certificate
if start_nginx probe "listen PORT; location / { return 404; }"; then
	tls() { # NAME CONFIG: the certificate is NAME.pem
		cp "$1.pem" cert.pem && cp "$1.key" key.pem
		start_nginx "$1" "listen PORT ssl; client_max_body_size 0; $2 location / { proxy_pass http://$registry; }"
	}
	certificate expired IP:127.0.0.1 20200101000000Z 20200201000000Z && tls expired ""
	fails "a certificate that has expired" 1 "certificate has expired" ko-push --oci img --repo "$nginx/a" --ca-file expired.pem one.json
	certificate future IP:127.0.0.1 20900101000000Z 20910101000000Z && tls future ""
	fails "a certificate that is not valid yet" 1 "not yet valid" ko-push --oci img --repo "$nginx/a" --ca-file future.pem one.json
	certificate other DNS:other.example 20200101000000Z 20900101000000Z && tls other ""
	fails "a certificate of another host" 1 "127.0.0.1" ko-push --oci img --repo "$nginx/a" --ca-file other.pem one.json
	certificate old IP:127.0.0.1 20200101000000Z 20900101000000Z && tls old "ssl_protocols TLSv1; ssl_ciphers DEFAULT@SECLEVEL=0;"
	fails "TLS 1.0 only" 1 "it speaks no TLS 1.2 or newer" ko-push --oci img --repo "$nginx/a" --ca-file old.pem one.json
	# a name is compared only after the handshake
	is "each was asked once" "$(cat expired/error.log future/error.log other/error.log old/error.log | grep -c 'SSL_do_handshake() failed')" 3
	certificate now IP:127.0.0.1 20200101000000Z 20900101000000Z && tls now ""
	if command -v faketime >/dev/null; then
		fails "a clock that is years behind: TLS" 1 "not yet valid; is this machine's clock right?" \
			faketime 2010-01-01 ko-push --oci img --repo "$nginx/a" --ca-file now.pem one.json
	else
		skip "a clock that is years behind: TLS" "no faketime"
	fi
else
	skip "certificates" "no nginx"
fi

# ---- the machine ----

open=$registry
if command -v faketime >/dev/null; then
	start_token user=user password=secret
	printf '{"auths":{"%s":{"auth":"%s"}}}' "$registry" "$(printf user:secret | base64)" >"$DOCKER_CONFIG/config.json"
	chmod 600 "$DOCKER_CONFIG/config.json"
	for year in 2010 2090; do
		is "a clock in $year: tokens" "$(faketime $year-01-01 ko-push --oci img --repo "$registry/clock" one.json 2>&1 | jq -r .ref)" \
			"$registry/clock/one@$digest"
	done
	rm "$DOCKER_CONFIG/config.json"
	registry=$open
else
	skip "a wrong clock" "no faketime"
fi

# root reads everything, unless that is taken from it
mortal=
[ "$(id -u)" != 0 ] || mortal="setpriv --bounding-set=-dac_override,-dac_read_search"
echo '{}' >"$DOCKER_CONFIG/config.json"
chmod 0 "$DOCKER_CONFIG/config.json"
start_basic
fails "a config that cannot be read" 1 "docker/config.json: Permission denied" $mortal ko-push --oci img --repo "$registry/a" one.json
rm -f "$DOCKER_CONFIG/config.json"
registry=$open

ko-push --oci img --repo "$registry/closed" one.json >&- 2>err
is "no standard output: status" "$? $(wc -l <err)" "1 1"
{
	ko-push --oci img --repo "$registry/pipe" one.json 2>err
	echo $? >status
} | true
is "nobody reads standard output: status" "$(cat status) $(wc -l <err)" "1 1"
sh -c 'ulimit -v 40000; exec ko-push --oci img --repo "$1/memory" one.json' sh "$registry" >out 2>err
is "little memory: it works or says so" "$(case $?-$(wc -l <err)-$(wc -c <out) in 0-0-* | [1-9]*-1-0) echo yes ;; esac)" yes

if unshare -rm true 2>/dev/null; then
	mkdir small
	rm -rf .ko
	make_layout other 30000000 big >big.json
	ok "a base with a large layer" ko-push --oci other --repo "$registry/team" big.json
	base=$registry/team/big:latest
	make_record app linux/amd64 >app.json
	base=
	mkdir -p keep && cp -r .ko/oci keep/
	cat >small.sh <<-'END'
		mount -t tmpfs -o size=2m tmpfs small || exit 99
		cp -r keep/oci small/ || exit 98
		ko-push --builddir small --repo= app.json
		status=$?
		find small -type f ! -path '*/blobs/sha256/????????????????????????????????????????????????????????????????' ! -name index.json ! -name oci-layout ! -path '*/bases/*' >left
		exit $status
	END
	unshare -rm sh small.sh >out 2>err
	is "the store is on a full disk: status" $? 1
	like "the store is on a full disk: says so" "$(cat err)" "[Nn]o space left"
	is "the store is on a full disk: one line, nothing printed, nothing left" "$(wc -l <err) $(wc -c <out) $(cat left)" "1 0 "
	cat >read-only.sh <<-'END'
		mount -t tmpfs -o size=200m tmpfs small && cp -r keep/oci small/ && mount -o remount,ro small || exit 99
		exec ko-push --builddir small --repo= app.json
	END
	unshare -rm sh read-only.sh >out 2>err
	is "the store is read-only" "$? $(wc -c <out) $(wc -l <err) $(grep -c 'Read-only file system' err)" "1 0 1 1"
	cat >hosts.sh <<-'END'
		printf '2001:db8::1 both.test\n127.0.0.1 both.test\n' >hosts && mount --bind hosts /etc/hosts || exit 99
		exec ko-push --oci img --insecure-registry="both.test:$1" --repo "both.test:$1/both" one.json
	END
	unshare -rm sh hosts.sh "${registry#*:}" >out 2>err
	is "an IPv6 address that leads nowhere, and one that does not" "$? $(jq -r .ref out) $(cat err)" "0 both.test:${registry#*:}/both/one@$digest "
	cat >registry.sh <<-'END'
		mkdir -p disk && mount -t tmpfs -o size=1m tmpfs disk || exit 99
		OTEL_TRACES_EXPORTER=none exec docker-registry serve full.yml
	END
	port=$(free_port)
	sed "s|rootdirectory: [^}]*|rootdirectory: $tmp/disk|; s/addr: '[^']*'/addr: '127.0.0.1:$port'/" registry.yml >full.yml
	unshare -rm sh registry.sh >full.log 2>&1 &
	server_pids="$server_pids $!"
	await_port "$port"
	fails "the registry's disk is full" 5 "HTTP 500.*(no space left|UNKNOWN)" ko-push --oci img --repo "127.0.0.1:$port/full" one.json
else
	skip "full disks" "no name spaces for mounts"
fi

# ---- a signal, and one more while the upload is being cancelled ----

if start_scripted; then
	say 'rule {"m":"PATCH","least":1000000,"n":0,"do":"hang","seconds":20}'
	say 'rule {"m":"DELETE","n":0,"do":"hang","seconds":20}'
	KO_TIMEOUT=60 env --default-signal=INT,HUP,TERM ko-push --oci img --repo "$scripted/a" one.json >out 2>err &
	pid=$!
	while ! say log | grep -q PATCH; do sleep 0.02; done
	kill -HUP $pid
	while ! say log | grep -q DELETE; do sleep 0.02; done
	is "the first one: it cancels" "$(kill -0 $pid && echo yes)" yes
	kill -TERM $pid
	wait $pid 2>/dev/null
	is "the second one: at once" "$? $(cat out err)" "143 "
	# an index that is its own entry, and one of indexes
	say reset
	index='{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.index.v1+json","digest":"sha256:'$(printf x | sha256sum | cut -d ' ' -f 1)'","size":1,"platform":{"os":"linux","architecture":"amd64"}}]}'
	say "manifest a/b latest application/vnd.oci.image.index.v1+json $index"
	fails "an index in an index" 3 "its index has an entry of media type application/vnd.oci.image.index" ko-base "$scripted/a/b"
	# an answer that comes before the end of the body races with the end of the connection
	times=20
	[ -z "${KO_TEST_LONG:-}" ] || times=1000
	printf '{"auths":{"%s":{"auth":"%s"}}}' "$scripted" "$(printf user:secret | base64)" >"$DOCKER_CONFIG/config.json"
	chmod 600 "$DOCKER_CONFIG/config.json"
	lost=0
	for i in $(seq $times); do
		say reset
		say 'set auth "bearer"'
		say 'rule {"m":"PATCH","least":1000,"n":1,"do":"status","code":401,"early":"rst"}'
		ko-push --oci img --repo "$scripted/a" one.json >/dev/null 2>err || { lost=$((lost + 1)) && note "$(cat err)"; }
	done
	is "a 401 and RST while the body is sent, $times times" "$lost" 0
	rm "$DOCKER_CONFIG/config.json"
else
	skip "a second signal" "no server"
fi

# ---- sizes ----

for size in 0 1 65536; do
	make_layout sizes $size "of$size" >size.json
	is "a layer of $size bytes" "$(ko-push --oci sizes --repo "$registry/sizes" size.json 2>&1 | jq -r .ref)" \
		"$registry/sizes/of$size@$(jq -r .image.digest size.json)"
done
if [ -n "${KO_TEST_LONG:-}" ]; then
	large=$((4 * 1024 * 1024 * 1024 + 5))
	mkdir -p large/blobs/sha256 && truncate -s $large large/layer
	hash=$(sha256sum large/layer | cut -d ' ' -f 1)
	mv large/layer "large/blobs/sha256/$hash"
	python3 - "$hash" $large <<-'END' >large.json
		import hashlib, json, sys
		def put(value):
		    data = json.dumps(value).encode()
		    name = hashlib.sha256(data).hexdigest()
		    open("large/blobs/sha256/" + name, "wb").write(data)
		    return {"digest": "sha256:" + name, "size": len(data)}
		layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": "sha256:" + sys.argv[1], "size": int(sys.argv[2])}
		config = dict(put({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]}}),
		    mediaType="application/vnd.oci.image.config.v1+json")
		kind = "application/vnd.oci.image.manifest.v1+json"
		manifest = dict(mediaType=kind, **put({"schemaVersion": 2, "mediaType": kind, "config": config, "layers": [layer]}))
		json.dump({"importpath": "example.com/large", "name": "large", "image": manifest,
		    "platforms": [{"platform": "linux/amd64", "manifest": manifest}]}, sys.stdout)
	END
	ok "a layer of more than 4 GiB" ko-push --oci large --repo "$registry/large" --stats stats large.json
	is "all of it" "$(jq .bytesSent stats | awk '$1 > 4294967296' | wc -l) $(curl -sI "http://$registry/v2/large/large/blobs/sha256:$hash" | tr -d '\r' | sed -n 's/^Content-Length: //p')" "1 $large"
	note "$(cat stats)"
else
	skip "a layer of more than 4 GiB" "KO_TEST_LONG is not set"
fi
done_testing
