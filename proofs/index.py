#!/usr/bin/env python3
"""Keep proofs/theorems.toml, the Coq sources and the exact tests in step, and read what Coq says the theorems rest on.

  index.py check               index <-> Coq sources and index <-> exact tests, both ways
  index.py audit PART          an Audit.v that prints the assumptions of every theorem of PART
  index.py assumptions PART F  check the output F of that Audit.v against the allow-list
  index.py coqchk F            check the summary F of coqchk: no axiom, nothing switched off
  index.py table               the guarantees table, in Markdown

PART is `algebra` or `analysis`. `Theorem` and `Corollary` are main results and must be indexed; `Example` is an instance
that shows hypotheses satisfiable and must be named by an entry; `Lemma`, `Fact` and `Let` are steps.

An exact test is a Rust `#[test]` in rational arithmetic with `/// Exact identity: ICL-3, ICL-11` in its documentation: the
library's formula, on instances, without rounding. A theorem says the formula is right, the test that the code has that
formula. Every claim so named must be in the claim registry; an entry may name its test, `rational_test = "tests/FILE.rs::NAME"`.
"""
import pathlib
import re
import sys
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
PARTS = {"algebra": "SolvableAlgebra", "analysis": "SolvableAnalysis"}
FIDELITIES = ("whole", "special-case", "lemma")
# What the classical real numbers of Coq's standard library rest on. Nothing else may appear, and in algebra nothing at all.
ALLOWED = {
    "algebra": set(),
    "analysis": {
        "ClassicalDedekindReals.sig_forall_dec",
        "ClassicalDedekindReals.sig_not_dec",
        "FunctionalExtensionality.functional_extensionality_dep",
        "Classical_Prop.classic",
    },
}
DECLARATION = re.compile(r"^\s*(?:#\[[^\]]*\]\s*)?(Theorem|Corollary|Example)\s+([A-Za-z_][\w']*)", re.M)
CLAIM = re.compile(r"\b(?:ICL|AGG|NC|DP)-\d+\b")
REGISTERED = re.compile(r'(?:\bid:|\bclaim\()\s*"((?:ICL|AGG|NC|DP)-\d+)"')
TAG = re.compile(r"^\s*///\s*Exact identity:(.*)$")
FUNCTION = re.compile(r"^\s*(?:pub(?:\([^)]*\))?\s+)?fn\s+(\w+)")


def strip_comments(text):
    """Coq comments nest; keep newlines so that line numbers stay right."""
    out, depth, i = [], 0, 0
    while i < len(text):
        if text.startswith("(*", i):
            depth += 1
            i += 2
        elif depth and text.startswith("*)", i):
            depth -= 1
            i += 2
        else:
            if not depth or text[i] == "\n":
                out.append(text[i])
            i += 1
    return "".join(out)


def project_files(part):
    lines = (HERE / part / "_CoqProject").read_text().splitlines()
    return [line.strip() for line in lines if line.strip().endswith(".v")]


def declarations(part):
    """(kind, name, file) of every main result and instance."""
    found = []
    for name in project_files(part):
        text = strip_comments((HERE / part / name).read_text())
        found += [(kind, ident, f"{part}/{name}") for kind, ident in DECLARATION.findall(text)]
    return found


def index():
    with open(HERE / "theorems.toml", "rb") as file:
        return tomllib.load(file)["theorem"]


def rust_sources():
    folders = [ROOT / "tests", *(ROOT / "crates").glob("*/src"), *(ROOT / "crates").glob("*/tests")]
    return sorted(path for folder in folders for path in folder.rglob("*.rs") if "target" not in path.relative_to(ROOT).parts)


def registry():
    """The ids of all registered claims."""
    sources = (ROOT / "crates" / "verify" / "src").glob("*/claims/**/*.rs")
    return {claim for path in sources for claim in REGISTERED.findall(path.read_text())}


def rust_tests():
    """{"tests/FILE.rs::NAME": claims its documentation tags} for every #[test], and the tags that stand above no test."""
    tests, stray = {}, []
    for path in rust_sources():
        file = path.relative_to(ROOT).as_posix()
        claims, tagged_at, is_test = [], None, False
        for number, line in enumerate(path.read_text().splitlines(), 1):
            text, tag = line.strip(), TAG.match(line)
            if tag:
                claims += [part.strip(" .`") for part in tag.group(1).split(",")]
                tagged_at = number
            elif text.startswith("#["):
                is_test = is_test or text.startswith("#[test]")
            elif text and not text.startswith("//"):
                function = FUNCTION.match(line)
                if function and is_test:
                    tests[f"{file}::{function.group(1)}"] = claims
                elif tagged_at:
                    stray.append(f"{file}:{tagged_at}")
                claims, tagged_at, is_test = [], None, False
    return tests, stray


def check_exact_tests(entries, errors):
    tests, stray = rust_tests()
    registered = registry()
    errors += [f"{place}: `Exact identity` stands above no #[test]" for place in stray]
    for test, claims in tests.items():
        for claim in claims:
            if claim not in registered:
                errors.append(f"{test}: exact identity of {claim or 'nothing'}, which is not a registered claim")
    for entry in entries:
        where = f"theorems.toml: {entry.get('file')}: {entry.get('name')}"
        for claim in entry.get("claims", []):
            if CLAIM.fullmatch(claim) and claim not in registered:
                errors.append(f"{where}: {claim} is not a registered claim")
        test = entry.get("rational_test")
        if test is None:
            continue
        if test not in tests:
            errors.append(f"{where}: no #[test] {test}")
        elif not set(tests[test]) & set(entry.get("claims", [])):
            errors.append(f"{where}: {test} is an exact identity of {tests[test]}, of no claim of this theorem")
    return sum(1 for claims in tests.values() if claims)


def check():
    errors = []
    main, examples = {}, {}
    for part in PARTS:
        listed = project_files(part)
        on_disk = sorted(path.name for path in (HERE / part).glob("*.v"))
        if sorted(listed) != on_disk:
            errors.append(f"{part}/_CoqProject lists {sorted(listed)}, the folder has {on_disk}")
        for name in on_disk:
            head = (HERE / part / name).read_text().split("*)\n\n", 1)[0]
            if not CLAIM.search(head) and "No claim:" not in head:
                errors.append(f"{part}/{name}: the header comment names no claim")
        for kind, ident, file in declarations(part):
            table = examples if kind == "Example" else main
            if (file, ident) in table:
                errors.append(f"{file}: {ident} declared twice")
            table[file, ident] = kind
    seen, used = set(), set()
    for entry in index():
        name, file = entry.get("name", "?"), entry.get("file", "?")
        where = f"theorems.toml: {file}: {name}"
        missing = {"name", "file", "claims", "fidelity", "statement", "instance"} - entry.keys()
        if missing:
            errors.append(f"{where}: no {', '.join(sorted(missing))}")
            continue
        if (file, name) not in main:
            errors.append(f"{where}: no such Theorem or Corollary in the sources")
        if (file, name) in seen:
            errors.append(f"{where}: listed twice")
        seen.add((file, name))
        if entry["fidelity"] not in FIDELITIES:
            errors.append(f"{where}: fidelity must be one of {FIDELITIES}")
        if entry["fidelity"] == "special-case" and not entry.get("missing"):
            errors.append(f"{where}: a special case must say what is missing")
        if not entry["claims"] or not all(CLAIM.fullmatch(claim) for claim in entry["claims"]):
            errors.append(f"{where}: claims must be ids such as ICL-3")
        text = (HERE / file).read_text() if (HERE / file).is_file() else ""
        for claim in entry["claims"]:
            if not re.search(rf"\b{claim}\b", text):
                errors.append(f"{where}: {claim} is not named in the file")
        if entry["instance"] != "no hypotheses":
            used.add((file, entry["instance"]))
            if (file, entry["instance"]) not in examples:
                errors.append(f"{where}: instance {entry['instance']} is not an Example of that file")
    errors += [f"{file}: {kind} {name} is not in theorems.toml" for (file, name), kind in main.items() if (file, name) not in seen]
    errors += [f"{file}: Example {name} is the instance of no theorem" for file, name in examples if (file, name) not in used]
    exact = check_exact_tests(index(), errors)
    if errors:
        sys.exit("\n".join(errors))
    print(f"proofs: {len(seen)} theorems, {len(examples)} instances and {exact} exact tests, index and sources agree")


def audit(part):
    for name in project_files(part):
        print(f"From {PARTS[part]} Require {name[:-2]}.")
    # One tuple of all statements of a file: what it rests on is what any of them rests on, in one walk of the libraries.
    for module, idents in by_module(part).items():
        terms = ", ".join(f"@{PARTS[part]}.{module}.{ident}" for ident in idents)
        print(f"Definition audited_{module} := ({terms}).")
        print(f'Goal True. idtac "audit {module}". exact I. Qed.')
        print(f"Print Assumptions audited_{module}.")


def by_module(part):
    modules = {}
    for _, ident, file in declarations(part):
        modules.setdefault(pathlib.PurePath(file).stem, []).append(ident)
    return modules


def assumptions(part, log):
    text = pathlib.Path(log).read_text()
    modules = by_module(part)
    blocks = re.split(r"^audit (\S+)\n", text, flags=re.M)
    if blocks[1::2] != list(modules):
        sys.exit(f"{log}: the audit does not list the theorems of {part}")
    errors, axioms = [], set()
    for name, body in zip(blocks[1::2], blocks[2::2]):
        body = body.strip()
        if body == "Closed under the global context":
            continue
        if not body.startswith("Axioms:"):
            errors.append(f"{part}: {name}: cannot read: {body[:200]}")
            continue
        names = set(re.findall(r"^([A-Za-z_][\w.']*)\s*(?::|$)", body.removeprefix("Axioms:"), re.M))
        axioms |= names
        if not names or names - ALLOWED[part]:
            errors.append(f"{part}: {name} rests on {', '.join(sorted(names - ALLOWED[part])) or body[:200]}")
    if errors:
        sys.exit("\n".join(errors))
    rest = f"only on {', '.join(sorted(axioms))}" if axioms else "on no axiom"
    count = sum(len(idents) for idents in modules.values())
    print(f"proofs: {part}: {count} statements audited, they rest {rest}")


def coqchk(log):
    """coqchk lists the axioms of everything loaded. The `ring` tactic loads the kernel's primitive integers and floats, which
    have no definition and so appear there; nothing else may (that no theorem uses them is checked by `assumptions`)."""
    text = pathlib.Path(log).read_text()
    if "CONTEXT SUMMARY" not in text:
        sys.exit(f"{log}: no context summary")
    sections = dict(re.findall(r"^\* ([^:\n]+):(.*?)(?=^\* |\Z)", text[text.index("CONTEXT SUMMARY"):], re.M | re.S))
    names = set(sections.get("Axioms", "missing").split()) - {"<none>"}
    others = {name for name in names if not name.startswith(("Coq.Numbers.Cyclic.Int63.PrimInt63.", "Coq.Floats.PrimFloat."))}
    if others:
        sys.exit(f"coqchk: axioms: {', '.join(sorted(others))}")
    for title in ("Constants/Inductives relying on type-in-type", "Constants/Inductives relying on unsafe (co)fixpoints",
                  "Inductives whose positivity is assumed"):
        if sections.get(title, "missing").strip() != "<none>":
            sys.exit(f"coqchk: not empty: {title}\n{text}")
    print("proofs: coqchk: algebra and all it depends on accepted, no axiom, no check switched off")


def table():
    tests, _ = rust_tests()
    exact = {}
    for test, claims in tests.items():
        for claim in claims:
            exact.setdefault(claim, []).append(test)
    print("| claims | theorem | fidelity | statement | what is not covered | exact tests of the claim |")
    print("|---|---|---|---|---|---|")
    for entry in index():
        named = [entry["rational_test"]] if "rational_test" in entry else [test for claim in entry["claims"] for test in exact.get(claim, [])]
        links = ", ".join(f"`{test}`" for test in dict.fromkeys(named))
        cells = (", ".join(entry["claims"]), f"`{entry['file']}`: `{entry['name']}`", entry["fidelity"], entry["statement"],
                 entry.get("missing", ""), links)
        print("| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |")


def main():
    commands = {"check": check, "audit": audit, "assumptions": assumptions, "coqchk": coqchk, "table": table}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]](*sys.argv[2:])


main()
