"""An image in a registry, as something that can be compared: without the digests and sizes that
another compressor makes others, and without the build IDs of its program."""
import gzip
import hashlib
import io
import struct
import tarfile

NOTES = (b"Go\0\0", b"GNU\0")


def note_ranges(data):
    """Where the descriptions of build ID notes are in an ELF file: (offset, size) each."""
    wide, little = data[4] == 2, data[5] == 1
    order = "<" if little else ">"
    if wide:
        table, = struct.unpack_from(order + "Q", data, 0x28)
        size, count, _ = struct.unpack_from(order + "HHH", data, 0x3A)
    else:
        table, = struct.unpack_from(order + "I", data, 0x20)
        size, count, _ = struct.unpack_from(order + "HHH", data, 0x2E)
    for i in range(count):
        at = table + i * size
        kind, = struct.unpack_from(order + "I", data, at + 4)
        if kind != 7:  # SHT_NOTE
            continue
        start, length = struct.unpack_from(order + ("QQ" if wide else "II"), data, at + (0x18 if wide else 0x10))
        name_size, size_of, _ = struct.unpack_from(order + "III", data, start)
        name = data[start + 12:start + 12 + name_size]
        if name in NOTES and (name != b"GNU\0" or length < 100):
            yield start + 12 + (name_size + 3) // 4 * 4, size_of


def without_build_ids(tar_bytes):
    """The archive with the build IDs of ELF files in it zeroed."""
    data = bytearray(tar_bytes)
    with tarfile.open(fileobj=io.BytesIO(tar_bytes)) as tar:
        for entry in tar:
            start = entry.offset_data
            if not entry.isfile() or data[start:start + 4] != b"\x7fELF":
                continue
            for offset, size in note_ranges(bytes(data[start:start + entry.size])):
                data[start + offset:start + offset + size] = bytes(size)
    return bytes(data)


def diff_id(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def read_image(registry, repo, reference):
    manifest, digest = registry.manifest(repo, reference)
    config = registry.json(repo, manifest["config"]["digest"])
    for i, layer in enumerate(manifest["layers"]):
        data = gzip.decompress(registry.blob(repo, layer["digest"]))
        if diff_id(data) != config["rootfs"]["diff_ids"][i]:
            raise ValueError(f"{repo}: layer {i} has another diffID than its config says")
        config["rootfs"]["diff_ids"][i] = diff_id(without_build_ids(data))
        if i >= 1:  # ours; those of the base stay the base's
            layer.update(digest="...", size=0)
    manifest["config"].update(digest="...", size=0)
    return {"manifest": manifest, "config": config}


def read(registry, repo, reference):
    """{"images": [{"manifest", "config"}...]}, and "index" where there is one."""
    top, _ = registry.manifest(repo, reference)
    if "manifests" not in top:
        return {"images": [read_image(registry, repo, reference)]}
    images = [read_image(registry, repo, entry["digest"]) for entry in top["manifests"]]
    for entry in top["manifests"]:
        entry.update(digest="...", size=0)
    return {"index": top, "images": images}
