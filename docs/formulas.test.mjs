// node --test docs/formulas.test.mjs
import assert from "node:assert";
import { test } from "node:test";
import katex from "katex";
import { toTex } from "./formulas.mjs";

// What is shown, without the marks that only place it.
const shown = (text) =>
  katex.renderToString(toTex(text), { output: "mathml", throwOnError: true })
    .replace(/<annotation[\s\S]*?<\/annotation>/g, "").replace(/<[^>]+>|\s| /g, "");

test("formulas keep every symbol and lose none", () => {
  for (const [text, wanted] of [
    ["tr(A H^-1 A')/m <= k gamma", "tr⁡(AH−1A′)/m≤kγ"],
    ["R = 1 - r/sqrt c", "R=1−r/c"],
    ["theta*_j", "θj∗"],
    ["r^2K", "r2K"],
    ["y = w'x + noise", "y=w′x+noise"],
    ["s2 p / (gamma - 1)", "σ2p/(γ−1)"],
    ["fbar = sum_i f_i / k", "fˉ=∑ifi/k"],
  ]) {
    assert.equal(shown(text), wanted, `${text}: ${toTex(text)}`);
  }
});

test("code stays code", () => {
  for (const text of ["f64", "Mat::col_stride", "free_bias", "into_left(&self)", "==", "true", "1..=32", "rand_chacha", "solvable verify", "new()"]) {
    assert.equal(toTex(text), null, text);
  }
});
