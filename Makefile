# SPDX-License-Identifier: GPL-3.0-or-later
# make            build/tapedeck           make test        install what is missing, build, pass the tests
# make run        the deck on a simulated market            make check-asan, check-tsan, lint, bench, install
.DEFAULT_GOAL := all
SHELL := /bin/bash

FLAVOUR ?= release
OUT := build/$(FLAVOUR)
CC ?= gcc
PKG_CONFIG ?= pkg-config
PREFIX ?= /usr/local

# Rooms from the ground up: the order in which archives are linked is the reverse.
ROOMS := base parquet market chart lake feed job view command ui cli

PKGS_base := yaml-0.1
PKGS_parquet := libzstd libdeflate liblz4
PKGS_feed := libcurl jansson libmicrohttpd zlib
PKGS_ui := ncursesw readline
PKGS := $(foreach r,$(ROOMS),$(PKGS_$(r)))
TEST_PKGS := cmocka vterm

# Short lines instead of commands; make V=1 shows them.
ifeq ($(V),)
Q = @echo "  $(1) $(2)";
endif

STD := -std=c17 -D_GNU_SOURCE -pthread
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wpointer-arith -Wcast-qual -Wcast-align -Wstrict-prototypes \
	-Wmissing-prototypes -Wold-style-definition -Wundef -Wvla -Wformat=2 -Wwrite-strings -Wdouble-promotion \
	-Wimplicit-fallthrough -Wunused -Wredundant-decls -Werror
OPT_release := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong
OPT_asan := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
OPT_tsan := -O1 -g -fsanitize=thread -fno-omit-frame-pointer
OPT_fuzz := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
CFLAGS ?= $(OPT_$(FLAVOUR))
LDFLAGS ?=
ALL_CFLAGS := $(STD) $(WARN) $(CFLAGS)

src = $(sort $(wildcard src/$(1)/*.c))
obj = $(patsubst src/%.c,$(OUT)/%.o,$(call src,$(1)))
lib = $(OUT)/libtd_$(1).a
# Rooms at or below a room, topmost first (link order).
below = $(if $(filter $(1),$(ROOMS)),$(call reverse,$(call upto,$(1),$(ROOMS))))
reverse = $(if $(1),$(call reverse,$(wordlist 2,$(words $(1)),$(1))) $(firstword $(1)))
upto = $(if $(filter $(1),$(firstword $(2))),$(firstword $(2)),$(firstword $(2)) $(call upto,$(1),$(wordlist 2,$(words $(2)),$(2))))
LIBS := $(shell $(PKG_CONFIG) --libs $(PKGS) 2>/dev/null) -lm

all: build/tapedeck
.PHONY: all deps test run lint bench install clean unit check-asan check-tsan fuzz fuzz-programs fuzz-run fuzz-replay

ifeq ($(FLAVOUR),release)
build/tapedeck: $(OUT)/tapedeck
	@ln -sf release/tapedeck $@
else
build/tapedeck: $(OUT)/tapedeck ;
endif

define room_rules
$(call lib,$(1)): $(call obj,$(1))
	@rm -f $$@
	@$$(AR) rcs $$@ $$^
$(OUT)/$(1)/%.o: src/$(1)/%.c Makefile
	@mkdir -p $$(@D)
	$$(call Q,CC,$$<)$$(CC) $$(ALL_CFLAGS) $$(shell $(PKG_CONFIG) --cflags $(PKGS_$(1)) 2>/dev/null) -Iinclude -Isrc/$(1) -MMD -MP -c -o $$@ $$<
endef
$(foreach r,$(ROOMS),$(if $(call src,$(r)),$(eval $(call room_rules,$(r)))))
HAVE := $(foreach r,$(ROOMS),$(if $(call src,$(r)),$(r)))
have_below = $(filter $(HAVE),$(call below,$(1)))

$(OUT)/tapedeck: $(foreach r,$(call have_below,cli),$(call lib,$(r)))
	$(call Q,LD,$@)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $(OUT)/cli/main.o $^ $(LIBS)

# Unit tests: tests/unit/<room>/test_*.c, each one program linked with its room and the rooms before it in ROOMS.
UNIT_SRC := $(sort $(wildcard tests/unit/*/test_*.c))
UNIT_BIN := $(patsubst tests/unit/%.c,$(OUT)/unit/%,$(UNIT_SRC))
unit_room = $(firstword $(subst /, ,$(patsubst $(OUT)/unit/%,%,$(1))))
define unit_rule
$(1): $(patsubst $(OUT)/unit/%,tests/unit/%.c,$(1)) $(wildcard tests/unit/*.h) $(foreach r,$(call have_below,$(call unit_room,$(1))),$(call lib,$(r))) Makefile
	@mkdir -p $$(@D)
	$$(call Q,LD,$$@)$$(CC) $$(ALL_CFLAGS) $$(shell $(PKG_CONFIG) --cflags $(TEST_PKGS) $(PKGS) 2>/dev/null) -Iinclude -Isrc/$(call unit_room,$(1)) -Itests/unit \
	  $$(LDFLAGS) -o $$@ $$< $(foreach r,$(call have_below,$(call unit_room,$(1))),$(call lib,$(r))) \
	  $$(LIBS) $$(shell $(PKG_CONFIG) --libs $(TEST_PKGS) 2>/dev/null) -lutil
endef
$(foreach t,$(UNIT_BIN),$(eval $(call unit_rule,$(t))))
unit: $(UNIT_BIN)
# make unit-parquet: build and run one room's unit tests.
define room_unit_rule
.PHONY: unit-$(1)
unit-$(1): $(filter $(OUT)/unit/$(1)/%,$(UNIT_BIN))
	@FLAVOUR=$(FLAVOUR) tests/run $$^
endef
$(foreach r,$(ROOMS),$(eval $(call room_unit_rule,$(r))))

TEST_JOBS ?= 2
test: deps
	@$(MAKE) --no-print-directory -j$(TEST_JOBS) FLAVOUR=$(FLAVOUR) all unit
	@FLAVOUR=$(FLAVOUR) TAPEDECK=$(CURDIR)/$(OUT)/tapedeck tests/run $(UNIT_BIN) $(filter-out %lib.sh,$(sort $(wildcard tests/golden/*.test tests/acceptance/*.sh)))
check-asan:
	@$(MAKE) --no-print-directory FLAVOUR=asan test
check-tsan:
	@$(MAKE) --no-print-directory FLAVOUR=tsan test

# Fuzzing: tests/fuzz/fuzz_*.c are libFuzzer targets. `fuzz` builds them with clang into build/fuzz/, `fuzz-run SECONDS=60`
# runs each of them (or TARGETS="doc filter") that long from its seeds, `fuzz-replay` builds them with this flavour's own
# compiler and a plain driver that feeds files.
FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZ_ROOMS := $(call have_below,ui)
FUZZ_LIBS := $(foreach r,$(FUZZ_ROOMS),$(call lib,$(r)))
FUZZ_BIN := $(patsubst tests/fuzz/%.c,$(OUT)/%,$(FUZZ_SRC))
FUZZ_REPLAY := $(patsubst tests/fuzz/fuzz_%.c,$(OUT)/replay/%,$(FUZZ_SRC))
FUZZ_CC = $(CC) $(ALL_CFLAGS) $(shell $(PKG_CONFIG) --cflags $(PKGS) 2>/dev/null) -Iinclude -Isrc -Itests/fuzz $(LDFLAGS)
$(OUT)/fuzz_%: tests/fuzz/fuzz_%.c tests/fuzz/fuzz.h $(FUZZ_LIBS)
	$(call Q,LD,$@)$(FUZZ_CC) -fsanitize=fuzzer -o $@ $< $(FUZZ_LIBS) $(LIBS)
$(OUT)/replay/%: tests/fuzz/fuzz_%.c tests/fuzz/replay.c tests/fuzz/fuzz.h $(FUZZ_LIBS)
	@mkdir -p $(@D)
	$(call Q,LD,$@)$(FUZZ_CC) -o $@ $< tests/fuzz/replay.c $(FUZZ_LIBS) $(LIBS)
fuzz-programs: $(FUZZ_BIN)
fuzz-replay: $(FUZZ_REPLAY)
fuzz:
	@$(MAKE) --no-print-directory CC=clang FLAVOUR=fuzz fuzz-programs
fuzz-run: fuzz
	@FUZZ_SECONDS=$(or $(SECONDS),60) tests/fuzz/run $(TARGETS)

deps:
	@tests/deps
run: deps
	@$(MAKE) --no-print-directory -j$(TEST_JOBS) all
	@build/tapedeck demo
lint:
	@tests/lint
bench: all
	@tests/bench/run

# The manual with its table of commands, which only the program knows.
build/man/tapedeck.1: man/tapedeck.1 $(OUT)/tapedeck
	@mkdir -p $(@D)
	@$(OUT)/tapedeck help --man-table > $@.table
	@sed -e '/@COMMANDS@/{r $@.table' -e 'd;}' $< > $@

install: all build/man/tapedeck.1
	install -D -m 755 $(OUT)/tapedeck $(DESTDIR)$(PREFIX)/bin/tapedeck
	install -D -m 644 build/man/tapedeck.1 $(DESTDIR)$(PREFIX)/share/man/man1/tapedeck.1
	install -d $(DESTDIR)$(PREFIX)/share/tapedeck/themes $(DESTDIR)$(PREFIX)/share/tapedeck/configs
	install -m 644 themes/* $(DESTDIR)$(PREFIX)/share/tapedeck/themes
	install -m 644 configs/* $(DESTDIR)$(PREFIX)/share/tapedeck/configs
	install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	$(OUT)/tapedeck help --bash-completion > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/tapedeck

clean:
	rm -rf build

-include $(foreach r,$(ROOMS),$(patsubst %.o,%.d,$(call obj,$(r))))
