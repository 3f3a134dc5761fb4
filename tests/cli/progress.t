#!/bin/sh
# What ko-push tells: lines for transfers on a terminal, the summary, --stats, -v.
. "$(dirname "$0")/lib.sh"
. "$top/tests/servers/servers.sh"

unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY KO_TIMEOUT KO_RETRY_BUDGET KO_VERBOSE
HOME=$tmp/home
DOCKER_CONFIG=$tmp/docker
KO_RETRY_WAIT=20
export HOME DOCKER_CONFIG KO_RETRY_WAIT
mkdir -p "$HOME" "$DOCKER_CONFIG"
start_scripted || { skip "all" "no server"; done_testing; exit; }
make_layout img 9000000 one >one.json
make_layout img 8000000 two >two.json
make_layout img 1000 three >three.json

# terminal COLUMNS COMMAND...: standard error is a terminal; what came there is in seen, with ESC as ^
terminal() {
	python3 - "$@" <<-'END' >seen
		import fcntl, os, pty, struct, subprocess, sys, termios
		ours, theirs = pty.openpty()
		fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, int(sys.argv[1]), 0, 0))
		child = subprocess.Popen(sys.argv[2:], stdout=open("out", "w"), stderr=theirs)
		os.close(theirs)
		data = b""
		while True:
		    try:
		        part = os.read(ours, 65536)
		    except OSError:
		        break
		    if not part:
		        break
		    data += part
		sys.stdout.write(data.decode().replace("\x1b", "^").replace("\r", "<"))
		sys.exit(child.wait())
	END
}
TERM=xterm
export TERM
hang='rule {"m":"PATCH","least":1000000,"n":2,"do":"hang","seconds":0.6}'

say "$hang"
terminal 200 ko-push --oci img --repo "$scripted/a" one.json two.json three.json
is "status" $? 0
like "a line for a blob: what, how much, how fast, how long" "$(cat seen)" \
	"$scripted/a/one [0-9a-f]{12}: [0-9]+\.[0-9] of 9\.0 MB, [0-9]+\.[0-9] MB/s, [0-9]+ s left"
like "and for the one beside it" "$(tr -d '\n' <seen)" \
	"$scripted/a/one [^<^]*<?$scripted/a/two [0-9a-f]{12}: [0-9]+\.[0-9] of 8\.0 MB"
like "redrawn from the first line" "$(cat seen)" '\^\[1A<\^\[J'
like "erased at the end, then the summary" "$(tr -d '\n' <seen)" \
	'\^\[J<?ko-push: pushed 3 of 3 images, [0-9]+ MB sent, 0 MB already there, 0 mounted, [0-9]+ requests, [0-9]+\.[0-9] s<$'
is "the summary is the only line that stays" "$(tail -n 1 seen | sed 's/.*\^\[J<*//; s/:.*//')" "ko-push"
say again
terminal 200 ko-push --oci img --repo "$scripted/a" one.json two.json three.json
is "nothing new" "$(sed 's/, [0-9.]* s<//; s/<//g' seen)" "ko-push: pushed 0 of 3 images, 0 MB sent, 17 MB already there, 0 mounted, 4 requests"
say "$hang"
terminal 40 ko-push --oci img --repo "$scripted/b" one.json
is "no line is wider than the terminal" "$(tr '<' '\n' <seen | sed 's/\^\[[0-9]*[JA]//g' | grep -v '^ko-push' | awk 'length > 39')" ""
say again
say "$hang"
TERM=dumb terminal 200 ko-push --oci img --repo "$scripted/c" one.json
is "not on a dumb terminal" "$(grep -c 'MB/s' seen)" 0
say again
say 'rule {"m":"PATCH","least":1000000,"n":0,"do":"hang","seconds":0.6}'
KO_RETRY_BUDGET=2 terminal 200 ko-push --oci img --repo "$scripted/d" one.json
is "a failure: status" $? 5
like "a failure: erased, then the error" "$(tr -d '\n' <seen)" '\^\[J<?ko-push: [^^]*blob sha256:[^^]*$'
say again
say 'rule {"m":"PATCH","least":1000000,"n":1,"do":"status","code":429,"h":{"Retry-After":"0"}}'
say 'rule {"m":"PATCH","least":1000000,"n":1,"do":"hang","seconds":0.6}'
terminal 200 ko-push --oci img --repo "$scripted/e" one.json
unlike "other messages are not in the middle of a line" "$(tr '<' '\n' <seen)" 'left.*ko-push'

# no terminal
say again
is "no terminal: silent" "$(ko-push --oci img --repo "$scripted/f" one.json 2>&1 >/dev/null)" ""
jq -c '.name = "four" | .importpath = "example.com/four"' one.json >four.json
say again
ko-push -v --oci img --repo "$scripted/g" --stats stats one.json three.json four.json >out 2>err
like "-v: the summary" "$(tail -n 1 err)" '^ko-push: pushed 3 of 3 images, 9 MB sent, 9 MB already there, 2 mounted, [0-9]+ requests, [0-9.]+ s$'
like "-v: the requests" "$(cat err)" "ko-push: HEAD http://$scripted/v2/g/one/manifests/latest: 404"
is "--stats says the same" "$(jq -r '"pushed \(.pushed) of \(.images) images, \(.bytesSent/1e6|round) MB sent, \(.bytesPresent/1e6|round) MB already there, \(.blobsMounted) mounted, \(.requests) requests"' stats)" \
	"$(tail -n 1 err | sed 's/^ko-push: //; s/, [0-9.]* s$//')"
is "as the server counts" "$(jq .requests stats)" "$(say log | wc -l)"
is "members of --stats" "$(jq -c keys stats)" '["blobsMounted","blobsPresent","blobsSent","bytesPresent","bytesReceived","bytesSent","connections","images","manifestsSent","pushed","requests","seconds","tokens"]'
say again
warning='{"Warning":"299 - \"it moves \u001b[31mto \\\"new\\\" on Friday\""}'
say "rule {\"p\":\"manifests\",\"n\":0,\"do\":\"pass\",\"h\":$warning}"
say "rule {\"p\":\"blobs\",\"n\":0,\"do\":\"pass\",\"h\":{\"Warning\":\"199 - \\\"not for us\\\"\"}}"
ko-push --oci img --repo "$scripted/h" one.json 2>warned >/dev/null
is "a warning of the registry is shown, once, and harmless" "$(cat warned)" "ko-push: $scripted: warning: it moves ?[31mto \"new\" on Friday"
unlike "-v: the state of a session is not shown" "$(cat err)" secretstate
done_testing
