//! TeX to MathML, for the subset of mathematics that claim statements are written in. Browsers draw MathML themselves:
//! no fonts, no script, no network.

/// Something this subset does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TexError {
    /// A command that is not in the table.
    #[error("unknown command \\{command}")]
    Command {
        /// Its name.
        command: String,
    },
    /// A brace, an environment or a `\left` without its partner, or an argument that is missing.
    #[error("unbalanced or missing group at byte {at}")]
    Unbalanced {
        /// Position in the source.
        at: usize,
    },
}

/// Renders `source` as a `<math>` element; the source itself is kept as its annotation.
///
/// # Errors
/// [`TexError`] for commands outside the subset and unbalanced groups.
pub fn mathml(source: &str, display: bool) -> Result<String, TexError> {
    let mut parser = Parser { source, at: 0, display };
    let body = parser.row(Stop::End)?;
    let mode = if display { " display=\"block\"" } else { "" };
    Ok(format!(
        "<math{mode}><semantics><mrow>{body}</mrow><annotation encoding=\"application/x-tex\">{}</annotation></semantics></math>",
        super::escape(source.trim())
    ))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    End,
    Brace,
    Right,
    /// A cell of a matrix: stops before `&`, `\\` and `\end`.
    Cell,
    Bracket,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token<'a> {
    Char(char),
    Command(&'a str),
}

struct Parser<'a> {
    source: &'a str,
    at: usize,
    display: bool,
}

impl<'a> Parser<'a> {
    fn error<T>(&self) -> Result<T, TexError> {
        Err(TexError::Unbalanced { at: self.at })
    }

    fn peek(&self) -> Option<(Token<'a>, usize)> {
        let rest = &self.source[self.at..];
        let trimmed = rest.trim_start();
        let skipped = rest.len() - trimmed.len();
        let first = trimmed.chars().next()?;
        if first != '\\' {
            return Some((Token::Char(first), self.at + skipped + first.len_utf8()));
        }
        let letters = trimmed[1..].bytes().take_while(u8::is_ascii_alphabetic).count();
        let length =
            if letters > 0 { letters } else { trimmed[1..].chars().next().map_or(0, char::len_utf8) };
        Some((Token::Command(&trimmed[1..=length]), self.at + skipped + 1 + length))
    }

    fn next(&mut self) -> Option<Token<'a>> {
        let (token, end) = self.peek()?;
        self.at = end;
        Some(token)
    }

    fn next_is(&self, token: &Token<'_>) -> bool {
        self.peek().is_some_and(|(t, _)| t == *token)
    }

    /// Elements up to the stop, which is consumed except for cells.
    fn row(&mut self, stop: Stop) -> Result<String, TexError> {
        let mut out = String::new();
        loop {
            let Some((token, end)) = self.peek() else {
                return if stop == Stop::End { Ok(out) } else { self.error() };
            };
            match (&token, stop) {
                (Token::Char('}'), Stop::Brace)
                | (Token::Char(']'), Stop::Bracket)
                | (Token::Command("right"), Stop::Right) => {
                    self.at = end;
                    return Ok(out);
                }
                (Token::Char('&') | Token::Command("\\" | "end"), Stop::Cell) => return Ok(out),
                (Token::Char('}' | '&') | Token::Command("right" | "end"), _) => return self.error(),
                _ => {}
            }
            if let Token::Command("rm" | "textstyle" | "displaystyle" | "limits" | "nolimits") = token {
                self.at = end;
                if token == Token::Command("rm") {
                    let (letters, _) = self.letters();
                    out += &format!("<mi>{letters}</mi>");
                }
                continue;
            }
            out += &self.scripted()?;
        }
    }

    /// Consumes a run of letters (after `\rm`).
    fn letters(&mut self) -> (String, usize) {
        let mut word = String::new();
        while let Some((Token::Char(c), end)) = self.peek() {
            if !c.is_alphabetic() {
                break;
            }
            word.push(c);
            self.at = end;
        }
        (word, self.at)
    }

    /// An atom with its sub- and superscripts.
    fn scripted(&mut self) -> Result<String, TexError> {
        let (base, limits) = self.atom()?;
        let (mut below, mut above) = (None, None);
        let mut primes = String::new();
        loop {
            match self.peek() {
                Some((Token::Char('_'), end)) => {
                    self.at = end;
                    below = Some(self.argument()?);
                }
                Some((Token::Char('^'), end)) => {
                    self.at = end;
                    above = Some(self.argument()?);
                }
                Some((Token::Char('\''), end)) => {
                    self.at = end;
                    primes.push('′');
                }
                _ => break,
            }
        }
        if !primes.is_empty() {
            let mark = format!("<mo>{primes}</mo>");
            above = Some(above.map_or(mark.clone(), |a| format!("<mrow>{mark}{a}</mrow>")));
        }
        let stacked = limits && self.display;
        Ok(match (below, above) {
            (None, None) => base,
            (Some(b), None) if stacked => format!("<munder>{base}{b}</munder>"),
            (Some(b), None) => format!("<msub>{base}{b}</msub>"),
            (None, Some(a)) if stacked => format!("<mover>{base}{a}</mover>"),
            (None, Some(a)) => format!("<msup>{base}{a}</msup>"),
            (Some(b), Some(a)) if stacked => format!("<munderover>{base}{b}{a}</munderover>"),
            (Some(b), Some(a)) => format!("<msubsup>{base}{b}{a}</msubsup>"),
        })
    }

    /// A braced group or a single token, as one element.
    fn argument(&mut self) -> Result<String, TexError> {
        if self.next_is(&Token::Char('{')) {
            self.next();
            return Ok(format!("<mrow>{}</mrow>", self.row(Stop::Brace)?));
        }
        // TeX takes one digit, not the whole number.
        if let Some((Token::Char(c), end)) = self.peek()
            && c.is_ascii_digit()
        {
            self.at = end;
            return Ok(format!("<mn>{c}</mn>"));
        }
        Ok(self.atom()?.0)
    }

    /// The raw text of a braced group, or one character.
    fn raw(&mut self) -> Result<&'a str, TexError> {
        let start = self.at + (self.source[self.at..].len() - self.source[self.at..].trim_start().len());
        match self.next() {
            Some(Token::Char('{')) => {
                let open = self.at;
                let length = self.source[open..].find('}').ok_or(TexError::Unbalanced { at: open })?;
                self.at = open + length + 1;
                Ok(&self.source[open..open + length])
            }
            Some(Token::Char(_)) => Ok(&self.source[start..self.at]),
            _ => self.error(),
        }
    }

    /// One element, and whether scripts become limits in display style.
    fn atom(&mut self) -> Result<(String, bool), TexError> {
        let Some(token) = self.next() else { return self.error() };
        let plain = |s: String| Ok((s, false));
        match token {
            Token::Char('{') => {
                let inner = self.row(Stop::Brace)?;
                plain(format!("<mrow>{inner}</mrow>"))
            }
            Token::Char(c) if c.is_ascii_digit() || c == '.' => {
                let mut number = c.to_string();
                while let Some(d) =
                    self.source[self.at..].chars().next().filter(|d| d.is_ascii_digit() || *d == '.')
                {
                    number.push(d);
                    self.at += 1;
                }
                // A full stop that ends the sentence is not part of the number.
                if let Some(digits) = number.strip_suffix('.')
                    && !digits.is_empty()
                {
                    self.at -= 1;
                    number = digits.to_owned();
                }
                plain(if number == "." { "<mo>.</mo>".to_owned() } else { format!("<mn>{number}</mn>") })
            }
            Token::Char(c) if c.is_alphabetic() => plain(format!("<mi>{c}</mi>")),
            Token::Char('-') => plain("<mo>−</mo>".to_owned()),
            Token::Char('*') => plain("<mo>∗</mo>".to_owned()),
            Token::Char('<') => plain("<mo>&lt;</mo>".to_owned()),
            Token::Char('>') => plain("<mo>&gt;</mo>".to_owned()),
            Token::Char('~') => plain("<mspace width=\"0.3em\"/>".to_owned()),
            Token::Char('(' | ')' | '[' | ']' | '|' | '/') => {
                let c = &self.source[self.at - 1..self.at];
                plain(format!("<mo stretchy=\"false\">{c}</mo>"))
            }
            Token::Char(c @ ('_' | '^')) => {
                // A script without a base: an empty one.
                self.at -= c.len_utf8();
                plain("<mrow></mrow>".to_owned())
            }
            Token::Char(c) => plain(format!("<mo>{c}</mo>")),
            Token::Command(command) => self.command(command),
        }
    }

    fn command(&mut self, command: &str) -> Result<(String, bool), TexError> {
        let element = match command {
            "frac" | "tfrac" | "dfrac" => format!("<mfrac>{}{}</mfrac>", self.argument()?, self.argument()?),
            "binom" => format!(
                "<mrow><mo>(</mo><mfrac linethickness=\"0\">{}{}</mfrac><mo>)</mo></mrow>",
                self.argument()?,
                self.argument()?
            ),
            "sqrt" => {
                if self.next_is(&Token::Char('[')) {
                    self.next();
                    let index = self.row(Stop::Bracket)?;
                    format!("<mroot>{}<mrow>{index}</mrow></mroot>", self.argument()?)
                } else {
                    format!("<msqrt>{}</msqrt>", self.argument()?)
                }
            }
            "left" => {
                let open = self.delimiter()?;
                let inner = self.row(Stop::Right)?;
                let close = self.delimiter()?;
                format!("<mrow>{open}{inner}{close}</mrow>")
            }
            "big" | "bigl" | "bigr" | "Big" | "Bigl" | "Bigr" | "bigg" | "biggl" | "biggr" | "Bigg" => {
                let size = if command.starts_with("bigg") || command == "Bigg" {
                    "2.2em"
                } else if command.starts_with('B') {
                    "1.8em"
                } else {
                    "1.3em"
                };
                let mark = self.symbol()?;
                format!("<mo stretchy=\"true\" minsize=\"{size}\" maxsize=\"{size}\">{mark}</mo>")
            }
            "mathrm" | "operatorname" | "mathsf" | "mathit" => {
                let word = super::escape(self.raw()?.trim());
                format!("<mi mathvariant=\"normal\">{word}</mi>")
            }
            "text" | "textrm" | "textit" | "mbox" => {
                let word = super::escape(self.raw()?).replace(' ', "\u{a0}");
                format!("<mtext>{word}</mtext>")
            }
            "mathbb" => alphabet(self.raw()?, double_struck),
            "mathcal" | "mathscr" => alphabet(self.raw()?, script),
            "mathbf" | "boldsymbol" | "bm" => alphabet(self.raw()?, bold),
            "hat" | "widehat" => self.accent("^")?,
            "bar" | "overline" => self.accent("¯")?,
            "tilde" | "widetilde" => self.accent("~")?,
            "dot" => self.accent("˙")?,
            "ddot" => self.accent("¨")?,
            "vec" => self.accent("→")?,
            "underline" => format!("<munder>{}<mo>_</mo></munder>", self.argument()?),
            "underbrace" => format!("<munder>{}<mo>⏟</mo></munder>", self.argument()?),
            "begin" => self.environment()?,
            "not" => {
                let (inner, _) = self.atom()?;
                inner.replace("</mo>", "\u{338}</mo>").replace("</mi>", "\u{338}</mi>")
            }
            "," | "thinspace" => space("0.17em"),
            ":" | ">" | "medspace" => space("0.22em"),
            ";" => space("0.28em"),
            " " => space("0.3em"),
            "!" => space("-0.17em"),
            "quad" => space("1em"),
            "qquad" => space("2em"),
            "\\" => "<mspace linebreak=\"newline\"/>".to_owned(),
            _ => return self.name(command),
        };
        let limits = command == "underbrace";
        Ok((element, limits))
    }

    /// Letters, functions, operators and relations.
    fn name(&self, command: &str) -> Result<(String, bool), TexError> {
        if let Some(letter) = LETTERS.iter().find(|l| l.0 == command) {
            return Ok((format!("<mi>{}</mi>", letter.1), false));
        }
        if let Some(big) = LARGE.iter().find(|l| l.0 == command) {
            return Ok((format!("<mo movablelimits=\"false\">{}</mo>", big.1), !big.0.ends_with("int")));
        }
        if LIMIT_FUNCTIONS.contains(&command) {
            return Ok((
                format!("<mo movablelimits=\"false\" lspace=\"0\" rspace=\"0.17em\">{command}</mo>"),
                true,
            ));
        }
        if FUNCTIONS.contains(&command) {
            return Ok((format!("<mo lspace=\"0\" rspace=\"0.1em\">{command}</mo>"), false));
        }
        if let Some(mark) = MARKS.iter().find(|l| l.0 == command) {
            return Ok((format!("<mo>{}</mo>", mark.1), false));
        }
        Err(TexError::Command { command: command.to_owned() })
    }

    fn accent(&mut self, mark: &str) -> Result<String, TexError> {
        Ok(format!("<mover accent=\"true\">{}<mo stretchy=\"false\">{mark}</mo></mover>", self.argument()?))
    }

    fn symbol(&mut self) -> Result<&'static str, TexError> {
        Ok(match self.next() {
            Some(Token::Char('(')) => "(",
            Some(Token::Char(')')) => ")",
            Some(Token::Char('[')) => "[",
            Some(Token::Char(']')) => "]",
            Some(Token::Char('|') | Token::Command("vert" | "lvert" | "rvert" | "mid")) => "|",
            Some(Token::Char('/')) => "/",
            Some(Token::Char('<')) => "⟨",
            Some(Token::Char('>')) => "⟩",
            Some(Token::Char('.')) => "",
            Some(Token::Command("{" | "lbrace")) => "{",
            Some(Token::Command("}" | "rbrace")) => "}",
            Some(Token::Command("|" | "Vert" | "lVert" | "rVert")) => "‖",
            Some(Token::Command("langle")) => "⟨",
            Some(Token::Command("rangle")) => "⟩",
            Some(Token::Command("lfloor")) => "⌊",
            Some(Token::Command("rfloor")) => "⌋",
            Some(Token::Command("lceil")) => "⌈",
            Some(Token::Command("rceil")) => "⌉",
            _ => return self.error(),
        })
    }

    fn delimiter(&mut self) -> Result<String, TexError> {
        let mark = self.symbol()?;
        Ok(if mark.is_empty() { String::new() } else { format!("<mo stretchy=\"true\">{mark}</mo>") })
    }

    fn environment(&mut self) -> Result<String, TexError> {
        let name = self.raw()?;
        let (open, close) = match name {
            "pmatrix" => ("(", ")"),
            "bmatrix" => ("[", "]"),
            "vmatrix" => ("|", "|"),
            "cases" => ("{", ""),
            "matrix" | "smallmatrix" | "aligned" | "array" => ("", ""),
            _ => return Err(TexError::Command { command: format!("begin{{{name}}}") }),
        };
        if name == "array" {
            self.raw()?;
        }
        let align = if matches!(name, "cases" | "aligned") { " columnalign=\"left\"" } else { "" };
        let mut rows = vec![Vec::new()];
        loop {
            let cell = format!("<mtd>{}</mtd>", self.row(Stop::Cell)?);
            if let Some(row) = rows.last_mut() {
                row.push(cell);
            }
            match self.next() {
                Some(Token::Char('&')) => {}
                Some(Token::Command("\\")) => rows.push(Vec::new()),
                Some(Token::Command("end")) if self.raw()? == name => break,
                _ => return self.error(),
            }
        }
        let body: String = rows.iter().map(|r| format!("<mtr>{}</mtr>", r.concat())).collect();
        let mark =
            |m: &str| if m.is_empty() { String::new() } else { format!("<mo stretchy=\"true\">{m}</mo>") };
        Ok(format!("<mrow>{}<mtable{align}>{body}</mtable>{}</mrow>", mark(open), mark(close)))
    }
}

fn space(width: &str) -> String {
    format!("<mspace width=\"{width}\"/>")
}

fn alphabet(word: &str, map: fn(char) -> char) -> String {
    let letters: String = word.chars().map(map).collect();
    format!("<mi mathvariant=\"normal\">{}</mi>", super::escape(&letters))
}

/// The letter `c` of an alphabet whose capitals start at `capital` and small letters at `small`.
fn shifted(c: char, capital: u32, small: u32) -> char {
    let code = match c {
        'A'..='Z' => capital + (c as u32 - 'A' as u32),
        'a'..='z' if small > 0 => small + (c as u32 - 'a' as u32),
        _ => return c,
    };
    char::from_u32(code).unwrap_or(c)
}

fn double_struck(c: char) -> char {
    match c {
        'C' => 'ℂ',
        'H' => 'ℍ',
        'N' => 'ℕ',
        'P' => 'ℙ',
        'Q' => 'ℚ',
        'R' => 'ℝ',
        'Z' => 'ℤ',
        '1' => '𝟙',
        _ => shifted(c, 0x1D538, 0x1D552),
    }
}

fn script(c: char) -> char {
    match c {
        'B' => 'ℬ',
        'E' => 'ℰ',
        'F' => 'ℱ',
        'H' => 'ℋ',
        'I' => 'ℐ',
        'L' => 'ℒ',
        'M' => 'ℳ',
        'R' => 'ℛ',
        _ => shifted(c, 0x1D49C, 0),
    }
}

fn bold(c: char) -> char {
    if c == '1' { '𝟏' } else { shifted(c, 0x1D400, 0x1D41A) }
}

pub(super) const LETTERS: &[(&str, &str)] = &[
    ("alpha", "α"),
    ("beta", "β"),
    ("gamma", "γ"),
    ("delta", "δ"),
    ("epsilon", "ϵ"),
    ("varepsilon", "ε"),
    ("zeta", "ζ"),
    ("eta", "η"),
    ("theta", "θ"),
    ("vartheta", "ϑ"),
    ("iota", "ι"),
    ("kappa", "κ"),
    ("lambda", "λ"),
    ("mu", "μ"),
    ("nu", "ν"),
    ("xi", "ξ"),
    ("pi", "π"),
    ("rho", "ρ"),
    ("varrho", "ϱ"),
    ("sigma", "σ"),
    ("varsigma", "ς"),
    ("tau", "τ"),
    ("upsilon", "υ"),
    ("phi", "ϕ"),
    ("varphi", "φ"),
    ("chi", "χ"),
    ("psi", "ψ"),
    ("omega", "ω"),
    ("Gamma", "Γ"),
    ("Delta", "Δ"),
    ("Theta", "Θ"),
    ("Lambda", "Λ"),
    ("Xi", "Ξ"),
    ("Pi", "Π"),
    ("Sigma", "Σ"),
    ("Upsilon", "Υ"),
    ("Phi", "Φ"),
    ("Psi", "Ψ"),
    ("Omega", "Ω"),
    ("ell", "ℓ"),
    ("infty", "∞"),
    ("partial", "∂"),
    ("nabla", "∇"),
    ("emptyset", "∅"),
    ("varnothing", "∅"),
    ("hbar", "ℏ"),
    ("Re", "ℜ"),
    ("Im", "ℑ"),
    ("top", "⊤"),
    ("bot", "⊥"),
    ("dagger", "†"),
    ("prime", "′"),
    ("star", "⋆"),
    ("%", "%"),
    ("#", "#"),
    ("_", "_"),
    ("$", "$"),
    ("&", "&amp;"),
];

pub(super) const LARGE: &[(&str, &str)] = &[
    ("sum", "∑"),
    ("prod", "∏"),
    ("int", "∫"),
    ("oint", "∮"),
    ("bigcup", "⋃"),
    ("bigcap", "⋂"),
    ("bigoplus", "⨁"),
    ("bigotimes", "⨂"),
    ("bigwedge", "⋀"),
    ("bigvee", "⋁"),
];

pub(super) const LIMIT_FUNCTIONS: &[&str] =
    &["lim", "min", "max", "inf", "sup", "argmin", "argmax", "liminf", "limsup"];

pub(super) const FUNCTIONS: &[&str] = &[
    "log", "ln", "exp", "sin", "cos", "tan", "cot", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan",
    "det", "dim", "ker", "deg", "Pr", "gcd", "arg",
];

pub(super) const MARKS: &[(&str, &str)] = &[
    ("cdot", "⋅"),
    ("times", "×"),
    ("div", "÷"),
    ("pm", "±"),
    ("mp", "∓"),
    ("ast", "∗"),
    ("circ", "∘"),
    ("odot", "⊙"),
    ("otimes", "⊗"),
    ("oplus", "⊕"),
    ("cup", "∪"),
    ("cap", "∩"),
    ("setminus", "∖"),
    ("wedge", "∧"),
    ("vee", "∨"),
    ("le", "≤"),
    ("leq", "≤"),
    ("leqslant", "≤"),
    ("ge", "≥"),
    ("geq", "≥"),
    ("geqslant", "≥"),
    ("ne", "≠"),
    ("neq", "≠"),
    ("ll", "≪"),
    ("gg", "≫"),
    ("lt", "&lt;"),
    ("gt", "&gt;"),
    ("approx", "≈"),
    ("sim", "∼"),
    ("simeq", "≃"),
    ("cong", "≅"),
    ("equiv", "≡"),
    ("propto", "∝"),
    ("prec", "≺"),
    ("preceq", "⪯"),
    ("succ", "≻"),
    ("succeq", "⪰"),
    ("lesssim", "≲"),
    ("gtrsim", "≳"),
    ("in", "∈"),
    ("notin", "∉"),
    ("ni", "∋"),
    ("subset", "⊂"),
    ("subseteq", "⊆"),
    ("supset", "⊃"),
    ("perp", "⟂"),
    ("parallel", "∥"),
    ("mid", "∣"),
    ("vert", "|"),
    ("lvert", "|"),
    ("rvert", "|"),
    ("forall", "∀"),
    ("exists", "∃"),
    ("neg", "¬"),
    ("to", "→"),
    ("rightarrow", "→"),
    ("leftarrow", "←"),
    ("leftrightarrow", "↔"),
    ("longrightarrow", "⟶"),
    ("mapsto", "↦"),
    ("Rightarrow", "⇒"),
    ("implies", "⟹"),
    ("iff", "⟺"),
    ("Leftrightarrow", "⇔"),
    ("uparrow", "↑"),
    ("downarrow", "↓"),
    ("colon", ":"),
    ("ldots", "…"),
    ("dots", "…"),
    ("cdots", "⋯"),
    ("vdots", "⋮"),
    ("ddots", "⋱"),
    ("langle", "⟨"),
    ("rangle", "⟩"),
    ("lfloor", "⌊"),
    ("rfloor", "⌋"),
    ("lceil", "⌈"),
    ("rceil", "⌉"),
    ("{", "{"),
    ("}", "}"),
    ("lbrace", "{"),
    ("rbrace", "}"),
    ("|", "‖"),
    ("Vert", "‖"),
    ("lVert", "‖"),
    ("rVert", "‖"),
    ("backslash", "∖"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn body(source: &str) -> String {
        let html = mathml(source, false).expect(source);
        let inner = html.split("<mrow>").skip(1).collect::<Vec<_>>().join("<mrow>");
        inner.split("</mrow><annotation").next().unwrap_or("").to_owned()
    }

    #[test]
    fn scripts_fractions_and_roots() {
        assert_eq!(body("a_N^{2}"), "<msubsup><mi>a</mi><mi>N</mi><mrow><mn>2</mn></mrow></msubsup>");
        assert_eq!(body(r"\frac1N"), "<mfrac><mn>1</mn><mi>N</mi></mfrac>");
        assert_eq!(
            body(r"\sqrt{c^2+4}"),
            "<msqrt><mrow><msup><mi>c</mi><mn>2</mn></msup><mo>+</mo><mn>4</mn></mrow></msqrt>"
        );
        assert_eq!(body("x^12"), "<msup><mi>x</mi><mn>1</mn></msup><mn>2</mn>");
        assert_eq!(body("f'"), "<msup><mi>f</mi><mo>′</mo></msup>");
        assert_eq!(body(r"\hat y"), "<mover accent=\"true\"><mi>y</mi><mo stretchy=\"false\">^</mo></mover>");
        assert_eq!(body(r"\mathbb R"), "<mi mathvariant=\"normal\">ℝ</mi>");
        assert_eq!(body("n = 0.25."), "<mi>n</mi><mo>=</mo><mn>0.25</mn><mo>.</mo>");
    }

    #[test]
    fn display_sums_have_limits_and_inline_ones_scripts() {
        assert!(mathml(r"\sum_{i\le d}\beta_i", true).expect("known").contains("<munder>"));
        assert!(mathml(r"\sum_{i\le d}\beta_i", false).expect("known").contains("<msub><mo"));
        assert!(mathml(r"\int_0^t u", true).expect("known").contains("<msubsup>"));
    }

    #[test]
    fn matrices_delimiters_and_text() {
        let m = body(r"\begin{pmatrix}1&.3\\.3&2\end{pmatrix}");
        assert_eq!(m.matches("<mtr>").count(), 2);
        assert_eq!(m.matches("<mtd>").count(), 4);
        assert!(body(r"\left(\tfrac12\right]").contains("<mo stretchy=\"true\">]</mo>"));
        assert!(body(r"\text{if } x>0").contains("<mtext>if\u{a0}</mtext>"));
        assert!(body(r"\Big\|x\Big\|_F").contains("‖"));
    }

    #[test]
    fn elements_are_balanced_on_real_formulas() {
        let formulas = [
            r"L^*=\sum_{i=1}^d\beta_i\,\frac{\beta_i/N+b_N}{a_N\beta_i+b_N}=\sum_i\beta_i\frac{\beta_i+t+\sigma^2}{(N+1)\beta_i+t+\sigma^2}",
            r"A^*=\Psi\,(a_N\Lambda\Psi+b_NI)^{-1}=(a_N\Psi\Lambda+b_NI)^{-1}\Psi",
            r"z(t)=\frac{z_0+\tanh Dt}{1+z_0\tanh Dt},\quad y=\frac{Dz-\beta}\alpha",
            r"\big\|\Lambda^{1/2}(A-A^*)S_N^{1/2}\big\|_F^2",
            r"u_\infty^2=\tfrac12\Big(c+\sqrt{c^2+4\|A^*\|_F^2}\Big)",
            r"\mathcal R=(S\otimes\Lambda)^{1/2}\Big(u_\infty^2I+u_\infty^{-2}\,\mathrm{vec}A^*\mathrm{vec}A^{*\top}\Big)",
        ];
        for formula in formulas {
            let html = mathml(formula, true).expect(formula);
            let mut open: Vec<&str> = Vec::new();
            for tag in html.split('<').skip(1) {
                let tag = tag.split('>').next().unwrap_or("");
                if let Some(name) = tag.strip_prefix('/') {
                    assert_eq!(open.pop(), Some(name), "{formula}");
                } else if !tag.ends_with('/') {
                    open.push(tag.split(' ').next().unwrap_or(""));
                }
            }
            assert!(open.is_empty(), "{formula}");
        }
    }

    #[test]
    fn what_it_does_not_know_is_an_error_not_a_guess() {
        assert_eq!(mathml(r"\foo", false), Err(TexError::Command { command: "foo".to_owned() }));
        for source in ["{a", "a}", r"\left(a", r"\frac1", r"\begin{pmatrix}1", "a&b", r"\sqrt"] {
            assert!(matches!(mathml(source, false), Err(TexError::Unbalanced { .. })), "{source}");
        }
    }

    /// Whatever text a claim holds, rendering ends with a value.
    #[test]
    fn never_panics_on_cut_formulas() {
        let source =
            r"\big\|\Lambda^{1/2}(é−A^*)\frac{a}{\sqrt[3]{b}}\begin{cases}1&2\\3\end{cases}\mathrm{tr}'";
        for (i, _) in source.char_indices() {
            let _ = mathml(&source[..i], true);
            let _ = mathml(&source[i..], false);
        }
    }
}
