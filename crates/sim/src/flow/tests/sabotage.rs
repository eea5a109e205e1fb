//! What the tests of orders are worth: every coefficient of every method, changed by one part in a hundred, fails them.
use super::distance;
use super::order::{falls_as, fast_for, orbit};
use crate::flow::chebyshev::{Chebyshev, Stage};
use crate::flow::evaluator::Evaluator;
use crate::flow::explicit::Explicit;
use crate::flow::field::{FieldFn, VectorField};
use crate::flow::radau::{Constants, Radau};
use crate::flow::stepper::{Point, Stepper, Tolerance};
use crate::flow::tableau::{DORMAND_PRINCE_5, DORMAND_PRINCE_8, Tableau};

/// The change of a coefficient: a wrong third digit.
const WRONG: f64 = 1.01;
const TOLERANCE: Tolerance = Tolerance { relative: 1e-15, absolute: 1e-15, fixed: true };

/// What a step leaves: the state at its end, the state at a share theta of it, the size of the error estimate.
struct Step {
    end: Vec<f64>,
    inside: Vec<f64>,
    estimate: f64,
}

/// Steps of equal length from 0 to `end`, as the driver takes them with a fixed step; the last one, looked at inside.
fn march<F: VectorField, S: Stepper<F>>(
    field: &F,
    x0: &[f64],
    stepper: &mut S,
    (end, steps, theta): (f64, u32, f64),
) -> Option<Step> {
    let mut field = Evaluator::new(field, false);
    let mut x = x0.to_vec();
    let (mut slope, mut inside) = (vec![0.0; x.len()], vec![0.0; x.len()]);
    field.eval(0.0, &x, &mut slope).ok()?;
    let h = end / f64::from(steps);
    let mut estimate = 0.0;
    for k in 0..steps {
        let from = Point { t: f64::from(k) * h, x: &x, slope: &slope };
        stepper.limit(&mut field, from, h, TOLERANCE).ok()?;
        let trial = stepper.attempt(&mut field, from, h, TOLERANCE).ok()?;
        estimate = trial.local_error;
        if k + 1 == steps {
            stepper.prepare_dense(&mut field, from, h).ok()?;
            stepper.interpolate(from, theta, &mut inside);
        }
        stepper.factor(h, trial.error, true);
        stepper.commit(&mut x, &mut slope);
    }
    Some(Step { end: x, inside, estimate })
}

/// Orders to be met, and where they show.
struct Orders {
    /// Of the method, with numbers of steps to time 5.
    method: f64,
    steps: [u32; 7],
    /// Powers of h with which the error inside a single step and its estimate fall, from this length on down.
    dense: f64,
    estimate: f64,
    longest: f64,
    /// Rate of the mode at rest, times the step.
    fast: f64,
}

const EXPLICIT_5: Orders = Orders {
    method: 5.0,
    steps: [100, 125, 160, 200, 250, 320, 400],
    dense: 5.0,
    estimate: 5.0,
    longest: 0.2,
    fast: 0.0,
};
const EXPLICIT_8: Orders = Orders {
    method: 8.0,
    steps: [17, 20, 24, 28, 34, 40, 48],
    dense: 8.0,
    estimate: 8.0,
    longest: 0.5,
    fast: 0.0,
};
const IMPLICIT: Orders = Orders {
    method: 5.0,
    steps: [40, 50, 63, 80, 100, 125, 160],
    dense: 4.0,
    estimate: 4.0,
    longest: 0.2,
    fast: 0.0,
};
const STABILISED: Orders = Orders {
    method: 2.0,
    steps: [400, 560, 800, 1120, 1600, 2240, 3200],
    dense: 3.0,
    estimate: 3.0,
    longest: 0.1,
    fast: 0.0,
};

/// The first of a method's orders that is not met, if one is not.
macro_rules! complaint {
    ($orders:expr, $stepper:expr) => {{
        let (orders, mut fresh): (&Orders, _) = ($orders, $stepper);
        let mut complaint = None;
        // Whole integrations.
        let h = orders.steps.map(|steps| 5.0 / f64::from(steps));
        let errors = orders.steps.map(|steps| {
            let (field, x0, exact) = orbit(5.0, orders.fast * f64::from(steps) / 5.0);
            march(&field, &x0, &mut fresh(), (5.0, steps, 1.0)).map_or(f64::NAN, |s| distance(&s.end, &exact))
        });
        if let Err(why) = falls_as(orders.method, &h, &errors) {
            complaint.get_or_insert(format!("method: {why}"));
        }
        // Single steps, inside and by their estimate.
        let h: [f64; 7] = core::array::from_fn(|k| orders.longest * f64::powi(0.8, k as i32));
        let one = |fresh: &mut dyn FnMut() -> _, h: f64, theta: f64| {
            let mut stepper = fresh();
            let (field, x0, _) = orbit(h, orders.fast / h);
            march(&field, &x0, &mut stepper, (h, 1, theta))
        };
        let estimates = h.map(|h| one(&mut fresh, h, 0.5).map_or(f64::NAN, |s| s.estimate));
        if let Err(why) = falls_as(orders.estimate, &h, &estimates) {
            complaint.get_or_insert(format!("estimate: {why}"));
        }
        for theta in [0.25, 0.5, 0.75] {
            let errors = h.map(|h| {
                let (_, _, exact) = orbit(theta * h, 0.0);
                one(&mut fresh, h, theta).map_or(f64::NAN, |s| distance(&s.inside, &exact))
            });
            if let Err(why) = falls_as(orders.dense, &h, &errors) {
                complaint.get_or_insert(format!("inside at {theta}: {why}"));
            }
        }
        complaint
    }};
}

/// A method must do the same whether its field reads the time or a component that runs with it (a mode at rest beside them): what
/// nodes are for. Asserted to rounding, for the same reason as the sums of rows below.
macro_rules! clock_complaint {
    ($fast:expr, $stepper:expr) => {{
        let (steps, fresh) = (40, $stepper);
        let rate = $fast * f64::from(steps) / 5.0;
        let ends = [false, true].map(|reads_clock| {
            let field = FieldFn::new(3, move |t: f64, x: &[f64], slope: &mut [f64]| {
                let time = if reads_clock { x[1] } else { t };
                slope.copy_from_slice(&[x[0] * time.cos(), 1.0, -rate * x[2]]);
            });
            march(&field, &[1.0, 0.0, 0.0], &mut fresh(), (5.0, steps, 1.0)).map_or(f64::NAN, |s| s.end[0])
        });
        let close = (ends[0] - ends[1]).abs() <= f64::from(steps) * 100.0 * f64::EPSILON;
        (!close).then(|| format!("with the time {}, with a clock {}", ends[0], ends[1]))
    }};
}

/// Every variant of a list must be complained about.
fn all_found(what: &str, found: &[(String, Option<String>)]) {
    let missed: Vec<&String> = found.iter().filter(|f| f.1.is_none()).map(|f| &f.0).collect();
    super::published::show(&[format!(
        "{what}: {} of {} changes found",
        found.len() - missed.len(),
        found.len()
    )]);
    assert!(missed.is_empty() && found.len() > 4, "{what}: not found: {missed:?}");
}

/// The nonzero places of a table of rows.
fn places(rows: &[&[f64]]) -> Vec<(usize, usize)> {
    let filled = |(i, row): (usize, &&[f64])| {
        row.iter().enumerate().filter(|(_, v)| **v != 0.0).map(|(j, _)| (i, j)).collect::<Vec<_>>()
    };
    rows.iter().enumerate().flat_map(filled).collect()
}

/// A copy of a row with one entry changed, kept for the rest of the test.
fn changed(row: &[f64], at: usize) -> &'static [f64] {
    let mut row = row.to_vec();
    row[at] *= WRONG;
    row.leak()
}

fn changed_table(rows: &[&'static [f64]], (i, j): (usize, usize)) -> &'static [&'static [f64]] {
    let mut rows = rows.to_vec();
    rows[i] = changed(rows[i], j);
    rows.leak()
}

/// All tableaux with one wrong coefficient.
fn wrong_tableaux(tableau: &Tableau) -> Vec<(String, &'static Tableau)> {
    let mut all = Vec::new();
    let mut add = |name: String, tableau: Tableau| all.push((name, &*Box::leak(Box::new(tableau))));
    // The first node and that of the new point are not used: they are 0 and 1 by construction.
    for at in (1..tableau.nodes.len()).filter(|&at| at != tableau.stages) {
        add(format!("node {at}"), Tableau { nodes: changed(tableau.nodes, at), ..tableau.clone() });
    }
    for place in places(tableau.weights) {
        let weights = changed_table(tableau.weights, place);
        add(format!("weight {place:?}"), Tableau { weights, ..tableau.clone() });
    }
    for (_, at) in places(&[tableau.error]) {
        add(format!("error {at}"), Tableau { error: changed(tableau.error, at), ..tableau.clone() });
    }
    for place in places(tableau.dense) {
        let dense = changed_table(tableau.dense, place);
        add(format!("dense {place:?}"), Tableau { dense, ..tableau.clone() });
    }
    if let Some(weights) = tableau.error3 {
        for (_, at) in places(&[weights]) {
            let error3 = Some(changed(weights, at));
            add(format!("second error {at}"), Tableau { error3, ..tableau.clone() });
        }
    }
    all
}

/// Nodes are the sums of their rows, to rounding: what orders do not tell, where a wrong node disturbs less than the error of the
/// method at any step that rounding allows.
fn inconsistent_node(tableau: &Tableau) -> Option<String> {
    let sums = tableau.weights.iter().zip(tableau.nodes).enumerate();
    let off = |(row, node): (&&[f64], &f64)| {
        let size: f64 = row.iter().map(|a| a.abs()).sum();
        (row.iter().sum::<f64>() - node).abs() > 8.0 * f64::EPSILON * (1.0 + size)
    };
    sums.map(|(at, pair)| (at, off(pair)))
        .find(|s| s.1)
        .map(|(at, _)| format!("node {at} is not its row's sum"))
}

#[test]
fn explicit_pairs() {
    for (name, tableau, orders) in
        [("order 5", &DORMAND_PRINCE_5, &EXPLICIT_5), ("order 8", &DORMAND_PRINCE_8, &EXPLICIT_8)]
    {
        assert_eq!(inconsistent_node(tableau), None, "{name}");
        assert_eq!(clock_complaint!(0.0, || Explicit::new(tableau, 3)), None, "{name}");
        assert_eq!(complaint!(orders, || Explicit::new(tableau, 6)), None, "{name}");
        let found: Vec<_> = wrong_tableaux(tableau)
            .into_iter()
            .map(|(change, wrong)| {
                let complaint = complaint!(orders, || Explicit::new(wrong, 6));
                (change, complaint.or_else(|| inconsistent_node(wrong)))
            })
            .collect();
        all_found(name, &found);
    }
}

/// What spoils one coefficient of the implicit method.
type Change = Box<dyn Fn(&mut Constants)>;

#[test]
fn implicit_method() {
    assert_eq!(complaint!(&IMPLICIT, || Radau::new(6)), None);
    assert_eq!(clock_complaint!(1e3, || Radau::new(3)), None);
    let mut changes: Vec<(String, Change)> = vec![
        ("real".into(), Box::new(|c| c.real *= WRONG)),
        ("complex, real part".into(), Box::new(|c| c.complex.0 *= WRONG)),
        ("complex, imaginary part".into(), Box::new(|c| c.complex.1 *= WRONG)),
    ];
    for i in 0..3 {
        changes.push((format!("node {i}"), Box::new(move |c| c.nodes[i] *= WRONG)));
        changes.push((format!("error {i}"), Box::new(move |c| c.error[i] *= WRONG)));
        for j in 0..3 {
            changes.push((format!("dense {i} {j}"), Box::new(move |c| c.dense[i][j] *= WRONG)));
            changes.push((format!("inverse {i} {j}"), Box::new(move |c| c.t_inverse[i][j] *= WRONG)));
            if (i, j) != (2, 2) {
                changes.push((format!("transformation {i} {j}"), Box::new(move |c| c.t[i][j] *= WRONG)));
            }
        }
    }
    let spoil = |change: &dyn Fn(&mut Constants)| {
        let mut constants = Constants::new();
        change(&mut constants);
        complaint!(&IMPLICIT, || Radau::with(constants.clone(), 6))
    };
    let found: Vec<_> = changes.iter().map(|(name, change)| (name.clone(), spoil(change))).collect();
    all_found("implicit", &found);
}

#[test]
fn stabilised_method() {
    let whole = Stage { last: 1.0, before: 1.0, slope: 1.0, start: 1.0, node: 1.0 };
    let spoiled = [
        ("last", Stage { last: WRONG, ..whole }),
        ("before", Stage { before: WRONG, ..whole }),
        ("slope", Stage { slope: WRONG, ..whole }),
        ("start", Stage { start: WRONG, ..whole }),
        ("node", Stage { node: WRONG, ..whole }),
    ];
    for stages in [3, 10] {
        let orders = Orders { fast: fast_for(stages), ..STABILISED };
        let spoil = |stage: Stage| {
            let fresh = |n| {
                let mut stepper = Chebyshev::new(n);
                stepper.spoiled = stage;
                stepper
            };
            complaint!(&orders, || fresh(6)).or_else(|| clock_complaint!(orders.fast, || fresh(3)))
        };
        assert_eq!(spoil(whole), None, "{stages} stages");
        let found: Vec<_> = spoiled.iter().map(|(name, stage)| ((*name).to_owned(), spoil(*stage))).collect();
        all_found(&format!("{stages} stages"), &found);
    }
}
