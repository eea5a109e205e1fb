//! What can be integrated: vector fields, and minus the gradient of an objective.
use solvable_model::Objective;

/// The right-hand side of `dx/dt = f(t, x)`.
///
/// Temporaries live in a caller-owned [`Work`](VectorField::Work), so that the integrator's loop allocates nothing
/// and threads share the field.
pub trait VectorField {
    /// Temporaries of one evaluation; `()` where none are needed.
    type Work;

    /// Length of the state.
    fn dimension(&self) -> usize;

    /// Fresh temporaries.
    fn work(&self) -> Self::Work;

    /// Writes `f(t, x)` into `slope`; both slices have length [`dimension`](VectorField::dimension).
    fn eval(&self, t: f64, x: &[f64], slope: &mut [f64], work: &mut Self::Work);

    /// As [`eval`](VectorField::eval), and returns the energy of which the field is minus the gradient, if there is one.
    fn eval_with_energy(&self, t: f64, x: &[f64], slope: &mut [f64], work: &mut Self::Work) -> Option<f64> {
        self.eval(t, x, slope, work);
        None
    }

    /// Writes the Jacobian-vector product `(df/dx)(t, x) v` into `product` and returns true; or returns false (the
    /// default), and whoever needs one takes finite differences of [`eval`](VectorField::eval).
    fn jacobian_vector(
        &self,
        t: f64,
        x: &[f64],
        v: &[f64],
        product: &mut [f64],
        work: &mut Self::Work,
    ) -> bool {
        let _ = (t, x, v, product, work);
        false
    }
}

/// The gradient flow `dx/dt = -grad L(x)` of an objective, with the objective as its energy.
///
/// ```
/// use solvable_model::Objective;
/// use solvable_sim::flow::{GradientFlow, Options, integrate};
///
/// /// L(x) = x^2 / 2, whose flow is x(0) exp(-t).
/// struct Parabola;
/// impl Objective for Parabola {
///     type Work = ();
///     fn dimension(&self) -> usize {
///         1
///     }
///     fn work(&self) {}
///     fn value(&self, x: &[f64], _: &mut ()) -> f64 {
///         0.5 * x[0] * x[0]
///     }
///     fn gradient(&self, x: &[f64], gradient: &mut [f64], _: &mut ()) {
///         gradient[0] = x[0];
///     }
/// }
/// let end = integrate(&GradientFlow::of(&Parabola), &[3.0], &Options::until(2.0))?;
/// assert!((end.state[0] - 3.0 * (-2.0_f64).exp()).abs() < 1e-7);
/// # Ok::<(), solvable_sim::flow::FlowError>(())
/// ```
#[derive(Debug)]
pub struct GradientFlow<'a, O> {
    objective: &'a O,
}

impl<'a, O: Objective> GradientFlow<'a, O> {
    /// The flow of `objective`.
    #[must_use]
    pub fn of(objective: &'a O) -> Self {
        Self { objective }
    }
}

impl<O: Objective> VectorField for GradientFlow<'_, O> {
    type Work = O::Work;

    fn dimension(&self) -> usize {
        self.objective.dimension()
    }

    fn work(&self) -> O::Work {
        self.objective.work()
    }

    fn eval(&self, _: f64, x: &[f64], slope: &mut [f64], work: &mut O::Work) {
        self.objective.gradient(x, slope, work);
        negate(slope);
    }

    fn eval_with_energy(&self, _: f64, x: &[f64], slope: &mut [f64], work: &mut O::Work) -> Option<f64> {
        let value = self.objective.value_and_gradient(x, slope, work);
        negate(slope);
        Some(value)
    }
}

fn negate(x: &mut [f64]) {
    for v in x {
        *v = -*v;
    }
}

/// A vector field given by a closure `(t, x, slope)`.
///
/// ```
/// use solvable_sim::flow::{FieldFn, Options, integrate};
/// // The logistic equation dx/dt = x (1 - x).
/// let logistic = FieldFn::new(1, |_, x, slope| slope[0] = x[0] * (1.0 - x[0]));
/// let end = integrate(&logistic, &[0.5], &Options::until(1.0))?;
/// assert!((end.state[0] - 1.0 / (1.0 + (-1.0_f64).exp())).abs() < 1e-8);
/// # Ok::<(), solvable_sim::flow::FlowError>(())
/// ```
#[derive(Clone, Debug)]
pub struct FieldFn<F> {
    dimension: usize,
    f: F,
}

impl<F: Fn(f64, &[f64], &mut [f64])> FieldFn<F> {
    /// The field `f` on vectors of length `dimension`.
    pub fn new(dimension: usize, f: F) -> Self {
        Self { dimension, f }
    }
}

impl<F: Fn(f64, &[f64], &mut [f64])> VectorField for FieldFn<F> {
    type Work = ();

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn work(&self) {}

    fn eval(&self, t: f64, x: &[f64], slope: &mut [f64], (): &mut ()) {
        (self.f)(t, x, slope);
    }
}
