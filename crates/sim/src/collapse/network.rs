//! A small network on real inputs: one hidden layer makes the features, a deep linear head classifies them.
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};
use solvable_linalg::{Mat, MatMut, MatRef, dot, matmul, matmul_into, sum_compensated};
use solvable_model::collapse::ClassLoss;
use solvable_model::{InputError, Objective};

/// Sizes, loss and regularisation of a [`Network`].
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkOptions {
    /// Hidden units p.
    pub hidden: usize,
    /// Widths d_M, ..., d_1 of the head; d_1 is the dimension of the features.
    pub widths: Vec<usize>,
    /// Loss of a sample.
    pub loss: ClassLoss,
    /// Whether the head has a bias; it is not regularised.
    pub bias: bool,
    /// Weight of `|W_m|²/2` for every layer of the head.
    pub lambda_w: f64,
    /// Weight of `|H|²/2`, the features of all samples.
    pub lambda_h: f64,
    /// Weight of half the squared norm of the two matrices below the features.
    pub lambda_backbone: f64,
}

/// Training loss of `logits_i = W_M ... W_1 h_i + b`, `h_i = U tanh(V x_i + c)`, over fixed inputs:
///
/// `(1/N) Σ loss + λ_W Σ|W_m|²/2 + λ_H |H|²/2 + λ_0 (|U|² + |V|²)/2`.
///
/// Where the hidden layer can give every sample the features it wants, this is the problem of free features. Parameters:
/// V (p x inputs), c, U (d_1 x p), then W_M, ..., W_1, b; matrices row by row. One evaluation costs
/// `O(N p (inputs + d_1))` and allocates nothing.
#[derive(Clone, Debug)]
pub struct Network {
    inputs: Mat<f64>,
    labels: Vec<usize>,
    classes: usize,
    options: NetworkOptions,
    /// Rows, columns and first entry of V, c, U, W_M, ..., W_1, b.
    blocks: Vec<(usize, usize, usize)>,
}

/// Temporaries of [`Network`].
#[derive(Clone, Debug)]
pub struct NetworkWork {
    hidden: Mat<f64>,
    features: Mat<f64>,
    back_hidden: Mat<f64>,
    back_features: Mat<f64>,
    logits: Mat<f64>,
    prefix: Vec<Mat<f64>>,
    suffix: Vec<Mat<f64>>,
    terms: Vec<f64>,
}

impl Network {
    /// `inputs` has one column a sample; labels count from 0.
    ///
    /// # Errors
    /// [`InputError`] for sizes of 0, a number of labels other than that of columns, or a regularisation that is
    /// negative or not finite.
    pub fn new(
        inputs: MatRef<'_, f64>,
        labels: &[usize],
        options: NetworkOptions,
    ) -> Result<Self, InputError> {
        InputError::check_count("samples", labels.len())?;
        InputError::check_count("inputs", inputs.nrows())?;
        InputError::check_count("hidden", options.hidden)?;
        InputError::check_count("M", options.widths.len())?;
        for &width in &options.widths {
            InputError::check_count("widths", width)?;
        }
        if inputs.ncols() != labels.len() {
            return Err(InputError::Shape {
                argument: "inputs".into(),
                found: (inputs.nrows(), inputs.ncols()),
                expected: (inputs.nrows(), labels.len()),
            });
        }
        InputError::check_nonnegative("lambda_w", options.lambda_w)?;
        InputError::check_nonnegative("lambda_h", options.lambda_h)?;
        InputError::check_nonnegative("lambda_backbone", options.lambda_backbone)?;
        let classes = labels.iter().max().map_or(0, |&m| m + 1);
        let (p, d1) = (options.hidden, options.widths[options.widths.len() - 1]);
        let mut shapes = vec![(p, inputs.nrows()), (p, 1), (d1, p)];
        let mut rows = classes;
        for &columns in &options.widths {
            shapes.push((rows, columns));
            rows = columns;
        }
        if options.bias {
            shapes.push((classes, 1));
        }
        let mut offset = 0;
        let blocks = shapes
            .into_iter()
            .map(|(rows, columns)| {
                let block = (rows, columns, offset);
                offset += rows * columns;
                block
            })
            .collect();
        Ok(Self { inputs: inputs.to_owned(), labels: labels.to_vec(), classes, options, blocks })
    }

    /// A random start: normal entries of variance 1/fan-in, `scale` times that in the head; biases 0.
    #[must_use]
    pub fn start(&self, scale: f64, rng: &mut impl Rng) -> Vec<f64> {
        let mut x = vec![0.0; self.dimension()];
        for (i, &(rows, columns, offset)) in self.blocks.iter().enumerate() {
            if columns > 1 || i == 0 {
                let deviation = if i < 3 { 1.0 } else { scale } / (columns as f64).sqrt();
                for v in &mut x[offset..offset + rows * columns] {
                    let normal: f64 = StandardNormal.sample(rng);
                    *v = deviation * normal;
                }
            }
        }
        x
    }

    /// Features of all samples, d_1 x N.
    #[must_use]
    pub fn features(&self, x: &[f64]) -> Mat<f64> {
        let mut work = self.work();
        self.forward(x, &mut work);
        work.features
    }

    /// The end-to-end classifier, K x d_1.
    #[must_use]
    pub fn classifier(&self, x: &[f64]) -> Mat<f64> {
        let head = self.head();
        head[1..].iter().fold(view(x, head[0]).to_owned(), |w, &b| matmul(w.as_ref(), view(x, b)))
    }

    /// The bias of the head; zeros where there is none.
    #[must_use]
    pub fn bias(&self, x: &[f64]) -> Vec<f64> {
        self.bias_block().map_or_else(|| vec![0.0; self.classes], |start| x[start..].to_vec())
    }

    fn head(&self) -> &[(usize, usize, usize)] {
        &self.blocks[3..3 + self.options.widths.len()]
    }

    fn bias_block(&self) -> Option<usize> {
        self.blocks.get(3 + self.options.widths.len()).map(|b| b.2)
    }

    /// Fills all activations; returns the penalty.
    fn forward(&self, x: &[f64], work: &mut NetworkWork) -> f64 {
        let [v, c, u] = [self.blocks[0], self.blocks[1], self.blocks[2]];
        matmul_into(work.hidden.as_mut(), view(x, v), self.inputs.as_ref());
        let shift = &x[c.2..c.2 + c.0];
        for i in 0..self.labels.len() {
            for (a, s) in column(work.hidden.as_mut(), i).iter_mut().zip(shift) {
                *a = (*a + s).tanh();
            }
        }
        matmul_into(work.features.as_mut(), view(x, u), work.hidden.as_ref());
        let head = self.head();
        work.prefix[0].copy_from(view(x, head[0]));
        for i in 1..head.len() {
            let (above, here) = work.prefix.split_at_mut(i);
            matmul_into(here[0].as_mut(), above[i - 1].as_ref(), view(x, head[i]));
        }
        let classifier = work.prefix[head.len() - 1].as_ref();
        matmul_into(work.logits.as_mut(), classifier, work.features.as_ref());
        let mut penalty = 0.0;
        if let Some(start) = self.bias_block() {
            for i in 0..self.labels.len() {
                column(work.logits.as_mut(), i).iter_mut().zip(&x[start..]).for_each(|(z, b)| *z += b);
            }
        }
        let o = &self.options;
        for (block, weight) in [v, u]
            .into_iter()
            .zip([o.lambda_backbone; 2])
            .chain(head.iter().copied().zip(std::iter::repeat(o.lambda_w)))
        {
            let entries = &x[block.2..block.2 + block.0 * block.1];
            penalty += 0.5 * weight * dot(entries, entries);
        }
        for i in 0..self.labels.len() {
            let h = column(work.features.as_mut(), i);
            penalty += 0.5 * o.lambda_h * dot(h, h);
        }
        penalty
    }
}

impl Objective for Network {
    type Work = NetworkWork;

    fn dimension(&self) -> usize {
        self.blocks[self.blocks.len() - 1].2 + {
            let (rows, columns, _) = self.blocks[self.blocks.len() - 1];
            rows * columns
        }
    }

    fn work(&self) -> NetworkWork {
        let (n, p, d1) = (self.labels.len(), self.options.hidden, self.blocks[2].0);
        let thin = || self.options.widths.iter().map(|&d| Mat::zeros(self.classes, d)).collect::<Vec<_>>();
        NetworkWork {
            hidden: Mat::zeros(p, n),
            features: Mat::zeros(d1, n),
            back_hidden: Mat::zeros(p, n),
            back_features: Mat::zeros(d1, n),
            logits: Mat::zeros(self.classes, n),
            prefix: thin(),
            suffix: thin(),
            terms: vec![0.0; n],
        }
    }

    fn value(&self, x: &[f64], work: &mut NetworkWork) -> f64 {
        let penalty = self.forward(x, work);
        let weight = 1.0 / self.labels.len() as f64;
        for (i, &k) in self.labels.iter().enumerate() {
            work.terms[i] = weight * self.options.loss.value(column(work.logits.as_mut(), i), k);
        }
        sum_compensated(&work.terms) + penalty
    }

    fn gradient(&self, x: &[f64], gradient: &mut [f64], work: &mut NetworkWork) {
        self.value_and_gradient(x, gradient, work);
    }

    fn value_and_gradient(&self, x: &[f64], gradient: &mut [f64], work: &mut NetworkWork) -> f64 {
        let penalty = self.forward(x, work);
        let weight = 1.0 / self.labels.len() as f64;
        gradient.fill(0.0);
        for (i, &k) in self.labels.iter().enumerate() {
            let z = column(work.logits.as_mut(), i);
            work.terms[i] = weight * self.options.loss.derivative_in_place(z, k);
            z.iter_mut().for_each(|d| *d *= weight);
            if let Some(start) = self.bias_block() {
                gradient[start..].iter_mut().zip(&*z).for_each(|(g, d)| *g += d);
            }
        }
        let head = self.head();
        let depth = head.len();
        // From the logits to the features, then through the head from below.
        let (back, logits) = (work.back_features.as_mut(), work.logits.as_ref());
        matmul_into(back, work.prefix[depth - 1].transpose(), logits);
        matmul_into(work.suffix[depth - 1].as_mut(), logits, work.features.transpose());
        for i in (0..depth).rev() {
            if i + 1 < depth {
                let (here, below) = work.suffix.split_at_mut(i + 1);
                matmul_into(here[i].as_mut(), below[0].as_ref(), view(x, head[i + 1]).transpose());
            }
            let mut out = view_mut(gradient, head[i]);
            if i == 0 {
                out.copy_from(work.suffix[0].as_ref());
            } else {
                matmul_into(out, work.prefix[i - 1].transpose(), work.suffix[i].as_ref());
            }
        }
        let o = &self.options;
        for i in 0..self.labels.len() {
            let h = column(work.features.as_mut(), i);
            let back = column(work.back_features.as_mut(), i);
            back.iter_mut().zip(&*h).for_each(|(b, h)| *b += o.lambda_h * h);
        }
        let [v, c, u] = [self.blocks[0], self.blocks[1], self.blocks[2]];
        matmul_into(view_mut(gradient, u), work.back_features.as_ref(), work.hidden.transpose());
        matmul_into(work.back_hidden.as_mut(), view(x, u).transpose(), work.back_features.as_ref());
        for i in 0..self.labels.len() {
            let a = column(work.hidden.as_mut(), i);
            let back = column(work.back_hidden.as_mut(), i);
            back.iter_mut().zip(&*a).for_each(|(b, a)| *b *= 1.0 - a * a);
            gradient[c.2..c.2 + c.0].iter_mut().zip(&*back).for_each(|(g, b)| *g += b);
        }
        matmul_into(view_mut(gradient, v), work.back_hidden.as_ref(), self.inputs.transpose());
        for (block, weight) in [v, u]
            .into_iter()
            .zip([o.lambda_backbone; 2])
            .chain(head.iter().copied().zip(std::iter::repeat(o.lambda_w)))
        {
            let range = block.2..block.2 + block.0 * block.1;
            gradient[range.clone()].iter_mut().zip(&x[range]).for_each(|(g, v)| *g += weight * v);
        }
        sum_compensated(&work.terms) + penalty
    }
}

fn view(x: &[f64], (rows, columns, offset): (usize, usize, usize)) -> MatRef<'_, f64> {
    MatRef::from_row_major_slice(&x[offset..offset + rows * columns], rows, columns)
}

fn view_mut(x: &mut [f64], (rows, columns, offset): (usize, usize, usize)) -> MatMut<'_, f64> {
    MatMut::from_row_major_slice_mut(&mut x[offset..offset + rows * columns], rows, columns)
}

/// Column `c` of a matrix stored column by column.
fn column(matrix: MatMut<'_, f64>, c: usize) -> &mut [f64] {
    matrix.col_mut(c).try_as_col_major_mut().expect("an owned matrix is stored by columns").as_slice_mut()
}
