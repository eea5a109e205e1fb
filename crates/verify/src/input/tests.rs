use std::fs;
use std::path::PathBuf;

use super::*;

struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("solvable-input-{name}-{}", std::process::id()));
        fs::create_dir_all(&dir).expect("temporary directory");
        Self(dir)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, bytes).expect("temporary file");
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A version 1.0 .npy file, written from the format's published description.
fn npy(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let order = if fortran { "True" } else { "False" };
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(header.len()).expect("short").to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(data);
    bytes
}

#[test]
fn reads_csv_with_and_without_header() {
    let dir = Scratch::new("csv");
    let with = Table::read(&dir.file("a.csv", b"x, y\n1, 2\n3,4e-1\n")).expect("valid");
    assert_eq!(with.columns, ["x", "y"]);
    assert_eq!((with.values[(1, 0)], with.values[(1, 1)]), (3.0, 0.4));
    let without = Table::read(&dir.file("b.csv", b"1,2\n3,4\n5,6")).expect("valid");
    assert_eq!(without.columns, ["column 1", "column 2"]);
    assert_eq!(without.values.nrows(), 3);
}

#[test]
fn refuses_bad_csv_with_row_and_column() {
    let dir = Scratch::new("bad");
    for (name, text, words) in [
        ("missing.csv", "x,y\n1,2\n3,\n", ["row 2", "column 2", "missing"]),
        ("na.csv", "1,NA\n", ["row 1", "column 2", "missing"]),
        ("text.csv", "x,y\n1,red\n", ["row 1", "column 2", "not a number"]),
        ("ragged.csv", "x,y\n1,2\n3\n", ["row 2", "1 fields", "expected 2"]),
        ("nan.csv", "x,y\n1,nan\n", ["row 1", "column 2", "not finite"]),
        ("inf.csv", "1,inf\n", ["row 1", "column 2", "not finite"]),
        ("header.csv", "x,y\n", ["header.csv", "no", "rows"]),
        ("empty.csv", "", ["empty.csv", "no", "rows"]),
        ("table.xls", "1", ["table.xls", ".csv", ".npy"]),
    ] {
        let message = Table::read(&dir.file(name, text.as_bytes())).expect_err(name).to_string();
        assert!(words.iter().all(|w| message.contains(w)), "{name}: {message}");
    }
    assert!(matches!(Table::read(&dir.0.join("absent.csv")), Err(ReadError::Io { .. })));
}

#[test]
fn reads_npy_in_both_orders_and_several_types() {
    let dir = Scratch::new("npy");
    let flat: Vec<u8> = [1.0_f64, 2.0, 3.0, 4.0, 5.0, 6.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    let c = Table::read(&dir.file("c.npy", &npy("<f8", false, "(2, 3)", &flat))).expect("valid");
    assert_eq!((c.values[(0, 2)], c.values[(1, 0)]), (3.0, 4.0));
    let f = Table::read(&dir.file("f.npy", &npy("<f8", true, "(2, 3)", &flat))).expect("valid");
    assert_eq!((f.values[(0, 1)], f.values[(1, 0)]), (3.0, 2.0));
    let small: Vec<u8> = [7_i16, -8].iter().flat_map(|v| v.to_le_bytes()).collect();
    let i = Table::read(&dir.file("i.npy", &npy("<i2", false, "(2,)", &small))).expect("valid");
    assert_eq!((i.values[(0, 0)], i.values[(1, 0)]), (7.0, -8.0));
    let single: Vec<u8> = [0.5_f32].iter().flat_map(|v| v.to_le_bytes()).collect();
    let s = Table::read(&dir.file("s.npy", &npy("<f4", false, "(1, 1)", &single))).expect("valid");
    assert_eq!(s.values[(0, 0)], 0.5);
}

#[test]
fn refuses_bad_npy() {
    let dir = Scratch::new("badnpy");
    let nan: Vec<u8> = [1.0, f64::NAN].iter().flat_map(|v| v.to_le_bytes()).collect();
    for (name, bytes, word) in [
        ("nan.npy", npy("<f8", false, "(1, 2)", &nan), "column 2"),
        ("cube.npy", npy("<f8", false, "(1, 1, 1)", &nan[..8]), "two dimensions"),
        ("complex.npy", npy("<c16", false, "(1, 1)", &nan), "real numbers"),
        ("short.npy", npy("<f8", false, "(2, 2)", &nan[..8]), "cannot read"),
        ("garbage.npy", b"not numpy".to_vec(), "cannot read"),
        ("none.npy", npy("<f8", false, "(0, 2)", &[]), "no data rows"),
    ] {
        let message = Table::read(&dir.file(name, &bytes)).expect_err(name).to_string();
        assert!(message.contains(word), "{name}: {message}");
    }
}
