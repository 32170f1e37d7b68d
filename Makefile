# ngx_ssl_session_sync
#
#   make              builds the modules for the installed nginx
#                     -> build/modules/*.so
#   make install      puts them where the installed nginx looks for modules
#                     (DESTDIR is honoured)
#   make install-check
#                     installs ssl-session-sync-check below PREFIX, /usr/local
#                     by default (DESTDIR is honoured)
#   make demo         several nginx and memcached on this machine, resuming
#                     each other's sessions; installs what it needs
#   make test         every check there is; installs what it needs
#
#   make unit         unit tests of src/ (cmocka)
#   make tsan         those of its threads under ThreadSanitizer
#   make valgrind     nginx with the module under memcheck
#   make static       nginx from NGINX_SRC=dir with the modules linked into it,
#                     and the tests of tickets on one host with that
#   make fuzz         every fuzz target for FUZZ_SECONDS each
#   make prove        directives and single-host behaviour (Test::Nginx)
#   make differential the same inputs for plain nginx and with the module:
#                     10,000 mutated ClientHellos, DIFFERENTIAL_SEED=N
#   make confusion    20,000 sessions, each offered to another server: resumes
#                     exactly what may, CONFUSION_SEED=N
#   make cluster      several hosts: rotation, failures, cuts (pytest); half
#                     of these tests with TLS to memcached
#   make cluster-tls  the same, with TLS in all of them
#   make monitoring   docs/prometheus.rules.yml and docs/grafana.json, with a
#                     Prometheus that scrapes the staging cluster
#   make spin         the model of groups, in every state it can be in; see
#                     t/model and docs/internals.md
#   make style        how the sources look
#   make staging      a cluster behind a balancer, to look at, until
#                     make staging-down; see t/cluster/staging.py
#   make chaos        breaks such a cluster under load for 3 minutes, and says
#                     what became of sessions; see t/cluster/chaos.py
#   make clients      what browsers and other TLS clients do with sessions, and
#                     the table of docs/compatibility.md from it
#   make matrix       all of this on other releases of Debian, by root;
#                     ROOTS="trixie forky" chooses, see docs/compatibility.md
#   make deb          Debian packages, built, installed with apt, used, upgraded
#                     and removed on three releases of Debian, by root;
#                     DEB="bookworm trixie" chooses, DEB=here is this machine,
#                     ARCH=arm64 is emulated
#   make bench        CPU time per handshake beside plain nginx and other
#                     servers; t/bench/bench.py says how to have it shorter
#   make performance  make bench, and docs/performance.md from its numbers
#   make early        the same with early data only, and its chapter of that
#                     page
#   make quantum      what resumption saves where handshakes are post-quantum
#   make newer        the other servers of newer releases of Debian, by root;
#                     ROOTS="trixie forky" chooses
#   make model        what 1 to 16 hosts, and the staging cluster under load,
#                     ask of memcached, beside formulas, and the tables of
#                     docs/operations.md from it
#   make soak         HANDSHAKES=1000000 on two hosts: memory stays flat
#   make clean        removes build/
#
#   NGINX_SRC=dir     builds for this nginx source tree instead: with the
#                     arguments it has been configured with; nothing in it is
#                     changed
#   NGINX=path        another nginx than the installed one to test and to install for
#   CC=clang          another compiler
#   SANITIZE=1        with gcc's AddressSanitizer and UndefinedBehaviorSanitizer:
#                     modules -> build/sanitize/modules/*.so, and "make unit",
#                     "make prove", "make cluster", "make chaos" run with them

NGINX_SRC    ?= /usr/share/nginx/src
PYTHON       ?= /usr/bin/python3
FUZZ_SECONDS ?= 5
FUZZ_CC      ?= clang
DEB          ?= bookworm trixie forky
jobs         := $(shell nproc)

ifndef NGINX
NGINX := $(or $(SSS_NGINX),$(shell PATH=$$PATH:/usr/sbin command -v nginx))
endif

warnings := -std=gnu11 -Wall -Wextra -Werror
libs     := -lmemcached -lssl -lcrypto -lpthread -ldl
sanitize := -fsanitize=address,undefined -fno-omit-frame-pointer -g

ifeq ($(SANITIZE),1)
ifneq ($(findstring clang,$(CC)),)
$(error SANITIZE=1 is for gcc, whose run-time library nginx can preload)
endif
out      := build/sanitize
optimize := -O1 -fno-sanitize-recover=undefined $(sanitize)
link     := $(sanitize)
else
out      := build
optimize := -O2 -g
link     :=
endif

# tools/sanitized sets the environment in which an ordinary nginx loads modules
# built with SANITIZE=1, and fails on any report of theirs.

ifeq ($(SANITIZE),1)
run := tools/sanitized
endif

# Shared by everything that runs nginx, see t/.
export SSS_MODULES ?= $(abspath $(out)/modules)
export SSS_NGINX   := $(NGINX)

# To nginx, NGINX in the environment is a list of sockets to go on with.

unexport NGINX


.PHONY: modules install install-check demo staging staging-down chaos clients \
        clients-once test unit unit-programs tsan threads fuzz prove static \
        differential confusion cluster cluster-tls monitoring style spin \
        matrix deb bench quantum newer performance early bench-once model \
        model-once soak valgrind clean
.DELETE_ON_ERROR:

modules:


# The modules. Each compiler and each nginx tree has a directory of its own,
# $(tree), so that one may switch between them. nginx's own Makefile knows what
# depends on what in there; a change of "config" or of the set of files calls
# for another configure.

names := ngx_ssl_session_sync_module ngx_stream_ssl_session_sync_module \
         ngx_mail_ssl_session_sync_module
tree  := $(out)/nginx/$(subst /,-,$(CC))-$(firstword $(shell \
         echo $(abspath $(NGINX_SRC)) | cksum))
lock  := build/.lock

sources := $(wildcard src/*.[ch] ngx_module/*.[ch])
headers := $(wildcard src/*.h)

$(shell mkdir -p $(out)/nginx; touch $(lock); \
        echo '$(sources)' | cmp -s - $(out)/sources \
        || echo '$(sources)' > $(out)/sources)

modules:
	@flock $(lock) $(MAKE) --no-print-directory $(out)/modules.built

.PHONY: $(out)/modules.built
$(out)/modules.built: $(tree)/configured
	@$(MAKE) --no-print-directory -C $(tree) -f objs/Makefile \
	    $(addprefix -o ,$(shell cat $(tree)/built)) $(shell cat $(tree)/targets)
	@mkdir -p $(out)/modules
	@for name in $(names); do \
	    grep -q "/$$name.so" $(tree)/targets \
	        || rm -f $(out)/modules/$$name.so; \
	done
	@for target in $(shell cat $(tree)/targets); do \
	    module=$(out)/modules/$${target##*/}; \
	    cmp -s $(tree)/$$target $$module && continue; \
	    install -m 644 $(tree)/$$target $$module.new; \
	    mv $$module.new $$module; \
	    echo $$module; \
	done

$(tree)/configured: config config.make tools/nginx-tree $(out)/sources Makefile \
                    $(wildcard $(NGINX_SRC)/conf_flags \
                               $(NGINX_SRC)/objs/ngx_auto_config.h)
	@CC='$(CC)' CC_OPT='-std=gnu11 $(optimize)' LD_OPT='$(link)' \
	    tools/nginx-tree '$(NGINX_SRC)' $(tree)
	@for name in $(names); do \
	    ! grep -q "^objs/$$name.so:" $(tree)/objs/Makefile \
	        || echo objs/$$name.so; \
	done > $(tree)/targets
	@touch $@

install: modules
	@dir='$(DESTDIR)'$$(tools/modules-path '$(NGINX)') && \
	install -d "$$dir" && \
	for name in $(names); do \
	    module=$(out)/modules/$$name.so; \
	    [ -f $$module ] || continue; \
	    install -m 644 $$module "$$dir/" && echo "$$dir/$$name.so" || exit; \
	done

# The command is a link to its directory.

PREFIX ?= /usr/local
check  := $(PREFIX)/share/ssl-session-sync-check

install-check:
	install -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(PREFIX)/share/man/man1' \
	    '$(DESTDIR)$(check)/ssl_session_sync_check'
	install -m 755 check/ssl-session-sync-check '$(DESTDIR)$(check)/'
	install -m 644 check/ssl_session_sync_check/*.py \
	    '$(DESTDIR)$(check)/ssl_session_sync_check/'
	install -m 644 check/ssl-session-sync-check.1 \
	    '$(DESTDIR)$(PREFIX)/share/man/man1/'
	ln -sfn ../share/ssl-session-sync-check/ssl-session-sync-check \
	    '$(DESTDIR)$(PREFIX)/bin/ssl-session-sync-check'


# Unit tests: the library as an archive, and a program for each t/unit/test_*.c
# that links with it. What several of them share is t/unit/*.c of other names.

unit_out     := $(out)/unit/$(subst /,-,$(CC))
unit_objects := $(patsubst %.c,$(unit_out)/%.o,$(wildcard src/*.c))
unit_shared  := $(patsubst %.c,$(unit_out)/%.o, \
                           $(filter-out t/unit/test_%,$(wildcard t/unit/*.c)))
unit_tests   := $(patsubst t/unit/%.c,$(unit_out)/%, \
                           $(wildcard t/unit/test_*.c))

unit: $(unit_tests)
	@tools/alone $(run) tools/run-unit $^

unit-programs: $(unit_tests)

$(unit_out)/src/%.o: src/%.c $(headers) Makefile
	@mkdir -p $(@D)
	$(CC) $(warnings) $(optimize) -Isrc -c -o $@ $<

$(unit_out)/libsss.a: $(unit_objects)
	@rm -f $@
	ar rcs $@ $^

$(unit_out)/t/unit/%.o: t/unit/%.c $(wildcard t/unit/*.h) $(headers) Makefile
	@mkdir -p $(@D)
	$(CC) $(warnings) $(optimize) -Isrc -It/unit -c -o $@ $<

$(unit_out)/test_%: t/unit/test_%.c $(unit_shared) $(wildcard t/unit/*.h) \
                    $(unit_out)/libsss.a
	$(CC) $(warnings) $(optimize) -Isrc -It/unit -o $@ $< $(unit_shared) \
	    $(unit_out)/libsss.a -lcmocka $(libs)


# Everything of src/ that has threads, under ThreadSanitizer, in build/tsan.

threads := board engine engine_batches engine_failures engine_stress \
           engine_tls exchange names repair resolve sync

tsan:
	@$(MAKE) --no-print-directory out=build/tsan \
	    optimize='-O1 -g -fno-omit-frame-pointer -fsanitize=thread' threads

threads: $(addprefix $(unit_out)/test_,$(threads))
	@tools/alone tools/threads tools/run-unit $^


# Fuzz targets: t/fuzz/fuzz_NAME.c, seeds in t/fuzz/corpus/NAME. What a run
# finds stays in build/fuzz/NAME.corpus.

fuzz_flags   := $(warnings) -O1 -fno-sanitize-recover=undefined $(sanitize)
fuzz_objects := $(patsubst src/%.c,build/fuzz/src/%.o,$(wildcard src/*.c))
fuzz_targets := $(patsubst t/fuzz/%.c,build/fuzz/%, \
                           $(wildcard t/fuzz/fuzz_*.c))

fuzz: $(fuzz_targets)
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tools/run-fuzz $^

build/fuzz/src/%.o: src/%.c $(headers) Makefile
	@mkdir -p $(@D)
	$(FUZZ_CC) $(fuzz_flags) -fsanitize=fuzzer-no-link -Isrc -c -o $@ $<

build/fuzz/libsss.a: $(fuzz_objects)
	@rm -f $@
	ar rcs $@ $^

build/fuzz/fuzz_%: t/fuzz/fuzz_%.c $(wildcard t/fuzz/*.h) build/fuzz/libsss.a
	$(FUZZ_CC) $(fuzz_flags) -fsanitize=fuzzer -Isrc -It/fuzz -o $@ $< \
	    build/fuzz/libsss.a $(libs)


# What runs nginx.

prove: modules build/test-nginx
	@tools/alone $(run) tools/run-prove

# Their hosts wait most of the time, so that many fit on a processor.

side_by_side := $(shell expr 2 '*' $(jobs))

cluster: modules
	@$(run) $(PYTHON) -m pytest -p no:cacheprovider -n $(side_by_side) \
	    t/cluster

cluster-tls: modules
	@$(run) $(PYTHON) -m pytest -p no:cacheprovider -n $(side_by_side) \
	    t/cluster --memcached=tls

monitoring: modules
	@$(run) $(PYTHON) -B -m pytest -p no:cacheprovider t/monitoring

# One that has no modules to load. NGINX_SRC has all of nginx's sources.

static: build/test-nginx
	@CC='$(CC)' CC_OPT='-std=gnu11' LINK=static \
	    tools/nginx-tree '$(NGINX_SRC)' $(tree)-static
	@$(MAKE) --no-print-directory -C $(tree)-static -f objs/Makefile binary
	@SSS_NGINX=$(abspath $(tree)-static/objs/nginx) SSS_MODULES=/dev/null \
	    tools/alone tools/run-prove t/ticket.t

differential: modules
	@$(run) $(PYTHON) -B t/differential/differential.py

confusion: modules
	@$(run) $(PYTHON) -B t/confusion/confusion.py

build/test-nginx: tools/test-nginx
	@tools/test-nginx $@

style:
	@tools/style

spin:
	@tools/run-spin

test:
	@tools/setup test
	@env -u SSS_MODULES tools/run-tests

demo:
	@tools/setup demo
	@$(MAKE) -s -j $(jobs) modules
	@$(PYTHON) t/cluster/demo.py

staging:
	@tools/setup staging
	@$(MAKE) -s -j $(jobs) modules
	@NAME='$(NAME)' $(PYTHON) t/cluster/staging.py up

staging-down:
	@NAME='$(NAME)' $(PYTHON) t/cluster/staging.py down

chaos:
	@tools/setup chaos
	@$(MAKE) -s -j $(jobs) modules
	@DURATION='$(DURATION)' SEED='$(SEED)' RATE='$(RATE)' \
	    $(run) $(PYTHON) t/cluster/chaos.py

clients:
	@tools/setup clients
	@$(MAKE) -s -j $(jobs) modules
	@$(run) $(PYTHON) -B t/clients/resume.py

# Those that other tests need as well, and no page.

clients-once: modules
	@$(run) $(PYTHON) -B t/clients/resume.py curl Chromium

matrix:
	@tools/setup matrix
	@tools/matrix $(ROOTS)

deb:
	@tools/setup $(if $(ARCH),emulated,$(if $(filter here,$(DEB)),packaging,deb))
	@tools/deb $(addsuffix $(ARCH:%=/%),$(DEB))

bench:
	@tools/setup bench
	@$(MAKE) -s -j $(jobs) modules
	@$(PYTHON) -B t/bench/bench.py

quantum:
	@tools/setup matrix
	@$(PYTHON) -B t/bench/quantum.py

newer:
	@tools/setup matrix
	@$(PYTHON) -B t/bench/newer.py $(or $(ROOTS),trixie forky)

performance: bench
	@$(PYTHON) -B t/bench/write.py

early:
	@tools/setup bench
	@$(MAKE) -s -j $(jobs) modules
	@BENCH_SECONDS=$${BENCH_SECONDS:-4000} BENCH_ONLY='^Early data' \
	    $(PYTHON) -B t/bench/bench.py
	@$(PYTHON) -B t/bench/write.py early

# One short round of everything that has what it needs.

bench-once: modules
	@BENCH_ROUNDS=1 BENCH_SLICES=1 BENCH_HANDSHAKES=20 BENCH_SESSIONS=100 \
	    BENCH_KEYS=0 BENCH_INSTRUCTIONS=0 BENCH_SERVERS=20 BENCH_URGENCY=0 \
	    BENCH_ONLY='^(?!Frozen)' \
	    tools/alone $(PYTHON) -B t/bench/bench.py

model:
	@tools/setup staging
	@$(MAKE) -s -j $(jobs) modules
	@$(PYTHON) -B t/bench/model.py

# A few hosts, and no page.

model-once: modules
	@MODEL_HOSTS='1 2' MODEL_SECONDS=17 MODEL_SESSIONS=100 MODEL_RATES=30 \
	    tools/alone $(PYTHON) -B t/bench/model.py

soak:
	@tools/setup memory
	@$(MAKE) -s -j $(jobs) modules
	@$(PYTHON) -B t/bench/soak.py

valgrind:
	@tools/setup memory
	@$(MAKE) -s -j $(jobs) modules
	@$(PYTHON) -B t/cluster/memcheck.py

clean:
	rm -rf build
