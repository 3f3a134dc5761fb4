#!/usr/bin/python3
"""verify-layout.py LAYOUT: checks an OCI image layout by recomputing everything in it.

Walks from index.json to every blob that can be reached; prints one line per fault and the number of
blobs seen. Written from the OCI image specification alone, so that it can judge the toolkit's output.
"""

import gzip
import hashlib
import json
import os
import re
import sys
import tarfile

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
LAYERS = {
    "application/vnd.oci.image.layer.v1.tar": "plain",
    "application/vnd.oci.image.layer.v1.tar+gzip": "gzip",
    "application/vnd.docker.image.rootfs.diff.tar.gzip": "gzip",
}
DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")

layout = sys.argv[1]
faults = 0
seen = {}


def fault(where, what):
    global faults
    faults += 1
    print(f"{where}: {what}")


def sha256_of(stream):
    hasher = hashlib.sha256()
    while chunk := stream.read(1 << 20):
        hasher.update(chunk)
    return "sha256:" + hasher.hexdigest()


def without_duplicates(pairs):
    keys = [key for key, _ in pairs]
    if len(keys) != len(set(keys)):
        raise ValueError("a key stands twice")
    return dict(pairs)


def load(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file, object_pairs_hook=without_duplicates)
    except (OSError, ValueError) as error:
        fault(path, error)
        return {}


def blob(descriptor, where):
    """The blob's path, its digest and size checked; None when it cannot be used."""
    digest = descriptor.get("digest", "")
    if not DIGEST.match(digest):
        fault(where, f"digest {digest!r} is no sha256 digest")
        return None
    path = os.path.join(layout, "blobs", "sha256", digest[len("sha256:"):])
    if not os.path.isfile(path):
        fault(where, f"{digest} is not in the layout")
        return None
    if digest not in seen:
        with open(path, "rb") as file:
            if (is_ := sha256_of(file)) != digest:
                fault(path, f"its content has the digest {is_}")
        seen[digest] = os.path.getsize(path)
    if descriptor.get("size") != seen[digest]:
        fault(where, f"{digest}: size {descriptor.get('size')}, the blob has {seen[digest]}")
    return path


def check_layer(descriptor, diff_id, where):
    form = LAYERS.get(descriptor.get("mediaType"))
    if form is None:
        fault(where, f"unknown layer type {descriptor.get('mediaType')!r}")
    path = blob(descriptor, where)
    if path is None or form is None:
        return
    opened = gzip.open if form == "gzip" else open
    try:
        with opened(path, "rb") as file:
            if (is_ := sha256_of(file)) != diff_id:
                fault(path, f"unpacked it has the digest {is_}, the config says {diff_id}")
        with opened(path, "rb") as file, tarfile.open(fileobj=file, mode="r|") as tar:
            names = [member.name.strip("/") for member in tar]
        if len(names) != len(set(names)):
            fault(path, "a file stands twice in the archive")
        for name in names:
            if name.startswith("/") or ".." in name.split("/"):
                fault(path, f"{name!r} leads out of the image")
    except (OSError, EOFError, tarfile.TarError) as error:
        fault(path, error)


def check_config(config, platform, where):
    for field in ("architecture", "os"):
        if not isinstance(config.get(field), str) or not config[field]:
            fault(where, f"no {field}")
        elif platform and platform.get(field) != config[field]:
            fault(where, f"{field} {config[field]}, the index says {platform.get(field)}")
    if config.get("rootfs", {}).get("type") != "layers":
        fault(where, "rootfs.type is not layers")
    diff_ids = config.get("rootfs", {}).get("diff_ids", [])
    history = config.get("history")
    if history is not None:
        filled = [entry for entry in history if not entry.get("empty_layer")]
        if len(filled) != len(diff_ids):
            fault(where, f"history names {len(filled)} layers, there are {len(diff_ids)}")
    return diff_ids


def check_manifest(path, platform):
    manifest = load(path)
    kind = manifest.get("mediaType")
    if manifest.get("schemaVersion") != 2:
        fault(path, "schemaVersion is not 2")
    if kind not in (MANIFEST, DOCKER_MANIFEST):
        fault(path, f"mediaType {kind!r} in a manifest")
    config = manifest.get("config", {})
    if config.get("mediaType") != (CONFIG if kind == MANIFEST else DOCKER_CONFIG):
        fault(path, f"config of type {config.get('mediaType')!r}")
    config_path = blob(config, path)
    if config_path is None:
        return
    diff_ids = check_config(load(config_path), platform, config_path)
    layers = manifest.get("layers", [])
    if len(diff_ids) != len(layers):
        fault(path, f"{len(layers)} layers, but {len(diff_ids)} diff_ids in the config")
    for layer, diff_id in zip(layers, diff_ids):
        check_layer(layer, diff_id, path)


def check_descriptor(descriptor, where):
    path = blob(descriptor, where)
    if path is None:
        return
    kind = descriptor.get("mediaType")
    if kind in (INDEX, DOCKER_LIST):
        check_index(path, kind)
    elif kind in (MANIFEST, DOCKER_MANIFEST):
        if load(path).get("mediaType") != kind:
            fault(where, f"{descriptor['digest']} is not of the type {kind}")
        check_manifest(path, descriptor.get("platform"))
    else:
        fault(where, f"unknown type {kind!r}")


def check_index(path, kind):
    index = load(path)
    if index.get("schemaVersion") != 2:
        fault(path, "schemaVersion is not 2")
    if index.get("mediaType", kind) != kind:
        fault(path, f"mediaType {index['mediaType']!r}, expected {kind}")
    platforms = [json.dumps(m.get("platform"), sort_keys=True) for m in index.get("manifests", [])]
    if path != top and len(platforms) != len(set(platforms)):
        fault(path, "two images for one platform")
    for descriptor in index.get("manifests", []):
        check_descriptor(descriptor, path)


if load(os.path.join(layout, "oci-layout")).get("imageLayoutVersion") != "1.0.0":
    fault("oci-layout", "imageLayoutVersion is not 1.0.0")
top = os.path.join(layout, "index.json")
check_index(top, INDEX)
if not load(top).get("manifests"):
    fault(top, "no images")
names = [m.get("annotations", {}).get("org.opencontainers.image.ref.name")
         for m in load(top).get("manifests", [])]
for name in {name for name in names if name is not None and names.count(name) > 1}:
    fault(top, f"{name!r} stands twice")
print(f"{len(names)} images, {len(seen)} blobs, {faults} faults")
sys.exit(1 if faults else 0)
