"""A scratch tree of Go modules with every kind of input, and what a clean build makes of it."""
import hashlib
import os
import shutil
import struct
import subprocess

FILES = {
    ".git/HEAD": "ref: refs/heads/main\n",
    "go.mod": "module example.com/app\n\ngo 1.19\n\nrequire example.com/dep v0.0.0\n\n"
              "replace example.com/dep => ./dep\n",
    "cmd/one/main.go": 'package main\n\nimport (\n\t"fmt"\n\n\t"example.com/app/lib"\n'
                       '\t"example.com/dep"\n)\n\nfunc main() { fmt.Println(lib.Name(), dep.Name, extra()) }\n',
    "cmd/one/extra_linux.go": 'package main\n\nfunc extra() string { return "linux" }\n',
    "cmd/one/extra_windows.go": 'package main\n\nfunc extra() string { return "windows" }\n',
    "cmd/one/tagged.go": '//go:build special\n\npackage main\n\nfunc init() { println("special") }\n',
    "cmd/one/main_test.go": "package main\n\nimport \"testing\"\n\nfunc TestX(*testing.T) {}\n",
    "cmd/one/kodata/index.html": "<p>one</p>\n",
    "cmd/two/main.go": 'package main\n\nimport (\n\t"embed"\n\t"fmt"\n\n\t"example.com/app/lib"\n)\n\n'
                       '//go:embed files\nvar files embed.FS\n\n//go:embed *.txt\nvar texts embed.FS\n\n'
                       '//go:embed all:hidden\nvar hidden embed.FS\n\n'
                       'func main() { fmt.Println(lib.Name(), files, texts, hidden, add(1, 2)) }\n',
    "cmd/two/files/a": "a\n",
    "cmd/two/files/sub/b": "b\n",
    "cmd/two/note.txt": "note\n",
    "cmd/two/hidden/.dot": "dot\n",
    "cmd/two/add.go": "package main\n\nfunc add(a, b int64) int64\n",
    "cmd/two/add_amd64.s": '#include "const.h"\n\nTEXT ·add(SB),4,$0-24\n\tMOVQ a+0(FP), AX\n'
                           "\tADDQ b+8(FP), AX\n\tADDQ $EXTRA, AX\n\tMOVQ AX, ret+16(FP)\n\tRET\n",
    "cmd/two/const.h": "#define EXTRA 0\n",
    "lib/lib.go": 'package lib\n\n// Name says who we are.\nfunc Name() string { return "lib" }\n',
    "lib/lib_test.go": "package lib\n",
    "lib/internal/deep/deep.go": "package deep\n\nconst X = 1\n",
    "unused/unused.go": "package unused\n\nconst X = 1\n",
    "dep/go.mod": "module example.com/dep\n\ngo 1.19\n",
    "dep/dep.go": 'package dep\n\nconst Name = "dep"\n',
    "config/one.yaml": "image: ko://example.com/app/cmd/one\n",
    "config/two.yaml": "image: ko://example.com/app/cmd/two\n",
    "data/etc/app.conf": "x=1\n",
}
PROGRAMS = ("one", "two")


def write(root, files):
    for name, text in files.items():
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)


def without_notes(path):
    """The executable with the content of its two build ID notes zeroed, by section headers."""
    with open(path, "rb") as f:
        data = bytearray(f.read())
    shoff, = struct.unpack_from("<Q", data, 40)
    size, count, names = struct.unpack_from("<HHH", data, 58)
    name_table, = struct.unpack_from("<Q", data, shoff + names * size + 24)
    for i in range(count):
        head = shoff + i * size
        name, = struct.unpack_from("<I", data, head)
        end = data.index(0, name_table + name)
        if data[name_table + name:end] in (b".note.go.buildid", b".note.gnu.build-id"):
            offset, length = struct.unpack_from("<QQ", data, head + 24)
            data[offset + 16:offset + length] = bytes(length - 16)
    return hashlib.sha256(data).hexdigest()


def tree_hash(root):
    """Names, contents and targets below a directory, links followed; None when there is none."""
    if not os.path.isdir(root):
        return None
    found = []
    for base, dirs, files in os.walk(root, followlinks=True):
        dirs.sort()
        for name in sorted(files):
            path = os.path.join(base, name)
            with open(path, "rb") as f:
                found.append((os.path.relpath(path, root), f.read(), os.access(path, os.X_OK)))
        found.append((os.path.relpath(base, root), b"", False))
    return repr(sorted(found))


def oracle(root, env, scratch):
    """What a clean build in another place makes: per program a value, or None when it fails."""
    copy = os.path.join(scratch, "clean")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(root, copy, symlinks=True, ignore=shutil.ignore_patterns(".ko", "out"))
    results = {}
    flags = env.get("KO_GOFLAGS", "").split()
    if any(os.path.exists(os.path.join(root, name)) for name in ("ko.yaml", ".ko.yml")):
        flags.append("-ldflags=-s")
    for program in PROGRAMS:
        out = os.path.join(copy, "out-" + program)
        package = "example.com/app/cmd/" + program
        done = subprocess.run(
            ["go", "build", "-trimpath", "-buildvcs=false"] + flags + ["-o", out, package],
            cwd=copy, env=dict({"CGO_ENABLED": "0"}, **env), capture_output=True, check=False)
        if done.returncode:
            results[program] = None
            continue
        data = env.get("KO_DATA_PATH")
        results[program] = (without_notes(out),
                            tree_hash(os.path.join(copy, "cmd", program, "kodata")),
                            tree_hash(os.path.join(copy, data)) if data else None,
                            tree_hash(os.path.join(copy, "base")), env.get("SOURCE_DATE_EPOCH"))
    shutil.rmtree(copy, ignore_errors=True)
    return results
