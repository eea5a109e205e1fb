//! What the study refuses, beyond unreadable tables.
use std::path::PathBuf;

/// Samples that no collapse metric is defined for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SampleError {
    /// The labels are not one column.
    #[error("{path} has {found} columns: labels must be one column of class numbers", path = path.display())]
    LabelColumns {
        /// The file.
        path: PathBuf,
        /// Its columns.
        found: usize,
    },
    /// A label that is no class number.
    #[error("{path}, row {row}: the label {value} is refused: labels must be whole numbers from 0 to {most}", path = path.display())]
    Label {
        /// The file.
        path: PathBuf,
        /// The row, from 1.
        row: u64,
        /// The label.
        value: f64,
        /// The largest label accepted.
        most: usize,
    },
    /// Features and labels of different lengths.
    #[error("{longer} has more rows than the {rows} of its partner: features and labels must have as many", longer = longer.display())]
    Lengths {
        /// The longer file.
        longer: PathBuf,
        /// Rows in common.
        rows: u64,
    },
    /// No rows.
    #[error("{path} holds no samples", path = path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A class number without samples.
    #[error(
        "no sample has the label {missing}, though {largest} occurs: number the classes 0, 1, 2, ... without gaps"
    )]
    Gap {
        /// The first label missing.
        missing: usize,
        /// The largest label.
        largest: usize,
    },
    /// One class only.
    #[error("all samples have the label 0: the geometry of classes needs at least two")]
    OneClass,
    /// A class of one sample.
    #[error(
        "class {class} has a single sample, so that its variability is undefined: drop the class or add samples"
    )]
    SingleMember {
        /// The class.
        class: usize,
    },
    /// Sums that left the range of doubles.
    #[error("the {what} overflow: scale the features down")]
    Overflow {
        /// Which sums.
        what: &'static str,
    },
    /// Class means that all agree.
    #[error("all class means agree to rounding: there is no geometry to compare")]
    NoSpread,
    /// Something that is zero and cannot be normalised.
    #[error("{what} is zero: no angle or shape is defined for it")]
    Zero {
        /// What.
        what: &'static str,
    },
}
