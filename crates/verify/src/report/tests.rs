use super::html;
use crate::check::{Asymptotic, Bound, Budget, Expectation, Identity};
use crate::run::{Options, run};
use crate::statistics::Estimate;
use crate::{Chapter, Claim, Parameters, Verdict};

fn claim(id: &'static str, checks: Vec<Box<dyn crate::check::Check>>) -> Claim {
    Claim {
        id,
        chapter: Chapter::Icl,
        title: "A <small> claim",
        statement: "For $x<1$: $$\\sum_{k\\ge0}x^k=\\frac1{1-x}.$$",
        assumptions: "$0\\le x<1$ & finite",
        source: "derived",
        formula: "f",
        simulator: "s",
        checks,
    }
}

fn cells(_: Budget, _: &mut rand_chacha::ChaCha12Rng) -> Vec<Parameters> {
    (1..=3).map(|k| Parameters::new().with("k", k)).collect()
}

/// A claim of each shape of picture, one of them false.
fn page() -> String {
    let gauss = |mean: f64| {
        move |c: &Parameters, seed: u64, n: u64| {
            let k = c.as_map()["k"].as_f64().unwrap_or(0.0);
            // Deterministic pseudo-noise of the size a sample mean would have.
            let noise = ((seed % 1000) as f64 / 1000.0 - 0.5) / (n as f64).sqrt();
            Ok(Estimate { mean: mean * k + noise, variance: 1.0, skewness: 0.0, count: n })
        }
    };
    let k = |c: &Parameters| Ok(c.as_map()["k"].as_f64().unwrap_or(0.0));
    let claims = vec![
        claim(
            "T-1",
            vec![
                Box::new(Identity::new(
                    "sum",
                    "$x$ against itself",
                    cells,
                    |_| Ok(vec![1.0]),
                    |_| Ok(vec![1.0]),
                    |_| Ok(1e-15),
                )),
                Box::new(Expectation::new("mean", "the mean", cells, k, gauss(1.0))),
            ],
        ),
        claim("T-2", vec![Box::new(Expectation::new("mean", "a wrong mean", cells, k, gauss(1.5)))]),
        claim(
            "T-3",
            vec![
                Box::new(Asymptotic::new(
                    "size",
                    "large sizes",
                    cells,
                    k,
                    move |c, size, seed, n| {
                        let mut e = gauss(1.0)(c, seed, n)?;
                        e.mean += 3.0 / size;
                        Ok(e)
                    },
                    &[10.0, 20.0, 40.0, 80.0],
                    &[1.0],
                    (1 << 20, 1 << 20),
                )),
                Box::new(Bound::new(
                    "bound",
                    "$x\\le1$",
                    cells,
                    1,
                    |_, _| Ok(Some(1.0)),
                    |_, x| Ok(Some(x[0])),
                    0.0,
                )),
            ],
        ),
    ];
    let evidence = run(&claims, &Options::default(), &|_| {});
    assert_eq!(evidence.claims[1].verdict, Verdict::Fail);
    html(&claims, &evidence)
}

#[test]
fn the_page_is_self_contained_and_says_what_happened() {
    let page = page();
    for outside in ["http://", "https://", "<link", "src=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.contains("<b class=\"fail\">1</b>fail"));
    assert!(page.contains("<math display=\"block\">") && !page.contains("$$"));
    assert!(page.contains("A &lt;small&gt; claim") && !page.contains("<small>"));
    assert!(!page.contains("NaN") && !page.contains("inf"));
}

#[test]
fn pictures_have_text_alternatives_with_numbers() {
    let page = page();
    let labels: Vec<&str> = page
        .split("<svg class=\"figure\"")
        .skip(1)
        .map(|s| s.split("aria-label=\"").nth(1).and_then(|s| s.split('"').next()).unwrap_or(""))
        .collect();
    assert_eq!(labels.len(), 5);
    for label in labels {
        assert!(label.chars().any(|c| c.is_ascii_digit()) && label.contains(" at "), "{label}");
    }
}

#[test]
fn elements_are_balanced() {
    let page = page();
    let body = page.split("<script>").next().unwrap_or("");
    let void = ["meta", "input", "!doctype"];
    let mut open: Vec<&str> = Vec::new();
    for tag in body.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap_or("");
        let name = tag.split([' ', '\n']).next().unwrap_or("");
        if let Some(name) = name.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') && !void.contains(&name) {
            open.push(name);
        }
    }
    assert_eq!(open, ["html", "body"]);
}
