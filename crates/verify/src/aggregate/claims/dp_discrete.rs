//! DP-1, 3, 4, 5, 7, 10, 12, 13: the inverse-sensitivity mechanism on finite universes, by trying all datasets.
use solvable_model::aggregate::{DiscreteData, Epsilon, PlaneData};
use solvable_sim::aggregate::private::{DiscreteMechanism, Universe, coordinatewise_median};
use solvable_theory::aggregate::private::{
    FiniteLaw, inverse_sensitivity_law, order_statistic_lengths, order_statistic_privacy_loss, packing_bound,
    path_lengths, plane_median_lengths, plane_median_privacy_loss, robust_failure, sum_lengths,
    sum_privacy_loss,
};

use crate::check::{Bound, Budget, Identity};
use crate::{Cell, Chapter, CheckError, Claim, Parameters};

/// The functional that is made private.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Order(usize),
    Sum,
    /// Coordinatewise median on a q x q grid.
    Plane,
}

#[derive(Clone, Copy, Debug)]
struct Setting {
    kind: Kind,
    q: usize,
    n: usize,
    epsilon: f64,
}

impl Cell for Setting {
    fn parameters(&self) -> Parameters {
        let (name, j) = match self.kind {
            Kind::Order(j) => ("order statistic", j),
            Kind::Sum => ("sum", 0),
            Kind::Plane => ("plane median", 0),
        };
        Parameters::new()
            .with("f", name)
            .with("j", j)
            .with("q", self.q)
            .with("n", self.n)
            .with("eps", self.epsilon)
    }
}

impl Setting {
    /// Everything by enumeration.
    fn enumerated(&self) -> Result<DiscreteMechanism, CheckError> {
        let (q, n) = (self.q, self.n);
        Ok(match self.kind {
            Kind::Order(j) => DiscreteMechanism::new(Universe::new(q, n)?, (0..q).collect(), |data| {
                let mut sorted = data.to_vec();
                sorted.sort_unstable();
                sorted[j - 1]
            }),
            Kind::Sum => {
                let outputs = (0..=n * (q - 1)).collect();
                DiscreteMechanism::new(Universe::new(q, n)?, outputs, |data| data.iter().sum())
            }
            Kind::Plane => DiscreteMechanism::new(Universe::new(q * q, n)?, (0..q * q).collect(), |data| {
                coordinatewise_median(q, data)
            }),
        })
    }

    /// Path lengths by formula.
    fn lengths(&self, data: &[usize]) -> Result<Vec<usize>, CheckError> {
        Ok(match self.kind {
            Kind::Order(j) => order_statistic_lengths(&DiscreteData::new(self.q, data)?, j)?,
            Kind::Sum => sum_lengths(&DiscreteData::new(self.q, data)?)?,
            Kind::Plane => plane_median_lengths(&PlaneData::new(self.q, &self.points(data))?)?,
        })
    }

    fn points(&self, data: &[usize]) -> Vec<[usize; 2]> {
        data.iter().map(|&c| [c / self.q, c % self.q]).collect()
    }

    fn law(&self, data: &[usize], epsilon: f64) -> Result<FiniteLaw, CheckError> {
        let lengths: Vec<Option<usize>> = self.lengths(data)?.into_iter().map(Some).collect();
        Ok(inverse_sensitivity_law(&lengths, Epsilon::new(epsilon)?)?)
    }

    /// A vector of every multiset, joined.
    fn over_datasets(
        &self,
        f: impl Fn(&[usize]) -> Result<Vec<f64>, CheckError>,
    ) -> Result<Vec<f64>, CheckError> {
        let symbols = if self.kind == Kind::Plane { self.q * self.q } else { self.q };
        let mut all = Vec::new();
        for data in Universe::new(symbols, self.n)?.sorted() {
            all.extend(f(&data)?);
        }
        Ok(all)
    }
}

fn numbers(lengths: impl IntoIterator<Item = usize>) -> Vec<f64> {
    lengths.into_iter().map(|l| l as f64).collect()
}

/// Lengths found by trying all datasets, after a distortion of each.
fn enumerated_lengths(c: &Setting, distort: impl Fn(usize) -> f64) -> Result<Vec<f64>, CheckError> {
    let mechanism = c.enumerated()?;
    c.over_datasets(|data| {
        // Unattainable outputs (there are none here) would be -1.
        Ok(mechanism.lengths(data).into_iter().map(|l| l.map_or(-1.0, &distort)).collect())
    })
}

fn setting(kind: Kind, q: usize, n: usize, epsilon: f64) -> Setting {
    Setting { kind, q, n, epsilon }
}

fn order_cells(budget: Budget) -> Vec<Setting> {
    let mut cells: Vec<Setting> =
        [(4, 5, 3), (5, 4, 2), (4, 4, 3), (3, 5, 1), (4, 5, 1), (4, 5, 5), (3, 4, 2), (1, 3, 2), (4, 1, 1)]
            .map(|(q, n, j)| setting(Kind::Order(j), q, n, 1.0))
            .to_vec();
    if budget == Budget::Full {
        cells.extend([(7, 5, 3), (3, 9, 5), (5, 6, 4)].map(|(q, n, j)| setting(Kind::Order(j), q, n, 1.0)));
    }
    cells
}

pub(super) fn order_statistic() -> Claim {
    let check = Identity::new(
        "lengths",
        "path length to every output, for every dataset of the universe, against all datasets",
        |budget, _| order_cells(budget),
        |c: &Setting| c.over_datasets(|data| Ok(numbers(c.lengths(data)?))),
        |c| enumerated_lengths(c, |l| l as f64),
        |_| Ok(f64::EPSILON),
    )
    .wrong("rank j + 1", |c| {
        let Kind::Order(j) = c.kind else { return Ok(Vec::new()) };
        let other = if j < c.n { j + 1 } else { j.max(2) - 1 };
        let shifted = Setting { kind: Kind::Order(other), ..*c };
        c.over_datasets(|data| Ok(numbers(shifted.lengths(data)?)))
    })
    .wrong("the two excesses added to the distance of the value", |c| {
        c.over_datasets(|data| {
            Ok(c.lengths(data)?.into_iter().map(|l| if l > 0 { l as f64 + 1.0 } else { 0.0 }).collect())
        })
    })
    .broken("insertions and deletions counted: two a replacement", |c| {
        enumerated_lengths(c, |l| 2.0 * l as f64)
    });
    claim(
        "DP-3",
        "Path length of an order statistic",
        "For $f(S)=x_{(j)}$ with $L=\\#\\{x_i<t\\}$ and $U=\\#\\{x_i>t\\}$, the least number of replaced points that makes $t$ the $j$-th smallest is \
            $$\\mathrm{len}(S;t)=\\max(0,\\,L-(j-1),\\,U-(n-j)).$$",
        "Data and outputs in one totally ordered universe; replacement neighbours.",
        "derived",
        "solvable_theory::aggregate::private::order_statistic_lengths",
        "solvable_sim::aggregate::private::DiscreteMechanism, all datasets",
        vec![Box::new(check)],
    )
}

pub(super) fn sum() -> Claim {
    let check = Identity::new(
        "lengths",
        "path length of the sum to every output, for every dataset of the universe, against all datasets",
        |budget, _| {
            let mut cells =
                [(3, 4), (4, 3), (2, 6), (5, 2), (1, 3)].map(|(q, n)| setting(Kind::Sum, q, n, 1.0)).to_vec();
            if budget == Budget::Full {
                cells.extend([(4, 6), (3, 7), (6, 4)].map(|(q, n)| setting(Kind::Sum, q, n, 1.0)));
            }
            cells
        },
        |c: &Setting| c.over_datasets(|data| Ok(numbers(c.lengths(data)?))),
        |c| enumerated_lengths(c, |l| l as f64),
        |_| Ok(f64::EPSILON),
    )
    .wrong("distance over the largest step, rounded up", |c| {
        c.over_datasets(|data| {
            let total: usize = data.iter().sum();
            let step = c.q.max(2) - 1;
            Ok((0..=c.n * (c.q - 1)).map(|t| t.abs_diff(total).div_ceil(step) as f64).collect())
        })
    })
    .wrong("one change too many", |c| {
        c.over_datasets(|data| {
            Ok(c.lengths(data)?.into_iter().map(|l| if l > 0 { l as f64 + 1.0 } else { 0.0 }).collect())
        })
    })
    .broken("insertions and deletions counted: two a replacement", |c| {
        enumerated_lengths(c, |l| 2.0 * l as f64)
    });
    claim(
        "DP-4",
        "Path length of the sum",
        "Data in $\\{0,\\dots,q-1\\}^n$, $f=\\sum x_i$: $\\mathrm{len}(S;t)=\\min\\{j:\\ell_j\\le t\\le u_j\\}$, $\\ell_j$ the sum of the $n-j$ smallest data, $u_j$ that of the \
            $n-j$ largest plus $j(q-1)$. For the mean of data in $[lo,hi]$ the ends are replaced by $lo$ and $hi$ (DP-6).",
        "Replacement neighbours.",
        "derived",
        "solvable_theory::aggregate::private::sum_lengths",
        "solvable_sim::aggregate::private::DiscreteMechanism, all datasets",
        vec![Box::new(check)],
    )
}

/// DP-5 with the common points counted by `common(|O_1 and O_2|)`.
fn plane_by(c: &Setting, combine: impl Fn(usize, usize) -> usize) -> Result<Vec<f64>, CheckError> {
    let h = c.n / 2;
    c.over_datasets(|data| {
        let points = c.points(data);
        let mut lengths = Vec::new();
        for t in (0..c.q).flat_map(|a| (0..c.q).map(move |b| [a, b])) {
            let excess = [0, 1].map(|axis| {
                let below = points.iter().filter(|p| p[axis] < t[axis]).count();
                let above = points.iter().filter(|p| p[axis] > t[axis]).count();
                below.max(above).saturating_sub(h)
            });
            lengths.push(combine(excess[0], excess[1]) as f64);
        }
        Ok(lengths)
    })
}

pub(super) fn plane() -> Claim {
    let check = Identity::new(
        "lengths",
        "path length of the coordinatewise median to every grid point, for every dataset, against all datasets",
        |budget, _| {
            let mut cells = vec![setting(Kind::Plane, 3, 3, 1.0), setting(Kind::Plane, 2, 5, 1.0), setting(Kind::Plane, 4, 1, 1.0)];
            if budget == Budget::Full {
                cells.push(setting(Kind::Plane, 4, 3, 1.0));
                cells.push(setting(Kind::Plane, 2, 7, 1.0));
            }
            cells
        },
        |c: &Setting| c.over_datasets(|data| Ok(numbers(c.lengths(data)?))),
        |c| enumerated_lengths(c, |l| l as f64),
        |_| Ok(f64::EPSILON),
    )
    .wrong("the smaller coordinate", |c| plane_by(c, usize::min))
    .wrong("coordinates added, no point serves both", |c| plane_by(c, |a, b| a + b))
    .broken("insertions and deletions counted: two a replacement", |c| enumerated_lengths(c, |l| 2.0 * l as f64));
    claim(
        "DP-5",
        "Path length of the coordinatewise median in the plane",
        "$n=2h+1$ points. For a target $t$ let $O_c$ be the side of $t$ that holds more than $h$ points in coordinate $c$ (empty if none does) and \
            $D_c=\\max(0,|O_c|-h)$. Then $$\\mathrm{len}(S;t)=\\max\\big(D_1,\\,D_2,\\,D_1+D_2-|O_1\\cap O_2|\\big).$$",
        "Points of a product grid; replacement neighbours.",
        "derived",
        "solvable_theory::aggregate::private::plane_median_lengths",
        "solvable_sim::aggregate::private::DiscreteMechanism, all datasets",
        vec![Box::new(check)],
    )
}

/// Probabilities on every dataset from enumerated lengths, with weights `exp(-rate length)`.
fn enumerated_law(c: &Setting, epsilon: f64) -> Result<Vec<f64>, CheckError> {
    let mechanism = c.enumerated()?;
    c.over_datasets(|data| Ok(mechanism.law(data, epsilon).probabilities))
}

fn laws(c: &Setting, epsilon: f64) -> Result<Vec<f64>, CheckError> {
    c.over_datasets(|data| Ok(c.law(data, epsilon)?.probabilities))
}

/// A pair of datasets that differ in one point, and an output, tabulated once a cell.
#[derive(Clone, Debug)]
struct Neighbours {
    setting: Setting,
    /// Lengths of every ordered dataset.
    lengths: Vec<Vec<usize>>,
    universe: Universe,
}

impl Cell for Neighbours {
    fn parameters(&self) -> Parameters {
        self.setting.parameters()
    }
}

impl Neighbours {
    fn new(setting: Setting) -> Option<Self> {
        let mechanism = setting.enumerated().ok()?;
        let universe = mechanism.universe();
        let mut data = vec![0; setting.n];
        let lengths = (0..universe.size())
            .map(|index| {
                universe.write(index, &mut data);
                mechanism.lengths(&data).into_iter().map(|l| l.unwrap_or(setting.n + 1)).collect()
            })
            .collect();
        Some(Self { setting, lengths, universe })
    }

    /// The dataset at a point of the search.
    fn dataset(&self, x: f64) -> Vec<usize> {
        let index = ((x * self.universe.size() as f64) as usize).min(self.universe.size() - 1);
        let mut data = vec![0; self.setting.n];
        self.universe.write(index, &mut data);
        data
    }

    fn of(&self, data: &[usize]) -> &[usize] {
        &self.lengths[self.universe.index(data)]
    }

    /// The dataset with `changes` points replaced, from two coordinates of the search.
    fn changed(&self, data: &[usize], x: &[f64], changes: usize) -> Vec<usize> {
        let n = data.len();
        let mut other = data.to_vec();
        let first = ((x[0] * n as f64) as usize).min(n - 1);
        let symbol = ((x[1] * self.universe.symbols() as f64) as usize).min(self.universe.symbols() - 1);
        for step in 0..changes {
            other[(first + step) % n] = symbol;
        }
        other
    }

    fn log_probability(&self, data: &[usize], output: usize, epsilon: f64) -> f64 {
        let lengths = self.of(data);
        let total: f64 = lengths.iter().map(|&l| (-0.5 * epsilon * l as f64).exp()).sum();
        -0.5 * epsilon * lengths[output] as f64 - total.ln()
    }

    /// `|log P_S(t)/P_S'(t)| / epsilon` at x = (dataset, position, symbol, output, epsilon).
    fn relative_loss(&self, x: &[f64], rate: f64) -> f64 {
        let data = self.dataset(x[0]);
        let other = self.changed(&data, &x[1..], 1);
        let epsilon = privacy(x);
        let output = output(x[3], self.of(&data).len());
        let difference = self.log_probability(&data, output, rate * epsilon)
            - self.log_probability(&other, output, rate * epsilon);
        difference.abs() / epsilon
    }
}

fn output(x: f64, outputs: usize) -> usize {
    ((x * outputs as f64) as usize).min(outputs - 1)
}

/// epsilon between 0.05 and 5.
fn privacy(x: &[f64]) -> f64 {
    0.05 * (100.0_f64.ln() * x[4]).exp()
}

fn neighbour_cells() -> Vec<Neighbours> {
    [setting(Kind::Order(3), 4, 5, 0.0), setting(Kind::Sum, 3, 4, 0.0), setting(Kind::Plane, 2, 3, 0.0)]
        .into_iter()
        .filter_map(Neighbours::new)
        .collect()
}

pub(super) fn mechanism() -> Claim {
    let law = Identity::new(
        "output law",
        "probability of every output on every dataset, against enumerated lengths",
        |_, _| {
            vec![
                setting(Kind::Order(3), 4, 5, 1.0),
                setting(Kind::Sum, 3, 4, 0.3),
                setting(Kind::Plane, 3, 3, 2.0),
            ]
        },
        |c: &Setting| laws(c, c.epsilon),
        |c| enumerated_law(c, c.epsilon),
        |_| Ok(64.0 * f64::EPSILON),
    )
    .wrong("weights exp(-eps length)", |c| laws(c, 2.0 * c.epsilon))
    .wrong("uniform on outputs: epsilon forgotten", |c| laws(c, 1e-9))
    .broken("a quarter of epsilon", |c| enumerated_law(c, 0.5 * c.epsilon));

    let lipschitz = Bound::new(
        "Lipschitz",
        "change of the path length to an output when one point is replaced, at most 1",
        |_, _| neighbour_cells(),
        4,
        |_, _| Ok(Some(1.0)),
        |c, x| Ok(Some(length_change(c, x, 1))),
        0.0,
    )
    .tight(0.0)
    .search(6, 600, 6000)
    .wrong("lengths do not change", |_, _| Ok(Some(0.0)))
    .wrong("one half", |_, _| Ok(Some(0.5)))
    .broken("two points replaced", |c, x| Ok(Some(length_change(c, x, 2))));

    let private = Bound::new(
        "privacy",
        "log-ratio of output probabilities on neighbouring datasets over $\\epsilon$, $0.05\\le\\epsilon\\le5$",
        |_, _| neighbour_cells(),
        5,
        |_, _| Ok(Some(1.0)),
        |c, x| Ok(Some(c.relative_loss(x, 1.0))),
        1e-12,
    )
    .slack("the exact loss of a finite universe stays below epsilon: DP-7 has its value")
    .search(8, 2000, 30_000)
    .wrong("half of epsilon", |_, _| Ok(Some(0.5)))
    .wrong("epsilon over the number of points", |c, _| Ok(Some(1.0 / c.setting.n as f64)))
    .broken("weights exp(-eps length)", |c, x| Ok(Some(c.relative_loss(x, 2.0))));

    claim(
        "DP-1",
        "The inverse-sensitivity mechanism is private",
        "With $\\mathrm{len}_f(S;t)=\\min\\{d_H(S,S'):f(S')=t\\}$, the mechanism $$\\Pr[M(S)=t]=\\frac{e^{-\\epsilon\\,\\mathrm{len}_f(S;t)/2}}{\\sum_{t'}e^{-\\epsilon\\,\\mathrm{len}_f(S;t')/2}}$$ is \
            $\\epsilon$-differentially private: lengths change by at most 1 between neighbours, so numerator and normaliser change by at most $e^{\\epsilon/2}$ each.",
        "Finite outputs; neighbours differ in one replaced point.",
        "Asi, Ullman, Zakynthinou (ICML 2023, arXiv 2302.01855): definitions; proof derived",
        "solvable_theory::aggregate::private::inverse_sensitivity_law",
        "solvable_sim::aggregate::private::DiscreteMechanism, all datasets",
        vec![Box::new(law), Box::new(lipschitz), Box::new(private)],
    )
}

fn length_change(c: &Neighbours, x: &[f64], changes: usize) -> f64 {
    let data = c.dataset(x[0]);
    let other = c.changed(&data, &x[1..], changes);
    let (a, b) = (c.of(&data), c.of(&other));
    let at = output(x[3], a.len());
    a[at].abs_diff(b[at]) as f64
}

fn exact_loss(c: &Setting, epsilon: f64) -> Result<f64, CheckError> {
    let epsilon = Epsilon::new(epsilon)?;
    Ok(match c.kind {
        Kind::Order(j) => order_statistic_privacy_loss(c.q, c.n, j, epsilon)?.loss,
        Kind::Sum => sum_privacy_loss(c.q, c.n, epsilon)?.loss,
        Kind::Plane => plane_median_privacy_loss(c.q, c.n, epsilon)?.loss,
    })
}

pub(super) fn exact_privacy_loss() -> Claim {
    let check = Identity::new(
        "exact loss",
        "largest log-ratio over all neighbouring datasets and outputs, against enumeration of ordered datasets",
        |budget, _| {
            let mut cells = vec![
                setting(Kind::Order(3), 5, 5, 1.0),
                setting(Kind::Order(2), 3, 3, 2.0),
                setting(Kind::Order(2), 4, 4, 0.3),
                setting(Kind::Sum, 3, 4, 1.0),
                setting(Kind::Plane, 3, 3, 1.0),
                setting(Kind::Plane, 2, 5, 0.7),
            ];
            if budget == Budget::Full {
                cells.push(setting(Kind::Order(3), 5, 5, 0.5));
                cells.push(setting(Kind::Order(3), 9, 5, 1.0));
                cells.push(setting(Kind::Order(4), 5, 7, 1.0));
                cells.push(setting(Kind::Sum, 4, 5, 3.0));
            }
            cells
        },
        |c: &Setting| Ok(vec![exact_loss(c, c.epsilon)?]),
        |c| Ok(vec![c.enumerated()?.privacy_loss(c.epsilon)]),
        // Logarithms of ratios near 1 to 10: absolute errors of a few eps.
        |_| Ok(256.0 * f64::EPSILON),
    )
    .wrong("epsilon itself", |c| Ok(vec![c.epsilon]))
    .wrong("half of epsilon: normalisers do not move", |c| Ok(vec![0.5 * c.epsilon]))
    .broken("weights exp(-eps length)", |c| Ok(vec![c.enumerated()?.privacy_loss(2.0 * c.epsilon)]));
    claim(
        "DP-7",
        "Exact privacy loss by enumeration",
        "On a universe of $q$ symbols $$\\epsilon_{\\mathrm{exact}}=\\max_{S\\sim S'}\\max_t\\Big|\\log\\frac{\\Pr[M(S)=t]}{\\Pr[M(S')=t]}\\Big|\\le\\epsilon,$$ evaluated over all multisets and \
            their neighbours; it is typically 0.57 to 0.84 of $\\epsilon$ and specific to the universe.",
        "Finite universe; replacement neighbours.",
        "derived",
        "solvable_theory::aggregate::private::{order_statistic_privacy_loss, sum_privacy_loss, plane_median_privacy_loss}",
        "solvable_sim::aggregate::private::DiscreteMechanism::privacy_loss",
        vec![Box::new(check)],
    )
}

/// The probability that the output is at distance `radius` or more from the value on dataset x[0], under that dataset and
/// under the one of x[1]; and their Hamming distance.
fn failures(c: &Neighbours, x: &[f64], rate: f64) -> (f64, f64, usize) {
    let (data, other) = (c.dataset(x[0]), c.dataset(x[1]));
    let distance = data.iter().zip(&other).filter(|(a, b)| a != b).count();
    let epsilon = rate * privacy(x);
    let centre = c.of(&data).iter().position(|&l| l == 0).unwrap_or(0);
    let radius = 1 + (x[2] * 2.0) as usize;
    let probability = |data: &[usize]| -> f64 {
        (0..c.of(data).len())
            .filter(|t| t.abs_diff(centre) >= radius)
            .map(|t| c.log_probability(data, t, epsilon).exp())
            .sum()
    };
    (probability(&data), probability(&other), distance)
}

pub(super) fn private_implies_robust() -> Claim {
    let check = Bound::new(
        "corrupted failure",
        "failure probability on corrupted data, against $e^{\\epsilon j}$ times that on the data, all pairs of datasets",
        |_, _| {
            [setting(Kind::Order(3), 4, 5, 0.0), setting(Kind::Sum, 3, 4, 0.0)].into_iter().filter_map(Neighbours::new).collect()
        },
        5,
        |c: &Neighbours, x| {
            let (before, _, distance) = failures(c, x, 1.0);
            if !(before > 0.0 && before < 1.0) {
                return Ok(None);
            }
            Ok(Some(robust_failure(Epsilon::new(privacy(x))?, before, distance)?))
        },
        |c, x| Ok(Some(failures(c, x, 1.0).1)),
        1e-12,
    )
    .slack("group privacy is not attained on these universes, except for unchanged data")
    .search(12, 4000, 60_000)
    .wrong("e^(eps) whatever the distance", |c, x| {
        let (before, _, _) = failures(c, x, 1.0);
        Ok((before > 0.0).then_some(privacy(x).exp() * before))
    })
    .wrong("e^(eps j / 4)", |c, x| {
        let (before, _, distance) = failures(c, x, 1.0);
        Ok((before > 0.0).then_some((0.25 * privacy(x) * distance as f64).exp() * before))
    })
    .broken("weights exp(-2 eps length)", |c, x| Ok(Some(failures(c, x, 4.0).1)));
    claim(
        "DP-10",
        "Private estimators are robust",
        "If $M$ is $\\epsilon$-private and $\\Pr(\\|M(S)-\\mu\\|>\\alpha)\\le\\beta$, then $\\Pr(\\|M(S')-\\mu\\|>\\alpha)\\le e^{\\epsilon j}\\beta$ for every $S'$ with \
            $d_H(S,S')\\le j$; so $\\tau n\\le\\frac{\\log(1/\\beta)}{2\\epsilon}$ corruptions leave a failure probability of at most $\\beta^{1/2}$.",
        "Any $\\epsilon$-private mechanism; checked on all pairs of datasets of small universes.",
        "direction: Asi, Ullman, Zakynthinou (ICML 2023, arXiv 2302.01855); derived",
        "solvable_theory::aggregate::private::robust_failure",
        "solvable_sim::aggregate::private::DiscreteMechanism, all datasets",
        vec![Box::new(check)],
    )
}

/// A functional given as a program.
#[derive(Clone, Copy, Debug)]
struct Program {
    name: &'static str,
    q: usize,
    n: usize,
}

impl Cell for Program {
    fn parameters(&self) -> Parameters {
        Parameters::new().with("f", self.name).with("q", self.q).with("n", self.n)
    }
}

impl Program {
    fn run(&self, data: &[usize]) -> usize {
        let mut sorted = data.to_vec();
        sorted.sort_unstable();
        match self.name {
            "trimmed sum" => sorted[1..sorted.len() - 1].iter().sum(),
            "range" => sorted[sorted.len() - 1] - sorted[0],
            // The smallest of the most frequent symbols.
            "mode" => {
                let count = |v: usize| sorted.iter().filter(|&&x| x == v).count();
                (0..self.q).max_by(|&a, &b| count(a).cmp(&count(b)).then(b.cmp(&a))).unwrap_or(0)
            }
            // Attains few of its values.
            _ => sorted.iter().sum::<usize>() / 2 * 2,
        }
    }

    fn universe(&self) -> Result<Universe, CheckError> {
        Ok(Universe::new(self.q, self.n)?)
    }

    /// (output, length) of all attainable outputs on every multiset.
    fn by_theory(&self, functional: impl Fn(&[usize]) -> usize) -> Result<Vec<f64>, CheckError> {
        let mut all = Vec::new();
        for data in self.universe()?.sorted() {
            let found = path_lengths(&DiscreteData::new(self.q, &data)?, |d| Ok(functional(&d.sorted())))?;
            all.extend(self.table(|t| found.iter().find(|f| f.output == t).map(|f| f.length)));
        }
        Ok(all)
    }

    /// Length of every output 0, ..., n q; -1 where it is not attainable.
    fn table(&self, length: impl Fn(usize) -> Option<usize>) -> Vec<f64> {
        (0..=self.n * self.q).map(|t| length(t).map_or(-1.0, |l| l as f64)).collect()
    }

    fn by_enumeration(&self, functional: impl Fn(&[usize]) -> usize) -> Result<Vec<f64>, CheckError> {
        let mechanism = DiscreteMechanism::new(self.universe()?, (0..=self.n * self.q).collect(), functional);
        let mut all = Vec::new();
        for data in self.universe()?.sorted() {
            let lengths = mechanism.lengths(&data);
            all.extend(self.table(|t| lengths[t]));
        }
        Ok(all)
    }
}

pub(super) fn black_box() -> Claim {
    let check = Identity::new(
        "lengths",
        "path lengths of functionals given as programs, for every dataset, against all ordered datasets",
        |_, _| {
            [
                ("trimmed sum", 3, 4),
                ("trimmed sum", 4, 5),
                ("range", 4, 4),
                ("mode", 3, 5),
                ("even part of the sum", 3, 4),
            ]
            .map(|(name, q, n)| Program { name, q, n })
            .to_vec()
        },
        |c: &Program| c.by_theory(|data| c.run(data)),
        |c| c.by_enumeration(|data| c.run(data)),
        |_| Ok(f64::EPSILON),
    )
    .wrong("lengths of the sum", |c| c.by_theory(|data| data.iter().sum()))
    .wrong("lengths of the median", |c| c.by_theory(|data| data[data.len() / 2]))
    .broken("the functional of the data without their last point", |c| {
        c.by_enumeration(|data| {
            let mut fewer = data.to_vec();
            fewer[c.n - 1] = 0;
            c.run(&fewer)
        })
    });
    claim(
        "DP-12",
        "Path lengths of any functional on a finite universe",
        "For any functional of multisets of $\\{0,\\dots,q-1\\}$, the least distance $d_H=n-\\sum_v\\min(c_v,c'_v)$ to a multiset with value $t$ is $\\mathrm{len}_f(S;t)$, infinite \
            where no dataset attains $t$. DP-1 and DP-7 then apply.",
        "Finite universe; replacement neighbours.",
        "derived",
        "solvable_theory::aggregate::private::path_lengths",
        "solvable_sim::aggregate::private::DiscreteMechanism, all ordered datasets",
        vec![Box::new(check)],
    )
}

/// Probabilities of the right answer on the packing family: q symbols, n = 2h + 1.
fn packing_successes(c: &Setting, epsilon: f64) -> Result<Vec<f64>, CheckError> {
    let mechanism = c.enumerated()?;
    let h = c.n / 2;
    Ok((0..c.q)
        .map(|t| {
            let mut data = vec![0; c.n];
            data[h] = t;
            data[h + 1..].fill(c.q - 1);
            mechanism.law(&data, epsilon).probabilities[t]
        })
        .collect())
}

/// A mechanism on three datasets and three outputs with weights `exp(6 x_tu)`, and its exact privacy loss.
fn channel(x: &[f64]) -> ([[f64; 3]; 3], f64) {
    let mut p = [[0.0; 3]; 3];
    for t in 0..3 {
        for u in 0..3 {
            p[t][u] = (6.0 * x[3 * t + u]).exp();
        }
        let total: f64 = p[t].iter().sum();
        for value in &mut p[t] {
            *value /= total;
        }
    }
    let mut loss = 0.0_f64;
    for u in 0..3 {
        for t in 0..3 {
            for s in 0..3 {
                loss = loss.max((p[t][u] / p[s][u]).ln());
            }
        }
    }
    (p, loss)
}

fn diagonal(x: &[f64], extreme: fn(f64, f64) -> f64) -> f64 {
    let (p, _) = channel(x);
    extreme(extreme(p[0][0], p[1][1]), p[2][2])
}

pub(super) fn packing() -> Claim {
    let attained = Identity::new(
        "inverse sensitivity",
        "probability of the right answer on every dataset of the family",
        |_, _| {
            [(4, 5, 1.0), (3, 3, 0.4), (5, 3, 2.0), (5, 5, 1.0)]
                .map(|(q, n, epsilon)| setting(Kind::Order(n / 2 + 1), q, n, epsilon))
                .to_vec()
        },
        |c: &Setting| Ok(vec![packing_bound(c.q, c.n, Epsilon::new(c.epsilon)?)?.inverse_sensitivity; c.q]),
        |c| packing_successes(c, c.epsilon),
        |_| Ok(32.0 * f64::EPSILON),
    )
    .wrong("the upper bound", |c| Ok(vec![packing_bound(c.q, c.n, Epsilon::new(c.epsilon)?)?.upper; c.q]))
    .wrong("q for q - 1", |c| {
        Ok(vec![packing_bound(c.q + 1, c.n, Epsilon::new(c.epsilon)?)?.inverse_sensitivity; c.q])
    })
    .broken("weights exp(-eps length)", |c| packing_successes(c, 2.0 * c.epsilon));

    let upper = Bound::new(
        "no private mechanism does better",
        "least probability of the right answer of any mechanism on three datasets, at its exact privacy loss",
        |_, _| vec![Parameters::new().with("q", 3)],
        9,
        |_, x| {
            let (_, loss) = channel(x);
            if loss <= 1e-6 {
                return Ok(None);
            }
            Ok(Some(packing_bound(3, 3, Epsilon::new(loss)?)?.upper))
        },
        |_, x| Ok(Some(diagonal(x, f64::min))),
        1e-12,
    )
    .tight(0.01)
    .search(6, 8000, 100_000)
    .wrong("epsilon/2 for epsilon", |_, x| {
        let (_, loss) = channel(x);
        Ok(if loss > 1e-6 {
            Some(packing_bound(3, 3, Epsilon::new(loss)?)?.inverse_sensitivity)
        } else {
            None
        })
    })
    .wrong("q for q - 1", |_, x| {
        let (_, loss) = channel(x);
        Ok(if loss > 1e-6 { Some(packing_bound(4, 3, Epsilon::new(loss)?)?.upper) } else { None })
    })
    .broken("the best dataset instead of the worst", |_, x| Ok(Some(diagonal(x, f64::max))));

    claim(
        "DP-13",
        "Packing lower bound and the factor 2",
        "The datasets $S_t=(lo^{\\times h},t,hi^{\\times h})$, $t$ in a $q$-point grid, are pairwise neighbours with medians $t$. Every $\\epsilon$-private mechanism has \
            $$\\min_t\\Pr[M(S_t)=t]\\le\\frac1{1+(q-1)e^{-\\epsilon}};$$ the inverse-sensitivity mechanism attains exactly $\\frac1{1+(q-1)e^{-\\epsilon/2}}$ on each.",
        "Replacement neighbours.",
        "derived",
        "solvable_theory::aggregate::private::packing_bound",
        "solvable_sim::aggregate::private::DiscreteMechanism; search over all mechanisms",
        vec![Box::new(attained), Box::new(upper)],
    )
}

fn claim(
    id: &'static str,
    title: &'static str,
    statement: &'static str,
    assumptions: &'static str,
    source: &'static str,
    formula: &'static str,
    simulator: &'static str,
    checks: Vec<Box<dyn crate::check::Check>>,
) -> Claim {
    Claim {
        id,
        chapter: Chapter::Aggregate,
        title,
        statement,
        assumptions,
        source,
        formula,
        simulator,
        checks,
    }
}

/// The trimmed sum is also a statement of the model: the program here is its definition.
#[cfg(test)]
mod tests {
    use solvable_model::aggregate::DiscreteFunctional;

    use super::*;

    #[test]
    fn programs_are_the_functionals_of_the_model() {
        let c = Program { name: "trimmed sum", q: 4, n: 5 };
        for data in c.universe().expect("small").sorted() {
            let model = DiscreteFunctional::TrimmedSum { drop: 1 };
            let value = model.evaluate(&DiscreteData::new(4, &data).expect("valid")).expect("defined");
            assert_eq!(c.run(&data), value);
        }
    }
}
