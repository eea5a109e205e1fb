//! Batches against one network at a time, on every instruction set.
use rand::Rng;

use super::*;
use crate::monte_carlo::Stream;
use crate::normal;

/// One network by plain loops; sums in the order that the batch promises.
struct Single {
    widths: Vec<usize>,
    weights: Vec<Vec<f64>>,
    target: Vec<f64>,
}

fn product(
    a: impl Fn(usize, usize) -> f64,
    b: impl Fn(usize, usize) -> f64,
    (r, k, c): (usize, usize, usize),
) -> Vec<f64> {
    let mut out = vec![0.0; r * c];
    for i in 0..r {
        for j in 0..c {
            for l in 0..k {
                out[i * c + j] += a(i, l) * b(l, j);
            }
        }
    }
    out
}

impl Single {
    fn step(&mut self, step: f64) {
        let (w, n) = (&self.widths, self.widths[0]);
        let mut prefixes = vec![self.weights[0].clone()];
        for (l, weight) in self.weights.iter().enumerate().skip(1) {
            let p =
                product(|i, k| weight[i * w[l] + k], |k, j| prefixes[l - 1][k * n + j], (w[l + 1], w[l], n));
            prefixes.push(p);
        }
        let mut back: Vec<f64> =
            prefixes[prefixes.len() - 1].iter().zip(&self.target).map(|(p, a)| p - a).collect();
        for l in (1..self.weights.len()).rev() {
            let gradient =
                product(|i, k| back[i * n + k], |k, j| prefixes[l - 1][j * n + k], (w[l + 1], n, w[l]));
            let weight = &mut self.weights[l];
            back = product(|i, k| weight[k * w[l] + i], |k, j| back[k * n + j], (w[l], w[l + 1], n));
            weight.iter_mut().zip(&gradient).for_each(|(x, g)| *x -= step * g);
        }
        self.weights[0].iter_mut().zip(&back).for_each(|(x, g)| *x -= step * g);
    }
}

fn normals(stream: &mut Stream, n: usize, scale: f64) -> Vec<f64> {
    let mut z = vec![0.0; n];
    normal::fill(stream, &mut z);
    z.iter_mut().for_each(|x| *x *= scale);
    z
}

#[test]
fn batches_do_what_each_network_would_do_alone() {
    let mut stream = Stream::new(11, 0);
    let (mut whole_tiles, mut ragged) = (0, 0);
    let mut shapes =
        vec![vec![1, 1], vec![32, 32, 32, 32], vec![4, 8, 4, 8], vec![1, 32, 1], vec![5, 3, 7, 2, 6]];
    // Every width, with every remainder of a tile.
    shapes.extend((1..=LARGEST_WIDTH).map(|w| vec![w; 3]));
    for _ in 0..12 {
        let depth = 1 + (stream.next_u32() % 4) as usize;
        shapes.push((0..=depth).map(|_| 1 + (stream.next_u32() % 20) as usize).collect());
    }
    for widths in &shapes {
        if widths.iter().all(|w| w % 4 == 0) {
            whole_tiles += 1
        } else {
            ragged += 1
        }
        let replicas = 1 + (stream.next_u32() % 20) as usize;
        let mut singles = Vec::new();
        for _ in 0..replicas {
            let weights: Vec<Vec<f64>> = widths
                .windows(2)
                .map(|w| normals(&mut stream, w[0] * w[1], 1.0 / (w[0] as f64).sqrt()))
                .collect();
            let target = normals(&mut stream, widths[0] * widths[widths.len() - 1], 1.0);
            singles.push(Single { widths: widths.clone(), weights, target });
        }
        let batch = |isa| {
            let mut batch = DeepLinearBatch::new_on(isa, widths, replicas).unwrap();
            for (r, single) in singles.iter().enumerate() {
                for (l, w) in single.weights.iter().enumerate() {
                    batch.set_weight(r, l, w).unwrap();
                }
                batch.set_target(r, &single.target).unwrap();
            }
            batch
        };
        let mut batches: Vec<(String, DeepLinearBatch)> =
            Isa::available().into_iter().map(|isa| (format!("{isa:?}"), batch(isa))).collect();
        for (_, batch) in &mut batches {
            batch.descend(0.02, 5).unwrap();
        }
        // What other processors run.
        let mut plain = batch(Isa::Baseline);
        plain.descend_plain(0.02, 5);
        batches.push(("arrays".into(), plain));
        for single in &mut singles {
            (0..5).for_each(|_| single.step(0.02));
        }
        for (path, batch) in &batches {
            for (r, single) in singles.iter().enumerate() {
                for (l, w) in single.weights.iter().enumerate() {
                    let ours = batch.weight(r, l).unwrap();
                    assert!(
                        ours.iter().zip(w).all(|(a, b)| a.to_bits() == b.to_bits()),
                        "{path}, widths {widths:?}, replica {r}, layer {l}"
                    );
                }
            }
        }
    }
    assert!(whole_tiles > 0 && ragged > 0, "{whole_tiles} shapes of whole tiles, {ragged} ragged ones");
}

/// `w1 = w2 = s` toward 1: `s <- s - h (s^2 - 1) s`; and the gradient is the derivative of the loss.
#[test]
fn gradient_is_the_derivative_of_the_loss() {
    let mut stream = Stream::new(12, 0);
    let widths = [3, 5, 4];
    let mut batch = DeepLinearBatch::new(&widths, 1).unwrap();
    let weights = [normals(&mut stream, 15, 0.5), normals(&mut stream, 20, 0.5)];
    batch.set_target(0, &normals(&mut stream, 12, 1.0)).unwrap();
    for l in 0..2 {
        batch.set_weight(0, l, &weights[l]).unwrap();
    }
    let mut moved = batch.clone();
    moved.descend(1.0, 1).unwrap();
    for l in 0..2 {
        let gradient: Vec<f64> =
            weights[l].iter().zip(moved.weight(0, l).unwrap()).map(|(a, b)| a - b).collect();
        for at in 0..weights[l].len() {
            // The loss is a quadratic in one entry: central differences are exact but for rounding.
            let mut value = |h: f64| {
                let mut w = weights[l].clone();
                w[at] += h;
                batch.set_weight(0, l, &w).unwrap();
                let loss = batch.loss(0).unwrap();
                batch.set_weight(0, l, &weights[l]).unwrap();
                loss
            };
            let slope = (value(1.0) - value(-1.0)) / 2.0;
            let scale = value(1.0).abs() + value(-1.0).abs();
            assert!((slope - gradient[at]).abs() < 100.0 * f64::EPSILON * scale, "layer {l}, entry {at}");
        }
    }
}

#[test]
fn a_network_that_diverges_leaves_its_neighbours_alone() {
    let mut batch = DeepLinearBatch::new(&[1, 1, 1], 3).unwrap();
    for (r, w) in [1.1, 1e300, 0.9].into_iter().enumerate() {
        batch.set_weight(r, 0, &[w]).unwrap();
        batch.set_weight(r, 1, &[w]).unwrap();
        batch.set_target(r, &[1.0]).unwrap();
    }
    assert_eq!(batch.descend(0.1, 400), Err(BatchError::Diverged { replica: 1, count: 1 }));
    assert_eq!([0, 1, 2].map(|r| batch.is_finite(r)), [Ok(true), Ok(false), Ok(true)]);
    assert!(matches!(batch.loss(1), Err(BatchError::Loss { replica: 1, value }) if !value.is_finite()));
    // (s^2 - 1) shrinks by 0.8 a step near s = 1: below rounding long before the 400th.
    assert!(batch.loss(0).unwrap() < 1e-30 && batch.loss(2).unwrap() < 1e-30);
}

#[test]
fn bad_batches_are_refused() {
    assert_eq!(DeepLinearBatch::new(&[3], 1).unwrap_err(), BatchError::NoLayers { given: 1 });
    assert_eq!(DeepLinearBatch::new(&[3, 33], 1).unwrap_err(), BatchError::Width { index: 1, width: 33 });
    assert_eq!(DeepLinearBatch::new(&[0, 3], 1).unwrap_err(), BatchError::Width { index: 0, width: 0 });
    assert_eq!(DeepLinearBatch::new(&[3, 3], 0).unwrap_err(), BatchError::NoReplicas);
    let mut batch = DeepLinearBatch::new(&[2, 3], 9).unwrap();
    assert!(matches!(batch.set_weight(9, 0, &[0.0; 6]), Err(BatchError::OutOfRange { what: "replica", .. })));
    assert!(matches!(batch.set_weight(8, 1, &[0.0; 6]), Err(BatchError::OutOfRange { what: "layer", .. })));
    assert!(matches!(batch.set_weight(8, 0, &[0.0; 5]), Err(BatchError::Entries { given: 5, .. })));
    assert!(matches!(
        batch.set_target(0, &[f64::NAN; 6]),
        Err(BatchError::NotFinite { name: "a target", .. })
    ));
    assert!(matches!(batch.descend(f64::INFINITY, 1), Err(BatchError::NotFinite { name: "the step", .. })));
}
