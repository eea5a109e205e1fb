//! The code of the README and of the book, run as tests.
#![cfg_attr(doctest, doc = include_str!("../../README.md"))]
