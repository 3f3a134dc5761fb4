#!/bin/sh
# ko-patch changes references and nothing else; what the corpus cannot show.
. "$(dirname "$0")/lib.sh"

ref=r.example/app@sha256:$(printf '%064d' 1)
echo "{\"importpath\":\"a\",\"references\":[\"ko://a/b\"],\"ref\":\"$ref\"}" >refs.json

printf 'image: ko://a/b\n' >one.yaml
printf -- '---\nimage: ko://a/b # x\n' >two.yaml
printf '{"image": "ko://a/b"}' >three.json
mkdir -p dir/below && cp one.yaml dir/b.yml && cp two.yaml dir/a.yaml && cp three.json dir/c.json
cp one.yaml dir/below/d.yaml && echo no >dir/e.txt

is "one file" "$(ko-patch -f one.yaml --refs refs.json)" "image: $ref"
is "records on standard input" "$(ko-patch -f one.yaml <refs.json)" "image: $ref"
is "a manifest on standard input" "$(ko-patch -f - --refs refs.json <one.yaml)" "image: $ref"
is "several files are one stream" "$(ko-patch -f one.yaml -f two.yaml -f three.json -f one.yaml --refs refs.json)" "image: $ref
---
image: $ref # x
---
{\"image\": \"$ref\"}
---
image: $ref"
is "a directory, by name" "$(ko-patch -f dir --refs refs.json)" "---
image: $ref # x
---
image: $ref
---
{\"image\": \"$ref\"}"
is "and below" "$(ko-patch -R -f dir --refs refs.json | grep -c image)" 4

printf 'a:\n  - b: ko://c/d\n' >unknown.yaml
ko-patch -f unknown.yaml --refs refs.json >out 2>err
is "a reference without an image: status" $? 3
is "a reference without an image: text" "$(cat err)" "ko-patch: unknown.yaml:2:8: ko://c/d: no image for it in the records; does the pipe begin with ko-scan -f unknown.yaml?"
is "a reference without an image: nothing written" "$(cat out)" ""

printf 'a: b\0c\n' >nul.yaml
like "a NUL byte" "$(ko-patch -f nul.yaml --refs refs.json 2>&1)" 'nul.yaml:1:[0-9]+: malformed YAML'
/usr/bin/python3 -c 'print("[" * 100000)' >deep.yaml
like "deep nesting" "$(ko-patch -f deep.yaml --refs refs.json 2>&1)" 'deep.yaml:1:1001: malformed YAML: nested more than 1000 deep'
/usr/bin/python3 -c '
print("a0: &a0 [x, x]")
for i in range(60): print("a%d: &a%d [*a%d, *a%d]" % (i + 1, i + 1, i, i))
print("image: ko://a/b")' >bomb.yaml
is "an alias bomb is just text" "$(ko-patch -f bomb.yaml --refs refs.json | tail -n 1)" "image: $ref"
printf 'kind: {{ x }}\n{{ if }}\n' >helm.yaml
like "a template: advice" "$(ko-patch -f helm.yaml --refs refs.json 2>&1)" 'helm.yaml:[0-9]+:[0-9]+: malformed YAML: .*--skip-invalid'
is "--skip-invalid passes it on" "$(ko-patch --skip-invalid -f helm.yaml -f one.yaml --refs refs.json)" "$(cat helm.yaml)
---
image: $ref"
printf '{"a": "\\ud83d\\ude00", "image": "ko://a/b"}' >emoji.json
is "JSON with a surrogate pair" "$(ko-patch -f emoji.json --refs refs.json)" "{\"a\": \"\\ud83d\\ude00\", \"image\": \"$ref\"}"
printf '{"a": "\\/", "image": "ko:\\/\\/a\\/b"}' >slash.json
is "JSON with escaped slashes" "$(ko-patch -f slash.json --refs refs.json)" "{\"a\": \"\\/\", \"image\": \"$ref\"}"
printf 'image: ko://a/b\n' | iconv -t UTF-16 >wide.yaml
is "UTF-16" "$(ko-patch -f wide.yaml --refs refs.json | iconv -f UTF-16)" "image: $ref"

printf '%%YAML 1.1\n---\nimage: ko://a/b\n' >directive.yaml
ko-patch -f one.yaml -f directive.yaml -f wide.yaml -f two.yaml --refs refs.json >stream.yaml
is "a stream of all kinds can be read" "$(/usr/bin/python3 -c 'import yaml; print(*[d["image"] for d in yaml.safe_load_all(open("stream.yaml"))])')" "$ref $ref $ref $ref"

fails() {
	name=$1 status=$2 text=$3
	shift 3
	"$@" >out 2>err </dev/null
	is "$name: status" $? "$status"
	like "$name: text" "$(cat err)" "$text"
	is "$name: nothing on stdout" "$(cat out)" ""
}
fails "manifests and records from standard input" 2 'ko-patch: manifests \(-f -\) and records cannot both' ko-patch -f -
fails "standard input twice" 2 'ko-patch: -f -: .*only once' ko-patch -f - -f - refs.json
fails "an address" 2 'ko-patch: https://x/y.yaml: .*-f -' ko-patch -f https://x/y.yaml refs.json
fails "no such file" 1 'ko-patch: none.yaml: no such file' ko-patch -f one.yaml -f none.yaml refs.json
fails "a bad file after good ones" 3 'ko-patch: helm.yaml:' ko-patch -f one.yaml -f helm.yaml refs.json
fails "UTF-16 that ends too soon" 3 'ko-patch: odd.yaml: malformed UTF-16LE at byte 4' \
	sh -c 'printf "\377\376a\000:" >odd.yaml; ko-patch -f odd.yaml refs.json'
printf '{"importpath":"a","references":["ko://a/b"],"ref":"two words"}' >words.json
fails "records with something else" 3 "one.yaml:1:8: ko://a/b: 'two words' in the records is no image" ko-patch -f one.yaml words.json
fails "a full disk" 1 'ko-patch: .*No space left' sh -c 'ko-patch -f one.yaml refs.json >/dev/full'

/usr/bin/python3 - <<'END'
text = "apiVersion: v1\nkind: Pod\n# comment\nspec:\n  image: ko://a/b\n  args: [a, 'b', \"c\"]\n  text: |\n" + "    some text\n" * 40 + "---\n"
open("big.yaml", "w").write(text * (40000000 // len(text)))
END
rss() { /usr/bin/python3 -c '
import resource, subprocess, sys
status = subprocess.run(sys.argv[2:], stdout=open(sys.argv[1], "wb")).returncode
print(status, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024 <= 40 + 16)' "$@"; }
is "40 MB: memory is that of the file and 16 MB" "$(rss big.out ko-patch -f big.yaml refs.json)" "0 True"
ok "and only references change" sh -c "sed 's,r.example/app@sha256:0*1,ko://a/b,' big.out | cmp - big.yaml"
is "and three such files take no more" "$(rss three.out ko-patch -f big.yaml -f big.yaml -f big.yaml refs.json)" "0 True"
is "and with -o" "$(rss /dev/null ko-patch -f big.yaml refs.json -o big.out2)" "0 True"
ok "the same" cmp big.out big.out2
touch -d 2001-01-01 big.out2
ko-patch -f big.yaml refs.json -o big.out2
is "a large output that would not change is not touched" "$(date -r big.out2 +%Y)" 2001
sed -i '$d' big.yaml && printf 'a: [\n' >>big.yaml
fails "an error at the end of a large file" 3 'big.yaml:[0-9]+:1: malformed YAML' ko-patch -f big.yaml refs.json
is "leaves no file behind" "$(ls -a | grep -c '^\.big')" 0

ko-patch -f one.yaml --refs refs.json -o out.yaml && touch -d 2001-01-01 out.yaml
ko-patch -f one.yaml --refs refs.json -o out.yaml
is "an output that would not change is not touched" "$(date -r out.yaml +%Y)" 2001
done_testing
