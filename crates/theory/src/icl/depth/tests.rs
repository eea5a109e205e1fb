//! Reference numbers of the specification and high-precision values; independent brute force.
