"""One row a mutation: its name, what it does to the tree, and what has to run.

What has to run, at most:
    "nothing"  ninja or make alone
    "look"     tools compare fingerprints; go is not started
    "go"       go runs; whether anything comes after it, clean builds decide
    "scan"     manifests are read again; go is not started
    "image"    tools for layers or images run; go is not started
Several mutations in a list are steps: anything may run for the first, which prepares the others.
A row may also give variables of the environment, in which {root} is the tree.
"""
import os
import shutil
import subprocess
import time


def put(name, text):
    def do(root):
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)
    return do


def add(name, text):
    def do(root):
        with open(os.path.join(root, name), "a") as f:
            f.write(text)
    return do


def swap(name, old, new):
    def do(root):
        path = os.path.join(root, name)
        with open(path) as f:
            text = f.read()
        assert old in text, (name, old)
        with open(path, "w") as f:
            f.write(text.replace(old, new))
    return do


def remove(name):
    def do(root):
        path = os.path.join(root, name)
        shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
    return do


def rename(old, new):
    return lambda root: os.rename(os.path.join(root, old), os.path.join(root, new))


def link(name, target):
    def do(root):
        path = os.path.join(root, name)
        if os.path.lexists(path):
            os.remove(path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.symlink(target, path)
    return do


def touch(name, when=None):
    return lambda root: os.utime(os.path.join(root, name), when and (when, when))


def rewrite(name):
    """The same content in a new file, as an editor or git checkout writes it."""
    def do(root):
        path = os.path.join(root, name)
        with open(path, "rb") as f:
            data = f.read()
        os.remove(path)
        with open(path, "wb") as f:
            f.write(data)
    return do


def keep_time(do, name):
    """An edit that gives the file its old time back, as tar and rsync -t do."""
    def both(root):
        path = os.path.join(root, name)
        before = os.stat(path)
        do(root)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    return both


def chmod(name, mode):
    return lambda root: os.chmod(os.path.join(root, name), mode)


def several(*steps):
    def do(root):
        for step in steps:
            step(root)
    return do


def twice(name, old, first, second):
    """Two edits within one tick of the file system's clock: the length stays."""
    def do(root):
        swap(name, old, first)(root)
        swap(name, first, second)(root)
    return do


def run(*argv):
    return lambda root: subprocess.run(argv, cwd=root, check=True, capture_output=True)


def base_image(label):
    """Another image in the layout "base"."""
    return several(
        lambda root: os.path.exists(os.path.join(root, "base")) or several(
            run("umoci", "init", "--layout", "base"), run("umoci", "new", "--image", "base:one"))(root),
        run("umoci", "config", "--image", "base:one", "--config.label", "is=" + label))


def object_file(text):
    """A compiled object beside the program, as C compilers make them."""
    return several(put("cmd/one/x.txt", text),
                   run("gcc", "-c", "-x", "c", "-o", "cmd/one/x_linux_amd64.syso", "cmd/one/x.txt"),
                   remove("cmd/one/x.txt"))


CGO = several(
    put("cmd/one/c.go", 'package main\n\n// #include "add.h"\nimport "C"\n\n'
                        "func init() { println(C.add(1, 2)) }\n"),
    put("cmd/one/add.h", "int add(int a, int b);\n#define ZERO 0\n"),
    put("cmd/one/add.c", '#include "add.h"\n\nint add(int a, int b) { return a + b + ZERO; }\n'))


MUTATIONS = [
    # name, mutation, what runs, environment
    ("nothing", lambda root: None, "nothing"),
    # own Go files
    ("comment in main", add("cmd/one/main.go", "\n// a comment\n"), "go"),
    ("statement in main", swap("cmd/one/main.go", "lib.Name()", 'lib.Name()+"!"'), "go"),
    ("blank lines in main", swap("cmd/one/main.go", "func main", "\n\nfunc main"), "go"),
    ("file touched", touch("cmd/one/main.go"), "look"),
    ("file touched with an old time", touch("cmd/one/main.go", 1000000000), "image"),
    ("file touched with a future time", touch("cmd/one/main.go", time.time() + 1000), "image"),
    ("file rewritten alike", rewrite("cmd/one/main.go"), "look"),
    ("file added", put("cmd/one/more.go", "package main\n\nfunc init() { println(1) }\n"), "go"),
    ("empty file added", put("cmd/one/more.go", "package main\n"), "go"),
    ("file renamed", rename("cmd/one/extra_linux.go", "cmd/one/other_linux.go"), "go"),
    ("file removed: broken", remove("cmd/one/extra_linux.go"), "go"),
    ("syntax error", add("cmd/one/main.go", "}\n"), "go"),
    ("two edits within a tick", twice("lib/lib.go", '"lib"', '"abc"', '"xyz"'), "go"),
    ("edit in a place with a symlink", several(
        rename("lib/lib.go", "lib/real.txt"), link("lib/lib.go", "real.txt"),
        swap("lib/real.txt", '"lib"', '"sym"')), "go"),
    # other packages
    ("comment in a package", add("lib/lib.go", "\n// a comment\n"), "go"),
    ("gofmt of a package", swap("lib/lib.go", "{ return", "{  return"), "go"),
    ("constant in a package", swap("lib/lib.go", '"lib"', '"other"'), "go"),
    ("package in use gets a file", put("lib/more.go", "package lib\n\nfunc init() { println(2) }\n"), "go"),
    ("unused package", add("unused/unused.go", "\nconst Y = 2\n"), "nothing"),
    ("unused package broken", add("unused/unused.go", "\n}\n"), "nothing"),
    ("directory appears", put("fresh/fresh.go", "package fresh\n"), "look"),
    ("package used from now on", several(
        swap("lib/lib.go", "package lib\n", 'package lib\n\nimport _ "example.com/app/lib/internal/deep"\n')),
     "go"),
    ("unrelated file beside a package", put("lib/README", "x\n"), "look"),
    ("editor's swap file", put("lib/.lib.go.swp", "x\n"), "look"),
    ("test added", put("lib/other_test.go", "package lib\n"), "look"),
    ("test changed", add("lib/lib_test.go", "// x\n"), "nothing"),
    ("test of main changed", add("cmd/one/main_test.go", "// x\n"), "nothing"),
    ("file of underscore name", put("lib/_x.go", "package nothing\n"), "look"),
    # build constraints
    ("file for windows changed", add("cmd/one/extra_windows.go", "// x\n"), "go"),
    ("file for windows becomes one for linux", rename("cmd/one/extra_windows.go", "cmd/one/more_linux.go"), "go"),
    ("tagged file changed", add("cmd/one/tagged.go", "// x\n"), "go"),
    ("tag removed from file", swap("cmd/one/tagged.go", "//go:build special\n", ""), "go"),
    ("tag set", lambda root: None, "go", {"KO_GOFLAGS": "-tags=special"}),
    ("constraint excludes a file", swap("lib/lib.go", "package lib", "//go:build !linux\n\npackage lib"), "go"),
    # assembly, headers, objects
    ("assembly", swap("cmd/two/add_amd64.s", "ADDQ b+8", "SUBQ b+8"), "go"),
    ("comment in assembly", swap("cmd/two/add_amd64.s", "\tRET", "\t// back\n\tRET"), "go"),
    ("header of assembly", put("cmd/two/const.h", "#define EXTRA 7\n"), "go"),
    ("header unused", put("cmd/two/unused.h", "#define X 1\n"), "go"),
    ("assembly for another machine", put("cmd/two/add_arm64.s", "// nothing\n"), "go"),
    ("object file", [object_file("int x = 1;\n"), object_file("int x = 2;\n"),
                     remove("cmd/one/x_linux_amd64.syso")], "go"),
    ("cgo, but not wanted", CGO, "go"),
    ("cgo", [CGO, swap("cmd/one/add.c", "a + b", "a - b"), swap("cmd/one/add.h", "ZERO 0", "ZERO 9"),
             add("cmd/one/add.c", "/* x */\n"), put("cmd/one/more.c", "int more = 1;\n"),
             swap("cmd/one/c.go", "// #include", "// #cgo CFLAGS: -O0\n// #include")], "go",
     {"CGO_ENABLED": "1"}),
    # embedded files
    ("embedded file", put("cmd/two/files/a", "other\n"), "go"),
    ("embedded file below", put("cmd/two/files/sub/b", "other\n"), "go"),
    ("file added to an embedded directory", put("cmd/two/files/c", "c\n"), "go"),
    ("directory added to an embedded directory", put("cmd/two/files/d/e/f", "c\n"), "go"),
    ("file removed from an embedded directory", remove("cmd/two/files/sub/b"), "go"),
    ("hidden file in an embedded directory", put("cmd/two/files/.c", "c\n"), "go"),
    ("hidden file with all:", put("cmd/two/hidden/.dot", "other\n"), "go"),
    ("hidden file added with all:", put("cmd/two/hidden/.more", "x\n"), "go"),
    ("glob gets a file", put("cmd/two/new.txt", "new\n"), "go"),
    ("glob loses a file: broken", remove("cmd/two/note.txt"), "go"),
    ("unrelated file beside embedded ones", put("cmd/two/README", "x\n"), "look"),
    ("unrelated file below the package", put("cmd/two/docs/README", "x\n"), "look"),
    ("hidden file beside embedded ones without all:", put("cmd/two/files/.more", "x\n"), "look"),
    ("glob gets a hidden file", put("cmd/two/.more.txt", "x\n"), "go"),
    ("glob gets a directory", put("cmd/two/dir.txt/below", "x\n"), "go"),
    ("embedded file becomes a symlink", several(
        put("cmd/two/elsewhere", "b\n"), link("cmd/two/files/sub/b", "../../elsewhere")), "go"),
    ("glob's file becomes a symlink: broken", several(
        put("cmd/two/elsewhere", "note\n"), link("cmd/two/note.txt", "elsewhere")), "go"),
    ("embedded directory becomes a module", put("cmd/two/files/sub/go.mod", "module x\n"), "go"),
    ("embedded file becomes a directory", several(
        remove("cmd/two/files/a"), put("cmd/two/files/a/b", "a\n")), "go"),
    ("embedded file touched", touch("cmd/two/files/a"), "look"),
    # modules
    ("replaced module", swap("dep/dep.go", '"dep"', '"changed"'), "go"),
    ("comment in a replaced module", add("dep/dep.go", "// x\n"), "go"),
    ("file added to a replaced module", put("dep/more.go", "package dep\n\nfunc init() { println(3) }\n"), "go"),
    ("go.mod of a replaced module", add("dep/go.mod", "// x\n"), "go"),
    ("go.mod comment", add("go.mod", "// x\n"), "go"),
    ("go version in go.mod", swap("go.mod", "go 1.19", "go 1.21"), "go"),
    ("godebug in main", swap("cmd/one/main.go", "package main", "//go:debug panicnil=1\npackage main"), "go"),
    ("go.sum appears", put("go.sum", ""), "go"),
    ("go.work appears", put("go.work", "go 1.19\n\nuse .\n"), "go"),
    ("go.work uses another module", several(
        put("go.work", "go 1.19\n\nuse (\n\t.\n\t./dep2\n)\n"),
        put("dep2/go.mod", "module example.com/dep\n\ngo 1.19\n"),
        put("dep2/dep.go", 'package dep\n\nconst Name = "two"\n'),
        swap("go.mod", "\nreplace example.com/dep => ./dep\n", "")), "go"),
    ("vendor directory appears", run("go", "mod", "vendor"), "go"),
    ("vendored file changed", several(run("go", "mod", "vendor"), swap("vendor/example.com/dep/dep.go", '"dep"', '"vendored"')), "go"),
    ("replacement points elsewhere", several(
        put("dep3/go.mod", "module example.com/dep\n\ngo 1.19\n"),
        put("dep3/dep.go", 'package dep\n\nconst Name = "three"\n'),
        swap("go.mod", "./dep", "./dep3")), "go"),
    ("module appears between package and root: broken", put("cmd/go.mod", "module x\n"), "go"),
    ("module appears beside packages", put("fresh/go.mod", "module x\n"), "look"),
    ("module exchanged for one with older files", several(
        rename("dep", "dep.old"), put("dep/go.mod", "module example.com/dep\n\ngo 1.19\n"),
        put("dep/dep.go", 'package dep\n\nconst Name = "old"\n'),
        touch("dep/dep.go", 1000000000), touch("dep/go.mod", 1000000000), touch("dep", 1000000000)), "go"),
    ("package exchanged for one with older files", several(
        rename("lib", "lib.old"), put("lib/lib.go", 'package lib\n\nfunc Name() string { return "old" }\n'),
        touch("lib/lib.go", 1000000000), touch("lib", 1000000000)), "go"),
    ("go.work: go.mod of a module that is not used", several(
        put("go.work", "go 1.19\n\nuse (\n\t.\n\t./dep2\n)\n"),
        put("dep2/go.mod", "module example.com/other\n\ngo 1.19\n")), "go"),
    ("vendor directory without a list: broken", put("vendor/x/x.go", "package x\n"), "go"),
    ("overlay", several(put("over.go", 'package lib\n\nfunc Name() string { return "over" }\n'),
                        put("over.json", '{"Replace": {"lib/lib.go": "over.go"}}\n')), "go",
     {"KO_GOFLAGS": "-overlay=over.json"}),
    ("other go.mod", several(put("other.mod", "module example.com/app\n\ngo 1.19\n\n"
                                 "require example.com/dep v0.0.0\n\nreplace example.com/dep => ./dep4\n"),
                             put("dep4/go.mod", "module example.com/dep\n\ngo 1.19\n"),
                             put("dep4/dep.go", 'package dep\n\nconst Name = "four"\n')), "go",
     {"KO_GOFLAGS": "-modfile=other.mod"}),
    ("profile of a package that is no program", put("lib/default.pgo", ""), "look"),
    ("profile appears", put("cmd/one/default.pgo", ""), "go"),
    # settings
    ("another go", lambda root: None, "go", {"PATH": "/usr/lib/go-1.19/bin:{PATH}"}),
    ("toolchain line", swap("go.mod", "go 1.19\n", "go 1.19\n\ntoolchain go1.21.0\n"), "go"),
    ("go env -w", [put("goenv", "GOAMD64=v1\n"), put("goenv", "GOAMD64=v3\n"), put("goenv", "")], "go",
     {"GOENV": "{root}/goenv"}),
    ("go env -w of somebody else", put("xdg/go/env", "GOAMD64=v3\n"), "go", {"XDG_CONFIG_HOME": "{root}/xdg"}),
    ("other go.mod by go env -w", [several(
        put("goenv", "GOFLAGS=-modfile=other.mod\n"),
        put("other.mod", "module example.com/app\n\ngo 1.19\n\n"
            "require example.com/dep v0.0.0\n\nreplace example.com/dep => ./dep4\n"),
        put("dep4/go.mod", "module example.com/dep\n\ngo 1.19\n"),
        put("dep4/dep.go", 'package dep\n\nconst Name = "four"\n')),
        swap("other.mod", "./dep4", "./dep")], "go", {"GOENV": "{root}/goenv"}),
    ("flags", lambda root: None, "go", {"KO_GOFLAGS": "-ldflags=-s"}),
    ("flags that change nothing", lambda root: None, "go", {"KO_GOFLAGS": "-v"}),
    ("GOFLAGS", lambda root: None, "go", {"GOFLAGS": "-tags=special"}),
    ("GOAMD64", lambda root: None, "go", {"GOAMD64": "v2"}),
    ("GOEXPERIMENT", lambda root: None, "go", {"GOEXPERIMENT": "nocoverageredesign"}),
    ("setting that only layers obey", lambda root: None, "image", {"KO_DATA_PATH_ALLOWED_ROOT": "/"}),
    ("SOURCE_DATE_EPOCH", lambda root: None, "image", {"SOURCE_DATE_EPOCH": "1700000000"}),
    ("another variable", lambda root: None, "nothing", {"SOMETHING": "else"}),
    ("ko.yaml appears", put("ko.yaml", "defaultLdflags: [-s]\n"), "go"),
    (".ko.yml appears", put(".ko.yml", "defaultLdflags: [-s]\n"), "go"),
    # bases
    ("base image", [base_image("1"), base_image("2"), touch("base/index.json")], "image",
     {"KO_BASEIMAGE": "oci:base"}),
    # data
    ("kodata file", put("cmd/one/kodata/index.html", "<p>two</p>\n"), "image"),
    ("kodata file added", put("cmd/one/kodata/more/a", "a\n"), "image"),
    ("kodata file removed", several(put("cmd/one/kodata/b", "b\n"), remove("cmd/one/kodata/index.html")), "image"),
    ("kodata file touched", touch("cmd/one/kodata/index.html"), "image"),
    ("kodata symlink", several(link("cmd/one/kodata/l", "index.html")), "image"),
    ("kodata symlink's target", several(put("cmd/one/shared", "1\n"), link("cmd/one/kodata/s", "../shared"),
                                        put("cmd/one/shared", "2\n")), "image"),
    # its package embeds *.txt: any name that appears may be one
    ("kodata appears", put("cmd/two/kodata/x", "x\n"), "go"),
    ("kodata goes", remove("cmd/one/kodata"), "image"),
    ("kodata is a link, which then leads to an older one", [several(
        rename("cmd/one/kodata", "new"), link("cmd/one/kodata", "../../current"), link("current", "new"),
        put("new/more", "more\n"), put("old/index.html", "<p>old</p>\n"), touch("old/index.html", 1000000000), touch("old", 1000000000)),
        link("current", "old"), link("cmd/one/kodata", "../../new")], "image"),
    ("data directory is a link, which then leads to an older one", [several(
        put("new/sub/x", "new\n"), put("old/sub/x", "old\n"), link("current", "new"),
        touch("old/sub/x", 1000000000), touch("old/sub", 1000000000), touch("old", 1000000000)),
        link("current", "old")], "image", {"KO_DATA_PATH": "current/sub"}),
    ("data directory", lambda root: None, "go", {"KO_DATA_PATH": "data"}),
    # manifests
    ("manifest comment", add("config/one.yaml", "# x\n"), "scan"),
    ("manifest added", put("config/three.yaml", "image: ko://example.com/app/cmd/one\n"), "scan"),
    ("manifest touched", touch("config/one.yaml"), "scan"),
    ("other file among the manifests", put("config/README.md", "x\n"), "scan"),
    # names
    ("file with odd letters", put("cmd/one/kodata/a b#c$d:e\u00e9", "x\n"), "image"),
    ("source with odd letters", put("lib/\u00e9t\u00e9.go", "package lib\n\nfunc init() { println(4) }\n"), "go"),
    ("embedded name with a blank", put("cmd/two/files/a b", "x\n"), "go"),
    ("embedded name with special letters", put("cmd/two/files/x#y$z%", "x\n"), "go"),
]

# What leaves no newer time behind. Neither ninja nor make can see it, but ko does.
HIDDEN = [
    ("source overwritten with its old time", keep_time(swap("lib/lib.go", '"lib"', '"bil"'), "lib/lib.go"), "go"),
    ("kodata exchanged for an older one", [several(
        put("old/index.html", "<p>old</p>\n"), touch("old/index.html", 1000000000), touch("old", 1000000000)),
        several(rename("cmd/one/kodata", "new"), rename("old", "cmd/one/kodata"),
                touch("cmd/one", 1000000000))], "image"),
    ("mode in the data directory", [lambda root: None, chmod("data/etc/app.conf", 0o700)], "image", {"KO_DATA_PATH": "data"}),
]
