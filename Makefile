SHELL := /bin/bash
SWIFT ?= swift
PREFIX ?= /usr/local
DESTDIR ?=
BUILD := .build/release
SOURCES := Sources Tests stacks Package.swift
# Tests at once: most start several processes, and wait for them.
WIDTH := $(shell n=$$(nproc); echo $$((n < 8 ? 2 * n : 16)))

.PHONY: help setup build demo test lint format fuzz bench install uninstall clean

help: ## Show the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

setup: ## Install the Debian packages that are missing
	@scripts/setup-debian.sh

build: setup ## Build the release
	@$(SWIFT) build -c release

demo: build ## Run the whole story on stacks/hello (root)
	@scripts/demo.sh $(BUILD)

lint: ## Check the format of every Swift file
	@$(SWIFT) format lint --strict --parallel --recursive $(SOURCES)

format: ## Rewrite every Swift file in the house format
	@$(SWIFT) format --in-place --parallel --recursive $(SOURCES)

test: lint ## Lint, build with warnings as errors, run every test (root for the integration tests)
	@scripts/setup-debian.sh --test
	@$(SWIFT) build --build-tests -Xswiftc -warnings-as-errors
	@SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=$(WIDTH) $(SWIFT) test --skip-build -Xswiftc -warnings-as-errors

fuzz: ## Fuzz every parser of input from outside, TIME seconds each (60), or one: TARGET=tar
	@scripts/fuzz.sh "$(or $(TIME),60)" $(TARGET)

bench: build ## Measure, with the peers beside (root)
	@bench/run.sh $(BUILD)

install: ## Install under PREFIX what `make build` made
	@scripts/install.sh $(BUILD) "$(DESTDIR)" "$(PREFIX)"

uninstall: ## Remove what `make install` put under PREFIX
	@scripts/uninstall.sh "$(DESTDIR)" "$(PREFIX)"

clean: ## Remove what was built
	@$(SWIFT) package clean
