//! The cost of a product of factors (NC-01).
use solvable_model::InputError;

use super::CollapseError;
use super::range::Scaled;

/// The product of all regularisations and their number L = M + 1.
#[derive(Clone, Debug)]
pub(super) struct Regularisation {
    /// Lambda.
    pub(super) product: Scaled,
    /// L.
    pub(super) factors: usize,
}

impl Regularisation {
    /// From positive finite lambdas of all layers and of the features.
    pub(super) fn new(lambda_w: &[f64], lambda_h: f64) -> Self {
        let product = lambda_w.iter().fold(Scaled::new(lambda_h), |p, &l| p.times(Scaled::new(l)));
        Self { product, factors: lambda_w.len() + 1 }
    }

    /// The layer energy `q = (Lambda sigma^2)^(1/L)` of a positive singular value.
    pub(super) fn layer_energy(&self, sigma: f64) -> Scaled {
        let sigma = Scaled::new(sigma);
        self.product.times(sigma).times(sigma).root(self.factors)
    }
}

/// The smallest penalty of factors with a given product, and how it is attained.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ProductCost {
    /// `(L/2) Lambda^(1/L) sum_j sigma_j^(2/L)`.
    pub value: f64,
    /// `q_j = (Lambda sigma_j^2)^(1/L)`: factor i has the singular values `sqrt(q_j/lambda_i)`.
    pub layer_energy: Vec<f64>,
}

/// The smallest `sum_m lambda_Wm |W_m|^2/2 + lambda_H |H_1|^2/2` of factors with `W_M ... W_1 H_1 = Z` (NC-01).
///
/// `(L/2) Lambda^(1/L) sum_j sigma_j(Z)^(2/L)` with L = M + 1 and Lambda the product of all regularisations, provided
/// every width is at least the rank of Z. Lower bound by Horn, Hoelder and the arithmetic-geometric mean; attained by
/// matching singular vectors and `sqrt(q_j/lambda_i)` in factor i. Products are formed beyond the range of doubles: a few
/// roundings for any regularisation.
///
/// # Errors
/// [`CollapseError::Input`] when a singular value is negative or not finite, there is no layer, or a regularisation is not
/// finite and positive; [`CollapseError::NotRepresentable`] when a layer energy leaves the range of `f64`.
///
/// ```
/// use solvable_theory::collapse::product_cost;
/// // M = 1: sqrt(lambda_W lambda_H) times the nuclear norm.
/// let cost = product_cost(&[3.0, 1.0, 0.0], &[0.04], 0.01)?;
/// assert!((cost.value - 0.02 * 4.0).abs() <= 1e-16);
/// # Ok::<(), solvable_theory::collapse::CollapseError>(())
/// ```
pub fn product_cost(
    singular_values: &[f64],
    lambda_w: &[f64],
    lambda_h: f64,
) -> Result<ProductCost, CollapseError> {
    InputError::check_count("M", lambda_w.len())?;
    for (i, &l) in lambda_w.iter().enumerate() {
        let argument = solvable_model::Argument::indexed("lambda_w_M_to_1", i);
        InputError::check(argument, l, l.is_finite() && l > 0.0, "finite and greater than 0")?;
    }
    InputError::check_positive("lambda_h", lambda_h)?;
    let regularisation = Regularisation::new(lambda_w, lambda_h);
    let mut layer_energy = Vec::with_capacity(singular_values.len());
    for (j, &s) in singular_values.iter().enumerate() {
        let argument = solvable_model::Argument::indexed("singular_values", j);
        InputError::check(argument, s, s.is_finite() && s >= 0.0, "finite and at least 0")?;
        layer_energy.push(if s == 0.0 {
            0.0
        } else {
            regularisation.layer_energy(s).value("a layer energy")?
        });
    }
    let value = 0.5 * regularisation.factors as f64 * solvable_linalg::sum_compensated(&layer_energy);
    Ok(ProductCost { value, layer_energy })
}
