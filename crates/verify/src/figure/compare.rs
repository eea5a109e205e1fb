//! Whether a committed figure still is what the code draws.

/// The first difference between two tables of a figure.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Stale {
    /// Different numbers of lines.
    #[error("{old} lines are committed, {new} are drawn now")]
    Lines {
        /// Committed.
        old: usize,
        /// Drawn now.
        new: usize,
    },
    /// A line whose words differ, or whose numbers differ by more than the tolerance.
    #[error("line {line} was {old:?}, is {new:?}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// Committed.
        old: String,
        /// Drawn now.
        new: String,
    },
}

/// Relative difference that another instruction set may cause: linear algebra kernels sum in another order, and flows
/// carry that through thousands of steps.
const TOLERANCE: f64 = 1e-6;

/// Compares a committed CSV table with a new one: words exactly, numbers to a relative 1e-6 (1e-12 around 0).
///
/// # Errors
/// [`Stale`] with the first difference.
pub fn compare_csv(old: &str, new: &str) -> Result<(), Stale> {
    let (a, b): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    if a.len() != b.len() {
        return Err(Stale::Lines { old: a.len(), new: b.len() });
    }
    for (i, (x, y)) in a.iter().zip(&b).enumerate() {
        let (left, right): (Vec<&str>, Vec<&str>) = (x.split(',').collect(), y.split(',').collect());
        let agree = left.len() == right.len() && left.iter().zip(&right).all(|(p, q)| same(p, q));
        if !agree {
            return Err(Stale::Line { line: i + 1, old: (*x).to_owned(), new: (*y).to_owned() });
        }
    }
    Ok(())
}

fn same(p: &str, q: &str) -> bool {
    match (p.parse::<f64>(), q.parse::<f64>()) {
        (Ok(a), Ok(b)) => (a - b).abs() <= TOLERANCE * a.abs().max(b.abs()) + 1e-12,
        _ => p == q,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sees_changed_values_words_and_lengths_but_not_ulps() {
        let old = "panel,series,mark,x,y,low,high\nA,s,line,1,2,2,2\n";
        assert_eq!(compare_csv(old, &old.replace("1,2,2,2", "1,2.0000000001,2,2")), Ok(()));
        assert!(matches!(
            compare_csv(old, &old.replace("1,2,2,2", "1,2.001,2,2")),
            Err(Stale::Line { line: 2, .. })
        ));
        assert!(compare_csv(old, &old.replace("A,s", "B,s")).is_err());
        assert!(matches!(compare_csv(old, "panel\n"), Err(Stale::Lines { .. })));
    }
}
