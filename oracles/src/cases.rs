//! Problems with known final states, and a count of the evaluations of their fields.
use std::cell::Cell;

#[allow(dead_code, reason = "shared with the tests of the integrators")]
#[path = "../../crates/sim/src/flow/tests/problems.rs"]
mod problems;

thread_local! {
    static EVALUATIONS: Cell<u64> = const { Cell::new(0) };
}

/// Evaluations of any field since the last call.
pub fn evaluations() -> u64 {
    EVALUATIONS.replace(0)
}

type Field = Box<dyn Fn(f64, &[f64], &mut [f64])>;

/// A problem from time 0 to `end`.
pub struct Case {
    pub name: &'static str,
    pub end: f64,
    pub initial: Vec<f64>,
    pub exact: Vec<f64>,
    /// Errors of components below it are measured absolutely, in units of it.
    pub floor: f64,
    /// Whether modes are much faster than the solution.
    pub stiff: bool,
    /// Whether explicit methods get there at all.
    pub explicit: bool,
    field: Field,
}

impl Case {
    /// Counted evaluation.
    pub fn field(&self, t: f64, x: &[f64], slope: &mut [f64]) {
        EVALUATIONS.set(EVALUATIONS.get() + 1);
        (self.field)(t, x, slope);
    }

    /// Jacobian-vector product by a forward difference, counted as the one evaluation it adds.
    pub fn product(&self, t: f64, x: &[f64], v: &[f64], product: &mut [f64]) {
        let size = |x: &[f64]| x.iter().map(|v| v * v).sum::<f64>().sqrt();
        let increment = f64::EPSILON.sqrt() * size(x).max(1e-5) / size(v).max(f64::MIN_POSITIVE);
        let moved: Vec<f64> = x.iter().zip(v).map(|(x, v)| x + increment * v).collect();
        let mut base = vec![0.0; x.len()];
        (self.field)(t, x, &mut base);
        self.field(t, &moved, product);
        for (p, b) in product.iter_mut().zip(&base) {
            *p = (*p - b) / increment;
        }
    }

    /// Largest relative error of a component.
    pub fn error(&self, state: &[f64]) -> f64 {
        let relative = |(x, r): (&f64, &f64)| (x - r).abs() / r.abs().max(self.floor);
        state.iter().zip(&self.exact).map(relative).fold(0.0, f64::max)
    }
}

impl Case {
    fn published(p: problems::Problem, stiff: bool, explicit: bool) -> Self {
        let field = Box::new(p.field);
        let problems::Problem { name, end, initial, final_state: exact, floor, .. } = p;
        Self { name, end, initial, exact, floor, stiff, explicit, field }
    }
}

/// `n` rates from 1 to `fastest`, logarithmically spaced.
fn rates(n: usize, fastest: f64) -> Vec<f64> {
    (0..n).map(|i| fastest.powf(i as f64 / (n - 1) as f64)).collect()
}

/// Quadratic valley in a basis turned by a reflection: modes decay at rates 1 to 1e6.
fn valley(name: &'static str, n: usize) -> Case {
    let rates = rates(n, 1e6);
    // I - 2 v v' / v'v with an irregular v.
    let v: Vec<f64> = (0..n).map(|i| 1.0 + 0.5 * (i as f64).sin()).collect();
    let square: f64 = v.iter().map(|v| v * v).sum();
    let reflect = move |x: &mut [f64]| {
        let factor = 2.0 * x.iter().zip(&v).map(|(x, v)| x * v).sum::<f64>() / square;
        x.iter_mut().zip(&v).for_each(|(x, v)| *x -= factor * v);
    };
    let end = 2.0;
    let mut initial = vec![1.0; n];
    let mut exact: Vec<f64> = rates.iter().map(|r| (-r * end).exp()).collect();
    reflect(&mut initial);
    reflect(&mut exact);
    let field = Box::new(move |_: f64, x: &[f64], slope: &mut [f64]| {
        slope.copy_from_slice(x);
        reflect(slope);
        slope.iter_mut().zip(&rates).for_each(|(s, r)| *s *= -r);
        reflect(slope);
    });
    Case { name, end, initial, exact, floor: 0.1, stiff: true, explicit: n <= 50, field }
}

/// Two-layer scalar modes, loss `sum_i rate_i (a_i b_i - 2/3)^2 / 2` from balanced small weights: a_i^2 is logistic.
/// Rounding may put fast modes exactly at rest, where no step is unstable: explicit methods then look better than they are.
fn two_layers(name: &'static str, modes: usize, fastest: f64) -> Case {
    let rates = rates(modes, fastest);
    let (end, start, target) = (3.0, 0.01_f64, 2.0 / 3.0);
    let initial = vec![start.sqrt(); 2 * modes];
    let logistic = |r: &f64| target / (1.0 + (target / start - 1.0) * (-2.0 * r * target * end).exp());
    let half: Vec<f64> = rates.iter().map(logistic).map(f64::sqrt).collect();
    let exact = [half.clone(), half].concat();
    let field = Box::new(move |_: f64, x: &[f64], slope: &mut [f64]| {
        let (a, b) = x.split_at(modes);
        for i in 0..modes {
            let pull = rates[i] * (target - a[i] * b[i]);
            slope[i] = pull * b[i];
            slope[modes + i] = pull * a[i];
        }
    });
    Case { name, end, initial, exact, floor: 0.1, stiff: true, explicit: true, field }
}

/// All problems.
pub fn all() -> Vec<Case> {
    let mut cases = vec![
        Case::published(problems::pleiades(), false, true),
        Case::published(problems::brusselator(), false, true),
    ];
    cases.extend(
        problems::detest()
            .into_iter()
            .filter(|p| ["B5", "C3", "D3", "E2"].contains(&p.name))
            .map(|p| Case::published(p, false, true)),
    );
    cases.extend(problems::test_set().into_iter().map(|p| {
        let explicit = p.name == "HIRES";
        Case::published(p, true, explicit)
    }));
    cases.push(two_layers("two layers, 2 x 20", 20, 1e4));
    cases.push(valley("valley, 20", 20));
    cases.push(valley("valley, 400", 400));
    cases
}
