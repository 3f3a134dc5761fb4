# Servers for tests in sh; source it after lib.sh. Each listens on a free loopback port, keeps its files
# in $tmp, and ends with the test. A function that starts one sets a variable to its address.
#
#	start_registry [NAME] [YAML]  $registry_program, docker-registry where it is not set; address in
#	                              $registry. YAML is added to its config
#	start_basic                   the same, asking for user "user", password "secret"
#	start_token [SETTING...]      the same, with tokens of token.py (see there; user=user password=secret);
#	                              what is asked of it is in $tmp/tokens.log
#	start_scripted                scripted.py; addresses in $scripted and $elsewhere, with TLS in
#	                              $scripted_tls; "say COMMAND" speaks to it
#	start_nginx NAME CONFIG       nginx with these lines in its server block, in front of $registry;
#	                              address in $nginx. With "listen PORT ssl" among them TLS is spoken;
#	                              "access_log FILE wire" writes CONNECTION METHOD PATH STATUS
#	make_certificate              $tmp/cert.pem and key.pem, for 127.0.0.1 and localhost
#	make_layout DIR BYTES [NAME]  an image to push
#	make_record NAME PLATFORM...  the record of an image on the built-in base whose layer, a program
#	                              NAME, is in .ko/oci; where $base is set, on that
#	log_of NAME                   what the registry was asked: METHOD PATH STATUS
#	calmly N LOG... -- COMMAND... a push with "--stats stats", run until it opened N connections, ten times
#	                              at most: to a machine that has much to do any registry looks far
#	                              away, and is asked on more of them. The logs have the last run only
#
# Where a program is missing the function fails, and a test says so by skip.

servers=$top/tests/servers
server_pids=

cleanup() { stop_servers; }

# For the cleanup() of a test that starts other things, too.
stop_servers() {
	for pid in $server_pids; do
		kill "$pid" 2>/dev/null
	done
	for pid in $server_pids; do
		wait "$pid" 2>/dev/null
	done
}

free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# Waits until the port answers; at most 10 seconds.
await_port() {
	python3 - "$1" <<-'END'
		import socket, sys, time
		for i in range(500):
		    try:
		        socket.create_connection(("127.0.0.1", int(sys.argv[1]))).close()
		        sys.exit(0)
		    except OSError:
		        time.sleep(0.02)
		sys.exit(1)
	END
}

make_certificate() {
	[ -e "$tmp/key.pem" ] || openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test \
		-addext subjectAltName=IP:127.0.0.1,DNS:localhost \
		-keyout "$tmp/key.pem" -out "$tmp/cert.pem" 2>/dev/null
}

start_registry() {
	registry_name=${1:-registry}
	command -v "$registry_program" >/dev/null || return 1
	registry_port=$(free_port)
	{
		cat <<-END
			version: 0.1
			log: {level: error, accesslog: {disabled: false}}
			storage:
			  filesystem: {rootdirectory: $tmp/$registry_name}
			  delete: {enabled: true}
		END
		printf '%s\n' "${2:-}"
		echo "http: {addr: '127.0.0.1:$registry_port'$registry_http}"
	} >"$tmp/$registry_name.yml"
	OTEL_TRACES_EXPORTER=none "$registry_program" serve "$tmp/$registry_name.yml" >"$tmp/$registry_name.log" 2>&1 &
	registry_pid=$!
	server_pids="$server_pids $registry_pid"
	await_port "$registry_port" || return 1
	registry=127.0.0.1:$registry_port
}
registry_http=
registry_program=docker-registry

start_basic() {
	htpasswd -Bbn user secret >"$tmp/htpasswd" 2>/dev/null || return 1
	start_registry "${1:-basic}" "auth: {htpasswd: {realm: test, path: $tmp/htpasswd}}"
}

start_token() {
	make_certificate || return 1
	rm -f "$tmp/token.port"
	python3 "$servers/token.py" "$tmp/cert.pem" "$tmp/key.pem" "$@" >"$tmp/token.port" 2>"$tmp/tokens.log" &
	server_pids="$server_pids $!"
	while ! [ -s "$tmp/token.port" ]; do sleep 0.02; done
	# by name: crane goes to no realm that is an address
	start_registry token "auth: {token: {realm: 'http://localhost:$(cat "$tmp/token.port")/token', service: registry, issuer: test, rootcertbundle: $tmp/cert.pem}}"
}

start_scripted() {
	make_certificate || return 1
	mkfifo "$tmp/to" "$tmp/from"
	python3 "$servers/scripted.py" --tls "$tmp/cert.pem" "$tmp/key.pem" <"$tmp/to" >"$tmp/from" &
	server_pids="$server_pids $!"
	exec 7>"$tmp/to" 8<"$tmp/from"
	read -r a b c <&8
	scripted=127.0.0.1:$a
	elsewhere=127.0.0.1:$b
	scripted_tls=127.0.0.1:$c
}

# The answer is read to its end before any of it is printed: who reads it may stop early.
say() {
	printf '%s\n' "$*" >&7
	said=
	while read -r answer <&8; do
		case $answer in
		ok | .) break ;;
		esac
		said="$said$answer
"
	done
	printf %s "$said"
}

start_nginx() {
	nginx_program=$(command -v nginx || command -v /usr/sbin/nginx) || return 1
	nginx_port=$(free_port)
	mkdir -p "$tmp/$1"
	cat >"$tmp/$1.conf" <<-END
		daemon off;
		$([ "$(id -u)" = 0 ] && echo 'user root;')
		pid $tmp/$1/pid;
		error_log $tmp/$1/error.log info;
		events {}
		http {
			log_format wire '\$connection \$request_method \$request_uri \$status';
			access_log off;
			client_body_temp_path $tmp/$1/body;
			proxy_temp_path $tmp/$1/proxy;
			fastcgi_temp_path $tmp/$1/fastcgi;
			uwsgi_temp_path $tmp/$1/uwsgi;
			scgi_temp_path $tmp/$1/scgi;
			limit_req_zone \$server_name zone=one:1m rate=5r/s;
			server {
				$(printf '%s\n' "$2" | sed "s/PORT/127.0.0.1:$nginx_port/")
				ssl_certificate $tmp/cert.pem;
				ssl_certificate_key $tmp/key.pem;
			}
		}
	END
	"$nginx_program" -e "$tmp/$1/error.log" -c "$tmp/$1.conf" 2>>"$tmp/$1/error.log" &
	server_pids="$server_pids $!"
	await_port "$nginx_port" || return 1
	nginx=127.0.0.1:$nginx_port
}

# An image: an OCI layout in $1 with one layer of $2 bytes. Prints its record, with the name $3.
make_layout() {
	python3 - "$1" "$2" "${3:-app}" <<-'END'
		import hashlib, json, os, random, sys
		where, size = sys.argv[1], int(sys.argv[2])
		os.makedirs(where + "/blobs/sha256", exist_ok=True)
		def put(data):
		    name = hashlib.sha256(data).hexdigest()
		    open(where + "/blobs/sha256/" + name, "wb").write(data)
		    return {"digest": "sha256:" + name, "size": len(data)}
		layer = put(random.Random(size).randbytes(size))
		config = put(json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers",
		    "diff_ids": [layer["digest"]]}}).encode())
		config["mediaType"] = "application/vnd.oci.image.config.v1+json"
		layer["mediaType"] = "application/vnd.oci.image.layer.v1.tar"
		manifest = put(json.dumps({"schemaVersion": 2, "mediaType":
		    "application/vnd.oci.image.manifest.v1+json", "config": config, "layers": [layer]}).encode())
		manifest["mediaType"] = "application/vnd.oci.image.manifest.v1+json"
		manifest["annotations"] = {"org.opencontainers.image.ref.name": "latest"}
		json.dump({"schemaVersion": 2, "manifests": [manifest]}, open(where + "/index.json", "w"))
		json.dump({"imageLayoutVersion": "1.0.0"}, open(where + "/oci-layout", "w"))
		descriptor = {k: manifest[k] for k in ("mediaType", "digest", "size")}
		print(json.dumps({"importpath": "example.com/" + sys.argv[3], "name": sys.argv[3],
		    "platforms": [{"platform": "linux/amd64", "manifest": descriptor}], "image": descriptor}))
	END
}

make_layer() {
	mkdir -p "$tmp/layer/ko-app" .ko/oci/blobs/sha256
	echo "program $1" >"$tmp/layer/ko-app/$1"
	tar -C "$tmp/layer" --sort=name --owner=0 --group=0 --mtime=@0 -cf "$tmp/layer.tar" ko-app
	gzip -n <"$tmp/layer.tar" >"$tmp/layer.tar.gz"
	layer_hash=$(sha256sum <"$tmp/layer.tar.gz" | cut -d ' ' -f 1)
	cp "$tmp/layer.tar.gz" ".ko/oci/blobs/sha256/$layer_hash"
	printf '{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:%s","size":%s,"diffID":"sha256:%s","kind":"program"}' \
		"$layer_hash" "$(stat -c %s "$tmp/layer.tar.gz")" "$(sha256sum <"$tmp/layer.tar" | cut -d ' ' -f 1)"
	rm -r "$tmp/layer" "$tmp/layer.tar" "$tmp/layer.tar.gz"
}
base=

make_record() {
	record_name=$1
	shift
	record_layer=$(make_layer "$record_name")
	printf '{"importpath":"example.com/%s","name":"%s"%s,"platforms":[' "$record_name" "$record_name" \
		"${base:+,\"base\":\"$base\"}"
	record_comma=
	for record_platform in "$@"; do
		printf '%s{"platform":"%s","layers":[%s]}' "$record_comma" "$record_platform" "$record_layer"
		record_comma=,
	done
	echo ']}'
}

log_of() {
	sed -n 's/.*"\([A-Z]* [^ "]*\) HTTP[^"]*" \([0-9]*\).*/\1 \2/p' "$tmp/$1.log"
}

calmly() {
	calm_want=$1 calm_logs=
	shift
	while [ "$1" != -- ]; do
		calm_logs="$calm_logs $1"
		shift
	done
	shift
	for calm_attempt in 1 2 3 4 5 6 7 8 9 10; do
		for calm_log in $calm_logs; do : >"$tmp/$calm_log"; done
		"$@" || return
		[ "$(jq .connections stats)" != "$calm_want" ] || return 0
		sleep 1
	done
}
