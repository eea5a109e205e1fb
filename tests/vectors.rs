//! Worked cases of the specification, through `compute`.
use serde_json::Value;
use solvable_verify::compute::{blocks, compute};

/// Relative and absolute tolerance of a key: a number is relative (with a thousandth of it absolute), an object names
/// `rel` and `abs`, for all keys or key by key.
fn tolerance(stated: &Value, key: &str) -> (f64, f64) {
    match stated {
        Value::Object(map) => {
            if let Some(own) = map.get(key) {
                return tolerance(own, "");
            }
            let get = |names: [&str; 2]| names.iter().find_map(|n| map.get(*n)?.as_f64()).unwrap_or(0.0);
            let (rel, abs) = (get(["rel", "rtol"]), get(["abs", "atol"]));
            if rel == 0.0 && abs == 0.0 { (1e-9, abs) } else { (rel, abs) }
        }
        Value::Number(n) => {
            let rel = n.as_f64().expect("a JSON number");
            (rel, rel * 1e-3)
        }
        _ => (1e-9, 1e-12),
    }
}

fn same(expected: &Value, got: &Value, rel: f64, abs: f64) -> bool {
    match (expected, got) {
        (Value::Number(e), Value::Number(g)) => {
            let (e, g) = (e.as_f64().expect("number"), g.as_f64().expect("number"));
            // What must be 0 may be a rounding.
            (e - g).abs() <= abs + rel * e.abs() + if e == 0.0 { 1e-14 } else { 0.0 }
        }
        (Value::Array(e), Value::Array(g)) => {
            e.len() == g.len() && e.iter().zip(g).all(|(e, g)| same(e, g, rel, abs))
        }
        (Value::Object(e), Value::Object(g)) => {
            e.iter().all(|(k, v)| g.get(k).is_some_and(|g| same(v, g, rel, abs)))
        }
        _ => expected == got,
    }
}

fn is_refusal(expected: &Value) -> bool {
    expected == "error"
        || expected.as_object().is_some_and(|map| {
            map.len() <= 2 && map.get("error").is_some_and(|e| e.is_string() || e == &Value::Bool(true))
        })
}

fn check(file: &str) {
    let cases: Vec<Value> = serde_json::from_str(file).expect("the committed vectors are JSON");
    assert!(!cases.is_empty());
    let mut failures = Vec::new();
    let mut worst = (0.0_f64, String::new());
    for case in cases.iter().filter(|c| c["claim"] != "SIM") {
        let claim = case["claim"].as_str().expect("a claim id");
        let id = case["id"].as_str().expect("a case id");
        let expected = &case["expected"];
        match compute(claim, &case["inputs"]) {
            Err(error) => {
                if !is_refusal(expected) {
                    failures.push(format!("{id} {claim}: refused: {error}"));
                }
            }
            Ok(_) if is_refusal(expected) => {
                failures.push(format!("{id} {claim}: accepted what it must refuse"))
            }
            Ok(got) => {
                for (key, value) in expected.as_object().expect("named outputs") {
                    let (rel, abs) = tolerance(&case["tolerance"], key);
                    let answer = got.get(key).unwrap_or(&Value::Null);
                    if let (Some(e), Some(g)) = (value.as_f64(), answer.as_f64())
                        && e != 0.0
                        && (g / e - 1.0).abs() > worst.0
                    {
                        worst = ((g / e - 1.0).abs(), format!("{id} {claim} {key}"));
                    }
                    if !same(value, answer, rel, abs) {
                        failures.push(format!("{id} {claim}: {key} = {answer}, expected {value}"));
                    }
                }
            }
        }
    }
    println!("{} cases; worst relative error {:.1e} ({})", cases.len(), worst.0, worst.1);
    assert!(
        failures.is_empty(),
        "{} of {} cases fail:\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
}

#[test]
fn icl_cases_hold() {
    check(include_str!("vectors/icl.json"));
}

#[test]
fn aggregate_cases_hold() {
    check(include_str!("vectors/aggregate.json"));
}

#[test]
fn collapse_cases_hold() {
    check(include_str!("vectors/collapse.json"));
}

/// What a block says it returns is what it returns, and malformed input never gets through: for every block, a missing
/// key, an unknown key and a value of a wrong type are refused with a sentence that names the key.
#[test]
fn every_block_refuses_malformed_input_by_name() {
    for block in blocks() {
        let mut object = serde_json::Map::new();
        object.insert("no_such_key".to_owned(), Value::from(1));
        let message = compute(block.claim, &Value::Object(object)).expect_err("refused").to_string();
        assert!(
            message.contains("no_such_key") || message.contains(block.claim),
            "{}: {message}",
            block.claim
        );
        for key in block.inputs.iter().filter(|k| !k.optional) {
            let mut object = serde_json::Map::new();
            for other in block.inputs.iter().filter(|k| k.name != key.name && !k.optional) {
                object.insert(other.name.to_owned(), Value::from(1));
            }
            // Another block of the claim may take exactly the remaining keys.
            let taken = blocks().iter().any(|b| {
                b.claim == block.claim
                    && b.inputs.iter().all(|k| k.optional || object.contains_key(k.name))
                    && object.keys().all(|name| b.inputs.iter().any(|k| k.name == name))
            });
            if !taken {
                assert!(
                    compute(block.claim, &Value::Object(object.clone())).is_err(),
                    "{} without {}",
                    block.claim,
                    key.name
                );
            }
            object.insert(key.name.to_owned(), serde_json::json!({ "unexpected": [true] }));
            let message = compute(block.claim, &Value::Object(object)).expect_err("wrong type").to_string();
            assert!(!message.is_empty() && !message.contains("report this"), "{}: {message}", block.claim);
        }
    }
}

#[test]
fn what_is_not_an_object_or_not_a_claim_is_refused() {
    for input in [Value::Null, Value::from(1), serde_json::json!([1, 2])] {
        assert!(compute("ICL-3", &input).is_err());
    }
    assert!(compute("ICL-999", &serde_json::json!({})).is_err());
}
