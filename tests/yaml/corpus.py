"""Documents of many shapes with references in every position. For each: ko-patch changes the
references only, byte for byte; PyYAML (and json for JSON) reads the same tree with the references
replaced, and so do Go's YAML (the program named second) and jq; and patching the result again
changes nothing. Prints TAP."""
import itertools
import json
import os
import random
import subprocess
import sys

import yaml

SCRATCH, GO_TREE = sys.argv[1:3]
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
pairs = []


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


class Writer:
    """Writes random trees as YAML in random styles."""

    WORDS = ("x", "some words", "1.5", "true", "ko:/x", "x" * 200)  # these can be plain
    QUOTED = ("it's", "a # b", "a: b", "é ü", "- x", "~", "", "{{ x }}", "*x", "\U0001f600", "'", '"', "\\")

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.pick = self.random.choice

    def chance(self, p):
        return self.random.random() < p

    def scalar(self):
        words = self.pick((A, B, C)) if self.chance(0.4) else self.pick(self.WORDS + self.QUOTED)
        styles = ["'%s'" % words.replace("'", "''"), json.dumps(words, ensure_ascii=words > "\uffff" or self.chance(0.3))]
        if styles[1].startswith('"\\ud'):
            styles.pop()
        if words not in self.QUOTED:
            styles += [words] * 4
        return self.pick(styles)

    def key(self, n):
        return self.pick(("a%d", "e-f.g/h%d", "with blank%d", "é%d", "'q %d'", '"d: %d"')) % n

    def flow(self, depth):
        comma = "," + self.pick((" ", " ", "  ", "\n          ") + (("\t",) if self.chance(0.02) else ()))
        kind = self.random.random() if depth < 4 else 0
        n = self.random.randrange(4)
        if depth and kind < 0.5:
            return self.scalar()
        if kind < 0.75:
            return "[" + comma.join(self.flow(depth + 1) for _ in range(n)) + "]"
        return "{" + comma.join(self.key(i) + ": " + self.flow(depth + 1) for i in range(n)) + "}"

    def block_scalar(self, indent):
        pad = " " * (indent + self.random.randrange(1, 5))
        text = self.pick((A, B, C, "text", "text\n\n" + pad + "  more ko://x"))
        return " " + self.pick("|>") + self.pick(("", "-", "+")) + self.pick(("", "  # why")) + "\n" + pad + text + \
            self.pick(("\n", "\n\n", "\n  \n"))

    def value(self, indent, depth):
        """What follows a colon or dash at this indentation."""
        kind = self.random.random()
        if depth > 4 or kind < 0.35:
            return " " + self.pick(("", "", "", "&a%d " % self.random.randrange(9999), "!!str ")) + self.scalar() + \
                self.pick(("", "", " ", "  # ko://c")) + "\n"
        if kind < 0.45:
            return self.block_scalar(indent)
        if kind < 0.6:
            return " " + self.flow(0) + "\n"
        end = self.pick(("", "", " ", "  # ko://c", " &b%d" % self.random.randrange(9999))) + "\n"
        if kind < 0.8:
            return end + self.sequence(indent + self.random.randrange(1, 4), depth + 1)
        return end + self.mapping(indent + self.random.randrange(1, 5), depth + 1)

    def filler(self):
        return self.pick(("", "", "", "", "", "\n", "   \n", "# ko://comment\n"))

    def pair(self, indent, depth, n):
        if self.chance(0.1):
            return self.pick((A, B, '"' + C + '"')) + ": %d\n" % n
        if self.chance(0.1):
            return self.key(n) + ":\n" + self.sequence(indent, depth + 1)
        return self.key(n) + ":" + self.value(indent, depth)

    def mapping(self, indent, depth):
        return "".join(self.filler() + " " * indent + self.pair(indent, depth, i) for i in range(self.random.randrange(1, 5)))

    def sequence(self, indent, depth):
        out = ""
        for _ in range(self.random.randrange(1, 4)):
            out += self.filler() + " " * indent + "-"
            if self.chance(0.5) and depth < 5:
                out += " " + self.pair(indent + 2, depth + 1, 9)
                out += self.mapping(indent + 2, depth + 1) if self.chance(0.7) else ""
            else:
                out += self.value(indent, depth)
        return out

    def document(self):
        return self.pick((self.mapping, self.sequence))(0, 0)


def random_documents():
    for seed in range(5000 if os.environ.get("KO_TEST_LONG") else 250):
        writer = Writer(seed)
        yield "---\n".join(writer.document() for _ in range(writer.random.randrange(1, 4)))


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


def node_replaced(node):
    """Of a tree that GO_TREE gives."""
    if not isinstance(node, list):
        return node
    if len(node) > 2 and node[1] == "!!str":
        return node[:2] + [replaced(node[2])] + node[3:]
    return [node_replaced(n) for n in node]


def check_pairs(program, suffix, change):
    """Compares what a program reads in all documents, before and after."""
    names = [p[0] for p in pairs if p[1].endswith(suffix)]
    paths = [q for p in pairs if p[1].endswith(suffix) for q in p[1:]]
    done = subprocess.run(program, input="\n".join(paths), capture_output=True, check=True, text=True)
    trees = [json.loads(line) for line in done.stdout.splitlines()]
    read = 0
    for name, before, after in zip(names, trees[::2], trees[1::2]):
        read += before is not None
        if change(before) != after:
            result(False, "%s: %s" % (program[0], name), (before, after))
    result(read > len(names) * 0.9, "%s reads what it read before in %d files" % (os.path.basename(program[0]), read), (read, len(names)))


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
    pair = [os.path.join(SCRATCH, "%d.%s%s" % (count, when, suffix)) for when in ("before", "after")]
    for file, content in zip(pair, (data, out)):
        with open(file, "wb") as f:
            f.write(content)
    pairs.append((name, *pair))
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
for i, text in enumerate(random_documents()):
    check("random document %d" % i, text.encode(), ".yaml")
check_pairs([GO_TREE], ".yaml", node_replaced)
check_pairs(["xargs", "jq", "-c", "."], ".json", replaced)
print("1..%d" % count)
sys.exit(failed != 0)
