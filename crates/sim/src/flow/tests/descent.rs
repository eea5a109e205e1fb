//! Gradient descent, heavy ball and stochastic descent against closed forms.
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use rand::Rng;

use super::Modes;
use super::order::slope;
use crate::flow::{
    DescentOptions, FlowError, GradientFlow, Options, StochasticGradient, Stop, descend, descend_observed,
    descend_stochastic, integrate,
};
use crate::monte_carlo::{Moments, Stream};
use crate::normal;

const RATES: [f64; 4] = [2.0, 1.0, 0.25, 0.0];
const START: [f64; 4] = [1.0, -2.0, 3.0, 4.0];

#[test]
fn gradient_descent_multiplies_each_mode() {
    let options = DescentOptions::new(0.3, 50).record([0, 1, 17, 50]);
    let end = descend(&Modes(RATES.to_vec()), &START, &options).expect("stable");
    assert_eq!((end.iterations, end.stop), (50, Stop::Iterations));
    assert_eq!(end.recorded, [0, 1, 17, 50]);
    assert_eq!(end.states[3], end.state);
    for (k, state) in end.recorded.iter().zip(&end.states) {
        for i in 0..4 {
            let exact = START[i] * (1.0 - 0.3 * RATES[i]).powi(*k as i32);
            // Three rounded operations a step, relative to the larger of the old and the new state.
            let bound = 4.0 * (*k as f64 + 1.0) * f64::EPSILON * exact.abs() / (1.0 - 0.3 * RATES[i]);
            assert!((state[i] - exact).abs() <= bound, "{k} {i}");
        }
    }
}

#[test]
fn heavy_ball_follows_its_recurrence() {
    // x_{k+1} = (1 + m - s a) x_k - m x_{k-1}: with roots r e^{+-i w}, r^2 = m, 2 r cos w = 1 + m - s a, and x_{-1} = x_0,
    // x_k = x_0 r^k (sin((k + 1) w) - r sin(k w)) / sin w.
    let (step, momentum, rate): (f64, f64, f64) = (0.1, 0.81, 1.0);
    let r = momentum.sqrt();
    let w = ((1.0 + momentum - step * rate) / (2.0 * r)).acos();
    let options = DescentOptions::new(step, 40).momentum(momentum).record((0..=40).collect::<Vec<u64>>());
    let end = descend(&Modes(vec![rate]), &[2.0], &options).expect("stable");
    for (k, state) in end.recorded.iter().zip(&end.states) {
        let k = *k as f64;
        let exact = 2.0 * r.powf(k) * (((k + 1.0) * w).sin() - r * (k * w).sin()) / w.sin();
        // Rounding of each step is carried on with a gain of at most 1 / sin w = 2.4, in 4 operations of size 2.
        assert!((state[0] - exact).abs() <= 20.0 * (k + 1.0) * f64::EPSILON, "{k}: {} {exact}", state[0]);
    }
}

#[test]
fn descent_is_eulers_method_on_the_flow() {
    let modes = Modes(vec![1.0, 0.3]);
    let exact = integrate(
        &GradientFlow::of(&modes),
        &[1.0, 1.0],
        &Options::until(2.0).tolerance(1e-13, 1e-13).max_step(0.05),
    )
    .expect("smooth");
    let steps = [100_u64, 140, 200, 280, 400, 560];
    let h = steps.map(|n| 2.0 / n as f64);
    let order = |wrong: f64| {
        let errors = steps.map(|n| {
            let options = DescentOptions::new(wrong * 2.0 / n as f64, n);
            let end = descend(&modes, &[1.0, 1.0], &options).expect("stable");
            super::distance(&end.state, &exact.state)
        });
        let (p, width) = slope(&h, &errors);
        ((p - 1.0).abs() <= width && width < 0.1, p, width)
    };
    let (met, p, width) = order(1.0);
    assert!(met, "order {p} +- {width}");
    // Sabotage: steps one part in a hundred too long or too short.
    assert!(!order(1.01).0 && !order(0.99).0);
}

/// With momentum m the flow is followed at the rate step / (1 - m); from rest, whatever m.
#[test]
fn heavy_ball_converges_to_the_flow_at_order_one() {
    let (rates, start, end_time) = ([1.0_f64, 0.3], [1.0, 1.0], 2.0);
    let exact = rates.map(|rate| f64::exp(-rate * end_time));
    for momentum in [0.2, 0.5, 0.8] {
        let steps = [400_u64, 560, 800, 1120, 1600, 2240];
        let h = steps.map(|n| (1.0 - momentum) * end_time / n as f64);
        let order = |wrong_step: f64, wrong_momentum: f64| {
            let errors: [f64; 6] = std::array::from_fn(|i| {
                let options =
                    DescentOptions::new(wrong_step * h[i], steps[i]).momentum(wrong_momentum * momentum);
                let end = descend(&Modes(rates.to_vec()), &start, &options).expect("stable");
                super::distance(&end.state, &exact)
            });
            let (p, width) = slope(&h, &errors);
            ((p - 1.0).abs() <= width && width < 0.1, p, width)
        };
        let (met, p, width) = order(1.0, 1.0);
        assert!(met, "momentum {momentum}: order {p} +- {width}");
        // Sabotage: a wrong third digit of the step or of the momentum, either way; the momentum forgotten.
        for (step, wrong) in [(1.01, 1.0), (0.99, 1.0), (1.0, 1.05), (1.0, 0.95), (1.0, 0.0)] {
            assert!(!order(step, wrong).0, "momentum {momentum}: step x {step}, momentum x {wrong}");
        }
    }
}

/// A parabola of rate 1 whose gradient carries normal noise of this deviation.
struct Noisy(f64);

impl StochasticGradient for Noisy {
    type Work = [f64; 1];

    fn dimension(&self) -> usize {
        1
    }

    fn work(&self) -> [f64; 1] {
        [0.0]
    }

    fn sample<R: Rng + ?Sized>(&self, x: &[f64], gradient: &mut [f64], rng: &mut R, z: &mut [f64; 1]) {
        normal::fill(rng, z);
        gradient[0] = x[0] + self.0 * z[0];
    }
}

/// At a fixed time the variance is proportional to the step: `s (1 - (1 - s)^(2k)) / (2 - s)` after `k` steps.
#[test]
fn noise_of_stochastic_descent_is_linear_in_the_step() {
    let (replicas, steps) = (4000_u64, [10_u64, 20, 40, 80, 160]);
    let x = steps.map(|k| (2.0 / k as f64).ln());
    let center = x.iter().sum::<f64>() / 5.0;
    let spread: f64 = x.iter().map(|x| (x - center).powi(2)).sum();
    let fit = |y: &[f64; 5]| x.iter().zip(y).map(|(x, y)| (x - center) * y).sum::<f64>() / spread;
    let power = |deviation: fn(f64) -> f64| {
        let measured = steps.map(|k| {
            let step = 2.0 / k as f64;
            let mut stream = Stream::new(20_260_102, k);
            let sum: Moments = (0..replicas)
                .map(|_| {
                    let options = DescentOptions::new(step, k);
                    let end = descend_stochastic(&Noisy(deviation(step)), &[0.5], &options, &mut stream);
                    end.expect("stable").state[0]
                })
                .collect();
            sum.variance().ln()
        });
        fit(&measured)
    };
    let expected = fit(&steps.map(|k| {
        let step = 2.0 / k as f64;
        (step * (1.0 - (1.0 - step).powi(2 * k as i32)) / (2.0 - step)).ln()
    }));
    // The end is normal, so the logarithm of a variance has the variance 2 / (replicas - 1); level 1e-6.
    let width = 4.892 * (2.0 / (replicas as f64 - 1.0) / spread).sqrt();
    let met = |p: f64| (p - expected).abs() <= width;
    let p = power(|_| 1.0);
    assert!(met(p) && width < 0.06, "power {p} +- {width}, expected {expected}");
    // The finite steps add `s / 2` at most to the logarithm.
    assert!((expected - 1.0).abs() < 0.06, "{expected}");
    // Sabotage: noise that is scaled like Langevin's, or falls with the step.
    assert!(!met(power(|step| step.powf(-0.5))) && !met(power(|step| step.powf(0.1))));
}

#[test]
fn rules_and_refusals() {
    let modes = Modes(vec![1.0]);
    let run = |options: DescentOptions| descend(&modes, &[1.0], &options);
    let end = run(DescentOptions::new(0.5, 1000).stop_at_gradient(1e-3)).expect("stable");
    // 2^-10 is the first power of 1/2 below 1e-3.
    assert_eq!((end.stop, end.iterations, end.gradient_norm), (Stop::Slope, 10, 0.5_f64.powi(10)));
    let end = run(DescentOptions::new(0.5, 1000).stop_near([0.1], 0.1)).expect("stable");
    assert_eq!((end.stop, end.iterations), (Stop::Near, 3));
    let end = run(DescentOptions::new(0.5, 5).stop_at_gradient(1e-9)).expect("stable");
    assert_eq!((end.stop, end.iterations), (Stop::Iterations, 5));
    let end = run(DescentOptions::new(0.5, 0).record([0])).expect("nothing to do");
    assert_eq!((end.iterations, end.state[0], end.recorded.len()), (0, 1.0, 1));
    // |1 - 3| = 2: the state overflows at iteration 1024.
    match run(DescentOptions::new(3.0, 10_000)) {
        Err(FlowError::NotFinite(found)) => {
            assert_eq!((found.component, found.evaluation), (0, 1024));
            assert!(found.value.is_infinite() && found.time == 3.0 * 1024.0);
        }
        other => panic!("{other:?}"),
    }
    let refused = [
        DescentOptions::new(0.0, 5),
        DescentOptions::new(f64::NAN, 5),
        DescentOptions::new(0.1, 5).momentum(1.0),
        DescentOptions::new(0.1, 5).momentum(-0.1),
        DescentOptions::new(0.1, 5).record([6]),
        DescentOptions::new(0.1, 5).record([2, 2]),
        DescentOptions::new(0.1, 5).stop_near([0.0, 0.0], 1.0),
        DescentOptions::new(0.1, 5).stop_near([0.0], -1.0),
        DescentOptions::new(0.1, 5).stop_at_gradient(f64::NAN),
    ];
    for (index, options) in refused.into_iter().enumerate() {
        assert!(matches!(run(options), Err(FlowError::Input(_))), "case {index}");
    }
    let stopped = run(DescentOptions::new(0.1, 5).stop_flag(Arc::new(AtomicBool::new(true))));
    assert!(matches!(stopped, Err(FlowError::Cancelled { .. })));
    let late = run(DescentOptions::new(0.1, 5).deadline(Instant::now()));
    assert!(matches!(late, Err(FlowError::DeadlinePassed { .. })));
    let mut count = 0;
    let observed = DescentOptions::new(0.5, 4).record([1, 3]);
    let end = descend_observed(&modes, &[1.0], &observed, |_, _| count += 1).expect("stable");
    assert!(count == 2 && end.states.is_empty());
}

/// Linear regression with a fresh Gaussian input x, label w'x + noise: gradient (e'x - noise) x of the error e.
struct Regression {
    dimension: usize,
    noise: f64,
}

impl StochasticGradient for Regression {
    type Work = Vec<f64>;

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn work(&self) -> Vec<f64> {
        vec![0.0; self.dimension + 1]
    }

    fn sample<R: Rng + ?Sized>(&self, e: &[f64], gradient: &mut [f64], rng: &mut R, z: &mut Vec<f64>) {
        normal::fill(rng, z);
        let (noise, x) = z.split_last().expect("dimension + 1 entries");
        let residual: f64 = e.iter().zip(x).map(|(e, x)| e * x).sum::<f64>() - self.noise * noise;
        for (g, x) in gradient.iter_mut().zip(x) {
            *g = residual * x;
        }
    }
}

#[test]
fn stochastic_descent_has_the_exact_moments() {
    // E e_{k+1} = (1 - s) E e_k and E|e_{k+1}|^2 = (1 - 2 s + s^2 (d + 2)) E|e_k|^2 + s^2 noise^2 d for standard normal
    // inputs. Two means at level 1e-6 each (|z| < 4.892): a false alarm in 500,000 seeds.
    let (d, step, noise, iterations) = (3_usize, 0.05, 0.5, 10);
    let problem = Regression { dimension: d, noise };
    let options = DescentOptions::new(step, iterations);
    let start = [1.0, -1.0, 0.5];
    let factor = 1.0 - 2.0 * step + step * step * (d as f64 + 2.0);
    let (mut mean, mut square) = (start[0], start.iter().map(|v| v * v).sum::<f64>());
    for _ in 0..iterations {
        mean *= 1.0 - step;
        square = factor * square + step * step * noise * noise * d as f64;
    }
    let replicas = 80_000_u64;
    let mut moments: Option<[Moments; 2]> = None;
    let mut stream = Stream::new(20_260_101, 0);
    for _ in 0..replicas {
        let end = descend_stochastic(&problem, &start, &options, &mut stream).expect("stable");
        let values = [end.state[0], end.state.iter().map(|v| v * v).sum()].map(Moments::of);
        match &mut moments {
            None => moments = Some(values),
            Some(sums) => sums.iter_mut().zip(&values).for_each(|(sum, v)| sum.absorb(v)),
        }
    }
    for (sum, exact) in moments.expect("replicas").iter().zip([mean, square]) {
        let (z, error) = (4.892_f64, sum.standard_error());
        assert!((sum.mean() - exact).abs() < z * error, "{} +- {error}, exact {exact}", sum.mean());
        // Enough replicas for normal quantiles there, given the skewness; and for power: without the noise, the least of
        // the mistakes, the second moment changes by 1.4 percent.
        assert!(replicas as f64 >= (sum.skewness() * z.powi(3) / 0.6).powi(2), "skewness {}", sum.skewness());
        assert!((z + 1.645) * error < 0.014 * exact.abs(), "error {error}");
    }
}

#[test]
fn streams_decide_the_path() {
    let problem = Regression { dimension: 2, noise: 1.0 };
    let run = |replica| {
        let options = DescentOptions::new(0.1, 20).momentum(0.5);
        descend_stochastic(&problem, &[1.0, 1.0], &options, &mut Stream::new(3, replica))
            .expect("stable")
            .state
    };
    assert_eq!(run(0), run(0));
    assert_ne!(run(0), run(1));
    let options = DescentOptions::new(0.1, 20).stop_at_gradient(1e-3);
    let refused = descend_stochastic(&problem, &[1.0, 1.0], &options, &mut Stream::new(3, 0));
    assert!(matches!(refused, Err(FlowError::Input(_))));
}
