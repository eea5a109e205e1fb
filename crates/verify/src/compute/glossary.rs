//! What the input keys mean, for `solvable describe`: one table a chapter, in the symbols of the book.

/// The meaning of an input key of a claim, in a few words.
///
/// Every key of every block has one.
#[must_use]
pub fn meaning(claim: &str, key: &str) -> Option<&'static str> {
    match claim.split('-').next()? {
        "ICL" => in_context(claim, key),
        "AGG" => aggregate(claim, key),
        "DP" => private(claim, key),
        "NC" => collapse(claim, key),
        _ => None,
    }
}

fn in_context(claim: &str, key: &str) -> Option<&'static str> {
    Some(match (key, claim) {
        // The depth chapter writes examples as columns, as its papers do; a whole layer takes a data table.
        ("X", "ICL-1") => "the N context covariates, one a row (N x d)",
        ("X", "ICL-52" | "ICL-59") => "the N context covariates, one a column (d x N)",
        ("X", _) => "the N context covariates, one a column (d x N); N x d is read too where only that fits",
        ("y", "ICL-57") => "the label, or the labels of the context",
        ("y", _) => "the N labels of the context",
        ("Y", _) => "the labels of the context, one example a column (m x N), or a row where only that fits",
        ("x_q", _) => "covariate of the query",
        ("x", _) => "covariate of the example",
        ("Lambda" | "Sigma", _) => "covariance of the covariates, d x d",
        ("Psi", _) => "second moment of the task w, d x d",
        ("lambda", "ICL-57") => "ridge",
        ("lambda", _) => "covariance of the covariates: its diagonal, or a multiple of the identity",
        ("psi", _) => "second moment of the task: its diagonal, or a multiple of the identity",
        ("sigma2", _) => "variance of the label noise, at least 0",
        ("tau2", _) => "variance of each coordinate of the task",
        ("N" | "n", _) => "context length, at least 1",
        ("M", "ICL-5" | "ICL-8" | "ICL-9" | "ICL-10") => "context length of the test prompts",
        ("M", _) => "upper end of the spectrum",
        ("m", _) => "lower end of the spectrum, positive",
        ("d", _) => "dimension of the covariates, at least 1",
        ("lengths", _) => "context lengths, each as likely as another",
        ("A", "ICL-33") => "block A of each layer, d x d",
        ("A", _) => "matrix of the predictor x_q' A s, d x d",
        ("B", _) => "block B of each layer, d x d",
        ("k", "ICL-16") => "largest rank",
        ("k", _) => "order of the moment",
        ("beta", _) => "B = Lambda^(1/2) Psi Lambda^(1/2), a multiple of the identity",
        ("train", _) => "the training law",
        ("Lambda_c", _) => "covariance of the context covariates at test",
        ("Lambda_q", _) => "second moment of the query at test",
        ("Psi_test", _) => "second moment of the task at test",
        ("sigma2_test", _) => "variance of the label noise at test",
        ("w", "ICL-8") => "the task at test",
        ("w", _) => "weights before the step",
        ("E_xy", _) => "E[x y]",
        ("Cov_xy", _) => "covariance of x y",
        ("E_y2", _) => "E[y^2]",
        ("weights", _) => "probabilities of the components, of sum 1",
        ("Lambdas", _) => "covariance of the covariates in each component",
        ("Psis", _) => "second moment of the task in each component",
        ("sigma2s", _) => "noise variance of each component",
        ("Ns", _) => "context length of each component",
        ("spectra", _) => "diagonal of the covariance in each component",
        ("coefficients_c0_to_c3", _) => {
            "coefficients of the polynomial g, constant first (others than 4 are read too)"
        }
        ("directions", _) => "direction v of each component",
        ("Q", _) => "symmetric matrix of the quadratic form",
        ("kappa", _) => "E r^4 - 1, at least 0",
        ("prior_mean", _) => "mean of the task",
        ("prior_cov", _) => "covariance of the task",
        ("W_PV", _) => "value and projection matrix, (d+1) x (d+1)",
        ("W_KQ", _) => "key and query matrix, (d+1) x (d+1)",
        ("W0", _) => "initial weights, outputs x d",
        ("p", _) => "first d entries of the last row of W_PV",
        ("u", _) => "last entry of W_PV",
        ("q", _) => "first d entries of the last row of W_KQ",
        ("U", _) => "upper-left block of W_KQ, d x d",
        ("rho", _) => "normaliser of attention: N in the papers, N + 1 in some code",
        ("query_in_attention", _) => "whether the query column is among keys and values",
        ("U0", _) => "U at time 0, d x d",
        ("U0_diag", _) => "diagonal of U at time 0",
        ("u0", _) => "u at time 0",
        ("theta0", _) => "U = theta0 I/sqrt(d) at time 0",
        ("times" | "t", _) => "time, at least 0",
        ("c", "ICL-20" | "ICL-24") => "conserved quantity u^2 - |U|_F^2",
        ("c", _) => "aspect ratio, the limit of d/N",
        ("s", _) => "noise, sigma2/(N tau2)",
        ("K" | "L", _) => "depth, the number of layers",
        ("etas" | "etas1" | "etas2", _) => "steps, one a layer",
        ("eta", _) => "step",
        ("alpha", _) => "step",
        ("gammas", _) => "corrections, one a layer (the last may be left out)",
        ("gamma", _) => "correction of the covariates, x - gamma S x",
        ("lambdas", _) => "eigenvalues at which to evaluate",
        ("a", "ICL-43") => "inputs are uniform on [-a, a]",
        ("a", _) => "steps, one a layer",
        ("b", _) => "corrections, one a layer",
        _ => return None,
    })
}

fn aggregate(claim: &str, key: &str) -> Option<&'static str> {
    Some(match (key, claim) {
        ("X", _) => "the n covariates, one a row (n x d); bags are k consecutive rows",
        ("y", _) => "the n labels",
        ("f", _) => "the n predictions; bags are k consecutive ones",
        ("loss", _) => "\"squared\", \"logistic\" or \"poisson\"",
        ("k", "AGG-4" | "AGG-5" | "AGG-8" | "AGG-11" | "AGG-12" | "AGG-13") => {
            "bag size, at least 1, not only whole"
        }
        ("k", "AGG-10") => "bag size, or bag sizes",
        ("k", _) => "bag size, a divisor of the number of rows",
        ("k_min", _) => "least bag size",
        ("theta", _) => "parameter at which the losses are taken",
        ("theta0", _) => "parameter at time 0",
        ("rho", _) => {
            "weight of the bag-level loss: 1 bag level, 0 instance level, \"1-\" the limit from below 1"
        }
        ("lam", _) => "ridge, beside losses that are means",
        ("gamma", _) => "d/n, features over rows",
        ("n", _) => "rows",
        ("d", _) => "features",
        ("r2", _) => "signal energy |theta*|^2",
        ("s2", _) => "variance of the label noise",
        ("sigma", _) => "distinct eigenvalues of the covariance",
        ("weight", _) => "multiplicity of each eigenvalue over n",
        ("theta2", _) => "energy of theta* in each eigenspace",
        ("fraction", _) => "share of the rows in each group, of sum 1",
        ("row_weight", _) => "weight of a row of each group",
        ("target", _) => "labels of each group are target x' theta* plus noise",
        ("noise_variance", _) => "noise variance of each group",
        ("T", _) => "labels are clipped to [-T, T]",
        ("eps", _) => "label privacy; null or left out for no noise",
        ("z", _) => "projections of the rows on the signal; bags are k consecutive ones",
        ("x", _) => "the values to bag, in any order",
        ("m", _) => "number of bins",
        ("t", _) => "times, at least 0",
        _ => return None,
    })
}

fn private(claim: &str, key: &str) -> Option<&'static str> {
    Some(match (key, claim) {
        ("data", "DP-5") => "an odd number of points [i, j] of the q x q grid",
        ("data", "DP-6") => "data in [lo, hi]",
        ("data" | "data_a" | "data_b", _) => "data in {0, ..., q-1}",
        ("q", _) => "size of the universe {0, ..., q-1}",
        ("n", _) => "number of data",
        ("j", "DP-9") => "number of corrupted points",
        ("j", _) => "rank of the order statistic, from 1; the lower median of an even n has j = n/2",
        ("eps", _) => "privacy level, positive",
        ("functional", "DP-6") => "\"median\" (of an odd number of data) or \"mean\"",
        ("functional", "DP-7") => "\"sum\", \"plane_median\" or \"trimmed_sum_J\" with a whole number J",
        ("functional", _) => "\"sum\", \"trimmed_sum_J\" or \"order_statistic_J\" with a whole number J",
        ("lo" | "hi", _) => "ends of the interval of data and outputs",
        ("rho", _) => "smoothing radius",
        ("queries", _) => "points at which to take the density",
        ("radii", _) => "distances from the functional at which to take the tail",
        ("R", "DP-8") => "outputs lie in the ball of radius R",
        ("R", _) => "data are clamped to [-R, R]",
        ("a", _) => "distance of the median from 0",
        ("d", _) => "dimension of the output",
        ("beta", _) => "failure probability, in (0, 1)",
        ("event", _) => "list of outputs",
        ("density", _) => "density of the data at their median",
        _ => return None,
    })
}

fn collapse(claim: &str, key: &str) -> Option<&'static str> {
    Some(match (key, claim) {
        ("class_counts", _) => "samples of each class",
        ("widths_M_to_1", _) => "widths of the hidden layers, from the logits down",
        ("lambda_w_M_to_1", _) => "weight decay of each linear layer, from the logits down",
        ("lambda_w", _) => "weight decay of the classifier, positive",
        ("lambda_h", _) => "decay of the features, positive",
        ("lambda_b", _) => "decay of the bias, where it is regularised",
        ("lambda", "NC-16") => "sqrt(lambda_w lambda_h), positive",
        ("lambda", "NC-22") => "decay of every factor, at least 0",
        ("lambda", _) => "decay of every factor, positive",
        ("bias", "NC-08") => "\"none\" or \"unregularised\" (\"free\")",
        ("bias", _) => {
            "\"none\", \"unregularised\" (\"free\"), or \"regularised\" with lambda_b; not every claim has all"
        }
        ("singular_values", _) => "singular values of the product",
        ("M", _) => "depth, the number of linear layers after the features",
        ("beta", _) => "coefficient of x, positive",
        ("K", _) => "number of classes",
        ("n", _) => "samples of each class",
        ("k_A" | "k_B", _) => "number of classes of the group",
        ("n_A" | "n_B", _) => "samples of each class of the group",
        ("width" | "d", _) => "width of the features",
        ("value", _) => "value of the objective",
        ("H", _) => "features, one sample a column (d x N)",
        ("labels", _) => "class of each sample, from 0",
        ("W", _) => "end-to-end classifier (K x d)",
        ("b", _) => "bias of each class",
        ("gof_target", _) => "diagonal of the target of W W'",
        ("B0", _) => "imbalance of two neighbouring layers at time 0",
        ("u0", _) => "common singular value of the logits at time 0",
        ("m0" | "m1", _) => "margins at start and end",
        ("s0" | "s1", _) => "layer scales at start and end",
        ("t", _) => "times, at least 0",
        ("active", _) => "active classes of each critical point, from 0",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compute::{Key, Shape, blocks};

    fn check(claim: &str, keys: &[Key], missing: &mut Vec<String>, seen: &mut usize) {
        for key in keys {
            *seen += 1;
            if meaning(claim, key.name).is_none() {
                missing.push(format!("{claim}: {}", key.name));
            }
            if let Shape::Object(inner) = key.shape {
                check(claim, inner, missing, seen);
            }
        }
    }

    #[test]
    fn every_key_has_a_meaning() {
        let (mut missing, mut seen) = (Vec::new(), 0);
        for block in blocks() {
            check(block.claim, block.inputs, &mut missing, &mut seen);
        }
        assert!(missing.is_empty(), "{missing:?}");
        assert!(seen > 400, "only {seen} keys");
    }

    #[test]
    fn symbols_of_two_meanings_are_told_apart() {
        assert_ne!(meaning("ICL-5", "M"), meaning("ICL-35", "M"));
        assert_ne!(meaning("ICL-20", "c"), meaning("ICL-47", "c"));
        assert_ne!(meaning("ICL-1", "X"), meaning("ICL-31", "X"));
        assert_ne!(meaning("NC-16", "lambda"), meaning("NC-24", "lambda"));
        assert_eq!(meaning("ICL-3", "no such key"), None);
        assert_eq!(meaning("XYZ-3", "N"), None);
    }
}
