# `make help` lists the targets. Everything works from a fresh clone.
.DEFAULT_GOAL := help
.PHONY: help run build web types test lint bench race nemesis notices clean

lint_version := v2.15.0

help: ## list the targets
	@awk -F ': ## ' '/^[a-z]+: ## / {printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## build, start the hub with the Hanoi demo and a simulated city
	@$(MAKE) --no-print-directory build
	@scripts/run

build: web ## build the programs into bin/
	go build -o bin/ ./cmd/...

# What the pages are made of; anything newer than the built page builds it anew.
web_sources := $(shell find web/src web/tools -type f 2> /dev/null) $(wildcard web/*.json web/*.ts web/*.js web/index.html web/.npmrc)

web: web/dist/app/index.html ## build the pages that the programs hold

web/dist/app/index.html: web/node_modules/.package-lock.json $(web_sources)
	cd web && npm run --silent build

web/node_modules/.package-lock.json: web/package-lock.json web/.npmrc
	scripts/npm ci
	@touch $@

types: build ## write the shapes of the API for the pages anew
	scripts/types

test: ## run every test; ends with a summary of what passed, failed and was skipped
	@scripts/test

lint: ## look for mistakes and for arrows that point upward
	go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(lint_version) run

bench: ## run the micro-benchmarks
	go test -run '^$$' -bench . -benchmem -timeout 3h ./...

race: ## run the hub beside its peers, on the same messages; ends with a table
	scripts/build-influxd
	scripts/build-telegraf
	@mkdir -p bin && rm -f bin/race.json
	@export CITYHUB_RACE=$(CURDIR)/bin/race.json; \
	go test -count=1 -tags peers -run '^TestPeersTiles$$' -v ./api; tiles=$$?; \
	go test -count=1 -tags peers -run '^TestPeersMillion$$' -timeout 1h -v ./trials; million=$$?; \
	go test -count=1 -tags peers -run '^TestPeers$$' -timeout 1h -v ./trials && exit $$((tiles + million))

nemesis: ## run the fault tests in their long form (about an hour)
	CITYHUB_NEMESIS=1 go test -timeout 3h -v ./telemetry/spool ./trials

notices: web/node_modules/.package-lock.json ## write THIRD_PARTY_NOTICES anew
	go run ./scripts/notices > THIRD_PARTY_NOTICES.new
	mv THIRD_PARTY_NOTICES.new THIRD_PARTY_NOTICES

clean: ## remove what was built (never ./data)
	rm -rf bin dist web/dist/app
