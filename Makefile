# ko toolkit. "make help" lists what there is to make.

VERSION = 0.1.0
PREFIX = /usr/local
O = build

CC = cc
CFLAGS = -O2 -g
PACKAGES = yaml-0.1 jansson libcurl libcrypto zlib libisal libxxhash

WARN = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings \
	-Wpointer-arith -Wformat=2 -Wundef -Wvla -Wconversion
HARDEN = -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fPIE
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -Isrc -MMD -MP -pthread $(WARN) \
	$(HARDEN) $(shell pkg-config --cflags $(PACKAGES)) $(CFLAGS)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now,--as-needed -pthread $(LDFLAGS)
LIBS = $(shell pkg-config --libs $(PACKAGES))

TOOLS = $(patsubst tools/%.c,$O/bin/%,$(wildcard tools/*.c))
UNIT = $(patsubst tests/unit/%.c,$O/unit/%,$(wildcard tests/unit/*.c))
SRC = $(wildcard src/*/*.c)
HEADERS = $(wildcard src/*/*.h)

all: $(TOOLS)

$O/libko.a: $(SRC:%.c=$O/%.o)
	rm -f $@ && $(AR) rcs $@ $^

$O/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

$O/src/graph/ninja.o: rules/ko.ninja

$O/bin/%: $O/tools/%.o $O/libko.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$O/unit/%: $O/tests/unit/%.o $O/libko.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

-include $(wildcard $O/*/*.d $O/*/*/*.d)

unit: $(UNIT)
	prove -e '' $(UNIT)

format:
	clang-format -i $(SRC) $(HEADERS) $(wildcard tools/*.c tests/*/*.c tests/*/*.h)

clean:
	rm -rf $O

.PHONY: all unit format clean
.SECONDARY:
