//! Minority collapse at its exact threshold.
use solvable_linalg::Mat;
use solvable_model::collapse::{Bias, ClassLoss, FreeFeaturesLoss};
use solvable_sim::collapse::{Training, observe, train};
use solvable_theory::collapse::{TwoGroups, class_grams, minority_collapse, two_group_entropy_minimum};

use super::{problem, refused, stream};
use crate::figure::{Axis, Colour, Figure, FigureSpec, Panel, by_budget};
use crate::run::Options;
use crate::{CheckError, Parameters};

const NAME: &str = "collapse-minority";
const MINORITY: usize = 100;
const LAMBDA: f64 = 0.005;

pub(super) const SPEC: FigureSpec = FigureSpec {
    name: NAME,
    title: "Small classes coincide beyond a sharp imbalance",
    caption: "Cosine between the features of two small classes against the size of the large classes. Lines: exact; markers: \
              trained networks (class-collapsed features, raw parameters). With a free bias and squared loss, and with \
              cross-entropy, the small classes share one non-zero feature from exactly \
              $n_A = (\\sqrt{n_B}/\\lambda - k_B n_B)/k_A$ on.",
    claims: &["NC-08", "NC-15", "NC-16"],
    build,
};

/// Undefined where the features have died altogether.
fn cosine(gram: &Mat<f64>, i: usize) -> Option<f64> {
    let length = (gram[(i, i)] * gram[(i + 1, i + 1)]).sqrt();
    (length > 0.0).then(|| gram[(i, i + 1)] / length)
}

fn build(options: &Options) -> Result<Figure, CheckError> {
    let (k_a, k_b) = by_budget(options, (2, 2), (5, 5));
    let sizes =
        by_budget(options, vec![200, 500, 800, 950, 1200], vec![100, 150, 200, 250, 280, 320, 400, 600]);
    let largest = by_budget(options, 1400, 700);
    let classes = k_a + k_b;
    let smallest = MINORITY;
    let at = minority_collapse(&TwoGroups::new(k_a, smallest, k_b, MINORITY)?, LAMBDA).map_err(refused)?;
    let threshold = at.critical_majority;
    let mut panel = Panel::new(
        Axis::linear("samples in a large class, n_A"),
        Axis::linear("cosine between small classes").include(1.0),
    );
    let counts = |n_a: usize| {
        let mut list = vec![n_a; k_a];
        list.extend(vec![MINORITY; k_b]);
        list
    };
    for (i, (name, loss, bias)) in [
        ("squared loss, free bias", ClassLoss::Squared, Bias::Free),
        ("cross-entropy, no bias", ClassLoss::CrossEntropy, Bias::None),
        ("cross-entropy, free bias", ClassLoss::CrossEntropy, Bias::Free),
    ]
    .into_iter()
    .enumerate()
    {
        let exact = |n_a: usize| -> Result<Option<f64>, CheckError> {
            if loss == ClassLoss::Squared {
                let p = problem(&counts(n_a), classes, &[LAMBDA], LAMBDA, bias)?;
                return Ok(cosine(&class_grams(&p).map_err(refused)?.features, k_a));
            }
            let groups = TwoGroups::new(k_a, n_a, k_b, MINORITY)?;
            let found = two_group_entropy_minimum(&groups, LAMBDA, LAMBDA, bias).map_err(refused)?;
            Ok(found.feature_cosine(&groups, 1))
        };
        let mut line = Vec::new();
        for step in 0..=60 {
            let n_a = smallest + (largest - smallest) * step / 60;
            line.extend(exact(n_a)?.map(|c| (n_a as f64, c)));
        }
        let mut points = Vec::new();
        for &n_a in &sizes {
            let p = problem(&counts(n_a), classes, &[LAMBDA], LAMBDA, bias)?;
            let objective = FreeFeaturesLoss::collapsed(&p, loss)?;
            let (seed, _) = stream(options, NAME, &Parameters::new().with("series", name).with("n_A", n_a));
            let end = train(&objective, &Training::new(1, seed)).map_err(refused)?;
            let seen = observe(&objective, &end.x);
            // Columns are sqrt(n_k) times the features: cosines within a group do not change.
            points.extend(cosine(&seen.feature_gram(), k_a).map(|c| (n_a as f64, c, 0.0)));
        }
        panel =
            panel.line(name, Colour::of(i), line).points(format!("{name}, trained"), Colour::of(i), points);
    }
    panel = panel.dotted("threshold", Colour::Grey, [(threshold, -0.2), (threshold, 1.0)]);
    Ok(Figure::new(format!(
        "k_A = {k_a}, k_B = {k_b}, n_B = {MINORITY}, lambda = {LAMBDA}, M = 1, width {classes}; threshold n_A = {threshold:.1}"
    ))
    .panel(panel))
}
