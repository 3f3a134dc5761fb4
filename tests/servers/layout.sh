# OCI layouts as others make them, to be bases. A test sources this after lib.sh.
#
#	layout_put DIR MEDIATYPE < BYTES   stores a blob and prints its descriptor
#	layout_base DIR PLATFORM...        an image without layers for each platform, and an index over
#	                                   them, with an attestation beside them as BuildKit makes it.
#	                                   The labels are those of a vendor.

layout_put() {
	mkdir -p "$1/blobs/sha256"
	cat >"$1/new"
	layout_digest=$(sha256sum <"$1/new" | cut -d' ' -f1)
	printf '{"mediaType":"%s","digest":"sha256:%s","size":%s}' "$2" "$layout_digest" "$(stat -c %s "$1/new")"
	mv "$1/new" "$1/blobs/sha256/$layout_digest"
}

layout_image() { # DIR PLATFORM: prints the descriptor of the image, with its platform
	layout_platform=$(printf %s "$2" | jq -Rc 'capture("(?<os>[^/]+)/(?<architecture>[^/:]+)(/(?<variant>[^:]+))?(:(?<version>.*))?")
		| {os, architecture} + (if .variant then {variant} else {} end) + (if .version then {"os.version": .version} else {} end)')
	layout_config=$(printf '%s' "$layout_platform" | jq -c '. + {rootfs: {type: "layers", diff_ids: []}, config: {Env: ["PATH=/bin"],
		Labels: {"org.opencontainers.image.title": "base", "kept": "yes"}}}' | layout_put "$1" application/vnd.oci.image.config.v1+json)
	printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":%s,"layers":[]}' "$layout_config" |
		layout_put "$1" application/vnd.oci.image.manifest.v1+json | jq -c ". + {platform: $layout_platform}"
}

layout_base() {
	layout_dir=$1
	shift
	layout_list=
	for layout_each; do layout_list="$layout_list$(layout_image "$layout_dir" "$layout_each"),"; done
	layout_list=$layout_list$(layout_image "$layout_dir" unknown/unknown)
	layout_index=$(printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[%s]}' "$layout_list" |
		layout_put "$layout_dir" application/vnd.oci.image.index.v1+json)
	printf '{"schemaVersion":2,"manifests":[%s]}' "$layout_index" >"$layout_dir/index.json"
	printf '{"imageLayoutVersion":"1.0.0"}' >"$layout_dir/oci-layout"
}
