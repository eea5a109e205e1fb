//! Statements: refusals, and losses against sums written out by hand.
use solvable_linalg::Mat;

use super::*;
use crate::Objective;

fn small() -> AggregateData {
    let rows = [[1.0, 0.0], [2.0, 1.0], [0.0, -1.0], [1.0, 1.0]];
    let x = Mat::from_fn(4, 2, |i, j| rows[i][j]);
    AggregateData::new(x, vec![1.0, 2.0, 0.0, 3.0], BagDesign::consecutive(4, 2).expect("divides"))
        .expect("valid")
}

#[test]
fn bags_that_overlap_miss_or_name_unknown_rows_are_refused_with_the_row() {
    for (bags, word) in [
        (vec![vec![0, 1], vec![1, 2, 3]], "hold row[1] = 2"),
        (vec![vec![0, 1], vec![2]], "hold row[3] = 0"),
        (vec![vec![0, 1], vec![2, 3, 4]], "bag[1] = 4"),
        (vec![vec![0, 1], vec![], vec![2, 3]], "bag[1] = 0"),
    ] {
        let message = BagDesign::new(4, &bags).expect_err("refused").to_string();
        assert!(message.contains(word), "{message}");
    }
    assert!(BagDesign::consecutive(5, 2).is_err() && BagDesign::consecutive(4, 0).is_err());
    let unequal = BagDesign::from_labels(&[7, 3, 7, 7]).expect("labels partition the rows");
    assert_eq!((unequal.members(0), unequal.members(1)), (&[1][..], &[0, 2, 3][..]));
    assert_eq!(unequal.equal_size(), None);
}

#[test]
fn losses_are_those_of_the_specification() {
    // Reference numbers AGG-1 at theta = (.5, .5).
    let data = small();
    let theta = [0.5, 0.5];
    let f = data.predictions(&theta).expect("finite");
    let loss = PointwiseLoss::Squared;
    let bag = loss.bag_loss(data.bags(), data.mean_labels(), &f).expect("shapes agree");
    let instance = loss.instance_loss(data.bags(), data.mean_labels(), &f).expect("shapes agree");
    assert_eq!((bag, instance), (0.90625, 1.3125));
    let mixing = Mixing::new(0.4).expect("in range");
    let objective = InterpolatedObjective::new(&data, loss, mixing, 0.1).expect("valid");
    let value = objective.value(&theta, &mut objective.work());
    assert!((value - 1.2).abs() < 4.0 * f64::EPSILON);
}

#[test]
fn gradients_are_the_derivatives_of_the_values() {
    let data = small();
    let unequal = BagDesign::new(4, &[vec![3, 0, 1], vec![2]]).expect("partition");
    let x = data.covariates().to_owned();
    let other = AggregateData::new(x, vec![1.0, 0.0, 0.0, 1.0], unequal).expect("valid");
    for data in [&data, &other] {
        for loss in [PointwiseLoss::Squared, PointwiseLoss::Logistic, PointwiseLoss::Poisson] {
            for rho in [0.0, 0.3, 1.0] {
                let mixing = Mixing::new(rho).expect("in range");
                let objective = InterpolatedObjective::new(data, loss, mixing, 0.2).expect("valid");
                let mut work = objective.work();
                let theta = [0.3, -0.8];
                let mut gradient = [0.0; 2];
                objective.gradient(&theta, &mut gradient, &mut work);
                for j in 0..2 {
                    // Central difference: error h^2 |f'''| / 6 + eps |f| / h, |f'''| and |f| below 50.
                    let h = 1e-5;
                    let mut at = |step: f64| {
                        let mut t = theta;
                        t[j] += step;
                        objective.value(&t, &mut work)
                    };
                    let slope = (at(h) - at(-h)) / (2.0 * h);
                    let tolerance = 50.0 * (h * h / 6.0 + f64::EPSILON / h);
                    assert!((slope - gradient[j]).abs() < tolerance, "{loss:?} {rho} {j}");
                }
            }
        }
    }
}

#[test]
fn data_outside_their_domain_are_refused() {
    assert!(IntervalData::new(&[0.0, 2.0], 0.0, 1.0).is_err());
    assert!(IntervalData::new(&[], 0.0, 1.0).is_err());
    assert!(IntervalData::new(&[0.0], 1.0, 1.0).is_err());
    assert!(IntervalData::clamped(&[f64::NAN], 0.0, 1.0).is_err());
    assert_eq!(IntervalData::clamped(&[3.0, -1.0], 0.0, 1.0).expect("clamped").sorted(), [0.0, 1.0]);
    assert!(DiscreteData::new(3, &[0, 3]).is_err() && DiscreteData::new(3, &[]).is_err());
    assert!(DiscreteData::new(usize::MAX, &[0]).is_err() && DiscreteData::new(1 << 53, &[0]).is_err());
    assert!(DiscreteData::from_counts(vec![usize::MAX, 1]).is_err());
    assert!(BagDesign::consecutive(usize::MAX, 1).is_err() && BagDesign::new(1 << 53, &[vec![0]]).is_err());
    assert!(PlaneData::new(2, &[[0, 0], [1, 1]]).is_err() && PlaneData::new(2, &[[0, 2]]).is_err());
    assert!(DiscreteFunctional::OrderStatistic { j: 0 }.check(3).is_err());
    assert!(DiscreteFunctional::TrimmedSum { drop: 1 }.check(2).is_err());
    assert!(Epsilon::new(0.0).is_err() && Epsilon::new(f64::INFINITY).is_err());
    assert!(LabelPrivacy::new(0.0, None).is_err() && LabelPrivacy::new(1.0, Some(f64::NAN)).is_err());
    assert!(Mixing::new(1.0 + f64::EPSILON).is_err() && Mixing::new(f64::NAN).is_err());
    assert!(IsotropicLimit::new(0.0, 2.0, 1.0, 1.0).is_err());
    assert!(IsotropicLimit::new(1.0, 0.5, 1.0, 1.0).is_err());
    assert!(FiniteDesign::new(4, 2, 3, 1.0, 1.0).is_err());
}
