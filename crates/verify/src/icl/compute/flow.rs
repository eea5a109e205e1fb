//! ICL-19 to ICL-25 and ICL-27.
use solvable_theory::icl::{
    IsotropicFlow, convergence_certificate, escape_time, final_rate, flow_limit, largest_stable_step,
};

use super::keys::{D, LAMBDA, N, PSI, SIGMA2, TASK, law};
use crate::compute::{Block, ComputeError, Inputs, Key, Outputs, Route, Shape};

const BALANCE: Key = Key::new("c", Shape::Number);
const START_U: Key = Key::new("U0", Shape::Matrix);
const START: Key = Key::new("u0", Shape::Number);

pub(super) const BLOCKS: &[Block] = &[
    Block {
        claim: "ICL-20",
        title: "limit of u^2 from the conserved quantity c = u^2 - |U|^2",
        inputs: &[LAMBDA, PSI, SIGMA2, N, BALANCE],
        outputs: &["u_inf_squared"],
        route: Route::Theory,
        run: limit,
    },
    Block {
        claim: "ICL-21",
        title: "convergence certificate of a start",
        inputs: &[LAMBDA, PSI, SIGMA2, N, START_U, START],
        outputs: &["D0", "u_min_squared", "mu"],
        route: Route::Theory,
        run: certificate,
    },
    Block {
        claim: "ICL-22",
        title: "isotropic trajectory in closed form, U0 = theta0 I/sqrt(d)",
        inputs: &[
            D,
            Key::new("lambda", Shape::Number),
            Key::new("psi", Shape::Number),
            SIGMA2,
            N,
            START,
            Key::new("theta0", Shape::Number),
            Key::new("t", Shape::Number),
        ],
        outputs: &["u", "theta"],
        route: Route::Theory,
        run: isotropic,
    },
    Block {
        claim: "ICL-24",
        title: "final rate of the parameters; the loss decays at twice this",
        inputs: &[LAMBDA, PSI, SIGMA2, N, BALANCE],
        outputs: &["r_min"],
        route: Route::Theory,
        run: rate,
    },
    Block {
        claim: "ICL-25",
        title: "escape from a small start: rates, projection on the growing direction, time",
        inputs: &[LAMBDA, PSI, SIGMA2, N, START_U, START],
        outputs: &["rate", "label_rate", "projection", "time"],
        route: Route::Theory,
        run: escape,
    },
    Block {
        claim: "ICL-27",
        title: "largest stable step of gradient descent on L/2 in A",
        inputs: TASK,
        outputs: &["step"],
        route: Route::Theory,
        run: stable_step,
    },
];

fn limit(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let found = flow_limit(&law(inputs)?, inputs.number("c")?)?;
    Ok(Outputs::new().number("u_inf_squared", found.u_inf_squared))
}

fn certificate(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let start = inputs.matrix("U0")?;
    let found = convergence_certificate(&law(inputs)?, inputs.number("u0")?, start.as_ref())?;
    Ok(Outputs::new()
        .number("D0", found.d0)
        .number("u_min_squared", found.u_min_squared)
        .number("mu", found.mu))
}

fn isotropic(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let flow = IsotropicFlow::new(
        inputs.count("d")?,
        inputs.number("lambda")?,
        inputs.number("psi")?,
        inputs.number("sigma2")?,
        inputs.count("N")?,
    )?;
    let point = flow.at(inputs.number("u0")?, inputs.number("theta0")?, inputs.number("t")?)?;
    Ok(Outputs::new().number("u", point.u).number("theta", point.theta))
}

fn rate(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let found = final_rate(&law(inputs)?, inputs.number("c")?)?;
    Ok(Outputs::new().number("r_min", found.r_min).number("lower_bound", found.lower_bound))
}

fn escape(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    let start = inputs.matrix("U0")?;
    let found = escape_time(&law(inputs)?, inputs.number("u0")?, start.as_ref())?;
    Ok(Outputs::new()
        .number("rate", found.rate)
        .number("label_rate", found.label_rate)
        .number("projection", found.projection)
        .number("time", found.time))
}

fn stable_step(inputs: &Inputs<'_>) -> Result<Outputs, ComputeError> {
    Ok(Outputs::new().number("step", largest_stable_step(&law(inputs)?)?))
}
