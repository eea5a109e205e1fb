//! The claims: theory meets simulation, with error bars and measured power.
pub mod aggregate;
pub mod collapse;
pub mod icl;
