// mdBook preprocessor: renders $...$ and $$...$$ with KaTeX; a formula that KaTeX refuses fails the build.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import katex from "katex";

if (process.argv[2] === "supports") process.exit(process.argv[3] === "html" ? 0 : 1);

// What Markdown would read inside the rendered HTML becomes a character reference.
const guard = (html) =>
  html.replace(/[_*`\\|~[\]$!]/g, (c) => `&#${c.charCodeAt(0)};`).replace(/\n/g, " ");

let failures = 0;
function render(tex, displayMode, where) {
  try {
    const html = katex.renderToString(tex, { displayMode, throwOnError: true, strict: "ignore", output: "htmlAndMathml" });
    return guard(html);
  } catch (error) {
    failures += 1;
    console.error(`${where}: ${error.message}\n  in: ${tex}`);
    return "";
  }
}

// Fenced code, indented fences in lists, and inline code stay as they are.
const PARTS =
  /(^[ \t>]*(`{3,}|~{3,})[^\n]*\n[\s\S]*?^[ \t>]*\2[ \t]*$)|(`+)(?!`)[\s\S]*?[^`]\3(?!`)|\\\$|\$\$([\s\S]+?)\$\$|\$((?:\\.|[^$\\\n]|\n(?!\s*\n))+?)\$/gm;

// {{picture NAME}}: a committed figure with the caption that its code gives it.
const FIGURES = join(dirname(fileURLToPath(import.meta.url)), "src", "figures");
const escape = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
function picture(name, where) {
  const figure = JSON.parse(readFileSync(join(FIGURES, `${name}.json`), "utf8"));
  const up = "../".repeat(where.split("/").length - 1);
  const words = escape(figure.description.replace(/[$\\]/g, ""));
  const parts = figure.caption.split("$").map((part, i) => (i % 2 ? `$${part}$` : escape(part))).join("");
  return `<figure><div class="picture" tabindex="0" role="region" aria-label="Picture"><img src="${up}figures/${name}.svg" alt="${words}"></div><figcaption><strong>${escape(figure.title)}.</strong> ${parts} ` +
    `(${escape(figure.parameters)}; <a href="${up}claims/figures.html#${name}">numbers and command</a>)</figcaption></figure>`;
}

function convert(source, where) {
  const text = source.replace(/^\{\{picture ([\w-]+)\}\}$/gm, (_, name) => picture(name, where));
  return text.replace(PARTS, (whole, fence, _mark, _ticks, display, inline) => {
    if (display !== undefined) return render(display.trim(), true, where);
    if (inline !== undefined) return render(inline.trim(), false, where);
    return whole;
  });
}

function walk(item) {
  const chapter = item.Chapter;
  if (!chapter) return;
  chapter.content = convert(chapter.content, chapter.path ?? chapter.name);
  chapter.sub_items.forEach(walk);
}

const [, book] = JSON.parse(readFileSync(0, "utf8"));
(book.sections ?? book.items).forEach(walk);
if (failures > 0) {
  console.error(`${failures} formulas could not be rendered`);
  process.exit(1);
}
process.stdout.write(JSON.stringify(book));
