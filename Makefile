# ko toolkit; "make help" shows the goals.

VERSION = 0.1.0
PREFIX = /usr/local
O = build

CC = cc
CFLAGS = -O2 -g
PACKAGES = yaml-0.1 jansson libcurl libssl libcrypto zlib libxxhash \
	$(foreach optional,libisal libzstd,$(shell pkg-config --exists $(optional) && echo $(optional)))

WARN = $(if $(WERROR),-Werror) -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings \
	-Wpointer-arith -Wformat=2 -Wundef -Wvla -Wconversion
HARDEN = -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fPIE
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -Isrc -MMD -MP -pthread $(WARN) \
	$(HARDEN) $(shell pkg-config --cflags $(PACKAGES)) $(CFLAGS)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed -pthread $(LDFLAGS)
LIBS = $(shell pkg-config --libs $(PACKAGES))

TOOLS = $(patsubst tools/%.c,$O/bin/%,$(wildcard tools/*.c))
UNIT = $(patsubst tests/unit/%.c,$O/unit/%,$(wildcard tests/unit/*.c))
FUZZ = $(patsubst tests/fuzz/%.c,$O/fuzz/%,$(wildcard tests/fuzz/*.c))
SRC = $(wildcard src/*/*.c)
SANITIZE = CC=clang CFLAGS='-O1 -g -fsanitize=address,undefined,fuzzer-no-link \
	-fno-sanitize-recover=undefined'

## all: the tools, in build/bin
all: $(TOOLS)

$O/libko.a: $(SRC:%.c=$O/%.o)
	rm -f $@ && $(AR) rcs $@ $^

$O/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

$O/src/graph/ninja.o: rules/ko.ninja
$O/src/formats/static.o: share/static/layer.tar.gz

$O/bin/%: $O/tools/%.o $O/libko.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< $O/libko.a $(LIBS)

$O/unit/%: $O/tests/unit/%.o $O/libko.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< $O/libko.a $(LIBS)

$O/fuzz/%: tests/fuzz/%.c $O/libko.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $< $O/libko.a $(LIBS)

-include $(wildcard $O/*/*.d $O/*/*/*.d)

## demo: install what is missing, build, and resolve examples/hello into an OCI layout
demo: deps
	@$(MAKE) -s all
	@scripts/demo $O

## check: all tests, from a fresh clone on
check: deps-test
	$(MAKE) all unit-tests WERROR=1
	$(MAKE) O=build/sanitize $(SANITIZE) unit-tests fuzzers
	prove -j2 -e '' $(sort $(UNIT) $(UNIT:build/%=build/sanitize/%) $(wildcard tests/cli/*.t))

## check-long: the long forms of the random, kill and fuzz tests
check-long: deps-test
	$(MAKE) all
	$(MAKE) O=build/sanitize $(SANITIZE) fuzzers
	KO_TEST_LONG=1 prove -e '' $(wildcard tests/cli/*.t)

## check-ko: the whole comparison with the Go tool ko, 10 minutes
check-ko: deps-test all
	KO_TEST_LONG=1 prove -v tests/cli/side-by-side.t

## check-cluster: build a kube-apiserver once, and apply to it
check-cluster: deps-test all
	scripts/build-kube-apiserver
	prove tests/cli/apply.t tests/cli/cluster*.t

unit-tests: $(UNIT)
fuzzers: $(FUZZ)

## bench: measure side by side with ko, go build and others; writes docs/bench.md
bench: deps-test all
	bench/run

## install: into $(PREFIX), below $(DESTDIR)
install: all
	install -d $(addprefix $(DESTDIR)$(PREFIX)/,bin share/ko share/man/man1 share/man/man5 share/man/man7)
	install -m 755 $(TOOLS) $(DESTDIR)$(PREFIX)/bin
	install -m 644 mk/ko.mk rules/ko.ninja $(DESTDIR)$(PREFIX)/share/ko
	for n in 1 5 7; do install -m 644 $$(ls man/*.$$n) $(DESTDIR)$(PREFIX)/share/man/man$$n; done

## uninstall: remove what install put there
uninstall:
	cd $(DESTDIR)$(PREFIX) && rm -f $(TOOLS:$O/%=%) share/ko/ko.mk share/ko/ko.ninja \
		$(foreach page,$(notdir $(wildcard man/*)),share/man/man$(subst .,,$(suffix $(page)))/$(page))
	-rmdir $(DESTDIR)$(PREFIX)/share/ko

## deps, deps-test: install the Debian packages to build, to test
deps:
	@scripts/deps build
deps-test:
	@scripts/deps test

format:
	clang-format -i $(SRC) $(wildcard src/*/*.h tools/*.c tests/*/*.[ch])

clean:
	rm -rf $O

help:
	@sed -n 's/^## //p' Makefile

.PHONY: all demo check check-ko check-cluster check-long unit-tests fuzzers bench install uninstall deps deps-test format \
	clean help
.SECONDARY:
