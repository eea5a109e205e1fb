// Loads every page of a built book in headless Chromium, from file://, as a reader would: browser.mjs BOOK [PAGE]...
// Fails on console errors, failed requests, formulas with errors, a raw $ in the text, or a page wider than a phone.
// Chromium comes from CHROMIUM, or /usr/bin/chromium. --shots DIR also saves pictures to be looked at.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const given = process.argv.slice(2);
const at = given.indexOf("--shots");
const shots = at >= 0 ? given.splice(at, 2)[1] : null;
const [book, ...extra] = given.map((path) => resolve(path));
const PHONE = { width: 360, height: 740 };
const DESK = { width: 1280, height: 900 };

function pages(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return name === "rustdoc" ? [] : pages(path);
    return name.endsWith(".html") && !["404.html", "toc.html", "print.html"].includes(name) ? [path] : [];
  });
}

// In the page: what a reader would see go wrong.
function inspect() {
  const found = [];
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width + 1) {
    const inside = (element) => {
      for (let up = element.parentElement; up && up !== document.body; up = up.parentElement) {
        if (["auto", "scroll", "hidden"].includes(getComputedStyle(up).overflowX)) return true;
      }
      return false;
    };
    const wide = [...document.querySelectorAll("body *")]
      .filter((e) => e.getBoundingClientRect().right > width + 1)
      .sort((a, b) => inside(a) - inside(b) || b.getBoundingClientRect().right - a.getBoundingClientRect().right)
      .slice(0, 3)
      .map((e) => `${e.tagName.toLowerCase()}.${e.className} "${(e.textContent || "").trim().slice(0, 40)}"`);
    found.push(`wider than the screen (${document.documentElement.scrollWidth} > ${width}): ${wide.join("; ")}`);
  }
  const broken = document.querySelectorAll(".katex-error").length;
  if (broken > 0) found.push(`${broken} formulas with errors`);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const where = node.parentElement.closest("script, style, code, pre, annotation, template");
    if (!where && /\$[^\s$]|\\(frac|lambda|sigma|mathbb)/.test(node.data)) found.push(`raw TeX: ${node.data.trim().slice(0, 60)}`);
  }
  for (const image of document.images) {
    if (image.complete && image.naturalWidth === 0) found.push(`picture without content: ${image.src}`);
  }
  // Text must stand out from what is behind it in every theme.
  const light = (colour) => {
    const [r, g, b] = colour.match(/[\d.]+/g).map((v) => {
      const c = v / 255;
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let up = element; up; up = up.parentElement) {
      const colour = getComputedStyle(up).backgroundColor;
      if (!/, 0\)$|transparent/.test(colour)) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  for (const element of document.querySelectorAll("main p, main td, main th, main li, main h1, main h2, main h3, main .katex")) {
    const [a, b] = [light(getComputedStyle(element).color), light(behind(element))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 3) {
      found.push(`text hard to see: ${element.tagName.toLowerCase()} "${element.textContent.trim().slice(0, 40)}"`);
      break;
    }
  }
  return found;
}

const profile = mkdtempSync(join(tmpdir(), "solvable-browser-"));
const quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--allow-file-access-from-files"];
const browser = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", headless: true, args: quiet, viewport: DESK, offline: true,
});
if (shots) mkdirSync(shots, { recursive: true });
let problems = 0;
const list = [...pages(book), ...extra];
const tab = await browser.newPage();
let heard = [];
tab.on("console", (message) => message.type() === "error" && heard.push(`console: ${message.text()}`));
tab.on("pageerror", (error) => heard.push(`script: ${error.message}`));
tab.on("requestfailed", (request) => heard.push(`not loaded: ${request.url()}`));
tab.on("request", (request) => /^(https?|wss?):/.test(request.url()) && heard.push(`asks the network: ${request.url()}`));
for (const path of list) {
  const name = path.startsWith(book) ? relative(book, path) : path;
  for (const [theme, size] of [["light", PHONE], ["dark", PHONE], ["light", DESK]]) {
    heard = [];
    await tab.emulateMedia({ colorScheme: theme });
    await tab.setViewportSize(size);
    await tab.goto(pathToFileURL(path).href, { waitUntil: "load", timeout: 60000 });
    const found = [...heard, ...(await tab.evaluate(inspect))];
    for (const problem of found.slice(0, 6)) console.log(`${name} (${theme}, ${size.width}): ${problem}`);
    problems += found.length;
    if (shots) {
      const file = `${name.replace(/[/\\]/g, "_").replace(/\.html$/, "")}-${theme}-${size.width}.png`;
      await tab.screenshot({ path: join(shots, file), clip: { x: 0, y: 0, width: size.width, height: 1800 }, fullPage: true });
    }
  }
}
await browser.close();
rmSync(profile, { recursive: true, force: true });
console.log(`${list.length} pages in Chromium, light and dark, phone and desk: ${problems} problems`);
process.exit(problems ? 1 : 0);
