//! Private estimators: DP-3 to DP-13.
use serde_json::Value;
use solvable_model::InputError;
use solvable_model::aggregate::{
    DiscreteData, DiscreteFunctional, Epsilon, IntervalData, IntervalFunctional, PlaneData,
};
use solvable_theory::aggregate::private::{
    failure_bound, functional_lengths, group_privacy, inverse_sensitivity_density, inverse_sensitivity_law,
    median_certificate, median_failure, median_noise_scale, normal_median_spread, order_statistic_lengths,
    order_statistic_privacy_loss, packing_bound, path_length_needed, plane_median_lengths,
    plane_median_privacy_loss, privacy_loss, sum_lengths, sum_privacy_loss,
};

use super::{COUNT, NUMBER, VECTOR};
use crate::compute::{Block, ComputeError, Inputs, Key, Outputs, Route, Shape, vector};

const TEXT: Shape = Shape::Text;
const DATA: Key = Key::new("data", VECTOR);
const Q: Key = Key::new("q", COUNT);
const N: Key = Key::new("n", COUNT);
const J: Key = Key::new("j", COUNT);
const EPS: Key = Key::new("eps", NUMBER);

pub(super) const BLOCKS: &[Block] = &[
    Block {
        claim: "DP-3",
        title: "path length and probability of each output 0..q-1 for the j-th smallest of the data",
        inputs: &[DATA, J, Q, EPS],
        outputs: &["len", "prob"],
        route: Route::Theory,
        run: order_statistic,
    },
    Block {
        claim: "DP-4",
        title: "path length and probability of each output 0..n(q-1) for the sum of the data",
        inputs: &[DATA, Q, EPS],
        outputs: &["len", "prob"],
        route: Route::Theory,
        run: sum,
    },
    Block {
        claim: "DP-5",
        title: "path length and probability of each point of the q x q grid, row by row, for the coordinatewise median",
        inputs: &[Key::new("data", Shape::Lists), Q, EPS],
        outputs: &["len", "prob"],
        route: Route::Theory,
        run: plane_median,
    },
    Block {
        claim: "DP-6",
        title: "smoothed median or mean on [lo, hi], smoothing radius rho: intervals, normaliser, density at the \
                queries, tail = P(|M - f| > radius), E|M - f|",
        inputs: &[
            DATA,
            Key::new("functional", TEXT),
            Key::new("lo", NUMBER),
            Key::new("hi", NUMBER),
            Key::new("rho", NUMBER),
            EPS,
            Key::new("queries", VECTOR),
            Key::new("radii", VECTOR),
        ],
        outputs: &["intervals", "Z", "density", "tail", "mean_abs_error"],
        route: Route::Theory,
        run: interval,
    },
    Block {
        claim: "DP-7",
        title: "exact privacy loss of the j-th smallest of n data over all neighbours in {0..q-1}^n",
        inputs: &[Q, N, J, EPS],
        outputs: &["loss", "bound"],
        route: Route::Theory,
        run: order_statistic_loss,
    },
    Block {
        claim: "DP-7",
        title: "exact privacy loss of a functional: sum, plane_median (on the q x q grid), or trimmed_sum_J",
        inputs: &[Q, N, Key::new("functional", TEXT), EPS],
        outputs: &["loss", "bound"],
        route: Route::Theory,
        run: functional_loss,
    },
    Block {
        claim: "DP-8",
        title: "least K with (R/rho+1)^d exp(-eps K/2) <= beta, and the left side there",
        inputs: &[
            Key::new("d", COUNT),
            Key::new("R", NUMBER),
            Key::new("rho", NUMBER),
            EPS,
            Key::new("beta", NUMBER),
        ],
        outputs: &["K", "bound"],
        route: Route::Theory,
        run: robust,
    },
    Block {
        claim: "DP-9",
        title: "probability that some corruption of j of n N(0,1) points moves their median beyond a",
        inputs: &[N, J, Key::new("a", NUMBER)],
        outputs: &["fail"],
        route: Route::Theory,
        run: failure,
    },
    Block {
        claim: "DP-9",
        title: "certificates for P(|M| > a+rho), private median of n N(0,1) data clamped to [-R, R]",
        inputs: &[N, EPS, Key::new("R", NUMBER), Key::new("rho", NUMBER), Key::new("a", NUMBER)],
        outputs: &["bound", "K", "refined"],
        route: Route::Theory,
        run: certificate,
    },
    Block {
        claim: "DP-10",
        title: "an event of outputs of the private j-th smallest value under two data sets, and the group-privacy bound",
        inputs: &[
            Key::new("data_a", VECTOR),
            Key::new("data_b", VECTOR),
            J,
            Q,
            EPS,
            Key::new("event", VECTOR),
        ],
        outputs: &["distance", "p_a", "p_b", "bound"],
        route: Route::Theory,
        run: group,
    },
    Block {
        claim: "DP-11",
        title: "Laplace scale of n eps (M - median) in large samples, from the density at the median",
        inputs: &[Key::new("density", NUMBER)],
        outputs: &["scale"],
        route: Route::Theory,
        run: noise_scale,
    },
    Block {
        claim: "DP-11",
        title: "large-sample variance of the private median of n N(0,1) data",
        inputs: &[N, EPS],
        outputs: &["sampling", "privacy", "variance"],
        route: Route::Theory,
        run: spread,
    },
    Block {
        claim: "DP-12",
        title: "[output, path length] of each attainable output: trimmed_sum_J drops the J smallest and J largest; sum; \
                order_statistic_J",
        inputs: &[DATA, Q, Key::new("functional", TEXT), Key::optional("eps", NUMBER)],
        outputs: &["len", "prob"],
        route: Route::Theory,
        run: functional,
    },
    Block {
        claim: "DP-13",
        title: "success probability on the packing family: bound for any private mechanism, and that of inverse sensitivity",
        inputs: &[Q, N, EPS],
        outputs: &["upper", "inverse_sensitivity"],
        route: Route::Theory,
        run: packing,
    },
];

fn epsilon(inputs: &Inputs<'_>) -> Result<Epsilon, ComputeError> {
    Ok(Epsilon::new(inputs.number("eps")?)?)
}

fn discrete(inputs: &Inputs<'_>, key: &str) -> Result<DiscreteData, ComputeError> {
    Ok(DiscreteData::new(inputs.count("q")?, &inputs.counts(key)?)?)
}

/// Lengths and probabilities of outputs that are all attainable.
fn law(lengths: Vec<usize>, epsilon: Epsilon) -> Result<Outputs, ComputeError> {
    let options: Vec<_> = lengths.iter().map(|&l| Some(l)).collect();
    let law = inverse_sensitivity_law(&options, epsilon)?;
    Ok(Outputs::new().value("len", lengths).vector("prob", &law.probabilities))
}

fn order_statistic(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    law(order_statistic_lengths(&discrete(inputs, "data")?, inputs.count("j")?)?, epsilon(inputs)?)
}

fn sum(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    law(sum_lengths(&discrete(inputs, "data")?)?, epsilon(inputs)?)
}

fn plane_median(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let mut points = Vec::new();
    for (row, point) in inputs.lists("data")?.into_iter().enumerate() {
        let [a, b] = point[..] else {
            let (found, expected) = ((1, point.len()), (1, 2));
            let argument = solvable_model::Argument::indexed("data", row);
            return Err(InputError::Shape { argument, found, expected }.into());
        };
        points.push([whole(a, row)?, whole(b, row)?]);
    }
    law(plane_median_lengths(&PlaneData::new(inputs.count("q")?, &points)?)?, epsilon(inputs)?)
}

/// A coordinate as a whole number.
fn whole(value: f64, row: usize) -> Result<usize, InputError> {
    let holds = value >= 0.0 && value.fract() == 0.0 && value < 1e15;
    let argument = solvable_model::Argument::indexed("data", row);
    InputError::check(argument, value, holds, "a pair of whole numbers, each at least 0")?;
    Ok(value as usize)
}

fn unknown(found: &str, expected: &'static str) -> ComputeError {
    ComputeError::WrongType { key: "functional".to_owned(), expected, found: format!("{found:?}") }
}

fn interval(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let functional = match inputs.text("functional")? {
        "median" => IntervalFunctional::Median,
        "mean" => IntervalFunctional::Mean,
        other => return Err(unknown(other, "\"median\" or \"mean\"")),
    };
    let data = IntervalData::new(&inputs.vector("data")?, inputs.number("lo")?, inputs.number("hi")?)?;
    let law = inverse_sensitivity_density(&data, functional, inputs.number("rho")?, epsilon(inputs)?)?;
    let intervals: Vec<Value> = law.intervals().iter().map(|&(l, u)| vector(&[l, u])).collect();
    let density =
        inputs.vector("queries")?.into_iter().map(|t| law.density(t)).collect::<Result<Vec<_>, _>>()?;
    let tail = inputs.vector("radii")?.into_iter().map(|x| law.tail(x)).collect::<Result<Vec<_>, _>>()?;
    Ok(Outputs::new()
        .value("intervals", intervals)
        .number("Z", law.normaliser())
        .vector("density", &density)
        .vector("tail", &tail)
        .number("mean_abs_error", law.mean_absolute_error()))
}

fn order_statistic_loss(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let (q, n, j) = (inputs.count("q")?, inputs.count("n")?, inputs.count("j")?);
    let found = order_statistic_privacy_loss(q, n, j, epsilon(inputs)?)?;
    Ok(Outputs::new().number("loss", found.loss).number("bound", found.bound))
}

fn functional_loss(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let (q, n, epsilon) = (inputs.count("q")?, inputs.count("n")?, epsilon(inputs)?);
    let found = match inputs.text("functional")? {
        "sum" => sum_privacy_loss(q, n, epsilon)?,
        "plane_median" => plane_median_privacy_loss(q, n, epsilon)?,
        other => {
            let functional = named(other)?;
            functional.check(n)?;
            privacy_loss(q, n, epsilon, |data| functional.evaluate(data))?
        }
    };
    Ok(Outputs::new().number("loss", found.loss).number("bound", found.bound))
}

fn robust(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let (d, radius, rho) = (inputs.count("d")?, inputs.number("R")?, inputs.number("rho")?);
    let epsilon = epsilon(inputs)?;
    let k = path_length_needed(d, radius, rho, epsilon, inputs.number("beta")?)?;
    Ok(Outputs::new().number("K", k).number("bound", failure_bound(d, radius, rho, epsilon, k)?))
}

fn failure(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let fail = median_failure(inputs.count("n")?, inputs.count("j")?, inputs.number("a")?)?;
    Ok(Outputs::new().number("fail", fail))
}

fn certificate(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let (radius, rho, a) = (inputs.number("R")?, inputs.number("rho")?, inputs.number("a")?);
    let found = median_certificate(inputs.count("n")?, epsilon(inputs)?, radius, rho, a)?;
    Ok(Outputs::new().number("bound", found.bound).value("K", found.k).number("refined", found.refined))
}

fn group(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let (a, b) = (discrete(inputs, "data_a")?, discrete(inputs, "data_b")?);
    let found = group_privacy(&a, &b, inputs.count("j")?, epsilon(inputs)?, &inputs.counts("event")?)?;
    Ok(Outputs::new()
        .value("distance", found.distance)
        .number("p_a", found.p_a)
        .number("p_b", found.p_b)
        .number("bound", found.bound))
}

fn noise_scale(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    Ok(Outputs::new().number("scale", median_noise_scale(inputs.number("density")?)?))
}

fn spread(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let found = normal_median_spread(inputs.count("n")?, epsilon(inputs)?)?;
    Ok(Outputs::new()
        .number("sampling", found.sampling)
        .number("privacy", found.privacy)
        .number("variance", found.total()))
}

/// `sum`, `trimmed_sum_J` or `order_statistic_J`.
fn named(name: &str) -> Result<DiscreteFunctional, ComputeError> {
    let tail = |prefix: &str| name.strip_prefix(prefix).and_then(|digits| digits.parse::<usize>().ok());
    if name == "sum" {
        Ok(DiscreteFunctional::Sum)
    } else if let Some(drop) = tail("trimmed_sum_") {
        Ok(DiscreteFunctional::TrimmedSum { drop })
    } else if let Some(j) = tail("order_statistic_") {
        Ok(DiscreteFunctional::OrderStatistic { j })
    } else {
        Err(unknown(name, "\"sum\", \"trimmed_sum_J\" or \"order_statistic_J\" with a whole number J"))
    }
}

fn functional(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let found = functional_lengths(&discrete(inputs, "data")?, named(inputs.text("functional")?)?)?;
    let pairs: Vec<Value> = found.iter().map(|&(output, length)| Value::from(vec![output, length])).collect();
    let outputs = Outputs::new().value("len", pairs);
    if !inputs.has("eps") {
        return Ok(outputs.value("prob", Value::Null));
    }
    let lengths: Vec<_> = found.iter().map(|&(_, length)| Some(length)).collect();
    Ok(outputs.vector("prob", &inverse_sensitivity_law(&lengths, epsilon(inputs)?)?.probabilities))
}

fn packing(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let found = packing_bound(inputs.count("q")?, inputs.count("n")?, epsilon(inputs)?)?;
    Ok(Outputs::new().number("upper", found.upper).number("inverse_sensitivity", found.inverse_sensitivity))
}
