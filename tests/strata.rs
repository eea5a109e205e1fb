//! What the property tests share: counted strata and the runner.
use std::cell::RefCell;
use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

/// How often each stratum was met; every one must be.
pub(crate) struct Strata {
    test: &'static str,
    counts: RefCell<BTreeMap<&'static str, u32>>,
}

impl Strata {
    pub(crate) fn new(test: &'static str, names: &[&'static str]) -> Self {
        Self { test, counts: RefCell::new(names.iter().map(|&n| (n, 0)).collect()) }
    }

    pub(crate) fn count(&self, name: &'static str, met: bool) {
        *self.counts.borrow_mut().get_mut(name).expect("a declared stratum") += u32::from(met);
    }

    pub(crate) fn require(&self) {
        let counts = self.counts.borrow();
        println!("{}: {counts:?}", self.test);
        let empty: Vec<_> = counts.iter().filter(|(_, c)| **c == 0).map(|(n, _)| n).collect();
        assert!(empty.is_empty(), "{}: no case of {empty:?}", self.test);
    }
}

/// Runs a property over random cases; a failure prints the smallest one found.
pub(crate) fn run<S: Strategy>(
    cases: u32,
    strategy: S,
    test: impl Fn(S::Value) -> Result<(), TestCaseError>,
) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    if let Err(error) = TestRunner::new(config).run(&strategy, test) {
        panic!("{error}");
    }
}
