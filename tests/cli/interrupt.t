#!/bin/sh
# A run that is ended at any moment leaves nothing half-written, and the next one is right. SIGINT
# goes to the whole process group, as the terminal sends it; SIGKILL too, which nobody can handle.
. "$(dirname "$0")/lib.sh"

rounds=6
[ -z "$KO_TEST_LONG" ] || rounds=100
cp -R "$top/examples/hello" app && cd app || exit 1

# Runs ko in a process group of its own and sends it a signal after some milliseconds.
cat >"$tmp/hit.py" <<'EOF'
import os, random, signal, subprocess, sys, time
seed, sig = int(sys.argv[1]), int(sys.argv[2])
rng = random.Random(seed)
with open("out.yaml", "wb") as out:
    p = subprocess.Popen(["ko", "resolve", "-f", "config/manifests"], stdout=out, stderr=subprocess.DEVNULL,
                         start_new_session=True)
    # most moments are early ones: later ones are all the linker's
    time.sleep(rng.choice([0.003, 0.01, 0.03, 0.1, 0.3, 1.0]) * rng.random())
    try:
        os.killpg(p.pid, sig)
    except ProcessLookupError:
        pass
    p.wait()
EOF

ok "a first run" sh -c 'ko resolve -f config/manifests >want.yaml'
for signal in 2 9; do
	torn= wrong= left=
	for round in $(seq $rounds); do
		sed -i "s/Hello.*\"/Hello $signal $round\"/" main.go
		[ $((round % 3)) != 0 ] || rm -rf .ko
		/usr/bin/python3 "$tmp/hit.py" $round $signal
		if [ -s out.yaml ] && ! tail -c 30 out.yaml | grep -q containerPort; then
			torn="$torn $round"
		fi
		[ $signal = 9 ] || [ -z "$(find .ko -name '.*.[0-9]*.[0-9]*' 2>/dev/null)" ] || left="$left $round"
		ko resolve -f config/manifests >now.yaml 2>now.err || wrong="$wrong $round(status)"
		rm -rf "$tmp/clean" && mkdir "$tmp/clean" && cp -R go.mod main.go config "$tmp/clean"
		(cd "$tmp/clean" && ko resolve -f config/manifests 2>/dev/null) >clean.yaml
		cmp -s now.yaml clean.yaml || wrong="$wrong $round"
	done
	is "signal $signal: no torn output" "$torn" ""
	is "signal $signal: the next run equals a clean one" "$wrong" ""
	is "signal $signal: no temporary files stay" "$left" ""
done
done_testing
