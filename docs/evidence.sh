#!/usr/bin/env bash
# Renews the committed numbers of the book: evidence (full budget, minutes) and figures.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --locked --bin solvable
target/release/solvable verify --budget full --json target/evidence.json --report target/full-report
# Pictures need the series; the book's tables do not.
python3 - <<'PY'
import json
evidence = json.load(open("target/evidence.json"))
for claim in evidence["claims"]:
    for check in claim["checks"]:
        for cell in check["cells"]:
            cell.pop("series", None)
            cell.pop("parameters", None)
import os
os.makedirs("docs/data", exist_ok=True)
json.dump(evidence, open("docs/data/evidence.json", "w"), separators=(",", ":"))
PY
target/release/solvable figure --all --out docs/src/figures --formats svg,csv,json
