// Formulas in documentation comments are written so that they read well as they stand: `tr(A H^-1 A')/m <= k gamma`.
// toTex(text) is the same formula in TeX, or null when the text is not one (code, a word, a path).

const GREEK = new Set(("alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau phi chi psi omega " +
  "Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega").split(" "));
const FUNCTIONS = new Set("log ln exp cos sin tan tanh sinh cosh max min sup det arg ker dim".split(" "));
const OPERATORS = new Set(("tr diag vec Var Cov Bias rank erf erfc asinh arccosh artanh expm1 log1p sign Pr len mean median clip " +
  "Exp Cat binomial floor ceil eig argmin argmax span").split(" "));
const LARGE = { sum: "\\sum", int: "\\int", prod: "\\prod" };
const WORDS = { inf: "\\infty", grad: "\\nabla", in: "\\in", eps: "\\epsilon", ell: "\\ell", ulp: "\\mathrm{ulp}" };
// Products and differentials of single letters.
const PRODUCTS = new Set("FG AV Pz Qx xy rt ht nd rs xx ij jj Ht dt du dU dx dv dH ds dm dB dP dQ dG WM Wm PV KQ xz AB XX yy".split(" "));
const SUBSCRIPTS = new Set("0 1 2 3 11 12 22".split(" "));

function letter(name) {
  return GREEK.has(name) ? `\\${name}` : /^[A-Za-z]$/.test(name) ? name : null;
}

function identifier(name) {
  if (letter(name)) return letter(name);
  if (name in WORDS) return WORDS[name];
  if (name in LARGE) return LARGE[name];
  if (FUNCTIONS.has(name)) return `\\${name}`;
  if (OPERATORS.has(name)) return `\\operatorname{${name}}`;
  if (PRODUCTS.has(name)) return name.split("").join(" ");
  if (name === "bias2") return "\\operatorname{bias}^2";
  if (name === "s2") return "\\sigma^2";
  let found = /^(.+?)(bar|hat)$/.exec(name);
  if (found && letter(found[1])) return `\\${found[2]}{${letter(found[1])}}`;
  found = /^d(.+)$/.exec(name);
  if (found && GREEK.has(found[1])) return `d\\${found[1]}`;
  found = /^([A-Za-z]+?)(\d+)$/.exec(name);
  if (found && letter(found[1])) {
    const squared = found[2] === "2" && /^(sigma|tau|theta|r|v)$/.test(found[1]);
    if (squared) return `${letter(found[1])}^2`;
    if (SUBSCRIPTS.has(found[2])) return `${letter(found[1])}_{${found[2]}}`;
  }
  return null;
}

class Unknown extends Error {}

class Reader {
  constructor(text) {
    this.text = text;
    this.at = 0;
    this.signs = 0;
    this.words = 0;
  }

  take(pattern) {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (!found) return null;
    this.at += found[0].length;
    return found[0];
  }

  // Up to the closing mark, which is consumed.
  row(stop) {
    let out = "";
    while (this.at < this.text.length) {
      if (stop && this.text[this.at] === stop) {
        this.at += 1;
        return out;
      }
      out += this.atom();
    }
    if (stop) throw new Unknown("unclosed");
    return out;
  }

  // What a script is made of: a group, a number with its sign, a name, a star.
  script() {
    if (this.take(/\{/y)) return this.row("}");
    if (this.take(/\(/y)) return this.row(")");
    const number = this.take(/[-+]?\d+(?:\/\d+)?(?![A-Za-z0-9.])/y);
    if (number !== null) return number;
    // `r^2K` has the exponent 2K: a product outside it is written with a space.
    const factor = this.take(/[-+]?\d+(?=[A-Za-z])/y);
    if (factor !== null) return factor + this.script();
    const sign = this.take(/[-+](?=[\s,)]|$)/y) ?? this.take(/\*/y);
    if (sign !== null) return sign;
    const minus = this.take(/-/y) ?? "";
    const name = this.take(/[A-Za-z][A-Za-z0-9]*|\d+/y);
    if (name === null) throw new Unknown("script");
    const known = identifier(name) ?? (/^[a-z]+$/.test(name) ? `\\mathrm{${name}}` : null);
    if (known === null) throw new Unknown(name);
    return minus + known + (this.take(/\*(?![A-Za-z0-9])/y) ? "^{*}" : "");
  }

  // A word in a formula, as in `y = w'x + noise`; not the start of a name in code.
  word(name) {
    if (!/^[a-z]{2,}$/.test(name) || name === "self" || this.text[this.at] === "_") throw new Unknown(name);
    this.words += 1;
    return `\\text{${name}}`;
  }

  atom() {
    const pass = { "<-": "\\leftarrow ", "<=": "\\le ", ">=": "\\ge ", "->": "\\to ", "!=": "\\ne ", "~=": "\\approx ", "...": "\\dots ", "+-": "\\pm ", "||": "\\|" };
    const long = this.take(/\.\.\.|<=|>=|->|<-|!=|~=|\+-|\|\|/y);
    if (long) {
      this.signs += 1;
      return pass[long];
    }
    if (this.take(/ \* /y)) return "\\cdot ";
    if (this.take(/\s+/y)) return "\\,";
    const power = this.take(/[²³⁴⁵⁶]/y);
    if (power) return `^{${"²³⁴⁵⁶".indexOf(power) + 2}}`;
    const greek = this.take(/[Α-Ωα-ωϵ∂Σ∞]/y);
    if (greek) {
      this.signs += 1;
      return greek === "Σ" ? "\\sum " : `${greek} `;
    }
    const number = this.take(/\d+(?:\.\d+)?(?:e[-+]?\d+)?(?!\.\.)/y);
    if (number) return number.replace(/e([-+]?\d+)/, "\\cdot10^{$1}");
    if (this.take(/\^/y)) {
      this.signs += 1;
      return `^{${this.script()}}`;
    }
    if (this.take(/_/y)) {
      this.signs += 1;
      return `_{${this.script()}}`;
    }
    if (this.take(/sqrt(?=[\s(\d])/y)) {
      this.signs += 1;
      this.take(/\s+/y);
      return this.take(/\(/y) ? `\\sqrt{${this.row(")")}}` : `\\sqrt{${this.script()}}`;
    }
    const name = this.take(/[A-Za-z][A-Za-z0-9]*/y);
    if (name) {
      if (this.take(/-hat(?!\w)/y) && letter(name)) return `\\hat{${letter(name)}}`;
      const known = identifier(name) ?? this.word(name);
      // A star that touches a letter marks an optimum, one among spaces a product.
      const star = this.take(/\*(?![A-Za-z0-9])/y) ? "^{*}" : "";
      return `${known}${star} `;
    }
    const sign = this.take(/[-+=<>/,;:()[\]{}|'·≤≥→±~]/y);
    if (sign) {
      if (!",;:()[]".includes(sign)) this.signs += 1;
      return { "<": "\\lt ", ">": "\\gt ", "≤": "\\le ", "≥": "\\ge ", "→": "\\to ", "·": "\\cdot ", "{": "\\{", "}": "\\}", "±": "\\pm ", "~": "\\sim " }[sign] ?? sign;
    }
    throw new Unknown(this.text[this.at]);
  }
}

export function toTex(text) {
  const source = text.trim();
  if (!/[A-Za-z0-9Α-Ωα-ω]/.test(source) || /(log|ln|exp|vec|diag)_[a-z]{2}/.test(source)) return null;
  if (/::|\/$|\(\)|&|"|#|\bfn\b|^[-+]?[\d.]+$/.test(source)) return null;
  try {
    const reader = new Reader(source);
    const tex = reader.row(null).replaceAll("}^{*} _", "}^{*}_").replaceAll(" _{", "_{").replaceAll(" ^{", "^{")
      .replace(/\\,(?=[-+=<>/])|(?<=[-+=<>/])\\,/g, "");
    // One letter may be an argument of a function: it is a formula all the same. Longer words need a sign of mathematics.
    const single = letter(source) !== null;
    // Words make a formula only together with a relation, a power or a sum.
    if (reader.words > 0 && !/[\^=<>²/]|\s[-+*]\s|_./.test(source)) return null;
    return single || reader.signs > 0 || /[\s(]/.test(source) ? tex.replace(/\}\^\{\*\}\^\{/g, "}^{*").trim() : null;
  } catch (error) {
    if (error instanceof Unknown) return null;
    throw error;
  }
}
