#!/bin/sh
# When nothing has changed, not even ninja is started; and what has changed is noticed although its time is an old one.
. "$(dirname "$0")/lib.sh"

mkdir wrap
cat >wrap/ninja <<END
#!/bin/sh
echo ninja >>"$tmp/ran"
[ ! -e "$tmp/kill" ] || kill -9 \$PPID
"$(command -v ninja)" "\$@" || exit
[ ! -e "$tmp/meanwhile" ] || cp -p "$tmp/meanwhile" config/manifests/myapp.yaml
END
chmod +x wrap/ninja
PATH=$tmp/wrap:$PATH
cp -R "$top/examples/hello" app && cd app || exit 1
mkdir data && echo one >data/file
: >../ran
resolve() { ko resolve --repo= -f config/manifests 2>../err; }
build() { KO_DATA_PATH=data ko build --repo= . 2>../err; }
# Runs a function until that needs no ninja; what was changed a moment ago is looked at twice.
settle() {
	for _ in $(seq 50); do
		: >../ran
		"$1" >../out || return
		[ -s ../ran ] || return 0
	done
	return 1
}
quiet() { : >../ran && "$1" >../out && [ ! -s ../ran ]; }
# Exchanges the words of a file that stays as long as it was, and keeps its time.
swap() { sed "s/$2/$3/" "$1" >../new && touch -r "$1" ../new && cp -p ../new "$1"; }

ok "ninja is not started in the end" settle resolve
cp ../out ../first
ok "nor the next time" quiet resolve
is "the same is printed" "$(cat ../out)" "$(cat ../first)"
ok "another goal of the same words" ko resolve --repo= -f config/manifests --image-refs ../refs
is "is the same image" "$(cat ../refs)" "$(sed -n 's/.*\(ko.local[^ "]*\).*/\1/p' ../out)"

swap main.go Hello Hullo
resolve >../out
unlike "a source that was overwritten and has its old time is seen" "$(cat ../out)" "$(grep -o 'sha256:[0-9a-f]*' ../first)"
swap main.go Hullo Hello
is "so is the next one" "$(resolve)" "$(cat ../first)"
settle resolve
manifest=config/manifests/myapp.yaml
swap "$manifest" 'replicas: 1' 'replicas: 7'
like "ko why names it" "$(ko why --repo= -f config/manifests)" "because $manifest has changed, with an old time"
like "a manifest" "$(resolve)" 'replicas: 7'
swap "$manifest" 'replicas: 7' 'replicas: 1'
resolve >/dev/null

settle resolve
for result in .ko/*/*.built.json .ko/*/*.bin.json .ko/*/*.layer.json .ko/*/*.image.json .ko/*/refs.json .ko/*/resolved.yaml; do
	rm "$result"
	is "${result##*/} is made again" "$(resolve && ls "$result")" "$(cat ../first && echo "$result")"
done
settle resolve
rm -rf .ko/oci
is "so is the store" "$(resolve)" "$(cat ../first)"
ok "all of it" skopeo inspect "oci:.ko/oci:myapp:latest"

# neither a run that fails, nor one that is killed, nor what happens meanwhile hides a change
settle resolve
cp main.go ../good.go
echo broken >>main.go
ok "a run that fails" sh -c '! ko resolve --repo= -f config/manifests'
swap "$manifest" 'replicas: 1' 'replicas: 3'
cp ../good.go main.go
like "a change with an old time after it" "$(resolve)" 'replicas: 3'
: >../kill
echo >>main.go
resolve
rm ../kill
swap "$manifest" 'replicas: 3' 'replicas: 1'
is "a change with an old time after a run that was killed" "$(resolve)" "$(cat ../first)"
sed 's/replicas: 1/replicas: 5/' "$manifest" >../meanwhile
touch -d '-1 hour' ../meanwhile
echo >>main.go
resolve >../out
like "a change with an old time while ninja runs" "$(cat ../out; rm ../meanwhile; resolve)" 'replicas: 1.*replicas: 5'
swap "$manifest" 'replicas: 5' 'replicas: 1'
resolve >/dev/null

settle resolve
truncate -s 200 .ko/*/still
is "what was kept is cut off: all is looked at" "$(resolve; cat ../ran)" "$(cat ../first; echo ninja)"
settle resolve
for deps in .ko/*/.ninja_deps; do printf '# ninjadeps\n\377\0\0\0' >"$deps"; done
is "ninja's notes are of another version: ninja decides" "$(resolve)" "$(cat ../first)"
settle resolve
touch -d '+1 day' main.go
: >../ran
resolve >../out
resolve >../out
is "a file from the future: ninja decides each time" "$(cat ../out ../ran)" "$(cat ../first; printf 'ninja\nninja')"
touch main.go

settle build
cp ../out ../first
chmod 700 data/file
unlike "the mode of a file in the data directory" "$(build)" "$(cat ../first)"
mkdir ../old && echo old >../old/file && touch -d '2001-01-01' ../old/file ../old
settle build
cp ../out ../first
mv data ../data && mv ../old data && touch -d '2001-01-01' data .
unlike "a directory that is exchanged for an older one" "$(build)" "$(cat ../first)"
done_testing
