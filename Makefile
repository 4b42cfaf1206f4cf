# adit -- `make` prints what can be made.
# Sources are found by folder: each folder of src/ is a room and a static library of its own; tools/walls proves
# that it uses only the rooms that src/rooms allows it.

VERSION  = 0.1.0
CC      ?= cc
B       ?= build
PREFIX  ?= /usr/local
SYSCONF ?= /etc
PKGS     = openssl libcares sqlite3 jansson yaml-0.1 libargon2 libcrypt libnghttp2
# What aditd alone needs, and what is linked with rooms of the edge.
EDGE_PKGS = libpsl
PYTHON   = /usr/bin/python3
PKG_CONFIG ?= pkg-config

CSTD     = -std=gnu17 -D_GNU_SOURCE -DADIT_VERSION='"$(VERSION)"' -Isrc
WARN     = -Wall -Wextra -Wshadow -Wconversion -Wvla -Wstrict-prototypes -Wmissing-prototypes \
           -Wpointer-arith -Wcast-qual -Wwrite-strings -Wformat=2 -Wundef -Wno-missing-field-initializers $(WERROR)
# Flags that not every compiler or machine has are asked for once.
has      = $(shell $(CC) $(1) -Werror -x c -c /dev/null -o /dev/null 2>/dev/null && echo $(1))
HARDEN  := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE $(call has,-fstack-clash-protection) \
           $(call has,-fcf-protection) $(call has,-ftrivial-auto-var-init=zero)
OPT     ?= -O2 -g
CFLAGS  ?= $(OPT) $(HARDEN)
LDFLAGS ?= -pie -Wl,-z,relro,-z,now,-z,noexecstack
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PKGS) $(EDGE_PKGS) 2>/dev/null)
PKG_LIBS := $(shell $(PKG_CONFIG) --libs $(PKGS) 2>/dev/null)
ALL_CFLAGS = $(CSTD) $(WARN) $(CFLAGS) $(SAN) $(PKG_CFLAGS)
EDGE_PKG_LIBS := $(shell $(PKG_CONFIG) --libs $(EDGE_PKGS) 2>/dev/null)
AGENT_LIBS = $(PKG_LIBS) -lcrypt -lpthread
LIBS     = $(EDGE_PKG_LIBS) $(AGENT_LIBS)
# V=1 shows whole commands.
Q        = $(if $(V),,@echo "  $(notdir $(CC)) $@"; )
FUZZ_SECONDS ?= 60
BENCH_ARGS ?=
JOBS    ?= $(shell nproc 2>/dev/null || echo 2)
# One make for people, which starts another one for the work, with as many jobs as there are cores.
SUB      = +@$(MAKE) --no-print-directory $(if $(findstring -j,$(MAKEFLAGS)),,-j$(JOBS))

# Order of linking: from the top down, src/rooms is from the ground up.
ROOMS   := $(shell sed -n '/^[a-z]/{s/:.*//;p}' src/rooms | tac)
PROGRAMS = $(B)/aditd $(B)/adit

room_src = $(filter-out %/main.c %_sim.c,$(wildcard src/$(1)/*.c))
room_lib = $(B)/lib$(subst /,-,$(1)).a
libs_of  = $(foreach r,$(1),$(call room_lib,$(r)))
# What aditd and adit have of their own, and what both have.
edge     = $(call libs_of,$(filter edge/%,$(ROOMS)))
agent    = $(call libs_of,$(filter agent/%,$(ROOMS)))
libs     = $(call libs_of,$(filter-out edge/% agent/%,$(ROOMS)))

UNITS    = $(patsubst test/unit/%.c,$(B)/test/%,$(wildcard test/unit/*/*_test.c))
FUZZERS  = $(patsubst test/fuzz/%.c,$(B)/fuzz/%,$(wildcard test/fuzz/*_fuzz.c))
REPLAYS  = $(patsubst test/fuzz/%.c,$(B)/replay/%,$(wildcard test/fuzz/*_fuzz.c))
FORMATTED = $(wildcard src/*/*.[ch] src/*/*/*.[ch] test/*.[ch] test/unit/*/*.[ch] test/fuzz/*.[ch] bench/*.[ch])

help: ## this list
	@echo "adit $(VERSION): a tunnel for webhooks"
	@sed -n 's/^\([a-z-]*\):.*## /  make \1|/p' Makefile | while IFS='|' read -r name what; do \
		printf '%-22s%s\n' "$$name" "$$what"; done

run: ## edge, agent and a real CI on loopback: a signed push starts a build
	@tools/deps build run
	$(SUB) programs
	@tools/demo $(B)

build: ## programs in build/adit and build/aditd; installs nothing
	@tools/deps --name build
	$(SUB) programs

deps: ## installs the Debian packages that `make build` needs
	@tools/deps build

check: ## all tests
	@tools/deps build test
	$(SUB) programs units replays $(B)/bench
	@CC="$(CC)" CFLAGS="$(CFLAGS) $(SAN) $(LDFLAGS)" LIBS="$(LIBS)" tools/walls $(B)
	@PYTHON=$(PYTHON) JOBS=$(JOBS) $(PYTHON) tools/check $(B)

asan: ## all tests under AddressSanitizer (with leaks) and UndefinedBehaviorSanitizer together
	$(SUB) check B=build/asan CFLAGS='-O1 -g -fno-omit-frame-pointer' \
	    SAN='-fsanitize=address,undefined -fno-sanitize-recover=undefined'

ubsan: ## all tests under UndefinedBehaviorSanitizer alone, which is faster
	$(SUB) check B=build/ubsan CFLAGS='-O1 -g' SAN='-fsanitize=undefined -fno-sanitize-recover=all'

TSAN     = CFLAGS='-O1 -g' SAN='-fsanitize=thread'

tsan: ## all tests under ThreadSanitizer
	$(SUB) check B=build/tsan $(TSAN)

tsan-units: ## unit tests of the rooms in which threads meet, under ThreadSanitizer: two minutes
	@tools/deps build test
	$(SUB) threaded B=build/tsan-units $(TSAN)
	@JOBS=$(JOBS) $(PYTHON) tools/check build/tsan-units

torture: ## edges killed, disks failing, lines slow, clocks and days passing while webhooks come in (WEBHOOKS=20000)
	$(SUB) programs
	@ADIT=$(B)/adit ADITD=$(B)/aditd ADIT_LONG=1 WEBHOOKS=$${WEBHOOKS:-20000} $(PYTHON) -m pytest -q -s \
	    test/e2e/test_inbox_crash.py test/e2e/test_inbox_disks.py test/e2e/test_inbox_torture.py

autobahn: ## all of Autobahn's WebSocket cases through a tunnel, where there is a wstest
	$(SUB) programs
	@ADIT=$(B)/adit ADITD=$(B)/aditd ADIT_LONG=1 $(PYTHON) -m pytest -q -s test/e2e/test_autobahn.py

fuzz: ## every fuzz target for FUZZ_SECONDS=60
	@tools/deps build fuzz
	$(SUB) fuzzers CC=clang B=build/fuzz CFLAGS='-O1 -g -fsanitize=fuzzer-no-link' \
	    SAN='-fsanitize=address,undefined -fno-sanitize-recover=all'
	@tools/fuzz build/fuzz $(FUZZ_SECONDS)

bench: ## speed and memory beside nginx, HAProxy, ssh -R and stunnel; webhooks stored a second
	@tools/deps build bench
	$(SUB) programs $(B)/bench
	@$(PYTHON) bench/run --build $(B) $(BENCH_ARGS)
	@$(PYTHON) bench/wide --build $(B)
	@$(PYTHON) bench/inbox --build $(B)

bench-cost: ## instructions of a request and of a MiB, beside the last line of bench/COST.md
	@tools/deps build bench
	$(SUB) programs
	@$(PYTHON) bench/cost --build $(B) --budget bench/COST.md

cover: ## lines that the tests reach, in build/cover/index.html
	@tools/deps build test cover
	$(SUB) check B=build/cover CFLAGS='-O0 -g --coverage -fprofile-update=atomic' SAN=--coverage
	@gcovr -r . --object-directory build/cover -f src/ --exclude-unreachable-branches --gcov-ignore-parse-errors \
	    --html-details build/cover/index.html --print-summary

lint: ## form of sources and manuals, static analysis, walls between rooms
	@tools/deps lint
	@tools/layers
	@tools/form
	@echo "clang-format --dry-run: $(words $(FORMATTED)) files"
	@clang-format --dry-run -Werror $(FORMATTED)
	cppcheck --quiet --std=c11 --language=c -Isrc -Itest -D_GNU_SOURCE --inline-suppr --error-exitcode=1 \
	    --library=tools/cppcheck.cfg --enable=warning,portability,performance -j $(JOBS) src
	mandoc -Tlint -W warning $(wildcard man/*)

vendor: ## builds src/web/ui/vendor/vendor.js again from npm's packages, byte for byte; needs node and npm
	@tools/vendor

format: ## lets clang-format rewrite the sources
	clang-format -i $(FORMATTED)

# Programs that can run here, where those of B are for another machine: they print their completions.
SPEAKER  ?= $(B)
SYSUSERS = $(PREFIX)/lib/sysusers.d/adit.conf

install: programs ## to DESTDIR and PREFIX=/usr/local; manuals, units, completions and the user aditd too
	install -d $(addprefix $(DESTDIR)$(PREFIX)/,bin share/man/man1 share/man/man5 share/man/man8 \
	    share/bash-completion/completions share/zsh/site-functions share/fish/vendor_completions.d lib/systemd/system lib/systemd/user lib/sysusers.d share/adit)
	install -m 755 $(B)/adit $(B)/aditd $(DESTDIR)$(PREFIX)/bin/
	for m in $(wildcard man/*.[158]); do \
		install -m 644 $$m $(DESTDIR)$(PREFIX)/share/man/man$${m##*.}/ || exit 1; done
	for u in system/aditd.service system/adit@.service user/adit.service; do \
		sed 's|/usr/local|$(PREFIX)|g' etc/$$u | install -m 644 /dev/stdin \
		    $(DESTDIR)$(PREFIX)/lib/systemd/$$u || exit 1; done
	for p in adit aditd; do \
		for s in bash-completion/completions/$$p zsh/site-functions/_$$p fish/vendor_completions.d/$$p.fish; do \
			$(SPEAKER)/$$p completions $$(expr $$s : '\([a-z]*\)') >$(B)/completions.new && install -m 644 $(B)/completions.new \
			    $(DESTDIR)$(PREFIX)/share/$$s || exit 1; done; done
	install -m 644 etc/alerts.yml etc/grafana-adit.json $(DESTDIR)$(PREFIX)/share/adit/
	install -m 644 etc/sysusers.conf $(DESTDIR)$(SYSUSERS)
	@[ -n "$(DESTDIR)" ] || [ "$$(id -u)" != 0 ] || getent passwd aditd >/dev/null || \
	    if command -v systemd-sysusers >/dev/null; then echo "systemd-sysusers: makes the user aditd"; \
		systemd-sysusers $(SYSUSERS); else echo "useradd: makes the user aditd"; \
		useradd --system --user-group --no-create-home --home-dir / --shell /usr/sbin/nologin aditd; fi
	@[ -n "$(DESTDIR)" ] || [ ! -d /run/systemd/system ] || systemctl daemon-reload || true

packages: ## Debian packages of what is committed or changed here, in build/packages
	@tools/deps build packages
	@tools/packages $(B)/packages

packages-check: packages static ## packages, static programs and images, and what can be tested of them
	@$(PYTHON) -B -m pytest -q -ra -p no:cacheprovider test/packages

static: ## both programs as files that need no libraries, for amd64 and arm64, in build/static
	@tools/deps build static
	@tools/static $(B)/static

bare: packages static ## bare Debian 12 and 13 become edges, each in less than five minutes: package, setup, agent, push
	@PATH=$$PATH:/usr/sbin:/sbin tools/bare $(B)/bare bookworm trixie

release: ## packages, static programs, images, bills of materials and SHA256SUMS, in build/release
	@tools/deps build packages static
	@tools/release $(B)/release

reproducible: ## builds a release twice, in other folders and at another time, and compares the bytes
	@tools/deps build packages static
	@tools/reproducible $(B)/reproducible

dist: ## build/adit-VERSION.tar.gz of what is committed
	@mkdir -p $(B)
	git archive --prefix=adit-$(VERSION)/ -o $(B)/adit-$(VERSION).tar.gz HEAD
	@ls -l $(B)/adit-$(VERSION).tar.gz

programs: $(PROGRAMS)
units: $(UNITS) $(B)/test/dns_responder $(B)/test/acme_driver $(B)/test/web_driver
# The other rooms have no thread but their caller's.
threaded: $(filter $(B)/test/agent/capture_test $(B)/test/edge/% $(B)/test/net/% $(B)/test/store/%,$(UNITS))
replays: $(REPLAYS)
fuzzers: $(FUZZERS)

# --- objects and libraries ---

# Written anew only when compiler or flags have changed, and then everything is built again.
$(B)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(subst ','\'',$(CC) $(ALL_CFLAGS) $(LDFLAGS))' >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$(B)/obj/%.o: src/%.c $(B)/flags
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

# The list of a library's members is written anew only when one has come or gone: a source that disappears is newer than
# nothing, and would stay in the library.
define room
$(call room_lib,$(1)).members: FORCE
	@mkdir -p $$(@D)
	@echo '$(call room_src,$(1))' >$$@.new
	@cmp -s $$@.new $$@ && rm $$@.new || mv $$@.new $$@
$(call room_lib,$(1)): $(patsubst src/%.c,$(B)/obj/%.o,$(call room_src,$(1))) $(call room_lib,$(1)).members
	@mkdir -p $$(@D)
	@rm -f $$@
	$(if $(V),,@)$(AR) rcs $$@ $$(filter %.o,$$^)
endef
$(foreach r,$(ROOMS),$(eval $(call room,$(r))))

# Pages that are in the programs, as they are and packed; their list is written anew only when a file has come or gone.
# $(1): the table, $(2): its folder, $(3): what of it, where that is not all.
PAGES    = $(sort $(filter-out %/entry.js,$(wildcard $(if $(2),$(foreach p,$(2),$(1)/$(p)),$(foreach e,html js css svg,$(1)/*.$(e) $(1)/*/*.$(e))))))
define pages
$(B)/pages/$(1).members: FORCE
	@mkdir -p $$(@D)
	@echo '$(call PAGES,$(2),$(3))' >$$@.new
	@cmp -s $$@.new $$@ && rm $$@.new || mv $$@.new $$@
$(B)/pages/$(1).c: tools/assets $(call PAGES,$(2),$(3)) $(B)/pages/$(1).members
	$(if $(V),,@)tools/assets $(1) $(2) $$@ $(call PAGES,$(2),$(3))
$(B)/obj/pages/$(1).o: $(B)/pages/$(1).c $(B)/flags
	@mkdir -p $$(@D)
	$(if $(V),,@echo "  $(notdir $(CC)) $$@"; )$(CC) $$(ALL_CFLAGS) -c $$< -o $$@
endef
# A member of the library each: a program has the pages that it names, and what they share.
shared_pages = mark.svg lib/*.js lib/*.css vendor/*.js vendor/*.css
$(eval $(call pages,web_inspector,src/web/ui,inspector.html inspector/*.js inspector/*.css $(shared_pages)))
$(eval $(call pages,web_dashboard,src/web/ui,dashboard.html dashboard/*.js dashboard/*.css $(shared_pages)))
$(call room_lib,web): $(B)/obj/pages/web_inspector.o $(B)/obj/pages/web_dashboard.o

$(B)/aditd: $(B)/obj/edge/daemon/main.o $(edge) $(libs)
	$(Q)$(CC) $(CFLAGS) $(SAN) $(LDFLAGS) -o $@ $^ $(LIBS)
$(B)/adit: $(B)/obj/agent/command/main.o $(agent) $(libs)
	$(Q)$(CC) $(CFLAGS) $(SAN) $(LDFLAGS) -o $@ $^ $(AGENT_LIBS)

# --- tests: test/unit/ROOM/X_test.c is a program of its own; *_sim_test.c runs on the simulated loop ---

# Compiled by itself, so that a change of a library costs a test its linking alone.
$(B)/obj/test/%.o: test/%.c $(B)/flags
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -Itest -MMD -MP -c $< -o $@

$(filter %_sim_test,$(UNITS)): $(B)/test/%: $(B)/obj/test/unit/%.o $(B)/obj/net/loop_sim.o $(edge) $(agent) $(libs)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(SAN) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LIBS)
$(filter-out %_sim_test,$(UNITS)): $(B)/test/%: $(B)/obj/test/unit/%.o $(edge) $(agent) $(libs)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(SAN) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LIBS)

# A name server on the library dns, and a client of CAs on the library acme, which end-to-end tests talk to.
$(B)/test/dns_responder $(B)/test/acme_driver: $(B)/test/%: $(B)/obj/test/lib/%.o $(libs)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(SAN) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LIBS)

# The small server src/web with pages of its own.
$(eval $(call pages,lab_pages,test/fixtures/pages))
$(B)/test/web_driver: $(B)/obj/test/lib/web_driver.o $(B)/obj/pages/lab_pages.o $(libs)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(SAN) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LIBS)

# A fuzz target's corpus is replayed by an ordinary program in `make check`.
$(B)/replay/%_sim_fuzz: $(B)/obj/test/fuzz/%_sim_fuzz.o $(B)/obj/test/fuzz/replay.o $(B)/obj/net/loop_sim.o $(edge) $(agent) $(libs)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(SAN) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LIBS)
$(B)/replay/%: $(B)/obj/test/fuzz/%.o $(B)/obj/test/fuzz/replay.o $(edge) $(agent) $(libs)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(SAN) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LIBS)
.SECONDARY: $(patsubst $(B)/replay/%,$(B)/obj/test/fuzz/%.o,$(REPLAYS)) $(B)/obj/test/fuzz/replay.o

$(B)/fuzz/%_sim_fuzz: test/fuzz/%_sim_fuzz.c $(B)/obj/net/loop_sim.o $(edge) $(agent) $(libs) $(B)/flags
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer -Itest -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $(filter %.c %.o %.a,$^) $(LIBS)
$(B)/fuzz/%: test/fuzz/%.c $(edge) $(agent) $(libs) $(B)/flags
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer -Itest -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $(filter %.c %.a,$^) $(LIBS)

# --- bench: tools of its own, which use the rooms too ---

$(B)/bench: $(patsubst bench/%.c,$(B)/bench/%,$(wildcard bench/*.c))
$(B)/bench/%: bench/%.c $(libs) $(B)/flags
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $(filter %.c %.a,$^) $(LIBS)

# Of this build alone: others, and roots of whole systems, may lie in the same folder.
BUILT   := $(wildcard $(addprefix $(B)/,obj test replay fuzz bench))
-include $(if $(BUILT),$(shell find $(BUILT) -name '*.d'))

clean: ## remove build/
	rm -rf build

FORCE:
.PHONY: help run build deps check asan ubsan tsan autobahn fuzz bench bench-cost cover lint format vendor install packages packages-check static bare release reproducible dist clean \
    torture programs units tsan-units threaded replays fuzzers FORCE
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
