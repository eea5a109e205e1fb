//! Which rows train, in which bags, and which are held out.
use std::path::Path;

use rand::RngExt;
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use solvable_model::aggregate::BagDesign;

use crate::input::Table;
use crate::study::StudyError;

/// Training rows, bag after bag, and test rows.
#[derive(Clone, Debug)]
pub(super) struct Split {
    /// Rows of the table, in the order of the training data.
    pub(super) train: Vec<usize>,
    /// Held-out rows.
    pub(super) test: Vec<usize>,
    /// Bags of `train`.
    pub(super) bags: BagDesign,
    /// Number of each bag in the bag file, or in order of formation.
    pub(super) names: Vec<usize>,
}

/// Reads a bag file: one column, the bag of each row; or two, a bag and a row (counted from 1), one pair a line, the column
/// called `row` being the row, else the second. Returns the rows (counted from 0) of each bag, bags by increasing number.
pub(super) fn read(path: &Path, rows: usize) -> Result<Vec<Vec<usize>>, StudyError> {
    let table = Table::read(path)?;
    let (lines, columns) = (table.values.nrows(), table.values.ncols());
    if columns > 2 {
        let reason = "a bag file has one column (the bag of each row) or two (bag, row)";
        return Err(StudyError::Mismatch {
            path: path.to_owned(),
            found: (lines, columns),
            expected: (rows, 2),
            reason,
        });
    }
    let row_first = columns == 2 && table.columns[0].eq_ignore_ascii_case("row");
    let (bag_column, row_column) = if row_first { (1, 0) } else { (0, 1) };
    let mut pairs = Vec::with_capacity(lines);
    for line in 0..lines {
        let whole = |column: usize| {
            let value = table.values[(line, column)];
            let valid = value >= 0.0 && value.fract() == 0.0 && value < 9e15;
            if valid {
                Ok(value as u64)
            } else {
                Err(StudyError::BagEntry {
                    path: path.to_owned(),
                    line: line as u64 + 1,
                    column: column + 1,
                    value,
                })
            }
        };
        let bag = whole(bag_column)?;
        let row = if columns == 1 { line as u64 + 1 } else { whole(row_column)? };
        if row == 0 || row > rows as u64 {
            let line = line as u64 + 1;
            return Err(StudyError::UnknownRow { path: path.to_owned(), line, row, rows: rows as u64 });
        }
        pairs.push((bag, row as usize - 1));
    }
    let mut times = vec![0_u64; rows];
    pairs.iter().for_each(|&(_, row)| times[row] += 1);
    if let Some(row) = times.iter().position(|&t| t != 1) {
        return Err(StudyError::BagRow { path: path.to_owned(), row: row as u64 + 1, bags: times[row] });
    }
    pairs.sort_unstable();
    let mut bags: Vec<Vec<usize>> = Vec::new();
    let mut last = None;
    for (bag, row) in pairs {
        if last != Some(bag) {
            bags.push(Vec::new());
            last = Some(bag);
        }
        if let Some(members) = bags.last_mut() {
            members.push(row);
        }
    }
    Ok(bags)
}

/// Random bags of k rows, or whole bags of a file held out until the test set has its size.
pub(super) fn split(
    rows: usize,
    given: Option<&[Vec<usize>]>,
    k: usize,
    test_rows: usize,
    seed: u64,
    replica: u64,
) -> Result<Split, StudyError> {
    let mut rng = ChaCha12Rng::seed_from_u64(seed);
    rng.set_stream(replica);
    let mut shuffle = |list: &mut [usize]| {
        for i in (1..list.len()).rev() {
            let j = rng.random_range(0..=i as u64) as usize;
            list.swap(i, j);
        }
    };
    let (mut train, mut test, mut sizes, mut names) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    if let Some(bags) = given {
        let mut order: Vec<usize> = (0..bags.len()).collect();
        if test_rows > 0 {
            shuffle(&mut order);
        }
        let mut kept = Vec::new();
        for (place, &bag) in order.iter().enumerate() {
            // Two bags are left to learn from.
            if test.len() < test_rows && place + 2 < order.len() {
                test.extend_from_slice(&bags[bag]);
            } else {
                kept.push(bag);
            }
        }
        kept.sort_unstable();
        for bag in kept {
            train.extend_from_slice(&bags[bag]);
            sizes.push(bags[bag].len());
            names.push(bag);
        }
    } else {
        let mut order: Vec<usize> = (0..rows).collect();
        shuffle(&mut order);
        // With a test set, what does not fill a bag goes there; without one it is a smaller bag.
        let training = rows - test_rows;
        let left = if test_rows > 0 { training % k } else { 0 };
        test = order.split_off(training - left);
        train = order;
        sizes = vec![k; train.len() / k];
        if train.len() % k > 0 {
            sizes.push(train.len() % k);
        }
        names = (0..sizes.len()).collect();
    }
    let mut start = 0;
    let lists: Vec<Vec<usize>> = sizes
        .iter()
        .map(|&size| {
            start += size;
            (start - size..start).collect()
        })
        .collect();
    let bags = BagDesign::new(train.len(), &lists)?;
    Ok(Split { train, test, bags, names })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, text: &str) -> std::path::PathBuf {
        let path = std::env::temp_dir().join(format!("solvable-bags-{}-{name}.csv", std::process::id()));
        std::fs::write(&path, text).expect("temporary directory");
        path
    }

    fn refusal(name: &str, text: &str, rows: usize) -> String {
        let path = file(name, text);
        let message = read(&path, rows).expect_err("refused").to_string();
        std::fs::remove_file(path).expect("written above");
        message
    }

    #[test]
    fn bag_files_are_partitions() {
        let path = file("labels", "bag\n7\n3\n7\n7\n");
        assert_eq!(read(&path, 4).expect("valid"), [vec![1], vec![0, 2, 3]]);
        std::fs::remove_file(path).expect("written above");
        let path = file("pairs", "row,bag\n3,1\n1,1\n2,9\n");
        assert_eq!(read(&path, 3).expect("valid"), [vec![0, 2], vec![1]]);
        std::fs::remove_file(path).expect("written above");
    }

    #[test]
    fn overlaps_gaps_and_unknown_rows_are_refused_with_the_row() {
        assert!(refusal("overlap", "1,1\n1,2\n2,2\n2,3\n", 3).contains("row 2 of the features is in 2 bags"));
        assert!(refusal("gap", "1,1\n2,3\n", 3).contains("row 2 of the features is in 0 bags"));
        assert!(refusal("unknown", "1,1\n1,2\n2,9\n", 2).contains("row 3: names row 9"));
        assert!(refusal("zero", "1,0\n", 1).contains("row 1: names row 0"));
        assert!(refusal("short", "1\n1\n", 3).contains("row 3 of the features is in 0 bags"));
        assert!(refusal("long", "1\n1\n2\n", 2).contains("row 3: names row 3"));
        assert!(refusal("fraction", "1.5\n1\n", 2).contains("row 1, column 1: 1.5"));
    }

    #[test]
    fn splits_are_partitions_of_the_rows() {
        for (rows, k, test) in [(20, 3, 5), (20, 3, 0), (7, 7, 0), (442, 4, 110)] {
            let found = split(rows, None, k, test, 1, 0).expect("valid");
            let mut all: Vec<usize> = found.train.iter().chain(&found.test).copied().collect();
            all.sort_unstable();
            assert_eq!(all, (0..rows).collect::<Vec<_>>());
            assert!(found.test.len() >= test && found.test.len() < test + k);
            assert_eq!(found.bags.equal_size().is_some(), test > 0 || rows % k == 0);
        }
        let given = [vec![0, 1], vec![2], vec![3, 4, 5], vec![6]];
        for replica in 0..20 {
            let found = split(7, Some(&given), 1, 3, 5, replica).expect("valid");
            let bags = found.bags.bags();
            assert!(bags >= 2 && found.names.len() == bags && found.train.len() + found.test.len() == 7);
            assert!(found.test.len() >= 3 || bags == 2);
        }
    }
}
