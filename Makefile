# SPDX-License-Identifier: Apache-2.0
#
# Verbs for people; kbuild reads Kbuild instead. `make help` lists them.
#
#   KVER=release  6.1, 6.12 or a full release; default: the running kernel
#                 where it is supported, else all that are installed
#   KDIR=folder   a configured kernel tree instead
#   TESTS=words   only the tests whose AREA/NAME has one of these in it
#   PAIRS=words   bench: INITIATOR/TARGET, each ours or intree
#   JOBS=words    bench: as in selftests/bench/jobs.sh, or named like those
#   PROFILE=1     bench: which functions the instructions go to
#   PART=name     install and uninstall: only the modules, or only the cloak
#   DESTDIR=dir   install and uninstall: below that folder
#   PREFIX=dir    install and uninstall: instead of /usr/local
#   V=1           show the commands

build := $(CURDIR)/build
jobs := -j$(shell nproc)
debug_tree := $(build)/debug-kernel/linux-source-6.12

kernel_options := $(if $(KDIR),--kdir '$(KDIR)',$(if $(KVER),--kernel '$(KVER)'))
install_options := $(if $(KVER),--kernel '$(KVER)') $(if $(PART),--part '$(PART)')
bench_options := $(if $(KVER),--kernel '$(KVER)') \
	$(if $(PAIRS),--pairs '$(PAIRS)') $(if $(JOBS),--jobs '$(JOBS)') \
	$(if $(PROFILE),--profile)
make_options := $(if $(V),V='$(V)') $(if $(C),C='$(C)')

.DEFAULT_GOAL := help
.PHONY: help setup modules all-modules xdp man check check-debug check-guests \
	check-sanitizers bench bench-wall bench-memory bench-xdp demo shell \
	debug-kernel style install deb uninstall reload clean distclean

help: ## this list
	@echo 'make VERB [KVER=release] [KDIR=folder] [TESTS=words] [V=1]'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' \
		$(firstword $(MAKEFILE_LIST))

setup: ## install the Debian packages that are missing
	@scripts/setup.sh

modules: ## nvme-tcp.ko and nvmet-tcp.ko into build/RELEASE
	@scripts/build-modules.sh $(kernel_options) $(make_options)

all-modules:
	@scripts/build-modules.sh --all $(make_options)

xdp: man ## the cloak: BPF object, programs and manual pages into build
	@$(MAKE) $(jobs) --no-print-directory -C xdp O=$(build)/xdp

man:
	@$(MAKE) --no-print-directory -C Documentation O=$(build)/man

# No warning of the compiler stays unseen.
check: export KCFLAGS := -Werror
check: setup all-modules man ## every test, in guests with both kernels too
	@$(MAKE) $(jobs) --no-print-directory -C xdp O=$(build)/xdp all tests
	@selftests/run.sh $(TESTS)

check-debug: debug-kernel ## the tests of the modules in a debug kernel
	@scripts/build-modules.sh --kdir $(debug_tree) $(make_options)
	@selftests/run.sh --kernel $(debug_tree) --slow 4 \
		$(or $(TESTS),nvme_tcp/ nvmet_tcp/ pair/)

check-guests: setup man ## more of the cloak's tests in guests with both kernels
	@$(MAKE) $(jobs) --no-print-directory -C xdp O=$(build)/xdp all tests
	@selftests/run.sh --guests $(TESTS)

check-sanitizers: setup ## user space of the cloak for bad memory and races
	@selftests/run.sh xdp/sanitizers

bench: $(if $(KVER),modules,all-modules) ## instructions per I/O against the in-tree modules
	@scripts/bench.sh $(bench_options)

bench-wall: $(if $(KVER),modules,all-modules) ## the same by the clock on the wall, in turns
	@scripts/bench.sh --wall $(bench_options)

bench-memory: $(if $(KVER),modules,all-modules) ## memory of connections, against the in-tree modules
	@scripts/bench.sh --memory $(bench_options)

bench-xdp: ## nanoseconds per packet of the cloak, beside others
	@scripts/bench-xdp.sh

demo: ## the whole story in one guest: target, initiator, scanner, cloak
	@scripts/demo.sh $(KVER)

shell: modules xdp ## a shell in a guest, modules and cloak ready
	@scripts/shell.sh '$(or $(KDIR),$(KVER))'

debug-kernel: ## a 6.12 kernel with every checker, built once (15 minutes)
	@scripts/debug-kernel.sh

style: ## checkpatch, sparse, clang-format, clang-tidy, shellcheck
	@scripts/check-style.sh

install: ## modules for KVER and the cloak into this machine, or into DESTDIR
	@scripts/install.sh install $(install_options)

deb: ## Debian package of the cloak into build/packages
	@scripts/build-deb.sh

uninstall: ## takes them out again; the in-tree modules are back
	@scripts/install.sh uninstall $(install_options)

reload: ## replaces the modules that are loaded by the installed ones
	@scripts/install.sh reload

clean: ## remove what was built, but for the debug kernel
	@[ ! -d build ] || find build -mindepth 1 -maxdepth 1 \
		! -name debug-kernel -exec rm -rf {} +

distclean: ## remove the debug kernel, too
	@rm -rf build
