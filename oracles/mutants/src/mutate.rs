//! Finds the mutants of a source file and writes a version of it that holds them all.
use std::ops::Range;

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, BinOp, Expr, ImplItem, Item, Lit, UnOp};

/// One possible change of the source.
#[derive(Clone, Debug)]
pub struct Mutant {
    /// Bytes of the expression.
    range: Range<usize>,
    /// 1-based line.
    pub line: usize,
    /// What becomes of what.
    pub change: String,
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    /// `l op r` with values.
    Values { left: Range<usize>, right: Range<usize>, op: &'static str, other: &'static str },
    /// `l op r` by reference.
    Compared { left: Range<usize>, right: Range<usize>, op: &'static str, other: &'static str },
    /// `l += r`.
    Assigned { left: Range<usize>, right: Range<usize>, op: &'static str, other: &'static str },
    /// `l && r`, `l || r`.
    Logical { left: Range<usize>, right: Range<usize>, and: bool },
    /// A prefix operator dropped.
    Prefix { operand: Range<usize>, op: &'static str },
    /// A literal replaced.
    Literal { other: String },
    /// A method replaced, or dropped when `other` is empty.
    Method { receiver: Range<usize>, other: String },
}

/// The mutants of a file, in order of appearance.
pub fn mutants(source: &str) -> Result<Vec<Mutant>, syn::Error> {
    let file = syn::parse_file(source)?;
    let mut finder = Finder { source, found: Vec::new() };
    finder.visit_file(&file);
    finder.found.sort_by_key(|m| (m.range.start, usize::MAX - m.range.end));
    Ok(finder.found)
}

/// The source with the mutants of `live` switchable, and where each lies in it (id, bytes).
pub fn render(source: &str, live: &[(usize, &Mutant)]) -> (String, Vec<(usize, Range<usize>)>) {
    let mut out = Writer { source, live, text: String::new(), places: Vec::new() };
    out.copy(0..source.len(), None);
    (out.text, out.places)
}

struct Writer<'a> {
    source: &'a str,
    live: &'a [(usize, &'a Mutant)],
    text: String,
    places: Vec<(usize, Range<usize>)>,
}

impl Writer<'_> {
    /// Copies a range, expanding the outermost mutants that lie in it; `within` is the index of the mutant being written.
    fn copy(&mut self, range: Range<usize>, within: Option<usize>) {
        let mut at = range.start;
        let first = self.live.partition_point(|(_, m)| m.range.start < range.start);
        for i in first..self.live.len() {
            let (id, mutant) = self.live[i];
            if mutant.range.start >= range.end {
                break;
            }
            if Some(i) == within || mutant.range.start < at || mutant.range.end > range.end {
                continue;
            }
            self.text += &self.source[at..mutant.range.start];
            at = mutant.range.end;
            let start = self.text.len();
            self.expand(i, id, mutant);
            self.places.push((id, start..self.text.len()));
        }
        self.text += &self.source[at..range.end];
    }

    fn expand(&mut self, i: usize, id: usize, mutant: &Mutant) {
        let on = format!("crate::mutant::on({id})");
        match &mutant.form {
            Form::Values { left, right, op, other } => {
                self.text += "(match (";
                self.copy(left.clone(), Some(i));
                self.text += ", ";
                self.copy(right.clone(), Some(i));
                self.text += &format!(") {{ (l_, r_) => if {on} {{ l_ {other} r_ }} else {{ l_ {op} r_ }} }})");
            }
            Form::Compared { left, right, op, other } => {
                self.text += "(match (&(";
                self.copy(left.clone(), Some(i));
                self.text += "), &(";
                self.copy(right.clone(), Some(i));
                self.text +=
                    &format!(")) {{ (l_, r_) => if {on} {{ *l_ {other} *r_ }} else {{ *l_ {op} *r_ }} }})");
            }
            Form::Assigned { left, right, op, other } => {
                let target = &self.source[left.clone()];
                self.text += "match (";
                self.copy(right.clone(), Some(i));
                self.text +=
                    &format!(") {{ r_ => if {on} {{ {target} {other} r_ }} else {{ {target} {op} r_ }} }}");
            }
            Form::Logical { left, right, and } => {
                self.text += &format!("(match ({on}, ");
                self.copy(left.clone(), Some(i));
                self.text += &format!(") {{ (m_, l_) => if l_ == (m_ != {and}) {{ ");
                self.copy(right.clone(), Some(i));
                self.text += " } else { l_ } })";
            }
            Form::Prefix { operand, op } => {
                self.text += "(match ";
                self.copy(operand.clone(), Some(i));
                self.text += &format!(" {{ v_ => if {on} {{ v_ }} else {{ {op}v_ }} }})");
            }
            Form::Literal { other } => {
                let literal = &self.source[mutant.range.clone()];
                self.text += &format!("(if {on} {{ {other} }} else {{ {literal} }})");
            }
            Form::Method { receiver, other } => {
                let rest = &self.source[receiver.end..mutant.range.end];
                self.text += "(match ";
                self.copy(receiver.clone(), Some(i));
                self.text += &format!(" {{ #[allow(unused_mut)] mut v_ => if {on} {{ v_{other} }} else {{ v_{rest} }} }})");
            }
        }
    }
}

struct Finder<'a> {
    source: &'a str,
    found: Vec<Mutant>,
}

impl Finder<'_> {
    fn push(&mut self, span: Span, change: String, form: Form) {
        self.found.push(Mutant { range: span.byte_range(), line: span.start().line, change, form });
    }

    fn text(&self, span: Span) -> &str {
        &self.source[span.byte_range()]
    }
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|a| {
        a.path().is_ident("test")
            || (a.path().is_ident("cfg")
                && a.parse_args::<syn::Path>().is_ok_and(|p| p.is_ident("test")))
    })
}

/// `(operator, replacement, by reference, assignment)`.
fn operators(op: &BinOp) -> Option<(&'static str, &'static str, bool, bool)> {
    Some(match op {
        BinOp::Add(_) => ("+", "-", false, false),
        BinOp::Sub(_) => ("-", "+", false, false),
        BinOp::Mul(_) => ("*", "/", false, false),
        BinOp::Div(_) => ("/", "*", false, false),
        BinOp::Rem(_) => ("%", "*", false, false),
        BinOp::Lt(_) => ("<", ">=", true, false),
        BinOp::Le(_) => ("<=", ">", true, false),
        BinOp::Gt(_) => (">", "<=", true, false),
        BinOp::Ge(_) => (">=", "<", true, false),
        BinOp::Eq(_) => ("==", "!=", true, false),
        BinOp::Ne(_) => ("!=", "==", true, false),
        BinOp::AddAssign(_) => ("+=", "-=", false, true),
        BinOp::SubAssign(_) => ("-=", "+=", false, true),
        BinOp::MulAssign(_) => ("*=", "/=", false, true),
        BinOp::DivAssign(_) => ("/=", "*=", false, true),
        _ => return None,
    })
}

fn has_let(expr: &Expr) -> bool {
    match expr {
        Expr::Let(_) => true,
        Expr::Binary(b) => has_let(&b.left) || has_let(&b.right),
        Expr::Paren(p) => has_let(&p.expr),
        _ => false,
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        match item {
            Item::Const(_) | Item::Static(_) | Item::Enum(_) | Item::Struct(_) | Item::Type(_) => {}
            Item::Fn(f) if f.sig.constness.is_some() || is_test(&f.attrs) => {}
            Item::Mod(m) if is_test(&m.attrs) => {}
            // Messages are not formulas.
            Item::Impl(i)
                if i.trait_.as_ref().is_some_and(|(_, path, _)| {
                    path.segments.last().is_some_and(|s| s.ident == "Display" || s.ident == "Debug")
                }) => {}
            _ => visit::visit_item(self, item),
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        match item {
            ImplItem::Const(_) => {}
            ImplItem::Fn(f) if f.sig.constness.is_some() => {}
            _ => visit::visit_impl_item(self, item),
        }
    }

    fn visit_attribute(&mut self, _: &'ast Attribute) {}
    fn visit_pat(&mut self, _: &'ast syn::Pat) {}
    fn visit_type(&mut self, _: &'ast syn::Type) {}
    fn visit_generic_argument(&mut self, _: &'ast syn::GenericArgument) {}

    fn visit_expr(&mut self, expr: &'ast Expr) {
        match expr {
            Expr::Repeat(repeat) => return self.visit_expr(&repeat.expr),
            Expr::Const(_) => return,
            Expr::Binary(b) if !has_let(expr) => {
                let (left, right) = (b.left.span().byte_range(), b.right.span().byte_range());
                match &b.op {
                    BinOp::And(_) => {
                        self.push(expr.span(), "&& -> ||".into(), Form::Logical { left, right, and: true });
                    }
                    BinOp::Or(_) => {
                        self.push(expr.span(), "|| -> &&".into(), Form::Logical { left, right, and: false });
                    }
                    op => {
                        if let Some((op, other, by_reference, assignment)) = operators(op) {
                            let change = format!("{op} -> {other}");
                            let form = match (by_reference, assignment) {
                                (true, _) => Form::Compared { left, right, op, other },
                                (_, true) => Form::Assigned { left, right, op, other },
                                _ => Form::Values { left, right, op, other },
                            };
                            self.push(expr.span(), change, form);
                            if assignment {
                                // The target is written twice: it stays as it is.
                                return self.visit_expr(&b.right);
                            }
                        }
                    }
                }
            }
            Expr::Unary(u) if !has_let(&u.expr) => {
                let operand = u.expr.span().byte_range();
                match (&u.op, &*u.expr) {
                    // The sign of a literal: one mutant, not two.
                    (UnOp::Neg(_), Expr::Lit(_)) => {
                        self.push(expr.span(), "sign dropped".into(), Form::Prefix { operand, op: "-" });
                        return;
                    }
                    (UnOp::Neg(_), _) => {
                        self.push(expr.span(), "sign dropped".into(), Form::Prefix { operand, op: "-" });
                    }
                    (UnOp::Not(_), _) => {
                        self.push(expr.span(), "! dropped".into(), Form::Prefix { operand, op: "!" });
                    }
                    _ => {}
                }
            }
            Expr::Lit(literal) => {
                let text = self.text(expr.span()).to_owned();
                let other = match &literal.lit {
                    // Tolerances and guards are not formulas.
                    Lit::Float(f) => match f.base10_parse::<f64>() {
                        Ok(v) if v == 0.0 || (1e-3..1e6).contains(&v) => Some(format!("{:?}_f64", v + 1.0)),
                        _ => None,
                    },
                    Lit::Int(i) if i.suffix().is_empty() => {
                        i.base10_parse::<u64>().ok().filter(|v| *v < 1000).map(|v| (v + 1).to_string())
                    }
                    _ => None,
                };
                if let Some(other) = other {
                    let other = other.trim_end_matches("_f64").to_owned();
                    self.push(expr.span(), format!("{text} -> {other}"), Form::Literal { other });
                }
                return;
            }
            Expr::MethodCall(call) => {
                let name = call.method.to_string();
                let arguments = &self.source[call.method.span().byte_range().end..expr.span().byte_range().end];
                let other = match name.as_str() {
                    "min" => Some(format!(".max{arguments}")),
                    "max" => Some(format!(".min{arguments}")),
                    "floor" => Some(format!(".ceil{arguments}")),
                    "ceil" => Some(format!(".floor{arguments}")),
                    "sqrt" | "abs" | "recip" | "ln" | "exp" if call.args.is_empty() => Some(String::new()),
                    "any" if call.args.len() == 1 => Some(format!(".all{arguments}")),
                    "all" if call.args.len() == 1 => Some(format!(".any{arguments}")),
                    _ => None,
                };
                if let Some(other) = other {
                    let change = if other.is_empty() {
                        format!(".{name}() dropped")
                    } else {
                        format!(".{name} -> {}", other.split('(').next().unwrap_or_default())
                    };
                    let receiver = call.receiver.span().byte_range();
                    self.push(expr.span(), change, Form::Method { receiver, other });
                    // The arguments are written twice: only the receiver holds further mutants.
                    return self.visit_expr(&call.receiver);
                }
            }
            _ => {}
        }
        visit::visit_expr(self, expr);
    }
}
