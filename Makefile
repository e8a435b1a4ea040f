# `make help` lists the targets. Everything works from a fresh clone.
.DEFAULT_GOAL := help
.PHONY: help run build test lint bench race nemesis notices clean

lint_version := v2.15.0

help: ## list the targets
	@awk -F ': ## ' '/^[a-z]+: ## / {printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## build, start the hub with the Hanoi demo and a simulated city
	@$(MAKE) --no-print-directory build
	@scripts/run

build: ## build the programs into bin/
	go build -o bin/ ./cmd/...

test: ## run every test; ends with a summary of what passed, failed and was skipped
	@scripts/test

lint: ## look for mistakes and for arrows that point upward
	go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(lint_version) run

bench: ## run the micro-benchmarks
	go test -run '^$$' -bench . -benchmem ./...

race: ## run the hub beside its peers, on the same messages; ends with a table
	scripts/build-influxd
	scripts/build-telegraf
	go test -tags peers -run '^TestPeers$$' -timeout 1h -v ./trials

nemesis: ## run the fault tests in their long form (about an hour)
	CITYHUB_NEMESIS=1 go test -timeout 3h -v ./telemetry/spool ./trials

notices: ## write THIRD_PARTY_NOTICES anew
	go run ./scripts/notices > THIRD_PARTY_NOTICES.new
	mv THIRD_PARTY_NOTICES.new THIRD_PARTY_NOTICES

clean: ## remove what was built (never ./data)
	rm -rf bin dist
