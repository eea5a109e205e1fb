#!/usr/bin/env python3
"""Writes docs/src/claims/CHAPTER.md and docs/src/claims/index.md: a section a claim, with everything one step away.

Sources: `solvable list --json` (statement, checks), `docs/data/evidence.json` (the last committed evidence, written by
`solvable verify --budget full --json`), `proofs/theorems.toml` (machine proofs), the sources (links to rustdoc).
Run by docs/build.sh; `claims.py --check` only says whether the committed evidence covers the claims and the counts of
guarantees in README.md are current, `claims.py --readme` writes these counts.
"""
import html
import json
import os
import pathlib
import re
import subprocess
import sys
import tomllib

DOCS = pathlib.Path(__file__).resolve().parent
ROOT = DOCS.parent
PAGES = DOCS / "src" / "claims"
CHAPTERS = {
    "icl": "In-context learning by linear attention",
    "aggregate": "Learning from bags, label privacy and robustness",
    "collapse": "Neural collapse in deep linear networks",
}


# SOLVABLE names a built command, to be used instead of building it.
COMMAND = [os.environ["SOLVABLE"]] if "SOLVABLE" in os.environ else ["cargo", "run", "--quiet", "--locked", "--bin", "solvable", "--"]


def claims():
    return json.loads(subprocess.run([*COMMAND, "list", "--json"], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)


def evidence():
    path = DOCS / "data" / "evidence.json"
    return json.loads(path.read_text()) if path.exists() else {"claims": []}


def proofs():
    theorems = tomllib.loads((ROOT / "proofs" / "theorems.toml").read_text())["theorem"]
    found = {}
    for theorem in theorems:
        for claim in theorem["claims"]:
            found.setdefault(claim, []).append(theorem)
    return found


def certified():
    """Claims whose numbers `compute --certified` encloses."""
    done = subprocess.run([*COMMAND, "compute", "--list-certified"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return set(done.stdout.decode().split()) if done.returncode == 0 else set()


CHAPTER_OF = {"ICL": "icl", "AGG": "aggregate", "DP": "aggregate", "NC": "collapse"}

PATH = re.compile(r"(solvable_[a-z]+)((?:::\w+)*)(?:::\{([^}]*)\})?")


def page_of(crate, modules, item):
    """The rustdoc page of a public item, if there is one: modules of a chapter are private, the chapter re-exports."""
    place = ROOT / "target" / "doc" / crate / "/".join(modules)
    for kind in ("fn", "struct", "enum", "trait", "constant", "type"):
        if (place / f"{kind}.{item}.html").exists():
            return "/".join([crate, *modules, f"{kind}.{item}.html"])
    if (place / item / "index.html").exists():
        return "/".join([crate, *modules, item, "index.html"])
    return None


def rustdoc(text):
    """The text with each path to code as a link to its documentation."""

    def link(match):
        crate, middle, group = match.group(1), match.group(2), match.group(3)
        words = [w for w in middle.split("::") if w]
        items = [i.strip() for i in group.split(",")] if group else [words.pop()] if words else []
        out = []
        for item in items:
            page = page_of(crate, words, item)
            # A method: its type has the page.
            if page is None and words and words[-1][0].isupper():
                page = page_of(crate, words[:-1], words[-1])
            name = "::".join([crate, *words, item])
            out.append(f"[`{name}`](../rustdoc/{page})" if page else f"`{name}`")
        return ", ".join(out) if out else f"`{crate}`"

    return PATH.sub(link, text)


def number(value, digits=5):
    if value is None:
        return "-"
    text = f"{value:.{digits}g}"
    return text.replace("e-0", "e-").replace("e+0", "e")


def cell_text(text):
    """Text of a table cell: a bar outside formulas would end the cell (formulas are rendered before tables are read)."""
    parts = text.split("$")
    return "$".join(p if i % 2 else p.replace("|", "/") for i, p in enumerate(parts)).replace("\n", " ")


def worst(check):
    order = {"pass": 0, "recorded": 1, "inconclusive": 2, "fail": 3}

    def strain(cell):
        gap = abs(cell["observed"] - cell["predicted"])
        return gap / cell["error_bar"] if cell["error_bar"] else (0 if gap == 0 else float("inf"))

    return max(check["cells"], key=lambda c: (order[c["verdict"]], strain(c)), default=None)


def proof_lines(proved):
    """The theorems of a claim, the whole claim first; lemmas folded away when there is more."""
    order = ["whole", "special-case", "lemma"]
    lines, lemmas = [], []
    for theorem in sorted(proved, key=lambda t: order.index(t["fidelity"])):
        missing = f" Not covered: {theorem['missing'].rstrip('.')}." if theorem.get("missing") else ""
        text = f"Proof [`{theorem['name']}`](../proofs/{theorem['file']}.txt) ({theorem['fidelity']}): {theorem['statement']}{missing}"
        (lemmas if theorem["fidelity"] == "lemma" else lines).append(text)
    if lines and len(lemmas) > 1:
        return [x for t in lines for x in (t, "")] + [
            f"<details><summary>{len(lemmas)} supporting lemmas</summary>", "", *[x for t in lemmas for x in (t, "")], "</details>", ""]
    return [x for t in lines + lemmas for x in (t, "")]


def derivation(ident, chapter):
    """Links to the pages that derive the claim; the chapter where none names it."""
    pages = []
    for path in sorted((DOCS / "src" / chapter).glob("*.md")):
        text = path.read_text()
        if f"{chapter}.md#{ident.lower()})" in text:
            pages.append(f"[{text.splitlines()[0].lstrip('# ')}](../{chapter}/{path.name})")
    return ", ".join(pages) or f"[chapter](../{chapter}.md)"


def section(claim, last, proved, enclosed, figures):
    ident = claim["id"]
    layers = []
    if proved:
        best = min(proved, key=lambda t: ["whole", "special-case", "lemma"].index(t["fidelity"]))
        words = {"whole": "the whole claim", "special-case": "a special case", "lemma": "supporting lemmas"}
        layers.append(f"machine-proved ({words[best['fidelity']]})")
    if ident in enclosed:
        layers.append("enclosed by intervals")
    kinds = set(claim["kinds"])
    if "certificate" in kinds or "refutation" in kinds:
        layers.append("certified")
    layers.append("tested")
    lines = [
        f"## {ident} {claim['title']} {{#{ident.lower()}}}",
        "",
        claim["statement"],
        "",
        f"*Assumes:* {claim['assumptions']}",
        "",
        f"| kind | guarantee | source |\n|---|---|---|\n| {', '.join(claim['kinds'])} | {'; '.join(layers)} | {cell_text(claim['source'])} |",
        "",
        f"Formula {rustdoc(claim['formula'])}, against {rustdoc(claim['simulator'])}. "
        f"Derivation: {derivation(ident, claim['chapter'])}.",
        "",
    ]
    if last:
        lines.append("| check | predicted | observed | error bar | resolution | verdict |")
        lines.append("|---|---:|---:|---:|---:|---|")
        for check in last["checks"]:
            cell = worst(check)
            if cell:
                resolution = max(c["resolution"] for c in check["cells"])
                lines.append(
                    f"| {cell_text(check['what'])} ({check['kind']}, {len(check['cells'])} cells) | {number(cell['predicted'])} "
                    f"| {number(cell['observed'])} | {number(cell['error_bar'], 2)} | {number(resolution, 2)} | {cell['verdict']} |"
                )
        lines.append("")
    for name, title in figures:
        lines += [f"Picture: [{title}](figures.md#{name}).", ""]
    rejects = [f"{name}" for check in claim["checks"] for name in check["must_reject"]]
    if rejects:
        lines += [f"Must reject: {'; '.join(rejects)}.", ""]
    lines += proof_lines(proved)
    lines += ["```sh", f"solvable verify {ident} --budget full", f"solvable describe {ident}", "```", ""]
    return "\n".join(lines)


def figure_page():
    """A section a committed figure, by chapter; returns the figures of each claim."""
    found = sorted(DOCS.glob("src/figures/*.json"))
    by_claim = {}
    page = ["# Figures", "", "Solid lines are theory, markers with error bars simulation, dashes bounds, dots guides or refuted values.", ""]
    for chapter, title in CHAPTERS.items():
        page += [f"## {title} {{#{chapter}}}", ""]
        for path in found:
            figure = json.loads(path.read_text())
            name = figure["name"]
            if not name.startswith(chapter):
                continue
            # The text alternative states the numbers; formulas are not rendered in it.
            text = html.escape(figure["description"].replace("$", "").replace("\\", ""), quote=True)
            links = []
            for claim in figure["claims"]:
                owner = CHAPTER_OF[claim.split("-")[0]]
                links.append(f"[{claim}]({owner}.md#{claim.lower()})")
                by_claim.setdefault(claim, []).append((name, figure["title"]))
            page += [
                f"### {figure['title']} {{#{name}}}", "",
                f'<div class="picture" tabindex="0" role="region" aria-label="Picture"><img src="../figures/{name}.svg" alt="{text}"></div>', "",
                figure["caption"], "",
                f"{figure['parameters']}. Claims: {', '.join(links) or '-'}. Numbers: [{name}.csv](../figures/{name}.csv).", "",
                "```sh", f"solvable figure {name}", "```", "",
            ]
    (PAGES / "figures.md").write_text("\n".join(page))
    return by_claim


def guarantees(listed, last, proved, enclosed):
    """The table of guarantees, one row a claim, and its short form for README.md; fidelity is never rounded up."""
    exact = set()
    for path in sorted((ROOT / "tests").glob("*.rs")):
        for ids in re.findall(r"^/// Exact identity: (.*)$", path.read_text(), re.M):
            exact.update(i.strip() for i in ids.split(","))
    count = dict.fromkeys(("whole", "special-case", "lemma", "enclosed", "certified", "rational", "tested", "recorded"), 0)
    page = [
        "# Guarantees, claim by claim", "",
        "What each layer says, and what it does not: [How far to trust it](../trust.md). *Machine-proved* gives the fidelity of the closest "
        "theorem: the whole claim, a special case (with what is missing), or lemmas that support it. *Enclosed*: `solvable compute --certified` "
        "returns rigorous bounds. *Certified*: a check compares an optimum with a proved bound, or refutes by a certified counterexample. "
        "*Tested*: the verdict of the committed evidence; *rational* marks identities that hold exactly over rationals on random instances.", "",
        "| claim | machine-proved | enclosed | certified | tested |", "|---|---|---|---|---|",
    ]
    for claim in listed:
        ident = claim["id"]
        theorems = proved.get(ident, [])
        fidelity = next((f for f in ("whole", "special-case", "lemma") if any(t["fidelity"] == f for t in theorems)), None)
        proof = "-"
        if fidelity:
            count[fidelity] += 1
            parts = [m for t in theorems if t["fidelity"] == fidelity for m in t.get("missing", "").split("; ") if m]
            missing = "; ".join(dict.fromkeys(parts))
            word = {"whole": "whole", "special-case": "special case", "lemma": "lemmas"}[fidelity]
            proof = f"{word} (one theorem or another leaves out: {missing})" if missing else word
        bound = ident in enclosed
        certified_kinds = sorted({"certificate", "refutation"} & set(claim["kinds"]))
        verdict = last.get(ident, {}).get("verdict", "no evidence")
        count["enclosed"] += bound
        count["certified"] += bool(certified_kinds)
        count["rational"] += ident in exact
        count["tested"] += verdict == "pass"
        count["recorded"] += verdict == "recorded"
        checks = len(claim["checks"])
        tested = f"{verdict}, {checks} check{'s' * (checks != 1)}" + ("; rational" if ident in exact else "")
        page.append(
            f"| [{ident}]({claim['chapter']}.md#{ident.lower()}) {cell_text(claim['title'])} | {cell_text(proof)} "
            f"| {'yes' if bound else '-'} | {', '.join(certified_kinds) or '-'} | {tested} |")
    short = "\n".join([
        f"Of {len(listed)} claims:", "",
        "| layer | claims |", "|---|---:|",
        f"| machine-proved: the whole claim | {count['whole']} |",
        f"| machine-proved: a special case only | {count['special-case']} |",
        f"| machine-proved: supporting lemmas only | {count['lemma']} |",
        f"| enclosed | {count['enclosed']} |",
        f"| certified a posteriori | {count['certified']} |",
        f"| tested: agreed on the full budget | {count['tested']} |",
        f"| only recorded | {count['recorded']} |",
        f"| with an identity checked exactly over rationals | {count['rational']} |",
    ])
    page[4:4] = [short, ""]
    unknown = exact - {c["id"] for c in listed}
    if unknown:
        sys.exit(f"tests name exact identities of claims that do not exist: {sorted(unknown)}")
    return "\n".join(page) + "\n", short


README = re.compile(r"(<!-- guarantees: written by docs/claims.py --readme -->\n).*?(\n<!-- end of guarantees -->)", re.S)


def calibration_page():
    """Measured power and false alarms, from `solvable calibrate --json docs/data/calibration.json` (hours; optional)."""
    path = DOCS / "data" / "calibration.json"
    page = ["# Measured power and false alarms", ""]
    rerun = ["```sh", "solvable calibrate --seeds 30 --power-seeds 100 --json docs/data/calibration.json", "```", ""]
    if not path.exists():
        page += ["No measurement is committed with this version. It takes hours; this command makes one, and the next build of "
                 "the book shows it here:", "", *rerun]
        (PAGES / "calibration.md").write_text("\n".join(page))
        return
    measured = json.loads(path.read_text())
    found = measured.get("calibration") or {}
    if found:
        tails = found["tails"]
        page += [
            "## False alarms", "",
            f"First-test p-values of the expectation checks, pooled over {found['seeds']} seeds. If every error bar is honest they are "
            "uniform and independent: no two cells share a stream of random numbers.", "",
            "| quantity | measured | expected |", "|---|---:|---:|",
            f"| pooled p-values | {found['p_values']} | |",
            f"| Kolmogorov-Smirnov distance from uniform | {found['distance']:.4f} | about {0.87 / max(found['p_values'], 1) ** 0.5:.4f} |",
            f"| its p-value | {found['uniformity_p']:.3g} | above 0.0001 |",
        ]
        page += [f"| fraction below {level} | {number(tail, 4)} | {level} |" for level, tail in zip((0.001, 0.01, 0.05, 0.5), tails)]
        page += [f"| cells tested a second time | {found['retests']} | |", f"| false alarms | {found['false_alarms']} | 0 |", ""]
    by_check = {}
    for row in measured.get("power") or []:
        by_check.setdefault((row["claim"], row["check"]), []).append(row)
    if by_check:
        rows = [row for group in by_check.values() for row in group]
        weak = [row for row in rows if row["rejected"] < 0.99 * row["seeds"]]
        tried, caught = sum(r["seeds"] for r in rows), sum(r["rejected"] for r in rows)
        page += [
            "## Power", "",
            f"Every wrong formula and broken simulator that a check must reject was fed through it at several seeds: {len(rows)} "
            f"sabotages of {len(by_check)} checks, {caught} rejections in {tried} runs; "
            + (f"{len(weak)} sabotages were rejected in fewer than 99% of their runs." if weak else "each was rejected in at least 99% of its runs."),
            "", "| claim | check | sabotages | seeds | rejected | least rejected |", "|---|---|---:|---:|---:|---|",
        ]
        for (claim, check), group in by_check.items():
            owner = CHAPTER_OF[claim.split("-")[0]]
            least = min(group, key=lambda r: r["rejected"] / max(r["seeds"], 1))
            note = "" if least["rejected"] == least["seeds"] else f"{cell_text(least['sabotage'])}: {least['rejected']} of {least['seeds']}"
            page.append(
                f"| [{claim}]({owner}.md#{claim.lower()}) | {cell_text(check)} | {len(group)} | {max(r['seeds'] for r in group)} "
                f"| {sum(r['rejected'] for r in group)} of {sum(r['seeds'] for r in group)} | {note} |")
        page.append("")
    page += ["## Rerun", "", *rerun]
    (PAGES / "calibration.md").write_text("\n".join(page))


def main():
    listed, committed = claims(), evidence()
    last = {c["id"]: c for c in committed["claims"]}
    missing = [c["id"] for c in listed if c["id"] not in last]
    stale = sorted(set(last) - {c["id"] for c in listed})
    if missing or stale:
        print(f"docs/data/evidence.json: no evidence for {missing}, evidence without claim {stale}; "
              "run docs/evidence.sh", file=sys.stderr)
        if "--check" in sys.argv:
            sys.exit(1)
    table, short = guarantees(listed, last, proofs(), certified())
    readme = (ROOT / "README.md").read_text()
    fresh = README.sub(lambda m: m.group(1) + short + m.group(2), readme)
    if "--readme" in sys.argv:
        (ROOT / "README.md").write_text(fresh)
        return
    if "--check" in sys.argv:
        if fresh != readme or not README.search(readme):
            sys.exit("README.md: the counts of guarantees are stale; run docs/claims.py --readme")
        print(f"evidence covers {len(listed)} claims; the counts of guarantees are current")
        return
    PAGES.mkdir(parents=True, exist_ok=True)
    (PAGES / "guarantees.md").write_text(table)
    proved, enclosed, pictures = proofs(), certified(), figure_page()
    origin = ""
    if last:
        p = committed["provenance"]
        origin = (f"Evidence: {committed['budget']} budget, seed {committed['seed']}, version {p['version']}, commit {p['commit']}, "
                  f"{p['instruction_set']}. The row of a check shows its worst cell.\n\n")
    calibration_page()
    index = ["# All claims", "", origin.strip(), "", "| claim | what | kind | verdict |", "|---|---|---|---|"]
    for chapter, title in CHAPTERS.items():
        mine = [c for c in listed if c["chapter"] == chapter]
        page = [f"# Claims: {title}", "", origin.strip(), ""]
        page += [section(c, last.get(c["id"]), proved.get(c["id"], []), enclosed, pictures.get(c["id"], [])) for c in mine]
        (PAGES / f"{chapter}.md").write_text("\n".join(page))
        for c in mine:
            verdict = last.get(c["id"], {}).get("verdict", "-")
            index.append(f"| [{c['id']}]({chapter}.md#{c['id'].lower()}) | {c['title']} | {', '.join(c['kinds'])} | {verdict} |")
    (PAGES / "index.md").write_text("\n".join(index) + "\n")
    print(f"{len(listed)} claims")


main()
