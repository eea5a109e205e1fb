#!/usr/bin/env python3
"""Checks a built book: check.py DIR. No unrendered formula, no broken link or anchor, nothing from the network, no code that is not run."""
import html.parser
import json
import pathlib
import re
import sys
import urllib.parse

ROOT = pathlib.Path(sys.argv[1]).resolve()
problems = []


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.ids, self.links, self.text, self.skip = set(), [], [], 0

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if "id" in found:
            self.ids.add(found["id"])
        if tag == "a" and "name" in found:
            self.ids.add(found["name"])
        for key in ("href", "src"):
            if found.get(key):
                self.links.append((tag, found[key]))
        if tag in ("script", "style", "code", "annotation"):
            self.skip += 1

    def handle_endtag(self, tag):
        if tag in ("script", "style", "code", "annotation"):
            self.skip -= 1

    def handle_data(self, data):
        if self.skip == 0:
            self.text.append(data)


pages = {}
for path in sorted(ROOT.rglob("*.html")):
    if "rustdoc" in path.relative_to(ROOT).parts or path.name in ("toc.html", "404.html"):
        continue
    page = Page()
    source = path.read_text()
    page.feed(source)
    pages[path] = page
    prose = " ".join(page.text)
    if re.search(r"\$\$|\$[^$\s][^$]*\$", prose):
        problems.append(f"{path.relative_to(ROOT)}: raw $ in the text")
    if "katex-error" in source:
        problems.append(f"{path.relative_to(ROOT)}: a formula with an error")

for path, page in pages.items():
    for tag, link in page.links:
        parts = urllib.parse.urlsplit(link)
        if parts.scheme in ("http", "https") or link.startswith("//"):
            if tag != "a":
                problems.append(f"{path.relative_to(ROOT)}: loads {link} from the network")
            continue
        if parts.scheme or link.startswith("javascript:"):
            continue
        target = (path.parent / urllib.parse.unquote(parts.path)).resolve() if parts.path else path
        if target.is_dir():
            target = target / "index.html"
        if not target.exists():
            problems.append(f"{path.relative_to(ROOT)}: {link} leads nowhere")
        elif parts.fragment and target in pages and urllib.parse.unquote(parts.fragment) not in pages[target].ids:
            problems.append(f"{path.relative_to(ROOT)}: {link} has no such anchor")

# Every page with code is one whose code the tests run.
DOCS = pathlib.Path(__file__).resolve().parent
tested = (DOCS.parent / "tests" / "src" / "lib.rs").read_text()
for path in sorted((DOCS / "src").rglob("*.md")):
    name = path.relative_to(DOCS.parent).as_posix()
    if "```rust" in path.read_text() and f"../../{name}" not in tested:
        problems.append(f"{name}: its code is not run by tests/src/lib.rs")

# Every decimal of the text (two places or more) stands in code that is run, on its page or on one it links to.
FROM_DATA = {
    "benchmarks.md": "benches/peers/compare.py writes it",
    "integrators.md": "docs/integrators.py compares its tables with docs/data",
    "trust.md": "levels of the tests; mutation scores from docs/data/mutation.json",
}
DECIMAL = re.compile(r"(?<![\w.])\d*\.\d{2,}(?!\d|\.\d)")


def run_decimals(text):
    code = "\n".join(re.findall(r"```rust(.*?)```", text, flags=re.S)).replace("_", "")
    return {number.removeprefix("0") for number in re.findall(r"(?<![\w.])\d*\.\d+", code)}


every = set().union(*(run_decimals(path.read_text()) for path in (DOCS / "src").rglob("*.md")))
for path in sorted((DOCS / "src").rglob("*.md")):
    if path.name in FROM_DATA or "claims" in path.parts:
        continue
    text = path.read_text()
    known = run_decimals(text) or every
    prose = re.sub(r"```.*?```|\]\([^)]*\)|`[^`]*`|arXiv [\d.]+", "", text, flags=re.S)
    for number in DECIMAL.findall(prose):
        short = number.removeprefix("0")
        if not any(value.startswith(short) for value in known):
            problems.append(f"{path.relative_to(DOCS)}: {number} is in no code that is run")

# The mutation scores of the text are those of the data.
mutation = json.loads((DOCS / "data" / "mutation.json").read_text())
trust = (DOCS / "src" / "trust.md").read_text()
after = mutation["after"]
for tried, again in [(mutation["before"], after["first"]), (mutation["fresh"], after["seven"]), (after["sample"], after["sample"]["since"])]:
    killed, sample, equivalent = tried["killed"], tried["tried"], again["equivalent"]
    row = f"| {killed} | {100 * killed / sample:.1f}%"
    rest = f"| {equivalent} | {100 * killed / (sample - equivalent):.1f}%"
    if not any(f"seed {tried['seed']}" in line and row in line and rest in line for line in trust.splitlines()):
        problems.append(f"trust.md: the row of seed {tried['seed']} is not that of docs/data/mutation.json")
    if again["open"]:
        problems.append(f"docs/data/mutation.json: {again['open']} survivors of seed {tried['seed']} are neither killed nor equivalent")

for problem in problems[:40]:
    print(problem)
print(f"{len(pages)} pages, {len(problems)} problems")
sys.exit(1 if problems else 0)
