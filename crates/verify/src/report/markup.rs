//! The Markdown of statements, notes and captions: TeX between dollars, code, emphasis, paragraphs.
use super::escape;
use super::tex::{TexError, mathml};

/// Renders inline Markdown with TeX as HTML.
///
/// # Errors
/// [`TexError`] for the first formula outside the subset.
pub fn html(text: &str) -> Result<String, TexError> {
    let mut out = String::with_capacity(2 * text.len());
    let mut rest = text;
    let mut strong = false;
    let mut emphasis = false;
    while let Some(at) = rest.find(['$', '`', '*', '\\']) {
        out += &escape(&rest[..at]);
        let tail = &rest[at..];
        rest = if let Some(inner) = enclosed(tail, "$$") {
            out += &mathml(inner, true)?;
            &tail[inner.len() + 4..]
        } else if let Some(inner) = enclosed(tail, "$") {
            out += &mathml(inner, false)?;
            &tail[inner.len() + 2..]
        } else if let Some(inner) = enclosed(tail, "`") {
            out += &format!("<code>{}</code>", escape(inner));
            &tail[inner.len() + 2..]
        } else if let Some(after) = tail.strip_prefix("**") {
            strong = !strong;
            out += if strong { "<strong>" } else { "</strong>" };
            after
        } else if tail.starts_with('*') && (emphasis || tail[1..].starts_with(char::is_alphanumeric)) {
            emphasis = !emphasis;
            out += if emphasis { "<em>" } else { "</em>" };
            &tail[1..]
        } else if tail.starts_with('\\') && tail[1..].starts_with(['*', '_', '$', '`', '\\']) {
            out += &tail[1..2];
            &tail[2..]
        } else {
            out += &escape(&tail[..1]);
            &tail[1..]
        };
    }
    out += &escape(rest);
    if emphasis {
        out += "</em>";
    }
    if strong {
        out += "</strong>";
    }
    Ok(out.replace("\n\n", "</p>\n<p>"))
}

/// Like [`html`]; text whose TeX cannot be rendered is shown as it was written.
#[must_use]
pub fn html_or_source(text: &str) -> String {
    html(text).unwrap_or_else(|_| escape(text))
}

/// What stands between a delimiter at the start of `text` and its next occurrence; never empty.
fn enclosed<'a>(text: &'a str, delimiter: &str) -> Option<&'a str> {
    let inner = text.strip_prefix(delimiter)?;
    let end = inner.find(delimiter).filter(|&e| e > 0)?;
    Some(&inner[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mixes_text_code_emphasis_and_mathematics() {
        let out = html("If $a<b$, **not** *always* `x < y`; 2 * 3 & \\*").expect("known");
        assert!(
            out.contains("<mo>&lt;</mo>") && out.contains("<strong>not</strong> <em>always</em>"),
            "{out}"
        );
        assert!(out.contains("<code>x &lt; y</code>; 2 * 3 &amp; *"), "{out}");
        assert!(html("$$\\sum_i x_i$$").expect("known").contains("display=\"block\""));
        assert!(html("costs $5").expect("a lone dollar").contains("$5"));
    }

    /// Every statement, assumption and source of the registry, and every caption, is in the subset.
    #[test]
    fn the_registry_renders() {
        for claim in crate::registry::claims() {
            for text in [claim.title, claim.statement, claim.assumptions, claim.source] {
                assert!(html(text).is_ok(), "{}: {:?} in {text}", claim.id, html(text).err());
            }
            for check in &claim.checks {
                assert!(html(check.what()).is_ok(), "{}: {}", claim.id, check.what());
            }
        }
        for figure in crate::figure::figures() {
            for text in [figure.title, figure.caption] {
                assert!(html(text).is_ok(), "{}: {:?}", figure.name, html(text).err());
            }
        }
    }
}
