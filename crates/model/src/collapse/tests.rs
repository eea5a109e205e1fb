//! The objective against its definition written as plain loops, and its gradient against differences.
use super::*;
use crate::{InputError, Objective};

/// Deterministic numbers in (-1, 1) without structure.
fn numbers(n: usize, seed: f64) -> Vec<f64> {
    (0..n).map(|i| ((i as f64 + 1.0) * 0.754_877_666_246_693 + seed).fract() * 2.0 - 1.0).collect()
}

fn problems() -> Vec<FreeFeatures> {
    let mut list = Vec::new();
    for counts in [vec![3, 1, 2], vec![2, 2], vec![4]] {
        for widths in [vec![3], vec![1], vec![2, 4], vec![5, 3, 2]] {
            for bias in [Bias::None, Bias::Free, Bias::Regularised(0.3)] {
                let lambda_w = [0.2, 0.07, 0.4][..widths.len()].to_vec();
                let classes = ClassCounts::new(counts.clone()).expect("valid");
                list.push(FreeFeatures::new(classes, widths.clone(), lambda_w, 0.11, bias).expect("valid"));
            }
        }
    }
    list
}

/// The objective by its definition: entry by entry, features first, no shared products.
fn by_definition(problem: &FreeFeatures, loss: ClassLoss, x: &[f64]) -> f64 {
    let k = problem.classes().classes();
    let n = problem.classes().total();
    let mut labels = Vec::new();
    for (class, &size) in problem.classes().counts().iter().enumerate() {
        labels.extend(vec![class; size]);
    }
    let mut rows = vec![k];
    rows.extend(problem.widths());
    let mut columns = problem.widths().to_vec();
    columns.push(n);
    let mut offset = 0;
    let mut factors = Vec::new();
    for (r, c) in rows.iter().zip(&columns) {
        factors.push((offset, *c));
        offset += r * c;
    }
    let mut data = 0.0;
    for i in 0..n {
        let (start, width) = factors[factors.len() - 1];
        let mut h: Vec<f64> =
            (0..*rows.last().expect("not empty")).map(|r| x[start + r * width + i]).collect();
        for layer in (0..problem.depth()).rev() {
            let (start, width) = factors[layer];
            h = (0..rows[layer]).map(|r| (0..width).map(|c| x[start + r * width + c] * h[c]).sum()).collect();
        }
        if problem.bias().is_trained() {
            h.iter_mut().zip(&x[offset..]).for_each(|(z, b)| *z += b);
        }
        let y = labels[i];
        data += match loss {
            ClassLoss::Squared => {
                (0..k).map(|j| 0.5 * (h[j] - f64::from(u8::from(j == y))).powi(2)).sum::<f64>()
            }
            ClassLoss::CrossEntropy => h.iter().map(|z| z.exp()).sum::<f64>().ln() - h[y],
        };
    }
    let mut penalty = 0.0;
    for layer in 0..=problem.depth() {
        let lambda = problem.lambda_w().get(layer).copied().unwrap_or(problem.lambda_h());
        let (start, width) = factors[layer];
        penalty += 0.5 * lambda * x[start..start + rows[layer] * width].iter().map(|v| v * v).sum::<f64>();
    }
    if problem.bias().is_trained() {
        penalty += 0.5 * problem.bias().weight() * x[offset..].iter().map(|v| v * v).sum::<f64>();
    }
    data / n as f64 + penalty
}

#[test]
fn objective_is_its_definition() {
    let mut cells = 0;
    for problem in problems() {
        for loss in [ClassLoss::Squared, ClassLoss::CrossEntropy] {
            let objective = FreeFeaturesLoss::new(&problem, loss).expect("fits");
            let x = numbers(objective.dimension(), 0.3);
            let expected = by_definition(&problem, loss, &x);
            let value = objective.value(&x, &mut objective.work());
            // A few dozen operations a term, all of order one.
            assert!(
                (value - expected).abs() <= 200.0 * f64::EPSILON * expected,
                "{problem:?}: {value} {expected}"
            );
            cells += 1;
        }
    }
    assert_eq!(cells, 72);
}

/// Central differences of fourth order: truncation h^4/30 |f^(5)|, rounding eps f / h. Along one coordinate the squared
/// loss is a quadratic, so that only rounding is left; the fifth derivative of cross-entropy along a coordinate is a
/// bounded cumulant (at most 16 for |dz| <= 1) times powers of the product of the other factors (at most 12 in these
/// problems, reached by none).
#[test]
fn gradient_is_the_derivative() {
    let h = 1.0 / 512.0;
    for problem in problems() {
        for loss in [ClassLoss::Squared, ClassLoss::CrossEntropy] {
            for objective in [
                FreeFeaturesLoss::new(&problem, loss).expect("fits"),
                FreeFeaturesLoss::collapsed(&problem, loss).expect("fits"),
            ] {
                let mut work = objective.work();
                let x = numbers(objective.dimension(), 0.7);
                let mut gradient = vec![f64::NAN; x.len()];
                let value = objective.value_and_gradient(&x, &mut gradient, &mut work);
                assert_eq!(value.to_bits(), objective.value(&x, &mut work).to_bits());
                let mut rounding = 100.0 * f64::EPSILON * value / h;
                if loss == ClassLoss::CrossEntropy {
                    rounding += h.powi(4) * 16.0;
                }
                for i in 0..x.len() {
                    let mut at = |s: f64| {
                        let mut y = x.clone();
                        y[i] += s;
                        objective.value(&y, &mut work)
                    };
                    let slope = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
                    assert!((slope - gradient[i]).abs() <= rounding, "{i}: {slope} {}", gradient[i]);
                }
            }
        }
    }
}

/// With equal features in a class, the full and the collapsed objective and their gradients agree.
#[test]
fn collapsed_columns_are_the_full_problem() {
    for problem in problems() {
        for loss in [ClassLoss::Squared, ClassLoss::CrossEntropy] {
            let full = FreeFeaturesLoss::new(&problem, loss).expect("fits");
            let small = FreeFeaturesLoss::collapsed(&problem, loss).expect("fits");
            let x = numbers(small.dimension(), 0.1);
            let shape = *small.layout().factors().last().expect("not empty");
            let mut y = x[..shape.offset].to_vec();
            let root = |k: usize| (problem.classes().counts()[k] as f64).sqrt();
            for r in 0..shape.rows {
                for &k in full.labels() {
                    y.push(x[shape.offset + r * shape.columns + k] / root(k));
                }
            }
            y.extend_from_slice(&x[shape.range().end..]);
            let (mut gx, mut gy) = (vec![0.0; x.len()], vec![0.0; y.len()]);
            let fx = small.value_and_gradient(&x, &mut gx, &mut small.work());
            let fy = full.value_and_gradient(&y, &mut gy, &mut full.work());
            assert!((fx - fy).abs() <= 100.0 * f64::EPSILON * fx);
            let tolerance = 200.0 * f64::EPSILON * fx.max(1.0);
            for i in 0..shape.offset {
                assert!((gx[i] - gy[i]).abs() <= tolerance);
            }
            let wide = *full.layout().factors().last().expect("not empty");
            for r in 0..shape.rows {
                for (c, &k) in full.labels().iter().enumerate() {
                    let expected = gx[shape.offset + r * shape.columns + k] / root(k);
                    assert!((gy[wide.offset + r * wide.columns + c] - expected).abs() <= tolerance);
                }
            }
        }
    }
}

#[test]
fn cross_entropy_keeps_relative_accuracy() {
    let ce = ClassLoss::CrossEntropy;
    // log(1 + 2 e^-100) = 2 e^-100 (1 - e^-100 + ...).
    let mut z = [100.0, 0.0, 0.0];
    let expected = 2.0 * (-100.0_f64).exp();
    assert!((ce.value(&z, 0) - expected).abs() <= 4.0 * f64::EPSILON * expected);
    ce.derivative_in_place(&mut z, 0);
    assert!((z[0] + expected).abs() <= 4.0 * f64::EPSILON * expected);
    // A wrong and very large logit: the loss is the difference, no overflow.
    assert_eq!(ce.value(&[0.0, 1e5, 0.0], 0), 1e5);
    let mut z = [0.0, 1e5, 0.0];
    ce.derivative_in_place(&mut z, 0);
    assert_eq!(z, [-1.0, 1.0, 0.0]);
    assert_eq!(ce.value(&[7.0], 0), 0.0);
    assert_eq!(ce.derivative_in_place(&mut [7.0], 0), 0.0);
}

#[test]
fn parameters_are_packed_and_read_back() {
    let classes = ClassCounts::new(vec![2, 1]).expect("valid");
    let problem = FreeFeatures::new(classes, vec![3, 2], vec![1.0, 1.0], 1.0, Bias::Free).expect("valid");
    let objective = FreeFeaturesLoss::new(&problem, ClassLoss::Squared).expect("fits");
    let x = numbers(objective.dimension(), 0.2);
    assert_eq!(objective.dimension(), 2 * 3 + 3 * 2 + 2 * 3 + 2);
    let layout = objective.layout();
    let views: Vec<_> = layout.factors().iter().map(|f| f.view(&x)).collect();
    assert_eq!(layout.pack(&views, layout.bias(&x)).expect("same shapes"), x);
    assert!(matches!(layout.pack(&views, None), Err(InputError::Shape { .. })));
    assert!(matches!(layout.pack(&views[1..], layout.bias(&x)), Err(InputError::Shape { .. })));
    let w = layout.classifier(&x);
    let entry: f64 = (0..3).map(|j| x[j] * x[6 + 2 * j]).sum();
    assert!((w[(0, 0)] - entry).abs() <= 4.0 * f64::EPSILON);
}

#[test]
fn invalid_statements_are_refused() {
    let classes = || ClassCounts::new(vec![2, 1]).expect("valid");
    let state = |widths: &[usize], lambda_w: &[f64], lambda_h: f64, bias: Bias| {
        FreeFeatures::new(classes(), widths.to_vec(), lambda_w.to_vec(), lambda_h, bias)
    };
    assert!(state(&[1], &[1e-300], 1e-300, Bias::None).is_ok());
    assert!(matches!(ClassCounts::new(vec![]), Err(InputError::Count { .. })));
    assert!(matches!(ClassCounts::new(vec![1, 0]), Err(InputError::Count { .. })));
    assert!(matches!(ClassCounts::new(vec![usize::MAX, 1]), Err(InputError::Condition { .. })));
    assert!(matches!(state(&[], &[], 1.0, Bias::None), Err(InputError::Count { .. })));
    assert!(matches!(state(&[0], &[1.0], 1.0, Bias::None), Err(InputError::Count { .. })));
    assert!(matches!(state(&[1], &[1.0, 1.0], 1.0, Bias::None), Err(InputError::Shape { .. })));
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(state(&[1], &[bad], 1.0, Bias::None), Err(InputError::OutOfDomain { .. })));
        assert!(matches!(state(&[1], &[1.0], bad, Bias::None), Err(InputError::OutOfDomain { .. })));
        if bad != 0.0 {
            assert!(Bias::regularised(bad).is_err());
            let refused = state(&[1], &[1.0], 1.0, Bias::Regularised(bad));
            assert!(matches!(refused, Err(InputError::OutOfDomain { .. })));
        }
    }
    assert_eq!(Bias::regularised(0.0).expect("free"), Bias::Free);
    let huge = FreeFeatures::new(
        ClassCounts::new(vec![usize::MAX / 2]).expect("valid"),
        vec![4],
        vec![1.0],
        1.0,
        Bias::None,
    )
    .expect("theory needs no memory");
    assert!(FreeFeaturesLoss::new(&huge, ClassLoss::Squared).is_err());
}

#[test]
fn sizes_beyond_any_machine_are_refused() {
    for k in [1 << 53, usize::MAX] {
        assert!(ClassCounts::balanced(k, 1).is_err());
        let two = ClassCounts::balanced(2, 3).expect("valid");
        assert!(FreeFeatures::uniform(two, k, 2, 0.1, Bias::None).is_err());
        assert!(ClassMeansBuilder::new(k, 2).is_err() && ClassMeansBuilder::new(2, k).is_err());
    }
}
