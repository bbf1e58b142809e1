# One command for everything one does here. Each installs what it needs and is missing (scripts/packages.txt).
SHELL := /bin/bash
PYTHON := /usr/bin/python3
SOURCES = $(shell find lib apps examples tests bench -name '*.hpp' -o -name '*.cpp')

# How large a network `make run` starts, for how many seconds (empty: until Ctrl-C), and whether over wss (TLS=1).
NODES ?= 8
DURATION ?=
TLS ?=

# Seeds of each suite of `make soak`; or how long whole networks are run instead, seed after seed (90, 15m, 2h).
SEEDS ?= 1000
DAY ?=

.DEFAULT_GOAL := help
.PHONY: help run test soak sanitize check-compilers bench fuzz chaos threats format clean deps

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## build, start a network on loopback and show it working [NODES=8] [DURATION=20] [TLS=1]
	@scripts/install_packages.sh build
	@$(PYTHON) scripts/demo.py --nodes $(NODES) $(if $(DURATION),--duration $(DURATION)) $(if $(TLS),--tls)

test: ## build and run every test; the last line is the count
	@scripts/install_packages.sh build test
	@scripts/build.sh dev
	@$(PYTHON) scripts/run_tests.py build/dev

soak: ## the simulator with many seeds, or for a time [SEEDS=1000] [DURATION=2h] [DAY=1: and 10,000 nodes for a day]
	@scripts/install_packages.sh build test
ifeq ($(DURATION),)
	@scripts/build.sh dev -- sim_tests
	@TRESTLE_SEEDS=$(SEEDS) build/dev/bin/sim_tests
else
	@scripts/build.sh --quiet release -- simulate
	@$(PYTHON) -B scripts/soak.py $(DURATION) $(if $(DAY),--day)
endif

sanitize: ## unit, simulator and process suites with sanitizers: address and undefined behaviour, or threads [KIND=thread]
	@scripts/install_packages.sh build test
	@scripts/build.sh --quiet $(if $(filter thread,$(KIND)),tsan,asan)
	@$(PYTHON) -B scripts/sanitize.py $(or $(KIND),address)

check-compilers: ## clang 19 on libstdc++ and on libc++: tests below the line, equal fingerprints
	@scripts/install_packages.sh build test compilers
	@$(PYTHON) scripts/check_compilers.py

bench: ## measure against the figures aimed for [GOAL=P1]
	@scripts/install_packages.sh build bench
	@scripts/build.sh --quiet release -DTRESTLE_BENCH=ON -- benchmarks
	@$(PYTHON) -B bench/run.py $(GOAL)

fuzz: ## run each fuzz target for a time, with both sanitizers [DURATION=60] [TARGET=json]
	@scripts/install_packages.sh build compilers fuzz
	@scripts/build.sh --quiet fuzz -- $(if $(TARGET),$(TARGET)_fuzz,fuzz_targets)
	@$(PYTHON) -B scripts/fuzz.py $(or $(DURATION),60) $(TARGET)

chaos: ## faults, floods and shortages of running programs, as long as the requirements say (docs/chaos.md) [SCENARIO=C12]
	@scripts/install_packages.sh build test
	@scripts/build.sh --quiet release -- bootstrap-node bridge-node dht-node
	@$(PYTHON) -B tests/chaos/run.py build/release $(SCENARIO)

threats: ## remove each mitigation and see its test fail (docs/threat-model.md) [THREAT=T2]
	@scripts/install_packages.sh build test
	@$(PYTHON) -B scripts/removed_mitigations.py $(THREAT)

format: ## format every C++ file in place
	@scripts/install_packages.sh format
	@clang-format-19 -i $(SOURCES)

deps: ## install what building, testing, formatting and the second compiler need
	@scripts/install_packages.sh build test compilers format

clean: ## remove everything that was built
	@rm -rf build
