"""What is built by both, and what may differ."""

# Every difference between the images that is meant, and why; ko-differences(7) has them in more words.
DIFFERENCES = {
    "layer bytes": "another compressor: digest and size of our layers, and so of config and manifest",
    "build ID": "zeroed in our layers, so that an edit which compiles to the same code is no change",
    "index base.digest": "ko names, for an OCI index, a digest that exists nowhere; we name the base's",
    "artifactType": "ko's library writes the config's type into an index's descriptors; no reader wants it",
    "base fields": "ko drops what its library does not know of a base's config, and adds empty times; we keep it",
    "windows PATH": "ko joins C:\\ko-app with a colon, which parts nothing on Windows; we with a semicolon",
    "vendor": "labels and annotations about the base image itself are not inherited",
    "major version": "a program in .../tool/v2 is called tool, not v2",
    "local time": "SOURCE_DATE_EPOCH is written in UTC; ko writes the machine's time zone",
    "kept back": "with --push=false references are those that a push gives; ko puts the first tag in",
    "relative name": "ko://./cmd/app is the program's import path; ko hashes the text ./cmd/app",
    "commas": "--ldflags is not split at commas",
}


class Case:
    """One run of both.

    name     says what it is about
    args     options, after "build PATH..." or "resolve -f ..."
    paths    operands of build
    config   text of .ko.yaml; BASE and REGISTRY are put in
    env      variables
    files    to write before; manifests of resolve are among them
    resolve  options of resolve; None for build
    differs  keys of DIFFERENCES that apply, beside the first two
    renames  (old, new): what ko calls otherwise, by these differences
    pushes   False: there are only the references to compare
    sbom     of what kind
    sources  "sources", those of fixture.py, or "shop", examples/shop
    short    whether it is in the short form, that of make check
    """

    def __init__(self, name, args=(), paths=("./cmd/app",), config=None, env=None, files=None,
                 resolve=None, differs=(), short=False, base="base/oci", renames=(), sources="sources",
                 pushes=True, sbom="none"):
        self.name, self.args, self.paths, self.config = name, list(args), list(paths), config
        self.env, self.files, self.resolve = env or {}, files or {}, resolve
        self.differs, self.short, self.base = set(differs), short, base
        self.renames, self.sources, self.pushes, self.sbom = renames, sources, pushes, sbom


DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: %s
  labels: {app: %s}
spec:
  template:
    spec:
      containers:
      - name: c
        image: ko://example.com/m/cmd/%s
"""
TWO = DEPLOYMENT % (("app",) * 3) + "---\n" + DEPLOYMENT % (("other",) * 3)
LIST = """apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Pod
  metadata: {name: a, labels: {app: app}}
  spec: {containers: [{name: c, image: "ko://example.com/m/cmd/app"}]}
- apiVersion: v1
  kind: Pod
  metadata: {name: b, labels: {app: other}}
  spec: {containers: [{name: c, image: 'ko://example.com/m/cmd/other'}]}
"""
JSON = '{"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"image": "ko://example.com/m/cmd/other"}]}}\n'
KEYS = "apiVersion: v1\nkind: X\nko://example.com/m/cmd/other: {a: &r ko://example.com/m/cmd/other, b: *r}\n"

SHOP = "backend.yaml frontend.yaml jobs.yaml orders.yml sale.yaml shipping.json".split()

APP = "builds:\n- id: app\n  dir: .\n  main: ./cmd/app\n"

CASES = [
    Case("defaults", short=True),
    Case("no operand", paths=(), config="builds:\n- main: ./cmd/app\n", files={"main.go": "package main\n\nfunc main() {}\n"}),
    Case("import path", paths=["example.com/m/cmd/other"]),
    Case("import path with ko://", paths=["ko://example.com/m/cmd/other"]),
    Case("three programs", paths=["./cmd/app", "./cmd/other", "./cmd/links"], short=True),
    Case("a program in internal", paths=["./internal/cmd/inner"]),
    Case("a program of a replaced module", paths=["example.com/dep/cmd/tool"]),

    # names
    Case("-P", ["-P"]),
    Case("-B", ["-B"]),
    Case("--bare", ["--bare"]),
    Case("-P with -B", ["-P", "-B"]),
    Case("-B with --bare", ["-B", "--bare"]),
    Case("capitals", paths=["./cmd/Caps"]),
    Case("capitals, -P", ["-P"], paths=["./cmd/Caps"]),
    Case("a major version", paths=["./cmd/tool/v2"], differs=["major version"], renames=[("/ko-app/v2", "/ko-app/tool")]),
    Case("--preserve-import-paths=false", ["--preserve-import-paths=false", "--base-import-paths=true"]),

    # tags
    Case("one tag", ["-t", "one"], short=True),
    Case("two tags", ["--tags", "one,two"]),
    Case("tags, repeated", ["-t", "one", "-t", "two", "-t", "one"]),
    Case("latest and another", ["--tags=latest,one"]),
    Case("--tag-only", ["--tag-only", "-t", "v1"]),

    # image
    Case("labels", ["--image-label", "a=b", "--image-label", "c=d=e"]),
    Case("labels, with commas between", ["--image-label", "a=b,c=d"]),
    Case("annotations", ["--image-annotation", "a=b", "--image-annotation=com.example.of=<&>"]),
    Case("user", ["--image-user", "1234:5678"]),
    Case("all of an image", ["--image-label=a=b", "--image-annotation=c=d", "--image-user=me", "-B", "-t", "x"], short=True),

    # platforms
    Case("linux/arm64", ["--platform", "linux/arm64"]),
    Case("two platforms", ["--platform", "linux/amd64,linux/arm64"],
         differs=["index base.digest", "artifactType"], short=True),
    Case("two platforms, in the other order", ["--platform=linux/arm64", "--platform=linux/amd64"],
         differs=["index base.digest", "artifactType"]),
    Case("linux/arm/v7", ["--platform", "linux/arm/v7"]),
    Case("linux/arm", ["--platform", "linux/arm"]),
    Case("linux: all of them", ["--platform", "linux"], differs=["index base.digest", "artifactType"]),
    Case("all", ["--platform", "all"], differs=["index base.digest", "artifactType", "windows PATH"]),
    Case("all, of one image", ["--platform", "all"], base="base/single"),
    Case("windows/amd64", ["--platform", "windows/amd64"], differs=["index base.digest", "artifactType", "windows PATH"]),
    Case("windows of a version", ["--platform", "windows/amd64:10.0.20348"], differs=["windows PATH"]),
    Case("one of the platforms is not there", ["--platform", "linux/amd64,linux/s390x"]),
    Case("platforms in a Docker list", ["--platform", "linux/amd64,linux/arm/v7"], base="base/docker:v1",
         differs=["artifactType"], short=True),
    Case("defaultPlatforms", config="defaultPlatforms: [linux/arm64]\n"),
    Case("defaultPlatforms, one text", config="defaultPlatforms: linux/arm64,linux/amd64\n",
         differs=["index base.digest", "artifactType"]),
    Case("KO_DEFAULTPLATFORMS", config="defaultPlatforms: [linux/amd64]\n", env={"KO_DEFAULTPLATFORMS": "linux/arm64"}),
    Case("GOOS and GOARCH", env={"GOOS": "linux", "GOARCH": "arm64"}),
    Case("GOARM", env={"GOOS": "linux", "GOARCH": "arm", "GOARM": "7"}),

    # bases
    Case("one OCI image", base="base/single"),
    Case("one Docker image", base="base/old"),
    Case("a base with little in it", base="base/bare", differs=["base fields"]),
    Case("a base of a vendor", base="base/vendor", differs=["vendor"]),
    Case("baseImageOverrides", config="defaultBaseImage: REGISTRY/base/oci\nbaseImageOverrides:\n"
         "  example.com/m/cmd/app: REGISTRY/base/single\n", base=None, paths=["./cmd/app", "./cmd/other"]),
    Case("KO_DEFAULTBASEIMAGE goes before the file", config="defaultBaseImage: REGISTRY/nothing\n"),
    Case("baseImageOverrides go before KO_DEFAULTBASEIMAGE", config="baseImageOverrides:\n"
         "  example.com/m/cmd/app: REGISTRY/base/old\n"),
    Case("a base by tag", base="base/docker:v1"),

    # the go command
    Case("--ldflags", ["--ldflags=-s"]),
    Case("--ldflags, two", ["--ldflags=-s -w", "--ldflags", "-X main.version=1"]),
    Case("defaultLdflags", config="defaultLdflags:\n- -s\n- -w\n- -X main.version=2\n", short=True),
    Case("ldflags of a build", config="defaultLdflags: [-s]\n" + APP + "  ldflags: [-w, '-X main.version=3']\n"),
    Case("ldflags as one text", config=APP + "  ldflags: -w -X main.version=4\n"),
    Case("--ldflags goes before the file", ["--ldflags=-X main.version=5"], config=APP + "  ldflags: [-s, -w]\n"),
    Case("defaultFlags", config="defaultFlags: [-tags, special]\n", env={"GOFLAGS": "-tags=special"}, paths=["./cmd/tagged"]),
    Case("flags of a build", config=APP + "  flags:\n  - -gcflags=all=-l\n"),
    Case("flags as one text", config=APP + "  flags: -gcflags=all=-N -v\n"),
    Case("--disable-optimizations", ["--disable-optimizations"]),
    Case("defaultEnv", config="defaultEnv: [GOAMD64=v2]\n"),
    Case("env of a build", config=APP + "  env:\n  - GOAMD64=v3\n", env={"GOAMD64": "v1"}),
    Case("KO_DEFAULTLDFLAGS", env={"KO_DEFAULTLDFLAGS": "-s -w"}),
    Case("the last of two entries", config=APP + "  ldflags: [-s]\n- main: ./cmd/app\n  ldflags: [-X main.version=6]\n"),
    Case("main is a file", config="builds:\n- main: ./cmd/app/main.go\n  ldflags: [-X main.version=7]\n"),
    Case("dir and main", config="builds:\n- dir: ./cmd\n  main: ./app\n  ldflags: [-X main.version=8]\n"),
    Case("a module in dir", config="builds:\n- id: n\n  dir: ./nested\n  main: ./cmd/app\n  ldflags: [-s]\n",
         paths=["example.com/nested/cmd/app"]),
    Case("keys in any case", config="DEFAULTLDFLAGS: [-s]\nBuilds:\n- Main: ./cmd/app\n  Ldflags: [-X main.version=9]\n"),
    Case("capabilities", config=APP + "  linux_capabilities:\n  - net_bind_service\n  - chown\n"),
    Case("capabilities as one text", config=APP + "  linux_capabilities: cap_net_raw=ep chown+i\n"),

    # templates
    Case("a variable", config=APP + "  ldflags: ['-X main.version={{.Env.VERSION}}']\n", env={"VERSION": "v3"}),
    Case("a variable of the build", config=APP + "  env: [VERSION=v4]\n  ldflags: ['-X main.version={{.Env.VERSION}}']\n"),
    Case("git", config=APP + "  ldflags: ['-X main.version={{.Git.Tag}}-{{.Git.ShortCommit}}-{{.Git.CommitTimestamp}}-{{.Git.Branch}}']\n"),
    Case("git's commit", config=APP + "  ldflags: ['-X main.version={{.Git.FullCommit}}{{.Git.CommitDate}}']\n", env={"TZ": "UTC"}),
    Case("go env", config=APP + "  ldflags: ['-X main.version={{.GoEnv.GOHOSTOS}}']\n"),
    Case("the time", config=APP + "  ldflags: ['-X main.version={{.Date}}={{.Timestamp}}']\n",
         env={"SOURCE_DATE_EPOCH": "1600000000", "TZ": "UTC"}),

    # times
    Case("SOURCE_DATE_EPOCH", env={"SOURCE_DATE_EPOCH": "1600000000", "TZ": "UTC"}),
    Case("SOURCE_DATE_EPOCH elsewhere", env={"SOURCE_DATE_EPOCH": "1600000000", "TZ": "America/New_York"},
         differs=["local time"]),
    Case("KO_DATA_DATE_EPOCH", env={"KO_DATA_DATE_EPOCH": "1500000000", "TZ": "UTC"}),

    # content
    Case("links in kodata", paths=["./cmd/links"], short=True),
    Case("empty directories in kodata", files={"cmd/other/kodata/a/b/": None}, paths=["./cmd/other"]),
    Case("long names in kodata", files={"cmd/other/kodata/" + "n" * 120: "x", "cmd/other/kodata/d/" + "ü" * 60: "y"},
         paths=["./cmd/other"]),

    # where settings are
    Case("KO_CONFIG_PATH, a file", env={"KO_CONFIG_PATH": "conf/my.yaml"},
         files={"conf/my.yaml": "defaultLdflags: [-s]\n"}),
    Case("KO_CONFIG_PATH, a directory", env={"KO_CONFIG_PATH": "conf"},
         files={"conf/.ko.yaml": "builds:\n- main: ./cmd/app\n  ldflags: [-w]\n"}),
    Case("-j", ["-j", "2"]),
    Case("--jobs, --push", ["--jobs=1", "--push"]),
    Case("--insecure-registry", ["--insecure-registry"]),
    Case("--image-refs", ["--image-refs=refs"], paths=["./cmd/app"]),
    Case("no tags", ["--tags="], pushes=False),

    # destinations
    Case("an SBOM", sbom="spdx"),
    Case("SBOMs of an index", ["--platform=linux/amd64,linux/arm64"], sbom="spdx",
         differs=["index base.digest", "artifactType"]),
    Case("--oci-layout-path and a push", ["--oci-layout-path=layout"]),
    Case("--tarball and a push", ["--tarball=x.tar", "-t", "one"]),
    Case("--tarball alone", ["--tarball=x.tar", "-t", "one", "--push=false"], pushes=False),
    Case("--push=false", ["--push=false"], pushes=False, differs=["kept back"],
         renames=[(":latest@", "@")]),
    Case("--push=false with a tag", ["--push=false", "-t", "one", "-B"], pushes=False),
    Case("--push=false with two tags", ["--push=false", "-t", "one,two"], pushes=False,
         differs=["kept back"], renames=[(":one@", "@")]),

    # manifests
    Case("two documents", resolve=["-f", "two.yaml"], files={"two.yaml": TWO}, short=True),
    Case("a list", resolve=["-f", "list.yaml"], files={"list.yaml": LIST}),
    Case("JSON", resolve=["-f", "pod.json"], files={"pod.json": JSON}),
    Case("keys and aliases", resolve=["-f", "keys.yaml"], files={"keys.yaml": KEYS}),
    Case("a selector", resolve=["-f", "list.yaml", "-l", "app in (other, x)"], files={"list.yaml": LIST}),
    Case("a directory", resolve=["-f", "config"], files={"config/a.yaml": TWO, "config/b.json": JSON, "config/c/no.yaml": KEYS}),
    Case("directories, recursively", resolve=["-R", "-f", "config"], files={"config/a.yaml": TWO, "config/c/k.yaml": KEYS}),
    Case("resolve, one tag", ["-t", "one", "-B"], resolve=["-f", "two.yaml"], files={"two.yaml": TWO}),
    Case("resolve --tag-only", ["-t", "one", "--tag-only"], resolve=["-f", "two.yaml"], files={"two.yaml": TWO}),
    Case("the shop", resolve=["-R"] + [word for name in SHOP for word in ("-f", "config/" + name)], sources="shop",
         base="base/oci"),
    Case("the shop, for two platforms", ["--platform=linux/amd64,linux/arm64", "-t", "v1", "-B"], sources="shop",
         resolve=["-f", "config/backend.yaml"], differs=["index base.digest", "artifactType"]),
    Case("a relative reference", resolve=["-f", "r.yaml"], files={"r.yaml": "apiVersion: v1\nkind: X\na: ko://./cmd/app\n"},
         differs=["relative name"],
         renames=[("app-390867b1b591733416587905fea59533", "app-231f9b8ca344d7ddccc3d9e0d9d5a45b"),
                  ("ko://./cmd/app", "ko://example.com/m/cmd/app")]),
]
