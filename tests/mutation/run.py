"""Applies each mutation to a scratch tree, and takes it back, once through ninja and once through
make. After each step the images must differ from those before exactly where a clean build's differ,
and no more may have run than the table allows. Prints TAP.

    run.py TOP SCRATCH ninja|make [ROW...]      the rows of table.py, or some
    run.py TOP SCRATCH random STEPS             rows at random, on top of each other
"""
import os
import random
import shutil
import subprocess
import sys

import table
import tree

TOP, SCRATCH = sys.argv[1], sys.argv[2]
MODE = sys.argv[3]  # "ninja", "make" or "random"
TOOLS = "ko-scan ko-gobuild ko-layer ko-base ko-image ko-push ko-patch".split()
LOG = os.path.join(SCRATCH, "log")
BIN = os.path.join(SCRATCH, "bin")
count = failed = 0


def result(passed, name, *notes):
    global count, failed
    count += 1
    failed += not passed
    print(("ok" if passed else "not ok"), count, "-", name, flush=True)
    if not passed:
        for note in notes:
            print("#", str(note).replace("\n", "\n# "), flush=True)


def wrappers():
    """Tools and go that note their name before they become the real ones."""
    os.makedirs(BIN, exist_ok=True)
    real_go = shutil.which("go")
    shutil.copy(os.path.join(TOP, "build", "bin", "ko"), BIN)
    for name in TOOLS + ["go"]:
        real = real_go if name == "go" else os.path.join(TOP, "build", "bin", name)
        path = os.path.join(BIN, name)
        if name == "ko-scan":  # finds the other tools beside itself
            shutil.copy(real, path + "-real")
            shutil.copy(real, path)
            continue
        with open(path, "w") as f:
            f.write(f'#!/bin/sh\necho {name} >>"{LOG}"\nexec "{real}" "$@"\n')
        os.chmod(path, 0o755)


def environment(extra):
    env = {name: value for name, value in os.environ.items()
           if not name.startswith(("KO_", "GO", "CGO")) and name not in ("MAKEFLAGS", "MAKELEVEL")}
    env.update(PATH=BIN + ":" + os.environ["PATH"], GOFLAGS="", GOTOOLCHAIN="local",
               GOPROXY=os.environ.get("GOPROXY", ""), KO_CACHE_DIR=os.path.join(SCRATCH, "cache"))
    env.update(extra)
    return env


def build(root, extra, mode):
    """(status, image of each program, how often each tool ran, what was said)."""
    open(LOG, "w").close()
    env = environment(extra)
    if mode == "make":
        argv = ["make", "-s", "ko-resolve", "KO_BIN=" + BIN + "/"]
        out = os.path.join(root, ".ko", "resolved.yaml")
    else:
        argv = [os.path.join(BIN, "ko"), "resolve", "-f", "config"]
        out = None
    done = subprocess.run(argv, cwd=root, env=env, capture_output=True, text=True, check=False)
    with open(LOG) as f:
        ran = [line.strip() for line in f]
    images = {}
    if done.returncode == 0:
        if out:
            with open(out) as f:
                text = f.read()
        else:
            text = done.stdout
        for line in text.splitlines():
            for program in tree.PROGRAMS:
                if "ko.local/" + program + "@" in line:
                    images[program] = line.split("@")[1]
    return done.returncode, images, {name: ran.count(name) for name in TOOLS + ["go"]}, done.stderr


def allowed(ran, what):
    if what == "nothing":
        return not any(ran.values())
    if what == "look":
        return not any(n for name, n in ran.items() if name not in ("ko-gobuild", "ko-scan"))
    if what in ("scan", "image"):
        return ran["go"] == 0
    return True


class Tree:
    """The tree with what was last seen of it: images that were made, and a clean build's result."""

    def __init__(self, mode):
        self.mode = mode
        self.root = os.path.join(SCRATCH, mode)
        shutil.rmtree(self.root, ignore_errors=True)
        tree.write(self.root, tree.FILES)
        with open(os.path.join(self.root, "Makefile"), "w") as f:
            f.write(f"KO_MANIFESTS := config\ninclude {TOP}/mk/ko.mk\n")
        self.images, self.clean = {}, {}
        self.step("first build", "go", {})

    def step(self, name, what, extra):
        status, images, ran, said = build(self.root, extra, self.mode)
        clean = tree.oracle(self.root, environment(extra), SCRATCH)
        broken = any(value is None for value in clean.values())
        ok = allowed(ran, what) and (status != 0) == broken
        if not broken and self.images:
            for program in tree.PROGRAMS:
                same_clean = clean[program] == self.clean.get(program)
                same_image = images.get(program) == self.images.get(program)
                ok = ok and same_clean == same_image
        result(ok, f"{self.mode}: {name}", f"status {status}, allowed {what}, ran {ran}",
               f"images {self.images} -> {images}", f"clean {self.clean} -> {clean}", said)
        if not broken and status == 0:
            self.images, self.clean = images, clean
            self.again(name, extra)

    def again(self, name, extra):
        """Further runs compile nothing; what they keep is what the next step starts from."""
        for _ in range(2):
            _, images, ran, said = build(self.root, extra, self.mode)
            if images != self.images or ran["go"]:
                result(False, f"{self.mode}: {name}, again", f"ran {ran}", f"images {images}", said)


def restore(root):
    """The files as they were first, touching only what differs."""
    for base, dirs, files in os.walk(root, topdown=False):
        for name in files + dirs:
            path = os.path.join(base, name)
            relative = os.path.relpath(path, root)
            if relative.split("/")[0] in (".ko", "Makefile"):
                continue
            if os.path.islink(path) or (os.path.isfile(path) and relative not in tree.FILES):
                os.remove(path)
            elif os.path.isdir(path) and not any(f.startswith(relative + "/") for f in tree.FILES):
                shutil.rmtree(path)
    for name, text in tree.FILES.items():
        path = os.path.join(root, name)
        if not os.path.exists(path) or open(path).read() != text:
            table.put(name, text)(root)


def run_table(mode, names):
    work = Tree(mode)
    rows = table.MUTATIONS + (table.HIDDEN if mode == "ninja" else [])
    for row in [row for row in rows if not names or row[0] in names]:
        name, mutations, what = row[:3]
        extra = {key: value.format(root=work.root, PATH=BIN + ":" + os.environ["PATH"])
                 for key, value in (row[3] if len(row) > 3 else {}).items()}
        steps = mutations if isinstance(mutations, list) else [mutations]
        for i, mutation in enumerate(steps):
            mutation(work.root)
            work.step(name + (f", {i}" if i else ""), what if i or len(steps) == 1 else "go", extra)
        restore(work.root)
        work.step(name + ", taken back", "go", {})


def run_random(steps, seed):
    """Mutations on top of each other; each state compared with a build from nothing."""
    rng = random.Random(seed)
    work = Tree("ninja")
    usable = [row for row in table.MUTATIONS if len(row) == 3 and callable(row[1])]
    for i in range(steps):
        row = rng.choice(usable)
        try:
            row[1](work.root)
        except (AssertionError, OSError, subprocess.CalledProcessError):
            restore(work.root)
        work.step(f"step {i}: {row[0]}", "go", {})
        if rng.random() < 0.2:
            restore(work.root)


wrappers()
if MODE == "random":
    run_random(int(sys.argv[4]), 1)
else:
    run_table(MODE, sys.argv[4:])
print(f"1..{count}")
sys.exit(failed != 0)
