# SPDX-License-Identifier: Apache-2.0
#
# Verbs for people; kbuild reads Kbuild instead. `make help` lists them.

build := $(CURDIR)/build

.DEFAULT_GOAL := help
.PHONY: help modules xdp clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1 -- /p' $(firstword $(MAKEFILE_LIST)) | \
		awk -F ' -- ' '{ printf "%-24s %s\n", $$1, $$2 }'

modules: ## nvme-tcp.ko and nvmet-tcp.ko into build/RELEASE [KVER= KDIR= V=1]
	@scripts/build-modules.sh $(if $(KDIR),--kdir '$(KDIR)', \
		$(if $(KVER),--kernel '$(KVER)')) $(if $(V),V=$(V)) $(if $(C),C=$(C))

xdp: ## the cloak: BPF object and programs into build/xdp
	@$(MAKE) --no-print-directory -C xdp O=$(build)/xdp

clean: ## removes what was built, but for the cached debug kernel
	@find build -mindepth 1 -maxdepth 1 ! -name debug-kernel \
		-exec rm -rf {} + 2>/dev/null || true
