//! Minimisers and the objectives of training.
use solvable_model::Objective;
use solvable_model::collapse::{Bias, ClassCounts, FreeFeatures};
use solvable_sim::collapse::ProjectedFeatures;
use solvable_sim::minimise::{LbfgsOptions, lbfgs};

use super::{allocations, alone};

#[test]
fn iterations_of_a_minimisation() {
    alone(|| {
        let classes = ClassCounts::new(vec![9, 4, 2]).expect("valid");
        let problem = FreeFeatures::new(classes, vec![6, 7], vec![0.01, 0.02], 0.001, Bias::Regularised(0.1))
            .expect("valid");
        let projected = ProjectedFeatures::new(&problem).expect("small");
        let whole = projected.whole();
        let start: Vec<f64> = (0..whole.dimension()).map(|i| (i as f64 * 1.7).sin()).collect();
        fn run(objective: &impl Objective, start: &[f64], norm: f64) -> (u64, (usize, usize)) {
            let mut iterations = 0;
            let options = LbfgsOptions::default().gradient_norm(norm);
            let counted =
                allocations(|| iterations = lbfgs(objective, start, &options).expect("a minimum").iterations);
            (iterations, counted)
        }
        let both = |norm| (run(whole, &start, norm), run(&projected, &start[..projected.dimension()], norm));
        let (early, late) = (both(1e-2), both(1e-10));
        assert!(late.0.0 > early.0.0 + 10 && late.1.0 > early.1.0 + 10, "{early:?} {late:?}");
        assert_eq!((early.0.1, early.1.1), (late.0.1, late.1.1), "{early:?} {late:?}");
    });
}
