# adit -- `make` prints what can be made.
# Sources are found by folder: each folder of src/ is a room and a static library of its own, so that a
# trespass between rooms is a link error (ARCHITECTURE.md, tools/layers).

VERSION  = 0.1.0
CC      ?= cc
B       ?= build
PREFIX  ?= /usr/local
SYSCONF ?= /etc
PKGS     = openssl libcares sqlite3 jansson yaml-0.1
PYTHON   = /usr/bin/python3

CSTD     = -std=gnu17 -D_GNU_SOURCE -DADIT_VERSION='"$(VERSION)"' -Isrc
WARN     = -Wall -Wextra -Wshadow -Wconversion -Wvla -Wstrict-prototypes -Wmissing-prototypes \
           -Wpointer-arith -Wcast-qual -Wwrite-strings -Wformat=2 -Wundef -Wno-missing-field-initializers $(WERROR)
HARDEN   = -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -fPIE -ftrivial-auto-var-init=zero
OPT     ?= -O2 -g
CFLAGS  ?= $(OPT) $(HARDEN)
LDFLAGS ?= -pie -Wl,-z,relro,-z,now,-z,noexecstack
ALL_CFLAGS = $(CSTD) $(WARN) $(CFLAGS) $(SAN) $(shell pkg-config --cflags $(PKGS))
LIBS     = $(shell pkg-config --libs $(PKGS)) -lpthread

# Order of linking: a room may use only rooms to its right.
ROOMS    = relay store hook tunnel http net base
PROGRAMS = $(B)/aditd $(B)/adit

room_src = $(filter-out %/main.c %_sim.c,$(wildcard src/$(1)/*.c))
room_lib = $(B)/lib$(1).a
libs     = $(foreach r,$(ROOMS),$(call room_lib,$(r)))

UNITS    = $(patsubst test/unit/%.c,$(B)/test/%,$(wildcard test/unit/*/*_test.c))
FUZZERS  = $(patsubst test/fuzz/%.c,$(B)/fuzz/%,$(wildcard test/fuzz/*_fuzz.c))
REPLAYS  = $(patsubst test/fuzz/%.c,$(B)/replay/%,$(wildcard test/fuzz/*_fuzz.c))

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1|/p' Makefile | column -t -s'|'

run: deps build ## edge, agent and a real CI on loopback: a signed push starts a build
	@$(B)/../tools/demo $(B)

check: deps ## all tests
	@$(MAKE) --no-print-directory build units replays
	@PYTHON=$(PYTHON) tools/check $(B)

build: $(PROGRAMS) ## programs in build/adit and build/aditd

deps: ## install the Debian packages that are missing
	@tools/deps

asan: ## all tests under AddressSanitizer (with leaks)
	@$(MAKE) --no-print-directory check B=build/asan OPT='-O1 -g' CFLAGS='-O1 -g -fno-omit-frame-pointer' SAN='-fsanitize=address'

ubsan: ## all tests under UndefinedBehaviorSanitizer
	@$(MAKE) --no-print-directory check B=build/ubsan CFLAGS='-O1 -g' SAN='-fsanitize=undefined -fno-sanitize-recover=all'

tsan: ## all tests under ThreadSanitizer
	@$(MAKE) --no-print-directory check B=build/tsan CFLAGS='-O1 -g' SAN='-fsanitize=thread'

units: $(UNITS)
replays: $(REPLAYS)

# --- objects and libraries ---

$(B)/obj/%.o: src/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

define room
$(B)/lib$(1).a: $(patsubst src/%.c,$(B)/obj/%.o,$(call room_src,$(1)))
	@mkdir -p $$(@D)
	@rm -f $$@
	$(Q)$(AR) rcs $$@ $$^
endef
$(foreach r,$(ROOMS) edge agent,$(eval $(call room,$(r))))

$(B)/aditd: $(B)/obj/edge/main.o $(B)/libedge.a $(libs)
	$(Q)$(CC) $(SAN) $(LDFLAGS) -o $@ $^ $(LIBS)
$(B)/adit: $(B)/obj/agent/main.o $(B)/libagent.a $(libs)
	$(Q)$(CC) $(SAN) $(LDFLAGS) -o $@ $^ $(LIBS)

# --- tests: test/unit/ROOM/X_test.c is a program of its own; *_sim_test.c runs on the simulated loop ---

$(B)/test/%_sim_test: test/unit/%_sim_test.c $(B)/obj/net/loop_sim.o $(B)/libedge.a $(B)/libagent.a $(libs)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -Itest -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $^ $(LIBS)
$(B)/test/%_test: test/unit/%_test.c $(B)/libedge.a $(B)/libagent.a $(libs)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -Itest -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $^ $(LIBS)

# A fuzz target's corpus is replayed by an ordinary program in `make check`.
$(B)/replay/%: test/fuzz/%.c test/fuzz/replay.c $(libs)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -Itest -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $(filter %.c %.a,$^) $(LIBS)

-include $(shell test -d $(B) && find $(B) -name '*.d')

clean: ## remove build/
	rm -rf build

.PHONY: help run check build deps asan ubsan tsan units replays clean
.DEFAULT_GOAL := help
