#!/bin/sh
# The shop: two modules under a go.work, nine services, manifests of many kinds; the same images by
# the driver, make, ninja and the pipe.
. "$(dirname "$0")/lib.sh"

services='cart catalog checkout email frontend migrate operator payment shipping'

# Its directory has the tree's place relative to it, which its Makefile and build.ninja name.
mkdir -p tree/examples && cp -R "$top/examples/shop" tree/examples/shop || exit 1
ln -s "$top/mk" "$top/rules" tree
cd tree/examples/shop || exit 1
rm -rf .ko
manifests='config/backend.yaml config/frontend.yaml config/jobs.yaml config/orders.yml config/sale.yaml config/shipping.json'

# A machine that has none of the modules: they come through the proxy (or from this machine's own
# cache, read as a proxy), into a cache of the test's own.
GOPROXY=file://$(go env GOMODCACHE)/cache/download,$(go env GOPROXY)
GOMODCACHE=$tmp/modcache
GOFLAGS='-modcacherw'
export GOPROXY GOMODCACHE GOFLAGS

# back FILE...: references as they were before.
back() {
	sed -e 's|ko.local/migrate@sha256:[0-9a-f]*|ko://example.com/shop/platform/cmd/migrate|g' \
		-e 's|ko.local/\([a-z]*\)@sha256:[0-9a-f]*|ko://example.com/shop/services/cmd/\1|g' "$@"
}

# images FILE: the references in it, sorted.
images() { grep -o 'ko.local/[a-z]*@sha256:[0-9a-f]*' "$1" | sort -u; }

ok "resolved, with a cold module cache" sh -c 'ko resolve -f config >"$0/driver.yaml" 2>"$0/talk"' "$tmp"
ok "the modules are there" test -d "$GOMODCACHE/google.golang.org"
is "nine images" "$(images "$tmp/driver.yaml" | sed 's/.*local.//;s/@.*//' | xargs)" "$services"

# One manifest at a time its bytes are known exactly.
for manifest in $manifests; do
	ko resolve -f "$manifest" >"$tmp/one" 2>"$tmp/talk"
	back "$tmp/one" >"$tmp/one.back"
	ok "$manifest: only references changed" cmp "$tmp/one.back" "$manifest"
done
is "text about a reference is left alone" \
	"$(grep -c 'Built from ko://example.com/shop/services/cmd/frontend,' "$tmp/driver.yaml")" 1
is "no other reference is left" "$(grep -c ko:// "$tmp/driver.yaml")" 1

ok "the layout, recomputed" "$top/tests/servers/verify-layout.py" .ko/oci
for service in $services; do
	is "skopeo reads $service" "ko.local/$service@$(skopeo --insecure-policy inspect \
		"oci:.ko/oci:$service:latest" | jq -r .Digest)" "$(images "$tmp/driver.yaml" | grep "/$service@")"
done

like "ko build prints one reference" "$(ko build ./services/cmd/cart 2>"$tmp/talk")" \
	"^$(images "$tmp/driver.yaml" | grep /cart@)\$"

umoci unpack --rootless --image .ko/oci:catalog:latest "$tmp/catalog" >"$tmp/.out" 2>&1
kodata=services/cmd/catalog/kodata
is "kodata: the files" "$(cd "$tmp/catalog/rootfs/var/run/ko" && find . -type f | sort | xargs)" \
	"./favicon.svg ./goods.json ./pictures/gopher.svg"
ok "kodata: their content" diff -r "$kodata" "$tmp/catalog/rootfs/var/run/ko"
ok "kodata: a link is followed" test ! -L "$tmp/catalog/rootfs/var/run/ko/favicon.svg"

# The same in other ways, each from nothing.
rm -rf .ko
ok "make ko-resolve" make -s ko-resolve
is "make: the same images" "$(images .ko/resolved.yaml)" "$(images "$tmp/driver.yaml")"
ok "make: the same manifests" cmp .ko/resolved.yaml "$tmp/driver.yaml"
ok "make -C from elsewhere" sh -c "cd / && make -s -C '$PWD' ko-resolve"
like "make: and then nothing" "$(make ko-resolve)" 'Nothing to be done'

rm -rf .ko
ok "the graph" ko-scan --ninja .ko/graph.ninja -f config
ok "ninja ko-resolve" ninja --quiet ko-resolve
ok "ninja: the same manifests" cmp .ko/resolved.yaml "$tmp/driver.yaml"
like "ninja: and then nothing" "$(ninja ko-resolve)" 'no work to do'

# The pipe and each prefix of it.
rm -rf .ko
# is_records FILE FIELD: nine JSON objects, one a line, each with that field.
is_records() {
	[ "$(jq -ce "select($2)" "$1" | wc -l)" = 9 ] && [ "$(wc -l <"$1")" = 9 ] &&
		[ "$(jq -r '.importpath' "$1" | sort -u | wc -l)" = 9 ]
}
ko-scan -f config >"$tmp/scan"
ok "ko-scan" is_records "$tmp/scan" '.references and .found and .dir and .name and .base'
ko-scan -f config | ko-gobuild >"$tmp/gobuild"
ok "... | ko-gobuild" is_records "$tmp/gobuild" '.platforms[0] | .executable and .hash'
ko-scan -f config | ko-gobuild | ko-layer >"$tmp/layer"
ok "... | ko-layer" is_records "$tmp/layer" '.platforms[0].layers[-1].kind == "program"'
is "the kodata layer" "$(jq -c 'select(.name == "catalog") | [.platforms[0].layers[].kind]' "$tmp/layer")" \
	'["kodata","program"]'
ko-scan -f config | ko-gobuild | ko-layer | ko-push >"$tmp/push" 2>"$tmp/talk"
ok "... | ko-push" is_records "$tmp/push" '.ref | test("^ko.local/[a-z]+@sha256:[0-9a-f]{64}$")'
rm -rf .ko
ok "the whole pipe" sh -c 'ko-scan -f config | ko-gobuild | ko-layer | ko-push 2>"$0/talk" |
	ko-patch -f config >"$0/pipe.yaml"' "$tmp"
ok "the pipe: the same manifests" cmp "$tmp/pipe.yaml" "$tmp/driver.yaml"
done_testing
