"""References and configurations, good and bad ones, on which both decide: what ko accepts we accept,
what it refuses we refuse, unless a row says why not."""
from cases import Case

# Why a decision of ours is another one.
SILENT = "ko passes over it in silence; it is a mistake"
CAPITALS = "without a push ko leaves the capitals in, which no repository may have"
STANDARD = "Go's own programs are in no module"
UNCLEAN = "a program has one name: other ways to write its path are refused"
NESTED = "modules without a go.work are found, too"
FILE = "a program is a directory"
OUTSIDE = "links may lead anywhere in the git checkout, as with newer versions of ko"
STRONGER = "an option is stronger than variables"


class Row(Case):
    """A Case with the words of one command; meant, when the decisions are to differ."""

    def __init__(self, name, words, meant=None, **rest):
        super().__init__(name, base=rest.pop("base", "base/single"), **rest)
        self.words, self.meant = words, meant


def reference(text, meant=None, **rest):
    files = {"r.yaml": f"apiVersion: v1\nkind: X\na: {text}\n"}
    return Row(text, ["resolve", "-f", "r.yaml"], meant, files=files, **rest)


def configuration(name, text, meant=None, files=None, **rest):
    return Row(name, ["build", "./cmd/app"], meant, config=text, files=files, **rest)


REFERENCES = [
    reference("ko://example.com/m/cmd/app", short=True),
    reference("ko://example.com/m/cmd/app   # a comment"),
    reference("'ko://example.com/m/cmd/app'"),
    reference("ko://example.com/m/cmd/Caps", CAPITALS),
    reference("ko://example.com/m/cmd/tool/v2"),
    reference("ko://example.com/m/internal/cmd/inner"),
    reference("ko://example.com/m/cmd/testdata/app"),
    reference("ko://example.com/m/cmd/_hidden"),
    reference("ko://example.com/dep/cmd/tool"),
    reference("ko://./cmd/app"),
    reference("ko://../x/cmd/app"),
    reference("ko://cmd/gofmt", STANDARD),
    reference("KO://example.com/m/cmd/app"),
    reference("x ko://example.com/m/cmd/none"),
    reference("example.com/m/cmd/app"),
    reference("ko://example.com/m/cmd/library", short=True),
    reference("ko://example.com/m/cmd/none", short=True),
    reference("ko://example.com/m/cmd/empty"),
    reference("ko://example.com/m/cmd/tagged"),
    reference("ko://example.com/m/cmd/windows"),
    reference("ko://example.com/m/cmd/onlytest"),
    reference("ko://example.com/m/cmd/broken"),
    reference("ko://example.com/m/cmd/syntax"),
    reference("ko://example.com/m/cmd/nomain"),
    reference("ko://example.com/m/cmd/twonames"),
    reference("ko://example.com/m/cmd/app.go"),
    reference("ko://example.com/m/cmd/app/main.go"),
    reference("ko://example.com/m/cmd/app/"),
    reference("ko://example.com/m/cmd//app", UNCLEAN),
    reference("ko://example.com/m/cmd/../cmd/app", UNCLEAN),
    reference("ko://example.com/m/..."),
    reference("ko://example.com/m/cmd/app@v1.0.0"),
    reference("ko://example.com/m/cmd/APP"),
    reference("ko://example.com/other/cmd/app"),
    reference("ko://example.com/nested/cmd/app", NESTED),
    reference("ko://example.com/m/nested/cmd/app"),
    reference("ko://fmt"),
    reference("ko://"),
    reference("'ko:// example.com/m/cmd/app'"),
    reference("ko://-o"),
    reference("ko://./cmd/none"),
    reference("ko://./cmd/app/main.go", FILE),
    reference("ko://C"),
    reference("ko://example.com/m/cmd/äpp"),
    reference("ko://example.com/m/cmd/dangling"),
    reference("ko://example.com/m/cmd/escape"),
    reference("ko://example.com/m/cmd/outside", OUTSIDE),
]

CONFIGURATIONS = [
    configuration("empty", "\n"),
    configuration("a comment", "# nothing\n"),
    configuration("null", "null\n"),
    configuration("a list", "- a\n"),
    configuration("a text", "hello\n"),
    configuration("no YAML", "a: [\n", short=True),
    configuration("a tab", "defaultFlags:\n\t- -v\n"),
    configuration("an unknown key", "defaultBaseImag: x\n", SILENT, short=True),
    configuration("an unknown key of a build", "builds:\n- mian: ./cmd/app\n  main: ./cmd/app\n", SILENT),
    configuration("a key twice", "defaultFlags: [-v]\ndefaultFlags: [-x]\n"),
    configuration("a key twice, in other cases", "defaultFlags: [-v]\nDefaultFlags: [-v]\n", SILENT),
    configuration("no base image", "defaultBaseImage:\n", base=None, env={"KO_DEFAULTBASEIMAGE": "REGISTRY/base/single"}),
    configuration("a base that is no reference", "defaultBaseImage: 'UPPER CASE'\n", base=None),
    configuration("a base that is not there", "defaultBaseImage: REGISTRY/none\n", base=None),
    configuration("a list as base", "defaultBaseImage: [a]\n", base=None),
    configuration("an override that is no reference", "baseImageOverrides:\n  a: 'B C'\n"),
    configuration("overrides as a list", "baseImageOverrides: [a]\n", SILENT),
    configuration("an override for another program", "baseImageOverrides:\n  example.com/x: REGISTRY/none\n"),
    configuration("platforms as one text", "defaultPlatforms: linux/amd64\n"),
    configuration("a platform that nobody has", "defaultPlatforms: [plan9/mips]\n"),
    configuration("a platform of four parts", "defaultPlatforms: [a/b/c/d]\n"),
    configuration("all and another platform", "defaultPlatforms: [all, linux/amd64]\n", SILENT, base="base/oci"),
    configuration("builds as a map", "builds:\n  main: ./cmd/app\n"),
    configuration("builds as a text", "builds: x\n"),
    configuration("no builds", "builds: []\n"),
    configuration("builds is null", "builds:\n"),
    configuration("a directory that is not there", "builds:\n- dir: ./none\n  main: ./cmd/app\n"),
    configuration("a main that is not there", "builds:\n- main: ./cmd/none\n"),
    configuration("a main that is a library", "builds:\n- main: ./cmd/library\n"),
    configuration("a main without Go files", "builds:\n- main: ./cmd/empty\n"),
    configuration("a main by import path", "builds:\n- main: example.com/m/cmd/app\n"),
    configuration("an entry that is a text", "builds: [x]\n"),
    configuration("an empty entry", "builds: [{}]\n"),
    configuration("env without =", "builds:\n- main: ./cmd/app\n  env: [X]\n"),
    configuration("env as a map", "builds:\n- main: ./cmd/app\n  env: {A: b}\n"),
    configuration("flags as a map", "builds:\n- main: ./cmd/app\n  flags: {a: b}\n"),
    configuration("a flag that go does not know", "builds:\n- main: ./cmd/app\n  flags: [-nothing]\n"),
    configuration("a number as flags", "builds:\n- main: ./cmd/app\n  ldflags: 1\n"),
    configuration("-toolexec", "builds:\n- main: ./cmd/app\n  flags: [-toolexec=env]\n"),
    configuration("--toolexec", "defaultFlags: [--toolexec, env]\n"),
    configuration("a template of nothing", "defaultLdflags: ['-X a={{.Nothing}}']\n"),
    configuration("a template that is not closed", "defaultLdflags: ['-X a={{.Env.X']\n"),
    configuration("a template of a variable that is not set", "defaultLdflags: ['-X a={{.Env.NOT_SET_HERE}}']\n"),
    configuration("a template of LDFLAGS", "defaultLdflags: ['{{.Env.LDFLAGS}}']\n"),
    configuration("an unknown capability", "builds:\n- main: ./cmd/app\n  linux_capabilities: [fly]\n"),
    configuration("a capability by number", "builds:\n- main: ./cmd/app\n  linux_capabilities: ['10']\n"),
    configuration("a wrong flag of a capability", "builds:\n- main: ./cmd/app\n  linux_capabilities: cap_chown+x\n"),
    configuration("our labels", "labels: {a: b}\n"),
    Row("both kinds of platform", ["build", "./cmd/app", "--platform=linux/amd64"], STRONGER, env={"GOOS": "linux", "GOARCH": "arm64"}),
    Row("--platform all and another", ["build", "./cmd/app", "--platform=all,linux/amd64"]),
    Row("a label without =", ["build", "./cmd/app", "--image-label=a"]),
    Row("an annotation without =", ["build", "./cmd/app", "--image-annotation=a"]),
    Row("a wrong tag", ["build", "./cmd/app", "--tags=a b"]),
    Row("an epoch that is no number", ["build", "./cmd/app"], env={"SOURCE_DATE_EPOCH": "yesterday"}),
    Row("KO_CONFIG_PATH to nothing", ["build", "./cmd/app"], env={"KO_CONFIG_PATH": "none.yaml"}),
    Row("KO_CONFIG_PATH to a directory without", ["build", "./cmd/app"], env={"KO_CONFIG_PATH": "cmd"}),
    Row("a pattern", ["build", "./..."]),
    Row("a file", ["build", "./cmd/app/main.go"]),
    Row("a directory without a program", ["build", "./cmd/empty"]),
    Row("--sbom of no kind", ["build", "./cmd/app", "--sbom=cyclone"], SILENT),
    Row("no -f", ["resolve"], "nothing asked for is a mistake"),
    Row("-f nothing", ["resolve", "-f", "nothing.yaml"]),
    Row("no YAML", ["resolve", "-f", "x.yaml"], files={"x.yaml": "a: [\n"}),
    Row("a wrong selector", ["resolve", "-f", "x.yaml", "-l", "a b"], files={"x.yaml": "apiVersion: v1\nkind: X\n"}),
    Row("a document that is no object, with a selector", ["resolve", "-f", "x.yaml", "-l", "a=b"], files={"x.yaml": "a: b\n"}),
]
