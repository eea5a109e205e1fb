// Renders the formulas of a copy of the rustdoc pages, so that they need no script and no network: rustdoc.mjs DIR.
// Code spans that are formulas (formulas.mjs) become inline mathematics, blocks marked `math` displayed TeX.
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import katex from "katex";
import { toTex } from "./formulas.mjs";

const root = process.argv[2];
const dist = join(dirname(fileURLToPath(import.meta.url)), "node_modules/katex/dist");
mkdirSync(join(root, "katex"), { recursive: true });
cpSync(join(dist, "katex.min.css"), join(root, "katex/katex.min.css"));
cpSync(join(dist, "fonts"), join(root, "katex/fonts"), { recursive: true });

const decode = (html) =>
  html.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&amp;", "&");
const options = { strict: "ignore", throwOnError: true, output: "htmlAndMathml" };
let [rendered, kept, failures] = [0, 0, 0];
const seen = new Map();

function inline(text) {
  if (!seen.has(text)) {
    const tex = toTex(text);
    let out = null;
    try {
      if (tex !== null) out = katex.renderToString(tex, options);
    } catch {
      // Not a formula after all: the code span says the same.
    }
    seen.set(text, out);
  }
  return seen.get(text);
}

// Greek letters spelt out in a sentence.
const NAMES = "alpha beta gamma delta epsilon zeta eta theta kappa lambda mu nu xi rho sigma tau phi chi psi omega".split(" ");
const LETTERS = Object.fromEntries(NAMES.map((name, i) => [name, "αβγδεζηθκλμνξρστφχψω"[i]]));
Object.assign(LETTERS, { Gamma: "Γ", Theta: "Θ", Lambda: "Λ", Sigma: "Σ", Psi: "Ψ", Phi: "Φ" });
const SPELT = new RegExp(`(?<![\\w.:-])(${Object.keys(LETTERS).join("|")})(2?)(?!\\w|::|\\(|[ -](function|law|distribution|variable))`, "g");
const spelt = (text) => text.replace(SPELT, (_, name, square) => LETTERS[name] + (square ? "²" : ""));

function page(path) {
  const source = readFileSync(path, "utf8");
  let found = 0;
  // Links, declarations and examples stay as they are.
  const html = source.replace(
    /<pre[^>]*class="[^"]*language-math[^"]*"[^>]*><code>([\s\S]*?)<\/code><\/pre>|<pre[\s\S]*?<\/pre>|<a [^>]*>[\s\S]*?<\/a>|<h[1-6][\s\S]*?<\/h[1-6]>|<code>([^<]*)<\/code>|<(?:title|script|style|button|rustdoc-\w+)[\s\S]*?<\/(?:title|script|style|button|rustdoc-\w+)>|(?<=>)[^<]*[a-zA-Z]{2}[^<]*(?=<)/g,
    (whole, display, code) => {
      if (!whole.startsWith("<")) {
        const text = spelt(whole);
        if (text !== whole) found += 1;
        return text;
      }
      if (display !== undefined) {
        try {
          found += 1;
          return katex.renderToString(decode(display).trim(), { ...options, displayMode: true });
        } catch (error) {
          failures += 1;
          console.error(`${relative(root, path)}: ${error.message}`);
          return whole;
        }
      }
      if (code === undefined) return whole;
      const text = decode(code);
      const out = inline(text);
      if (out === null) {
        kept += 1;
        return whole;
      }
      found += 1;
      return `<span class="formula" title="${code}">${out}</span>`;
    },
  );
  if (found === 0) return;
  rendered += found;
  const depth = relative(root, path).split("/").length - 1;
  const style = `<link rel="stylesheet" href="${"../".repeat(depth)}katex/katex.min.css">` +
    "<style>.katex{font-size:1.08em}.katex-display{overflow:auto hidden;padding:.2em 0;position:relative}" +
    "@media(max-width:40rem){.formula{display:inline-block;max-width:100%;overflow:auto hidden;vertical-align:middle;position:relative}}</style></head>";
  writeFileSync(path, html.replace("</head>", style));
}

function walk(folder) {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) {
      if (name !== "static.files" && name !== "src") walk(path);
    } else if (name.endsWith(".html")) page(path);
  }
}
walk(root);
console.log(`documentation: ${rendered} formulas rendered, ${kept} code spans kept`);
if (process.argv.includes("--list")) for (const [text, out] of seen) console.log(`${out === null ? "code   " : "formula"} ${text}`);
process.exit(failures ? 1 : 0);
