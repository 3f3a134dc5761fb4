#!/bin/sh
# include ko.mk in somebody's Makefile: goals, nothing to do, cut-off, changed settings.
. "$(dirname "$0")/lib.sh"

cp -R "$top/examples/hello" app && cd app || exit 1
cat >Makefile <<EOF
CFLAGS = untouched
KO_MANIFESTS := config
include $top/mk/ko.mk
mine: ; @echo \$(CFLAGS)
