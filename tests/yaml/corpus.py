"""Documents of many shapes with references in every position. For each: ko-patch changes the
references only, byte for byte; PyYAML (and json for JSON) reads the same tree with the references
replaced; and patching the result again changes nothing. Prints TAP."""
import itertools
import json
import os
import subprocess
import sys

import yaml

SCRATCH = sys.argv[1]
REFS = {
    "ko://example.com/app/cmd/one": "registry.example.com:5000/team/one@sha256:" + "1" * 64,
    "ko://github.com/user/My-App_2.x": "r.example/my-app@sha256:" + "2" * 64,
    "ko://./cmd/two": "ko.local/two@sha256:" + "3" * 64,
}
A, B, C = REFS

# Ways to write a scalar; %s is the reference.
SCALARS = ["%s", "'%s'", '"%s"', "&anchor %s", "!!str %s", "!!str '%s'", "! %s", '&a !!str "%s"']
# Ways to write a scalar that only block context allows.
BLOCKS = ["|\n    %s\n", "|-\n    %s\n", ">\n    %s\n", ">-\n      %s\n", "|2-\n    %s\n".replace("2", ""),
          "\n    %s", "# why\n    %s", "  %s   # what"]
# Places; %s is the scalar.
BLOCK_PLACES = ["image: %s\n", "- %s\n", "a:\n  b:\n    - c\n    - image: %s\n", "? %s\n: value\n",
                "%s: value\n", "- - - %s\n", "x: &x\n  image: %s\ny: *x\n", "--- %s\n",
                "a: 1\n---\nimage: %s\n---\nb: 2\n", "%%YAML 1.1\n---\nimage: %s\n",
                "# comment: ko://not/this\nimage: %s # ko://nor/this\n", "image: %s\n...\n",
                "\n\n  \nimage: %s\n\n\n", "a: text with ko://inside\nimage: %s\n",
                "kind: List\nitems:\n- image: %s\n- other: 1\n", "a: 'it''s'\nimage: %s\nb: \"q\\\"\"\n",
                "é: ü\nimage: %s\nñ: \U0001f600\n", "\tx: 1\n".replace("\t", "") + "image: %s\n"]
FLOW_PLACES = ["{image: %s}\n", "[%s]\n", "[%s, %s]\n", "a: {b: [c, {image: %s}], d: e}\n",
               "{%s: value}\n", "{\n  \"image\": %s ,\n\n  \"x\": 1\n}\n", "- {a: é, image: %s}\n"]
JSON_PLACES = ['{"image": "%s"}', '{\n\t"a": ["%s", "x"],\n\t"b": "%s"\n}\n', '["%s"]',
               '{"%s": 1}', '{"a": "\\u00e9\\n", "image": "%s"}', '{"a":{"b":{"c":"%s"}}}\r\n']

count = failed = 0


def result(passed, name, note=""):
    global count, failed
    count += 1
    failed += not passed
    print("ok" if passed else "not ok", count, "-", name)
    if not passed:
        print("# " + repr(note))


def fill(place, scalar):
    n = place.replace("%%", "").count("%s")
    return (place % ((scalar,) * n)) if n else place


def documents():
    for place, scalar, ref in itertools.product(BLOCK_PLACES + FLOW_PLACES, SCALARS, (A, B)):
        if scalar.startswith("&") and ("? " in place or ": value" in place or place.count("%s") > 1):
            continue
        yield fill(place, scalar % ref)
    for scalar in BLOCKS:
        for place in BLOCK_PLACES[:3:2]:
            if place.startswith("a:"):
                scalar = scalar.replace("    ", "          ")
            yield fill(place, scalar % C)
    yield "image: |\n  %s\nnext: 1\n" % A
    yield "image: '%s '\n" % A
    yield "a: &r %s\nb: *r\n" % A
    yield "a: %s\na: %s\n" % (A, B)
    yield "x: " + "y" * 100000 + "\nimage: %s\n" % A
    yield "".join("- image: %s\n" % r for r in (A, B, C) * 100)


def variants(text):
    yield "plain", text.encode()
    yield "CRLF", text.replace("\n", "\r\n").encode()
    yield "BOM", b"\xef\xbb\xbf" + text.encode()
    yield "no newline at the end", text.rstrip("\n").encode()


def patch(path):
    return subprocess.run(["ko-patch", "-f", path, "--refs", os.path.join(SCRATCH, "refs.json")],
                          capture_output=True, check=False)


def replaced(tree):
    if isinstance(tree, str):
        return REFS.get(tree.rstrip(), None) + tree[len(tree.rstrip()):] if tree.rstrip() in REFS else tree
    if isinstance(tree, list):
        return [replaced(x) for x in tree]
    if isinstance(tree, dict):
        return {replaced(k): replaced(v) for k, v in tree.items()}
    return tree


def back(data):
    for ref, image in REFS.items():
        data = data.replace(image.encode(), ref.encode())
    return data


def load(data, name):
    if name.endswith(".json"):
        return json.loads(data)
    return list(yaml.safe_load_all(data.decode("utf-8-sig")))


def check(name, data, suffix):
    path = os.path.join(SCRATCH, "doc" + suffix)
    with open(path, "wb") as f:
        f.write(data)
    try:
        before = load(data, path)
    except (yaml.YAMLError, ValueError):
        return  # a variant that is no YAML
    done = patch(path)
    if done.returncode:
        return result(False, name, (data[:500], done.stderr))
    out = done.stdout
    if back(out) != data:
        return result(False, name + ": bytes", (data[:500], out[:500]))
    try:
        after = load(out, path)
    except (yaml.YAMLError, ValueError) as e:
        return result(False, name + ": unreadable", (data[:500], out[:500], str(e)))
    if after != (replaced(before) if path.endswith(".json") else [replaced(x) for x in before]):
        return result(False, name + ": tree", (data[:500], out[:500]))
    with open(path, "wb") as f:
        f.write(out)
    again = patch(path)
    result(again.stdout == out, name, (out[:500], again.stdout[:500], again.stderr))


with open(os.path.join(SCRATCH, "refs.json"), "w") as f:
    for i, (ref, image) in enumerate(REFS.items()):
        f.write(json.dumps({"importpath": "p%d" % i, "references": [ref], "ref": image}) + "\n")
for i, text in enumerate(documents()):
    for name, data in variants(text):
        if i % 3 == 0 or name == "plain":
            check("document %d, %s" % (i, name), data, ".yaml")
for i, place in enumerate(JSON_PLACES):
    for ref in (A, B, C):
        check("JSON %d" % i, fill(place.replace("%s", "\0").replace("%", "%%").replace("\0", "%s"), ref).encode(), ".json")
print("1..%d" % count)
sys.exit(failed != 0)
