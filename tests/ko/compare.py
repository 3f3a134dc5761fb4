"""compare.py KO OURS REGISTRY SCRATCH short|long: runs ko and the toolkit side by side, on the cases of
cases.py. Prints TAP."""
import datetime
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys

import yaml

import cases
import fixture
import image
import verdicts

KO, OURS, HOST, SCRATCH, FORM = sys.argv[1:]
registry = fixture.Registry(HOST)
count = failed = 0


def result(passed, name, *notes):
    global count, failed
    count += 1
    failed += not passed
    print("ok" if passed else "not ok", count, "-", name, flush=True)
    if not passed:
        for note in notes:
            print("#", str(note).replace("\n", "\n# "), flush=True)


def environment(repo, case_env, base):
    env = {name: value for name, value in os.environ.items()
           if not name.startswith(("KO_", "CGO_", "SOURCE_DATE")) and name not in (
               "GOFLAGS", "GOOS", "GOARCH", "GOARM", "MAKEFLAGS", "MAKELEVEL")}
    # what ko stamps into programs changes with every commit; ours have no such stamp
    env.update(KO_DOCKER_REPO=repo, GOFLAGS="-buildvcs=false", GOTOOLCHAIN="local", KO_NAMING="md5")
    if base:
        env["KO_DEFAULTBASEIMAGE"] = f"{HOST}/{base}"
    for name, value in case_env.items():
        value = value.replace("REGISTRY", HOST)
        env[name] = f"{env[name]} {value}" if name == "GOFLAGS" else value
    return env


def run(program, words, env, root):
    done = subprocess.run([program] + words, cwd=root, env=env, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=300)
    return done.returncode, done.stdout, done.stderr


class Side:
    """What one of the two printed and pushed."""

    def __init__(self, who, program, case, number, root):
        self.repo = f"{who}/{number}"
        words = ["resolve" if case.resolve else "build", "--sbom=" + case.sbom] + case.args
        words += case.resolve or case.paths
        env = environment(f"{HOST}/{self.repo}", case.env, case.base)
        self.status, self.out, self.said = run(program, words, env, root)
        self.command = " ".join([program] + words)

    def references(self):
        return sorted(set(re.findall(re.escape(HOST) + r"/[\w./:@-]*\w", self.out)))

    def images(self):
        """{reference without digest: image}"""
        found = {}
        for reference in self.references():
            name, _, digest = reference[len(HOST) + 1:].partition("@")
            repo, _, tag = name.partition(":")
            found[self.plain(reference)] = image.read(registry, repo, digest or tag)
            tags = registry.tags(repo)
            found[self.plain(reference)]["tags"] = [re.sub("[0-9a-f]{64}", "HEX", tag) for tag in tags]
            if digest:
                for tag in filter(lambda tag: not tag.endswith(".sbom"), tags):
                    assert registry.manifest(repo, tag)[1] == digest, f"{repo}:{tag} is not {digest}"
        return found

    def plain(self, text):
        return re.sub("sha256:[0-9a-f]{64}", "DIGEST", text.replace(f"{HOST}/{self.repo}", "REPO"))

    def printed(self, resolve):
        text = self.plain(self.out).replace("\t", " ")  # which PyYAML wants in JSON, too
        if not resolve:
            return sorted(text.split())
        return [document for document in yaml.safe_load_all(text) if document is not None]


# What a difference makes of ko's images, {reference: image}. Each changes them; it may look at ours.
def index_base_digest(images, ours, case):
    repo, _, tag = case.base.partition(":")
    for one in images.values():
        if "index" in one:
            one["index"]["annotations"]["org.opencontainers.image.base.digest"] = \
                registry.manifest(repo, tag or "latest")[1]


def artifact_type(images, ours, case):
    for one in images.values():
        for entry in one.get("index", {}).get("manifests", ()):
            entry.pop("artifactType", None)


def vendor(images, ours, case):
    def about_base(name):
        return name.startswith("org.opencontainers.image.") and ".base." not in name
    for one in images.values():
        for each in one["images"]:
            for holder, key in ((each["config"]["config"], "Labels"), (each["manifest"], "annotations")):
                kept = {name: value for name, value in holder.get(key, {}).items() if not about_base(name)}
                holder.pop(key, None)
                if kept:
                    holder[key] = kept


def renamed(value, case):
    text = json.dumps(value)
    for old, new in case.renames:
        text = text.replace(old, new)
    return json.loads(text)


def replace_text(images, old, new):
    text = json.dumps(images)
    images.clear()
    images.update(json.loads(text.replace(old, new)))


def local_time(images, ours, case):
    def utc(match):
        when = datetime.datetime.fromisoformat(match.group())
        return when.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    text = json.dumps(images)
    images.clear()
    images.update(json.loads(re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d", utc, text)))


def major_version(images, ours, case):
    """The program's name in its archive, too, is another one, so its layer."""
    for reference, one in images.items():
        layers = ours[reference]["images"][0]["config"]["rootfs"]["diff_ids"]
        one["images"][0]["config"]["rootfs"]["diff_ids"][-1] = layers[-1]


def windows_path(images, ours, case):
    replace_text(images, "/usr/bin:C:", "/usr/bin;C:")


def base_fields(images, ours, case):
    """A base in a registry is written by all kinds of programs."""
    for one in images.values():
        for each in one["images"]:
            each["config"]["unknown"] = 1
            del each["config"]["history"][0]["created"]


MEANT = {
    "windows PATH": windows_path,
    "base fields": base_fields,
    "major version": major_version,
    "index base.digest": index_base_digest,
    "artifactType": artifact_type,
    "vendor": vendor,
    "local time": local_time,
}


def differences(theirs, ours, path=""):
    """Where two JSON values differ; the order of fields says nothing."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for who, only in (("ko", theirs.keys() - ours.keys()), ("ours", ours.keys() - theirs.keys())):
            for key in sorted(only):
                yield f"{path}/{key}: {who} alone has it: {(theirs | ours)[key]!r}"
        for key in theirs:
            if key in ours:
                yield from differences(theirs[key], ours[key], f"{path}/{key}")
    elif isinstance(theirs, list) and isinstance(ours, list):
        if len(theirs) != len(ours):
            yield f"{path}: ko {theirs}, ours {ours}"
        for i, pair in enumerate(zip(theirs, ours)):
            yield from differences(*pair, f"{path}/{i}")
    elif theirs != ours or type(theirs) is not type(ours):
        yield f"{path}: ko {theirs!r}, ours {ours!r}"


def compare_images(theirs, ours, case):
    for name in sorted(case.differs & MEANT.keys()):
        before = json.dumps(theirs)
        MEANT[name](theirs, ours, case)
        if json.dumps(theirs) == before:
            yield f"the difference \"{name}\" does not show; take it out of the case"
    yield from differences(theirs, ours)


def prepare(root, case):
    shutil.copytree(os.path.join(SCRATCH, case.sources), root, symlinks=True)
    files = dict(case.files)
    if case.config:
        files[".ko.yaml"] = case.config
    fixture.write(root, {name: text and text.replace("REGISTRY", HOST) for name, text in files.items()})


def compare(case, number):
    root = os.path.join(SCRATCH, f"case-{number}")
    prepare(root, case)
    theirs = Side("theirs", KO, case, number, root)
    ours = Side("ours", OURS, case, number, root)
    notes = []
    if theirs.status or ours.status:
        notes += [f"{side.command}: status {side.status}: {side.said}" for side in (theirs, ours)]
    else:
        notes += differences(renamed(theirs.printed(case.resolve), case), ours.printed(case.resolve), "printed")
        if not notes and case.pushes:
            notes += compare_images(renamed(theirs.images(), case), ours.images(), case)
    result(not notes, case.name, *notes[:30])
    shutil.rmtree(root)


def judge(what, table):
    """The same decision on each row, or the one that the row says is meant."""
    for number, row in enumerate(table):
        if FORM == "short" and not row.short:
            continue
        root = os.path.join(SCRATCH, f"{what}-{number}")
        prepare(root, row)
        env = environment(f"{HOST}/{what}", row.env, row.base)
        theirs = run(KO, row.words[:1] + ["--sbom=none", "--push=false"] + row.words[1:], env, root)
        ours = run(OURS, row.words[:1] + ["--sbom=none", "--push=false"] + row.words[1:], env, root)
        decisions = ["refused" if side[0] else "accepted" for side in (theirs, ours)]
        want = decisions[0] if not row.meant else {"accepted": "refused", "refused": "accepted"}[decisions[0]]
        name = f"{what}: {row.name}: {decisions[0]}" + (f"; ours {want}: {row.meant}" if row.meant else "")
        result(decisions[1] == want, name, f"ko: {theirs[1:]}", f"ours: {ours[1:]}")
        if os.environ.get("KO_COMPARE_TELL"):
            print("#   ", ours[2].strip().replace("\n", "\n#    "))
        shutil.rmtree(root)


def main():
    fixture.make(os.path.join(SCRATCH, "sources"))
    shop = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples", "shop")
    shutil.copytree(shop, os.path.join(SCRATCH, "shop"), symlinks=True, ignore=shutil.ignore_patterns(".ko", ".ninja*"))
    fixture.put_bases(registry)
    only = os.environ.get("KO_COMPARE_ONLY")  # a pattern, to look into something
    for number, case in enumerate(cases.CASES):
        if only and not re.search(only, case.name) or not only and FORM == "short" and not case.short:
            continue
        compare(case, number)
    if not only or only == "verdicts":
        judge("reference", verdicts.REFERENCES)
        judge("configuration", verdicts.CONFIGURATIONS)
    print(f"1..{count}")
    sys.exit(failed > 0)


main()
