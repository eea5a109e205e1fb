//! Reference numbers of the specification and high-precision values; independent brute force.
mod brute;
mod domains;
mod limits;
mod reference;
mod rules;

use crate::icl::tests::assert_close;
