//! The list of all claims.
use crate::{Chapter, Claim, aggregate, collapse, icl};

/// All claims, by chapter and number.
#[must_use]
pub fn claims() -> Vec<Claim> {
    let mut all = icl::claims();
    all.extend(aggregate::claims());
    all.extend(collapse::claims());
    all
}

/// What a word on the command line selects.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no chapter or claim is called {word:?}: `solvable list` shows them")]
pub struct UnknownSelection {
    /// The word.
    pub word: String,
}

/// The claims named by chapter names and claim ids (case does not matter); all of them for no words.
///
/// # Errors
/// [`UnknownSelection`] for the first word that names nothing.
pub fn select(words: &[String]) -> Result<Vec<Claim>, UnknownSelection> {
    let all = claims();
    let matches = |claim: &Claim, word: &str| {
        claim.id.eq_ignore_ascii_case(word) || claim.chapter.name().eq_ignore_ascii_case(word)
    };
    for word in words {
        let chapter = Chapter::ALL.iter().any(|c| c.name().eq_ignore_ascii_case(word));
        if !chapter && !all.iter().any(|c| matches(c, word)) {
            return Err(UnknownSelection { word: word.clone() });
        }
    }
    Ok(all.into_iter().filter(|c| words.is_empty() || words.iter().any(|w| matches(c, w))).collect())
}
