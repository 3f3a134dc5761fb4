#!/bin/sh
# make install and uninstall, and the installed tools in use.
. "$(dirname "$0")/lib.sh"

ok "install" make -s -C "$top" install DESTDIR="$tmp/root" PREFIX=/usr
ok "a tool is there" test -x root/usr/bin/ko-scan
cp -R "$top/examples/hello" app && cd app || exit 1
printf 'KO_MANIFESTS := config/manifests\ninclude %s/root/usr/share/ko/ko.mk\n' "$tmp" >Makefile
ok "ko.mk finds the tools on PATH" env PATH="$tmp/root/usr/bin:$PATH" make -s ko-resolve
ok "the driver finds its tools beside itself" "$tmp/root/usr/bin/ko" resolve -f config/manifests
ok "a manual can be read" sh -c "MANPATH=$tmp/root/usr/share/man man -w ko-record || mandoc '$tmp/root/usr/share/man/man5/ko-record.5'"
ok "uninstall" make -s -C "$top" uninstall DESTDIR="$tmp/root" PREFIX=/usr
is "nothing is left" "$(find "$tmp/root" -type f)" ""
done_testing
