//! The code of the README and of the book, run as tests.
#![cfg_attr(doctest, doc = include_str!("../../README.md"))]
#![cfg_attr(doctest, doc = include_str!("../../docs/src/start.md"))]
#![cfg_attr(doctest, doc = include_str!("../../docs/src/icl.md"))]
#![cfg_attr(doctest, doc = include_str!("../../docs/src/aggregate.md"))]
#![cfg_attr(doctest, doc = include_str!("../../docs/src/collapse.md"))]
