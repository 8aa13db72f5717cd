# Portolan's chores. Written for any GNU make from 3.81 on, and a POSIX shell.

.PHONY: help demo test lint bench docs setup clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' Makefile

# From `can`, status 1 is the answer "no", as good as a "yes"; anything else but 0 is something gone wrong.
demo: ## install what is missing, then chart, question and check the example shop
	@sh .ci/setup
	cargo build --release --locked
	@ask() { \
	  printf '\n$$ portolan %s\n' "$$*"; \
	  status=0; \
	  cargo run --quiet --release --locked -- "$$@" || status=$$?; \
	  case $$1:$$status in \
	    *:0) ;; \
	    can:1) echo '(exit status 1: the answer is no)' ;; \
	    *) exit "$$status" ;; \
	  esac; \
	}; \
	ask list testdata/shop; \
	ask can -f testdata/shop shop/frontend reach shop/cart --port 7070; \
	ask can -f testdata/shop shop/frontend reach shop/orders-db; \
	ask check testdata/shop --intent policies/shop.yaml; \
	ask diff testdata/diff/old.yaml testdata/diff/new.yaml; \
	ask compile testdata/nodes --target nft --all-nodes -o target/rules; \
	ask verify --target nft target/rules/worker-1 testdata/nodes

# Adds up the result lines of all test programs, and names what failed and what was skipped.
# libtest writes `ignored, reason`, libtest-mimic `ignored (reason)`.
# A run that cargo calls failed never says `0 failed`: what did not build, or crashed, printed no result line.
define TEST_SUMMARY
function name(line) {
  sub(/^test +/, "", line)
  sub(/ +\.\.\. .*/, "", line)
  return line
}
function reason(line) {
  sub(/.* \.\.\. ignored[, ]*/, "", line)
  if (line ~ /^\(.*\)$$/) line = substr(line, 2, length(line) - 2)
  return line == "" ? "no reason given" : line
}
{ gsub(/\033\[[0-9;]*m/, "") }
/^test result: [^ ]+ [0-9]+ passed; [0-9]+ failed; [0-9]+ ignored;/ {
  passed += $$4; failed += $$6; skipped += $$8; next
}
/^test .* \.\.\. FAILED/ { list = list "failed: " name($$0) "\n" }
/^test .* \.\.\. ignored/ { list = list "skipped: " name($$0) ": " reason($$0) "\n" }
END {
  printf "\n%s", list
  if (status != 0 && failed == 0) {
    printf "failed: cargo ended with status %d, but no test did: see above what did not build or crashed\n", status
    failed = 1
  }
  printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
}
endef
export TEST_SUMMARY

# `--all-targets` leaves the documentation tests out, so they are a second run. The pipe into tee hides cargo's
# status, so it goes through a file.
test: ## install what is missing, then run every test and add up the results
	@sh .ci/setup --test
	@mkdir -p target
	@rm -f target/test.status
	@{ \
	  status=0; \
	  cargo test --locked --no-fail-fast --all-targets || status=$$?; \
	  cargo test --locked --no-fail-fast --doc || status=$$?; \
	  echo "$$status" >target/test.status; \
	} 2>&1 | tee target/test.log; \
	status=$$(cat target/test.status) || status=1; \
	awk -v status="$$status" "$$TEST_SUMMARY" target/test.log | tee -a target/test.log; \
	exit "$$status"

lint: ## check formatting, clippy and documentation, warnings being errors
	cargo fmt --check
	cargo clippy --all-targets --locked -- -D warnings
	RUSTDOCFLAGS=-Dwarnings cargo doc --no-deps --locked --document-private-items

bench: ## run the benchmarks
	cargo bench --locked

docs: ## regenerate completions and man page
	cargo run --quiet --release -- completions --all completions

setup: ## only install what building needs and this machine lacks
	@sh .ci/setup

clean: ## remove everything that was built
	cargo clean
