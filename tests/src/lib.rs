//! The code of the README and of the book, run as tests.
#![cfg_attr(doctest, doc = include_str!("../../README.md"))]
#![cfg_attr(doctest, doc = include_str!("../../docs/src/start.md"))]
#![cfg_attr(doctest, doc = include_str!("../../docs/src/icl/loss.md"))]
#![cfg_attr(doctest, doc = include_str!("../../docs/src/icl/shift.md"))]
#![cfg_attr(doctest, doc = include_str!("../../docs/src/icl/training.md"))]
#![cfg_attr(doctest, doc = include_str!("../../docs/src/icl/depth-risk.md"))]
#![cfg_attr(doctest, doc = include_str!("../../docs/src/aggregate/risk.md"))]
