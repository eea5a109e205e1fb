//! The command as a user meets it: exit status, one sentence on standard error, whole files.
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

fn solvable(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_solvable"))
        .args(arguments)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command was built for this test");
    // A command that refuses its arguments may be gone before it reads.
    let _ = child.stdin.take().expect("piped").write_all(input.as_bytes());
    child.wait_with_output().expect("the command ends")
}

fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn scratch(name: &str) -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a scratch directory");
    directory
}

const T2: &str = r#"{"Lambda": [[1.5, 0.4], [0.4, 1]], "Psi": [[1, 0], [0, 1]], "sigma2": 0.25, "N": 8}"#;

#[test]
fn bad_input_ends_with_status_2_and_a_sentence_that_names_it() {
    let cases: &[(&[&str], &str, &str)] = &[
        (&["compute", "ICL-3"], "{", "not valid JSON"),
        (&["compute", "ICL-3"], "[1]", "object"),
        (&["compute", "ICL-3"], r#"{"Lambda": [[1]], "Psi": [[1]], "sigma2": 0}"#, "\"N\""),
        (&["compute", "ICL-3"], r#"{"Lambda": [[1]], "Psi": [[1]], "sigma2": 0, "N": 2, "rho": 1}"#, "rho"),
        (&["compute", "ICL-3"], r#"{"Lambda": [[1]], "Psi": [[1]], "sigma2": -1, "N": 2}"#, "sigma2"),
        (&["compute", "ICL-3"], r#"{"Lambda": [[1]], "Psi": [[1]], "sigma2": "x", "N": 2}"#, "sigma2"),
        (&["compute", "ICL-3"], r#"{"Lambda": [[1, 2], [3]], "Psi": [[1]], "sigma2": 0, "N": 2}"#, "Lambda"),
        (&["compute", "ICL-3"], r#"{"Lambda": [[1]], "Psi": [[1]], "sigma2": 0, "N": 2.5}"#, "N"),
        (&["compute", "ICL-18"], r#"{"d": 1000000, "N": 3, "sigma2": 0}"#, "32768"),
        (&["compute", "ICL-51"], r#"{"m": 1, "M": 2, "K": 9007199254740992}"#, "2^28"),
        (&["compute", "DP-3"], r#"{"data": [1], "j": 1, "q": 9223372036854775808, "eps": 1}"#, "q = "),
        (
            &["compute", "NC-12"],
            r#"{"K": 9007199254740992, "n": 1, "lambda_w": 1, "lambda_h": 1, "bias": "none"}"#,
            "2^28",
        ),
        (&["compute", "ICL-9999"], "", "ICL-9999"),
        (&["compute", "ICL-10", "--certified"], "", "--list-certified"),
        (&["compute", "ICL-3", "--input", "no/such/file.json"], "", "no/such/file.json"),
        (&["verify", "no-such-claim"], "", "no-such-claim"),
        (&["describe", "no-such-claim"], "", "no-such-claim"),
        (&["figure", "no-such-figure"], "", "no-such-figure"),
        (&["figure"], "", "--list"),
        (&["--threads", "0", "list"], "", "--threads 0"),
        (&["study", "icl", "--features", "data/diabetes.csv", "--context", "0"], "", "--context 0"),
        (&["study", "icl", "--features", "data/none.csv", "--context", "3"], "", "data/none.csv"),
        (&["study", "icl", "--features", "README.md", "--context", "3"], "", ".csv"),
        (&["calibrate", "--seeds", "0"], "", "--seeds 0"),
    ];
    for (arguments, input, word) in cases {
        let output = solvable(arguments, input);
        let text = error(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
        assert!(text.contains(word), "{arguments:?}: {text}");
        assert!(!text.contains("panicked"), "{arguments:?}: {text}");
        assert_eq!(text.trim_end().lines().count(), 1, "{arguments:?}: {text}");
        assert!(output.stdout.is_empty(), "{arguments:?} printed on standard output");
    }
}

/// What a caller must know to write the input stands in `describe`; plain text holds no TeX.
#[test]
fn describe_says_what_the_keys_mean() {
    for (claim, words) in [
        ("ICL-1", "one a row (N x d)"),
        ("ICL-31", "one a column (d x N)"),
        ("AGG-5", "\"1-\" the limit from below 1"),
        ("NC-14", "\"regularised\" with lambda_b"),
        ("DP-12", "trimmed_sum_J"),
    ] {
        let output = solvable(&["describe", claim], "");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && text.contains(words), "{claim}: {text}");
    }
    let list = solvable(&["list"], "");
    assert!(!String::from_utf8_lossy(&list.stdout).contains('$'));
}

#[test]
fn compute_answers_in_json_and_line_by_line() {
    let one = solvable(&["compute", "icl-3"], T2);
    assert!(one.status.success(), "{}", error(&one));
    let answer: serde_json::Value = serde_json::from_slice(&one.stdout).expect("JSON");
    assert!(answer["L_star"].as_f64().is_some_and(|l| l > 0.0 && l < 2.5), "{answer}");
    assert_eq!(answer["meta"]["claim"], "ICL-3");
    let many = solvable(&["compute", "ICL-3", "--lines"], &format!("{T2}\n\n{T2}\n"));
    let lines: Vec<serde_json::Value> = String::from_utf8_lossy(&many.stdout)
        .lines()
        .map(|l| serde_json::from_str(l).expect("one object a line"))
        .collect();
    assert_eq!(lines.len(), 2);
    assert!(lines.iter().all(|l| l["L_star"] == answer["L_star"]));
    let bad = solvable(&["compute", "ICL-3", "--lines"], &format!("{T2}\n{{}}\n"));
    assert_eq!(bad.status.code(), Some(2));
    assert!(error(&bad).contains("line 2"), "{}", error(&bad));
}

#[test]
fn a_study_writes_whole_files_and_says_where() {
    let out = scratch("study");
    let json = out.join("study.json");
    let arguments = [
        "study",
        "icl",
        "--features",
        "data/diabetes.csv",
        "--context",
        "20",
        "--noise",
        "1",
        "--bootstrap",
        "20",
        "--prompts",
        "2000",
        "--json",
        json.to_str().expect("utf-8"),
        "--out",
        out.to_str().expect("utf-8"),
    ];
    let output = solvable(&arguments, "");
    // 3: too few prompts here to judge every length.
    assert!(matches!(output.status.code(), Some(0 | 3)), "{}", error(&output));
    let study: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&json).expect("written")).expect("valid JSON");
    assert_eq!(study["dimension"], 10);
    assert_eq!(study["samples"], 442);
    let svg = std::fs::read_to_string(out.join("study-icl.svg")).expect("written");
    assert!(svg.trim_end().ends_with("</svg>"));
    let leftovers = std::fs::read_dir(&out).expect("a directory").flatten();
    assert!(leftovers.into_iter().all(|f| !f.file_name().to_string_lossy().contains("partial")));
    // A directory cannot be written as a file.
    let refused = solvable(
        &[
            "study",
            "icl",
            "--features",
            "data/diabetes.csv",
            "--context",
            "3",
            "--bootstrap",
            "0",
            "--prompts",
            "100",
            "--json",
            out.to_str().expect("utf-8"),
        ],
        "",
    );
    assert_eq!(refused.status.code(), Some(2));
    std::fs::remove_dir_all(&out).expect("removable");
}

#[test]
fn the_number_of_threads_changes_no_digit() {
    let run = |threads: &str| {
        let arguments = [
            "--threads",
            threads,
            "study",
            "icl",
            "--features",
            "data/diabetes.csv",
            "--context",
            "8",
            "--bootstrap",
            "20",
            "--prompts",
            "500",
        ];
        solvable(&arguments, "").stdout
    };
    let one = run("1");
    assert!(!one.is_empty());
    assert_eq!(one, run("2"));
    assert_eq!(one, run("7"));
}

#[test]
fn certified_answers_enclose_the_plain_ones() {
    let plain: serde_json::Value =
        serde_json::from_slice(&solvable(&["compute", "ICL-3"], T2).stdout).expect("JSON");
    let output = solvable(&["compute", "ICL-3", "--certified"], T2);
    assert!(output.status.success(), "{}", error(&output));
    let certified: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let (low, high) =
        (certified["L_star"][0].as_f64().expect("low"), certified["L_star"][1].as_f64().expect("high"));
    let value = plain["L_star"].as_f64().expect("a number");
    // The plain value may be off by a few units; the enclosure by one.
    assert!(high - low <= 2.0 * f64::EPSILON * high && (value - low).abs() <= 16.0 * f64::EPSILON * high);
    assert_eq!(certified["meta"]["route"], "enclosure");
    let none = solvable(&["compute", "ICL-1", "--certified"], "{}");
    assert_eq!(none.status.code(), Some(2));
    let list = solvable(&["compute", "--list-certified"], "");
    assert!(String::from_utf8_lossy(&list.stdout).lines().any(|l| l == "ICL-3"));
}
