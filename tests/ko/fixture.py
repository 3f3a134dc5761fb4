"""The sources that both programs build, and the base images they put them on."""
import gzip
import hashlib
import io
import json
import os
import subprocess
import tarfile
import urllib.request

MAIN = "package main\n\nfunc main() { println(%s) }\n"
FILES = {
    "go.mod": "module example.com/m\n\ngo 1.19\n\nrequire example.com/dep v1.0.0\n\n"
              "replace example.com/dep => ./third/dep\n",
    "cmd/app/main.go": 'package main\n\nvar version = "none"\n\nfunc main() { println("app", version) }\n',
    "cmd/app/kodata/text": "a text\n",
    "cmd/app/kodata/deep/er/file.json": "{}\n",
    "cmd/app/kodata/Zebra": "",
    "cmd/other/main.go": MAIN % '"other"',
    "cmd/Caps/main.go": MAIN % '"Caps"',
    "cmd/tool/v2/main.go": MAIN % '"tool"',
    "cmd/library/library.go": "package library\n",
    "cmd/tagged/main.go": "//go:build special\n\n" + MAIN % '"tagged"',
    "cmd/windows/main_windows.go": MAIN % '"windows"',
    "cmd/onlytest/main_test.go": "package main\n",
    "cmd/broken/main.go": "package main\n\nfunc main() { undefined() }\n",
    "cmd/syntax/main.go": "package main\n\nfunc main() {\n",
    "cmd/nomain/nomain.go": "package main\n",
    "cmd/twonames/a.go": "package main\n\nfunc main() {}\n",
    "cmd/twonames/b.go": "package other\n",
    "cmd/empty/README": "no sources here\n",
    "cmd/testdata/app/main.go": MAIN % '"testdata"',
    "cmd/_hidden/main.go": MAIN % '"hidden"',
    "internal/cmd/inner/main.go": MAIN % '"inner"',
    "LICENSE": "a licence\n",
    "cmd/links/main.go": MAIN % '"links"',
    "cmd/links/kodata/real/file": "by several names\n",
    "cmd/outside/main.go": MAIN % '"outside"',
    "cmd/escape/main.go": MAIN % '"escape"',
    "cmd/dangling/main.go": MAIN % '"dangling"',
    "nested/go.mod": "module example.com/nested\n\ngo 1.19\n",
    "nested/cmd/app/main.go": MAIN % '"nested"',
    "third/dep/go.mod": "module example.com/dep\n\ngo 1.19\n",
    "third/dep/cmd/tool/main.go": MAIN % '"dep"',
    "third/dep/dep.go": "package dep\n",
}
LINKS = {
    "cmd/links/kodata/alias": "real/file",
    "cmd/links/kodata/directory": "real",
    "cmd/outside/kodata/LICENSE": "../../../LICENSE",
    "cmd/escape/kodata/passwd": "/etc/passwd",
    "cmd/dangling/kodata/x": "nothing",
}
GIT = ["git", "-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "init.defaultBranch=main"]


def write(root, files):
    for name, text in files.items():
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if text is not None:  # None: a directory
            with open(path, "w") as file:
                file.write(text)


def make(root):
    write(root, FILES)
    for name, target in LINKS.items():
        os.makedirs(os.path.dirname(os.path.join(root, name)), exist_ok=True)
        os.symlink(target, os.path.join(root, name))
    env = dict(os.environ, GIT_AUTHOR_DATE="@1500000000 +0000", GIT_COMMITTER_DATE="@1500000000 +0000")
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"], ["tag", "v1.2.3"]):
        subprocess.run(GIT + words, cwd=root, env=env, check=True)


class Registry:
    """What little of the protocol is needed to put base images there and to read images back."""

    def __init__(self, host):
        self.host = host
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def ask(self, method, path, data=None, **headers):
        url = path if path.startswith("http") else f"http://{self.host}{path}"
        request = urllib.request.Request(url, data=data, method=method, headers=headers)
        with self.opener.open(request) as answer:
            return answer.headers, answer.read()

    def put_blob(self, repo, data):
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        headers, _ = self.ask("POST", f"/v2/{repo}/blobs/uploads/")
        at = headers["Location"]
        self.ask("PUT", f"{at}{'&' if '?' in at else '?'}digest={digest}", data,
                 **{"Content-Type": "application/octet-stream"})
        return {"size": len(data), "digest": digest}

    def put_manifest(self, repo, tag, value):
        data = json.dumps(value).encode()
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        self.ask("PUT", f"/v2/{repo}/manifests/{tag or digest}", data, **{"Content-Type": value["mediaType"]})
        return {"mediaType": value["mediaType"], "size": len(data), "digest": digest}

    def manifest(self, repo, reference):
        accept = ",".join(f"application/vnd.{kind}+json" for kind in (
            "oci.image.index.v1", "oci.image.manifest.v1",
            "docker.distribution.manifest.list.v2", "docker.distribution.manifest.v2"))
        headers, data = self.ask("GET", f"/v2/{repo}/manifests/{reference}", Accept=accept)
        return json.loads(data), "sha256:" + hashlib.sha256(data).hexdigest()

    def blob(self, repo, digest):
        return self.ask("GET", f"/v2/{repo}/blobs/{digest}")[1]

    def json(self, repo, digest):
        return json.loads(self.blob(repo, digest))

    def tags(self, repo):
        return sorted(json.loads(self.ask("GET", f"/v2/{repo}/tags/list")[1])["tags"])


TYPES = {
    "oci": ("application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json",
            "application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.layer.v1.tar+gzip"),
    "docker": ("application/vnd.docker.distribution.manifest.list.v2+json",
               "application/vnd.docker.distribution.manifest.v2+json",
               "application/vnd.docker.container.image.v1+json",
               "application/vnd.docker.image.rootfs.diff.tar.gzip"),
}


def put_image(registry, repo, family, platform, tag=None, config=None, annotations=None):
    _, manifest_type, config_type, layer_type = TYPES[family]
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        text = str(sorted(platform.items())).encode()
        entry = tarfile.TarInfo("etc-base")
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text))
    plain = stream.getvalue()
    layer = dict(mediaType=layer_type, **registry.put_blob(repo, gzip.compress(plain, mtime=0)))
    value = {"created": "2020-02-02T02:02:02Z", "history": [{"created": "2020-02-02T02:02:02Z", "created_by": "test"}],
             "config": {"Env": ["PATH=/bin:/usr/bin", "LANG=C"], "User": "65532", "Cmd": ["sh"],
                        "Entrypoint": ["/bin/sh"], "WorkingDir": "/work",
                        "ExposedPorts": {"80/tcp": {}}, "Labels": {"com.example.kept": "a<b>&c"}}}
    value.update(config or {})
    value.update(platform)
    value = {name: field for name, field in value.items() if field is not None}
    value["rootfs"] = {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(plain).hexdigest()]}
    config = dict(mediaType=config_type, **registry.put_blob(repo, json.dumps(value).encode()))
    manifest = {"schemaVersion": 2, "mediaType": manifest_type, "config": config, "layers": [layer]}
    if annotations:
        manifest["annotations"] = annotations
    return registry.put_manifest(repo, tag, manifest)


PLATFORMS = [
    {"architecture": "amd64", "os": "linux"},
    {"architecture": "arm64", "os": "linux", "variant": "v8"},
    {"architecture": "arm", "os": "linux", "variant": "v7"},
    {"architecture": "amd64", "os": "windows", "os.version": "10.0.17763.1234"},
    {"architecture": "amd64", "os": "windows", "os.version": "10.0.20348.5678"},
]


def put_index(registry, repo, family, tag, platforms, annotations=None):
    entries = []
    for platform in platforms:
        entry = put_image(registry, repo, family, platform,
                          annotations={"com.example.of": "image"} if family == "oci" else None)
        entries.append(dict(entry, platform=platform))
    index = {"schemaVersion": 2, "mediaType": TYPES[family][0], "manifests": entries}
    if annotations:
        index["annotations"] = annotations
    return registry.put_manifest(repo, tag, index)


def put_bases(registry):
    put_index(registry, "base/oci", "oci", "latest", PLATFORMS, {"com.example.of": "index"})
    put_index(registry, "base/docker", "docker", "v1", PLATFORMS[:3])
    put_image(registry, "base/single", "oci", PLATFORMS[0], "latest")
    put_image(registry, "base/old", "docker", PLATFORMS[0], "latest")
    # no environment, no date, no config at all
    put_image(registry, "base/bare", "oci", PLATFORMS[0], "latest", {"created": None, "history": [{"created_by": "x"}], "config": {}, "unknown": 1})
    vendor = {"org.opencontainers.image.title": "base", "org.opencontainers.image.revision": "abc"}
    put_image(registry, "base/vendor", "oci", PLATFORMS[0], "latest",
              {"config": {"Labels": vendor}}, vendor)
