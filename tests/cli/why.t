#!/bin/sh
# ko why names the file, the setting or the base.
. "$(dirname "$0")/lib.sh"

cp -R "$top/examples/hello" app && cd app || exit 1
why() { ko why -f config/manifests "$@"; }
like "before the first run" "$(why)" 'nothing was made'
ok "a run" ko resolve -f config/manifests
like "up to date" "$(why)" '^github.com/user/myapp for linux/amd64: compiled last because'
echo '// x' >>main.go
is "a source" "$(why myapp)" "github.com/user/myapp for linux/amd64: to be compiled because main.go has changed"
ok "a run" ko resolve -f config/manifests
is "afterwards" "$(why)" "github.com/user/myapp for linux/amd64: compiled last because main.go has changed"
like "a setting" "$(KO_GOFLAGS=-tags=x why)" 'now KO_GOFLAGS=-tags=x'
mkdir kodata && echo 1 >kodata/a
ok "a run" ko resolve -f config/manifests
echo 2 >kodata/a
like "data" "$(why)" '^myapp: to be made because kodata/a has changed'
ko why -f config/manifests other >out 2>err
is "no such image: status" $? 2
like "no such image: text" "$(cat err)" 'no such image here: other'

printf 'KO_MANIFESTS := config/manifests\ninclude %s/mk/ko.mk\n' "$top" >Makefile
ok "make" make -s ko-resolve
sed -i 's/^import/\nimport/' main.go
is "make ko-why" "$(make -s ko-why)" "github.com/user/myapp for linux/amd64: to be compiled because main.go has changed"
done_testing
