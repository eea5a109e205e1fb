//! The figures of this chapter.
use crate::figure::FigureSpec;

/// By name, in the order of the book.
pub const FIGURES: &[FigureSpec] = &[];
