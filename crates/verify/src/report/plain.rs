//! TeX in running text as plain Unicode, for the terminal: a fraction becomes a/b, Greek letters themselves.
use super::tex::{FUNCTIONS, LARGE, LETTERS, LIMIT_FUNCTIONS, MARKS};

/// Text with its formulas written in plain Unicode; what is not understood stays as it was written.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (i, part) in text.split('$').enumerate() {
        if i % 2 == 0 {
            out += &part.replace("**", "").replace('`', "");
        } else {
            out += formula(part).trim();
        }
    }
    // A display formula stands between two dollars on each side: its text was taken for words.
    if text.contains("$$") {
        out = text
            .split("$$")
            .enumerate()
            .map(|(i, part)| if i % 2 == 0 { plain(part) } else { formula(part).trim().to_owned() })
            .collect();
    }
    out
}

fn formula(source: &str) -> String {
    let mut reader = Reader { rest: source };
    let mut out = reader.row(None);
    while out.contains("  ") {
        out = out.replace("  ", " ");
    }
    out
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    /// Everything up to `stop`, which is consumed, or to the end.
    fn row(&mut self, stop: Option<char>) -> String {
        let mut out = String::new();
        while let Some(c) = self.rest.chars().next() {
            if Some(c) == stop {
                self.rest = &self.rest[c.len_utf8()..];
                break;
            }
            if c == '^' || c == '_' {
                self.rest = &self.rest[1..];
                let script = self.argument();
                out += &if c == '^' { above(&script) } else { below(&script) };
            } else {
                let atom = self.atom();
                // Function names and relations keep a distance from what precedes them.
                let word = atom.chars().count() > 1 && atom.starts_with(char::is_alphabetic);
                if word && out.ends_with(|e: char| e.is_alphanumeric() || e == ')') {
                    out.push(' ');
                }
                out += &atom;
            }
        }
        out
    }

    /// A group in braces or the next atom.
    fn argument(&mut self) -> String {
        self.rest = self.rest.trim_start();
        self.atom().trim().to_owned()
    }

    /// The text of a group in braces, as written.
    fn raw(&mut self) -> &'a str {
        let Some(inner) = self.rest.trim_start().strip_prefix('{') else { return "" };
        let end = inner.find('}').unwrap_or(inner.len());
        self.rest = inner.get(end + 1..).unwrap_or("");
        &inner[..end]
    }

    fn atom(&mut self) -> String {
        let Some(c) = self.rest.chars().next() else { return String::new() };
        self.rest = &self.rest[c.len_utf8()..];
        match c {
            '{' => self.row(Some('}')),
            '\\' => self.command(),
            '-' => "−".to_owned(),
            '~' => " ".to_owned(),
            '=' | '<' | '>' => format!(" {c} "),
            '\n' => " ".to_owned(),
            _ => c.to_string(),
        }
    }

    fn command(&mut self) -> String {
        let letters = self.rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let length = if letters > 0 { letters } else { self.rest.chars().next().map_or(0, char::len_utf8) };
        let (name, rest) = self.rest.split_at(length);
        // A space after a command only ends its name.
        self.rest = if letters > 0 { rest.trim_start() } else { rest };
        match name {
            "frac" | "tfrac" | "dfrac" => {
                let (a, b) = (self.argument(), self.argument());
                format!("{}/{}", group(&a), group(&b))
            }
            "underbrace" | "overbrace" | "underline" => self.argument(),
            "binom" => format!("C({}, {})", self.argument(), self.argument()),
            "sqrt" => format!("√{}", group(&self.argument())),
            "mathrm" | "operatorname" | "text" | "textrm" | "mathsf" | "mathit" | "mbox" => {
                self.raw().to_owned()
            }
            "mathbb" | "mathcal" | "mathbf" | "boldsymbol" | "mathscr" | "bm" => self.argument(),
            "hat" | "widehat" => accent(&self.argument(), '\u{302}'),
            "bar" | "overline" => accent(&self.argument(), '\u{304}'),
            "tilde" | "widetilde" => accent(&self.argument(), '\u{303}'),
            "dot" => accent(&self.argument(), '\u{307}'),
            "left" | "right" | "big" | "bigl" | "bigr" | "Big" | "Bigl" | "Bigr" | "bigg" | "biggl"
            | "biggr" | "Bigg" | "displaystyle" | "textstyle" | "limits" | "!" | "rm" => {
                // `\left.` is a delimiter that is not there.
                if matches!(name, "left" | "right")
                    && let Some(rest) = self.rest.strip_prefix('.')
                {
                    self.rest = rest;
                }
                String::new()
            }
            "," | ":" | ";" | ">" | " " | "quad" | "qquad" | "thinspace" => " ".to_owned(),
            "\\" => "; ".to_owned(),
            "begin" | "end" => {
                self.raw();
                String::new()
            }
            "top" => "ᵀ".to_owned(),
            "cdot" => "·".to_owned(),
            _ => self.name(name),
        }
    }

    fn name(&self, name: &str) -> String {
        if let Some(letter) = LETTERS.iter().chain(LARGE).find(|l| l.0 == name) {
            return letter.1.replace("&amp;", "&");
        }
        if FUNCTIONS.contains(&name) || LIMIT_FUNCTIONS.contains(&name) {
            let space = if self.rest.trim_start().starts_with(['(', '[', '_', '^', '{']) { "" } else { " " };
            return format!("{name}{space}");
        }
        if let Some(mark) = MARKS.iter().find(|l| l.0 == name) {
            let mark = mark.1.replace("&lt;", "<").replace("&gt;", ">");
            let tight = matches!(mark.as_str(), "|" | "‖" | "{" | "}" | "⟨" | "⟩" | "…" | "∖")
                || mark.starts_with(['⌊', '⌋', '⌈', '⌉', '×', '±', '∘']);
            return if tight { mark } else { format!(" {mark} ") };
        }
        format!("\\{name}")
    }
}

fn accent(base: &str, mark: char) -> String {
    if base.chars().count() == 1 { format!("{base}{mark}") } else { base.to_owned() }
}

/// In parentheses, unless it is one number or letter.
fn group(text: &str) -> String {
    let base = text.trim_end_matches(|c: char| "⁰¹²³⁴⁵⁶⁷⁸⁹ⁿ*₀₁₂₃₄₅₆₇₈₉₊₋".contains(c));
    let simple = base.chars().all(char::is_alphanumeric)
        && (base.chars().count() == 1 || text.chars().all(|c| c.is_ascii_digit()));
    if simple || enclosed(text) { text.to_owned() } else { format!("({text})") }
}

/// Whether one pair of parentheses holds all of it.
fn enclosed(text: &str) -> bool {
    let Some(inner) = text.strip_prefix('(').and_then(|t| t.strip_suffix(')')) else { return false };
    let mut depth = 0_i32;
    inner.chars().all(|c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        depth >= 0
    })
}

fn above(script: &str) -> String {
    const FROM: &str = "0123456789+−()in";
    const TO: &str = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁱⁿ";
    if matches!(script, "*" | "∗" | "⋆" | "ᵀ" | "′" | "†") {
        return script.to_owned();
    }
    if let Some(rest) = script.strip_suffix('ᵀ')
        && matches!(rest, "*" | "∗" | "−")
    {
        return format!("{rest}ᵀ");
    }
    translated(script, FROM, TO).unwrap_or_else(|| format!("^{}", group(script)))
}

fn below(script: &str) -> String {
    const FROM: &str = "0123456789+−()";
    const TO: &str = "₀₁₂₃₄₅₆₇₈₉₊₋₍₎";
    translated(script, FROM, TO).unwrap_or_else(|| {
        if script.chars().all(char::is_alphanumeric) { format!("_{script}") } else { format!("_({script})") }
    })
}

/// Every character through the table, or nothing.
fn translated(text: &str, from: &str, to: &str) -> Option<String> {
    text.chars().map(|c| from.chars().position(|f| f == c).and_then(|i| to.chars().nth(i))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_read_as_a_person_would_write_them_in_a_mail() {
        for (tex, wanted) in [
            (r"$|\hat\theta-\theta^*|^2$ of the minimiser", "|θ\u{302}−θ*|² of the minimiser"),
            (r"at $\tau=1-\rho=2^{-10},\dots$", "at τ = 1−ρ = 2⁻¹⁰,…"),
            (r"$\frac{a+1}{b}$ and $\frac12V$", "(a+1)/b and 1/2V"),
            (r"$n,d\to\infty$", "n,d → ∞"),
            (r"$\frac{c_-}2V$ with $c_-=\min\ell''$", "c₋/2V with c₋ = min ℓ''"),
            (r"$\lambda_{\max}(H)$, $\sigma^2_{\rm eff}$", "λ_max(H), σ²_eff"),
            (r"$r^2=\theta^{*\top}\Sigma\theta^*$", "r² = θ*ᵀΣθ*"),
            (r"$\Lambda^{1/L}$", "Λ^(1/L)"),
            (r"$n\epsilon\,\mathbb E|M-\mathrm{med}|$", "nϵ E|M−med|"),
            (r"$e^{-\epsilon K/2}$ over $\sqrt k$", "e^(−ϵK/2) over √k"),
            (r"$\min_K[\beta(K-1,a)]$", "min_K[β(K−1,a)]"),
            ("no formula, 5 < 6", "no formula, 5 < 6"),
        ] {
            assert_eq!(plain(tex), wanted, "{tex}");
        }
        assert_eq!(plain(r"so $$x\ge0,\qquad y=1$$ holds"), "so x ≥ 0, y = 1 holds");
    }

    /// No command is left anywhere in the registry, and braces are gone.
    #[test]
    fn the_registry_is_readable() {
        for claim in crate::registry::claims() {
            let whats = claim.checks.iter().map(|c| c.what());
            for text in
                [claim.title, claim.statement, claim.assumptions, claim.source].into_iter().chain(whats)
            {
                let out = plain(text);
                assert!(!out.contains(['\\', '$']), "{}: {out}", claim.id);
            }
        }
    }

    #[test]
    fn never_panics_on_cut_formulas() {
        let whole =
            r"$\frac{\hat\theta_{\max}}{\left.\sqrt[3]{x}\right|}\begin{pmatrix}1&2\\3&4\end{pmatrix}^\top$";
        for end in 0..whole.len() {
            let _ = plain(&whole[..end]);
        }
    }
}
