//! What a training objective must offer.

/// A differentiable function of a flat parameter vector: a population or empirical loss.
///
/// The gradient goes into the caller's slice and all temporaries live in a caller-owned
/// [`Work`](Objective::Work), so that inner loops allocate nothing and replicas share the problem.
pub trait Objective {
    /// Temporaries of one evaluation; `()` where none are needed.
    type Work;

    /// Number of parameters.
    fn dimension(&self) -> usize;

    /// Fresh temporaries for [`value`](Objective::value) and [`gradient`](Objective::gradient).
    fn work(&self) -> Self::Work;

    /// The objective at `x` (length [`dimension`](Objective::dimension)).
    fn value(&self, x: &[f64], work: &mut Self::Work) -> f64;

    /// Writes the gradient at `x` into `gradient`; both have length [`dimension`](Objective::dimension).
    fn gradient(&self, x: &[f64], gradient: &mut [f64], work: &mut Self::Work);

    /// Value and gradient together; override where they share work.
    fn value_and_gradient(&self, x: &[f64], gradient: &mut [f64], work: &mut Self::Work) -> f64 {
        self.gradient(x, gradient, work);
        self.value(x, work)
    }
}
