# The only door. `make run` and `make test` need a Rust toolchain; everything else says what it lacks.
.DEFAULT_GOAL := help
.PHONY: help run client test check fuzz lenient peers crash privacy corpus browser load bench docs schema

CARGO ?= cargo
PRODUCTION ?= productions/article/production.yaml
# What users run is what the end-to-end tests run: the release binary.
BINARY = $(abspath $(or $(CARGO_TARGET_DIR),target))/release/orris
E2E = ORRIS_BIN=$(BINARY) $(CARGO) test --quiet -p orris-tests --test

help: ## say what there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 12

run: ## run the article's production (PRODUCTION=… for another)
	$(CARGO) run --release -q --bin orris -- run $(PRODUCTION)

client: ## serve the article's browser page at http://localhost:5000
	@echo "open http://localhost:5000 (Ctrl-C ends)"
	@python3 -m http.server 5000 --bind 127.0.0.1 --directory productions/article/client

check: ## the quick, Rust-only part of the tests
	$(CARGO) fmt --all --check
	$(CARGO) clippy --quiet --workspace --all-targets -- -D warnings
	$(CARGO) test --workspace --exclude orris-tests --exclude orris-bench
	$(E2E) tidy

test: check fuzz lenient browser peers corpus crash privacy load ## everything
	@echo "all tests passed"

fuzz: ## a million damaged messages through all that reads, frames, edits and writes (ORRIS_SEED=…, ORRIS_ROUNDS=…)
	ORRIS_ROUNDS=$(or $(ORRIS_ROUNDS),1000000) $(CARGO) test --release --quiet -p orris-hl7 --test fuzz -- --nocapture

lenient: ## what senders get wrong in the wild, through the engine and byte for byte out again
	$(CARGO) build --release --quiet --bin orris
	$(E2E) lenient -- --nocapture

crash: ## kill -9 at random instants and at every fault point (ORRIS_SEED=… repeats a run)
	$(CARGO) build --release --quiet --bin orris
	$(E2E) crash --test crash_mllp --test crash_flows -- --nocapture --test-threads=1

privacy: ## patient data down every error path, and nowhere but where contents are asked for
	$(CARGO) build --release --quiet --bin orris
	$(E2E) privacy --test privacy_mllp -- --nocapture --test-threads=1

load: ## many sockets, many files, a large batch, within bounded memory
	$(CARGO) build --release --quiet --bin orris
	$(E2E) load --test load_mllp -- --nocapture --test-threads=1

corpus: ## every file of a folder of HL7 files through the engine (DIR=… names another folder)
	$(CARGO) build --release --quiet --bin orris
	$(if $(DIR),ORRIS_CORPUS=$(abspath $(DIR))) $(CARGO) test --quiet -p orris-hl7 --test corpus -- --nocapture
	$(if $(DIR),ORRIS_CORPUS=$(abspath $(DIR))) $(E2E) corpus -- --nocapture --test-threads=1

browser: ## the article and the hospital's boards in headless Chromium
	@tests/browser/prepare.sh
	$(CARGO) build --release --quiet --bin orris
	$(E2E) browser --test browser_board -- --nocapture --test-threads=1

peers: ## other people's MLLP programs, both ways (python-hl7, node-hl7)
	@tests/peers/prepare.sh
	$(CARGO) build --release --quiet --bin orris
	$(E2E) peers -- --nocapture --test-threads=1

bench: ## timing figures, each beside its limit from the same run
	$(CARGO) build --release --quiet --bin orris
	$(CARGO) run --release --quiet -p orris-bench

docs: ## write the generated pages anew
	$(CARGO) build --quiet --bin orris
	$(CARGO) run --quiet --bin orris -- components --markdown > docs/reference/components.md
	$(CARGO) run --quiet --bin orris -- schema > docs/schema/production.schema.json
	$(CARGO) run --quiet --bin orris -- schema --cases > docs/schema/case.schema.json

schema: ## write the schemas of HL7 anew (DIR=… names a folder of schema data in JSON)
	@test -d "$(DIR)" || { echo "make schema DIR=folder: the folder of the schema data, with 2.5.1.json and others"; exit 1; }
	python3 tools/schema/convert.py "$(DIR)" crates/hl7/data
	ORRIS_SCHEMAS="$(abspath $(DIR))" $(CARGO) test --quiet -p orris-hl7 --test schemas
