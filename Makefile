# The same targets on a desk and on the build machine. What they do is in scripts/.
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## install what this machine lacks (system packages, test tools, Kafka); quick when all is there
	@scripts/setup.sh

.PHONY: build
build: ## build server, provider and tools (debug)
	@scripts/setup.sh --quiet
	cargo build --workspace --locked

.PHONY: fmt
fmt: ## format the Rust code
	cargo fmt --all

.PHONY: lint
lint: ## formatting, clippy, dependencies, scripts
	@scripts/setup.sh --quiet
	@scripts/lint.sh

.PHONY: advisories
advisories: ## known weaknesses of the dependencies (asks the network)
	@scripts/setup.sh --quiet
	@scripts/lint.sh advisories

.PHONY: test
# Only from the command line: a T that happens to be in the environment must not leave tests out.
test: export ORBIT_TEST_FILTER := $(if $(findstring command line,$(origin T)),$(T))
test: ## lint and all tests, with a real PostgreSQL and Kafka; T=name or T='nextest filter' runs only those tests
	@scripts/test.sh

.PHONY: acceptance-chaos
acceptance-chaos: ## kill the server 200 times at random moments, on each database, its cluster now and then, and check what is left (ORBIT_CHAOS_ROUNDS; one in six only cuts connections; twenty minutes)
	@ORBIT_CHAOS_ROUNDS=$${ORBIT_CHAOS_ROUNDS:-240} $(MAKE) test T='test(whatever_dies_at_random_moments)'

.PHONY: acceptance-api
acceptance-api: ## have schemathesis make up calls from the API's document for longer (ORBIT_API_EXAMPLES, ORBIT_API_SEED; ten minutes)
	@ORBIT_API_EXAMPLES=$${ORBIT_API_EXAMPLES:-100} ORBIT_API_SEED=$${ORBIT_API_SEED:-$$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')} $(MAKE) test T='test(no_call_that_is_made_up)'

.PHONY: acceptance-compat
acceptance-compat: ## the tests that drive Terraform, on Terraform 1.15 and on OpenTofu, built here once (C=terraform or C=tofu: one of them)
	@scripts/compat.sh $(C)

.PHONY: fuzz
fuzz: ## made-up bytes for the decoder of Terraform's values, FUZZ_SECONDS long (60)
	@scripts/setup.sh --quiet
	@scripts/fuzz.sh

.PHONY: bench
bench: ## the figures of docs/performance.md, on release builds and a real Kafka; B=burst measures one part
	@scripts/bench.sh $(B)

.PHONY: bench-policy
bench-policy: ## policy evaluation beside regorus and Cedar, and a draft over 50,000 topics (builds for six minutes the first time)
	@cd bench/policy && cargo bench --locked --bench evaluate

.PHONY: demo
demo: ## Orbit on this machine with a real Kafka: terraform, policy, an approval; DEMO_EXIT=1 stops at the end
	@scripts/demo.sh

.PHONY: release
release: ## the provider as registries take it, in dist/: zip, manifest, checksums; signed where ORBIT_SIGNING_KEY names a key
	@scripts/setup.sh --quiet --to-release
	@scripts/release.sh

.PHONY: clean-run
clean-run: ## end what an earlier run left behind, and remove its folder
	@scripts/clean-run.sh

.PHONY: opentofu
opentofu: ## build OpenTofu into .cache/, where neither terraform nor tofu is installed (Go 1.26, 5 minutes)
	@scripts/setup.sh --quiet
	@scripts/opentofu.sh
