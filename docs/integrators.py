#!/usr/bin/env python3
"""Writes the tables of docs/src/integrators.md from docs/data/work-precision.csv; --check only compares."""
import csv
import pathlib
import re
import sys

DOCS = pathlib.Path(__file__).resolve().parent
PAGE = DOCS / "src" / "integrators.md"
COLUMNS = {
    "automatic": "solvable Automatic",
    "order 5": "solvable DormandPrince5",
    "order 8": "solvable DormandPrince8",
    "Radau": "solvable Radau5",
    "Chebyshev": "solvable Chebyshev2",
    "diffsol tsit45": "diffsol tsit45",
    "diffsol bdf": "diffsol bdf",
    "diffsol esdirk34": "diffsol esdirk34",
    "dop853": "differential-equations dop853",
}


def table(rows, bound):
    problems = list(dict.fromkeys(row["problem"] for row in rows))
    lines = ["| problem | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    for problem in problems:
        cells = []
        for solver in COLUMNS.values():
            good = [r for r in rows if r["problem"] == problem and r["solver"] == solver and float(r["error"]) < bound]
            cells.append(f"{min(int(r['evaluations']) for r in good)} / {min(int(r['microseconds']) for r in good)}" if good else "")
        lines.append(f"| {problem} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


rows = [row for row in csv.DictReader((DOCS / "data" / "work-precision.csv").open())]
old = PAGE.read_text()
new = re.sub(
    r"(## Error below (\S+)\n\n)\|.*?\n(?=\n)",
    lambda m: m[1] + table(rows, float(m[2])) + "\n",
    old,
    flags=re.S,
)
if "--check" in sys.argv:
    if new != old:
        sys.exit("docs/src/integrators.md is not what docs/integrators.py makes of docs/data/work-precision.csv")
else:
    PAGE.write_text(new)
