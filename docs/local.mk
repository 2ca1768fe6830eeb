# what is read by people; a page is a line
EXTRA_DIST += conf/teegate.yaml
EXTRA_DIST += docs/architecture.md
EXTRA_DIST += docs/challenge.md
EXTRA_DIST += docs/collateral.md
EXTRA_DIST += docs/decisions/0001-a-doubtful-worker-is-asked-last.md
EXTRA_DIST += docs/decisions/0002-bytes-are-acknowledged-at-once-when-a-window-fills.md
EXTRA_DIST += docs/faults.md
EXTRA_DIST += docs/hostile.md
EXTRA_DIST += docs/known-flaws.md
EXTRA_DIST += docs/metrics.md
EXTRA_DIST += docs/options.md
EXTRA_DIST += docs/receipts.md
EXTRA_DIST += docs/subcalls.md
EXTRA_DIST += docs/verifier-tests.md
