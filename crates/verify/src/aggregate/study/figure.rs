//! The picture of a study.
use super::{GridRow, Study};
use crate::figure::{Axis, Colour, Figure, Panel};

impl Study {
    /// Predicted and measured error against the ridge and against bag size.
    #[must_use]
    pub fn figure(&self) -> Figure {
        let mut rhos: Vec<f64> = self.grid.iter().map(|row| row.rho).collect();
        rhos.dedup();
        let shown: Vec<f64> = match rhos.len() {
            0..=3 => rhos,
            len => vec![rhos[0], rhos[len / 2], rhos[len - 1]],
        };
        let colours = [Colour::Blue, Colour::Green, Colour::Orange];
        let mut ridge = Panel::new(Axis::log("ridge lambda"), Axis::linear("squared error of one label"))
            .title("Predicted from bags, measured on individuals");
        for (&rho, colour) in shown.iter().zip(colours) {
            let rows = || self.grid.iter().filter(move |row| row.rho == rho && row.lambda > 0.0);
            let predicted = rows().filter(|r| r.predicted.is_finite()).map(|r| (r.lambda, r.predicted));
            ridge = ridge.line(format!("predicted, rho = {rho}"), colour, predicted);
            let measured = |r: &GridRow| Some((r.lambda, r.measured?, 1.96 * r.measured_error?));
            let points: Vec<_> = rows().filter_map(measured).collect();
            if !points.is_empty() {
                ridge = ridge.points(format!("measured, rho = {rho}"), colour, points);
            }
            let scores: Vec<_> = rows().filter_map(|r| Some((r.lambda, r.gcv?))).collect();
            ridge = ridge.dotted(format!("GCV, rho = {rho}"), colour, scores);
        }
        let sizes = |f: fn(&super::SizeRow) -> f64| {
            let rows = self.by_size.iter().map(move |row| (row.k as f64, f(row)));
            rows.filter(|(_, y)| y.is_finite()).collect::<Vec<_>>()
        };
        let size = Panel::new(Axis::log("bag size k"), Axis::linear("predicted squared error of one label"))
            .title("Bag size")
            .line("instance level, tuned ridge", Colour::Blue, sizes(|r| r.instance))
            .line("bag level, tuned ridge", Colour::Orange, sizes(|r| r.bag));
        let privacy = match self.privacy {
            Some(p) => match p.epsilon {
                Some(epsilon) => format!(", labels clipped at {}, epsilon = {epsilon}", p.clip),
                None => format!(", labels clipped at {}", p.clip),
            },
            None => String::new(),
        };
        Figure::new(format!(
            "{}: {} training rows, d = {}, {} bags of {}{}, {} held out, {} splits, seed {}",
            self.features.display(),
            self.training,
            self.dimension,
            self.bags,
            if self.sizes.0 == self.sizes.1 {
                self.sizes.0.to_string()
            } else {
                format!("{} to {}", self.sizes.0, self.sizes.1)
            },
            privacy,
            self.held_out,
            self.repeats,
            self.seed
        ))
        .panel(ridge)
        .panel(size)
    }
}
