//! DP-9, DP-11: the private median of normal data.
use libm::{erfc, lgamma};
use solvable_model::aggregate::{Epsilon, IntervalData, IntervalFunctional};
use solvable_sim::aggregate::private::{
    IntervalMechanism, central_order_statistics, corrupted_median_range, private_median_control,
    private_median_error,
};
use solvable_theory::aggregate::private::{
    failure_bound, median_certificate, median_failure, median_noise_scale,
};

use super::support::replicas;
use crate::check::{Asymptotic, Bound, Expectation, Identity};
use crate::statistics::Estimate;
use crate::{Cell, Chapter, CheckError, Claim, Parameters};

/// n data, j corruptions, half-width a.
#[derive(Clone, Copy, Debug)]
struct Corruption {
    n: usize,
    j: usize,
    a: f64,
}

impl Cell for Corruption {
    fn parameters(&self) -> Parameters {
        Parameters::new().with("n", self.n).with("j", self.j).with("a", self.a)
    }
}

fn moved(c: &Corruption, seed: u64, count: u64, j: usize) -> Result<Estimate, CheckError> {
    replicas(
        seed,
        count,
        || vec![0.0; c.n],
        |rng, data| {
            central_order_statistics(rng, data);
            let [low, high] = corrupted_median_range(data, j);
            Ok::<_, std::convert::Infallible>(f64::from(u8::from(low < -c.a || high > c.a)))
        },
    )
}

/// `1 - Pr(N_- <= most, N_+ <= most)` from the multinomial probabilities themselves; the tails `q = Phi(-a)`.
fn by_multinomial(n: usize, most: usize, q: f64) -> f64 {
    let log_factorial = |k: usize| lgamma(k as f64 + 1.0);
    let mut inside = 0.0;
    for below in 0..=most {
        for above in 0..=most {
            let rest = n - below - above;
            let log = log_factorial(n) - log_factorial(below) - log_factorial(above) - log_factorial(rest)
                + (below + above) as f64 * q.ln()
                + rest as f64 * (-2.0 * q).ln_1p();
            inside += log.exp();
        }
    }
    1.0 - inside
}

fn tail(a: f64) -> f64 {
    0.5 * erfc(a / std::f64::consts::SQRT_2)
}

#[derive(Clone, Copy, Debug)]
struct Certified {
    n: usize,
    epsilon: f64,
    radius: f64,
    rho: f64,
    a: f64,
}

impl Cell for Certified {
    fn parameters(&self) -> Parameters {
        Parameters::new()
            .with("n", self.n)
            .with("eps", self.epsilon)
            .with("R", self.radius)
            .with("rho", self.rho)
            .with("a", self.a)
    }
}

impl Certified {
    fn bound_at(&self, j: usize) -> Result<f64, CheckError> {
        Ok(failure_bound(1, self.radius, self.rho, Epsilon::new(self.epsilon)?, j as f64)?)
    }

    /// `min_K beta(K-1) + (R/rho + 1) e^(-eps K/2)` from multinomial sums.
    fn literal_bound(&self, shift: usize) -> Result<f64, CheckError> {
        let h = self.n / 2;
        let mut least = f64::INFINITY;
        for k in 1..=h + 1 {
            let j = k - 1 + shift;
            let beta = if j > h { 1.0 } else { by_multinomial(self.n, h - j, tail(self.a)) };
            let factor = self.radius / self.rho + 1.0;
            least = least.min(beta + factor * (-0.5 * self.epsilon * k as f64).exp());
        }
        Ok(least)
    }
}

/// First number of corruptions that moves the median out of [-a, a].
fn first_escape(data: &[f64], a: f64) -> usize {
    (0..=data.len() / 2 + 1)
        .find(|&j| {
            let [low, high] = corrupted_median_range(data, j);
            low < -a || high > a
        })
        .unwrap_or(data.len() / 2 + 1)
}

fn refined(c: &Certified, seed: u64, count: u64, rate: f64) -> Result<Estimate, CheckError> {
    let factor = c.radius / c.rho + 1.0;
    replicas(
        seed,
        count,
        || vec![0.0; c.n],
        |rng, data| {
            central_order_statistics(rng, data);
            let j = first_escape(data, c.a) as f64;
            Ok::<_, std::convert::Infallible>((factor * (-rate * c.epsilon * j).exp()).min(1.0))
        },
    )
}

/// Five data in [-2, 2] (R = 2), rho, epsilon and a from a point of the cube.
fn dataset(x: &[f64]) -> (Vec<f64>, Certified) {
    let mut data: Vec<f64> = x[..5].iter().map(|u| 4.0 * u - 2.0).collect();
    data.sort_by(f64::total_cmp);
    let certified = Certified {
        n: 5,
        epsilon: (4.0 * x[5] - 1.0).exp(),
        radius: 2.0,
        rho: 0.02 + 0.5 * x[6],
        a: 0.1 + 1.5 * x[7],
    };
    (data, certified)
}

fn actual_failure(data: &[f64], c: &Certified, epsilon: f64) -> Result<f64, CheckError> {
    let data = IntervalData::new(data, -c.radius, c.radius)?;
    let mechanism = IntervalMechanism::new(&data, IntervalFunctional::Median, c.rho, Epsilon::new(epsilon)?)?;
    Ok(mechanism.staircase().tail(0.0, c.a + c.rho))
}

pub(super) fn certificate() -> Claim {
    let probability = Identity::new(
        "robustness",
        "probability that some corruption moves the median, against multinomial sums",
        |_, _| {
            [(25, 3, 0.5), (25, 0, 0.5), (101, 10, 0.4), (1, 0, 1.0), (9, 4, 2.0), (9, 5, 2.0), (51, 8, 0.0)]
                .map(|(n, j, a)| Corruption { n, j, a })
                .to_vec()
        },
        |c: &Corruption| Ok(vec![median_failure(c.n, c.j, c.a)?]),
        |c| {
            let h = c.n / 2;
            Ok(vec![if c.j > h { 1.0 } else { by_multinomial(c.n, h - c.j, tail(c.a)) }])
        },
        // Up to 2500 terms from log-factorials of up to 101.
        |_| Ok(1e-11),
    )
    .scale(|_| Ok(1.0))
    .wrong("one tail doubled, both never together", |c| Ok(vec![two_tails(c)]))
    .wrong("one corruption fewer", |c| {
        Ok(vec![if c.j > 0 {
            median_failure(c.n, c.j - 1, c.a)?
        } else {
            0.5 * median_failure(c.n, 0, c.a)?
        }])
    })
    .broken("one-sided tail 2 Phi(-a)", |c| {
        let h = c.n / 2;
        Ok(vec![if c.j > h { 1.0 } else { by_multinomial(c.n, h - c.j, (0.9 * tail(c.a)).min(0.5)) }])
    });

    let simulated = Expectation::new(
        "corrupted samples",
        "frequency of samples whose worst corruption leaves $[\\mu-a,\\mu+a]$",
        |_, _| [(25, 3, 0.5), (41, 5, 0.5)].map(|(n, j, a)| Corruption { n, j, a }).to_vec(),
        |c: &Corruption| Ok(median_failure(c.n, c.j, c.a)?),
        |c, seed, count| moved(c, seed, count, c.j),
    )
    .replicas(2048, 1 << 18, 1 << 22)
    .wrong("no corruption", |c| Ok(median_failure(c.n, 0, c.a)?))
    .wrong("variance 1/2", |c| Ok(median_failure(c.n, c.j, c.a * std::f64::consts::SQRT_2)?))
    .broken("one corruption more", |c, seed, count| moved(c, seed, count, c.j + 1));

    let bound = Identity::new(
        "certificate",
        "$\\min_K[\\beta(K-1,a)+(R/\\rho+1)e^{-\\epsilon K/2}]$, against multinomial sums",
        |_, _| certified(),
        |c: &Certified| {
            Ok(vec![median_certificate(c.n, Epsilon::new(c.epsilon)?, c.radius, c.rho, c.a)?.bound])
        },
        |c| Ok(vec![c.literal_bound(0)?]),
        |_| Ok(1e-10),
    )
    .scale(|_| Ok(1.0))
    .wrong("K changes for K - 1", |c| {
        let other = Certified { radius: c.radius * (0.5 * c.epsilon).exp(), ..*c };
        Ok(vec![median_certificate(c.n, Epsilon::new(c.epsilon)?, other.radius, c.rho, c.a)?.bound])
    })
    .wrong("rho forgotten: R + 1", |c| {
        Ok(vec![median_certificate(c.n, Epsilon::new(c.epsilon)?, c.radius, 1.0, c.a)?.bound])
    })
    .broken("beta(K)", |c| Ok(vec![c.literal_bound(1)?]));

    let sharper = Expectation::new(
        "refined certificate",
        "mean of $\\min(1,(R/\\rho+1)e^{-\\epsilon J/2})$, $J$ the first corruption that moves the median out",
        |_, _| vec![Certified { n: 41, epsilon: 0.6, radius: 2.0, rho: 0.5, a: 0.6 }, Certified { n: 25, epsilon: 0.8, radius: 3.0, rho: 0.5, a: 0.8 }],
        |c: &Certified| Ok(median_certificate(c.n, Epsilon::new(c.epsilon)?, c.radius, c.rho, c.a)?.refined),
        |c, seed, count| refined(c, seed, count, 0.5),
    )
    .replicas(4096, 1 << 18, 1 << 22)
    .wrong("the coarse bound", |c| {
        Ok(median_certificate(c.n, Epsilon::new(c.epsilon)?, c.radius, c.rho, c.a)?.bound)
    })
    .wrong("one corruption fewer", |c| {
        let cert = median_certificate(c.n, Epsilon::new(c.epsilon)?, c.radius, c.rho, c.a)?;
        Ok(cert.refined * (0.5 * c.epsilon).exp())
    })
    .broken("e^(-eps J)", |c, seed, count| refined(c, seed, count, 1.0));

    let every = Bound::new(
        "every dataset",
        "exact failure probability of the private median, against $(R/\\rho+1)e^{-\\epsilon J/2}$ of the dataset",
        |_, _| vec![Parameters::new().with("n", 5).with("R", 2.0)],
        8,
        |_, x| {
            let (data, c) = dataset(x);
            c.bound_at(first_escape(&data, c.a)).map(Some)
        },
        |_, x| {
            let (data, c) = dataset(x);
            actual_failure(&data, &c, c.epsilon).map(Some)
        },
        1e-9,
    )
    .slack("the failure region is smaller than the range")
    .search(6, 3000, 40_000)
    .wrong("e^(-eps J)", |_, x| {
        let (data, c) = dataset(x);
        c.bound_at(2 * first_escape(&data, c.a)).map(Some)
    })
    .wrong("two changes more", |_, x| {
        let (data, c) = dataset(x);
        c.bound_at(first_escape(&data, c.a) + 2).map(Some)
    })
    .broken("a quarter of epsilon", |_, x| {
        let (data, c) = dataset(x);
        actual_failure(&data, &c, 0.25 * c.epsilon).map(Some)
    });

    Claim {
        id: "DP-9",
        chapter: Chapter::Aggregate,
        title: "Certificate for the private median of normal data",
        statement: "$x_i\\sim N(\\mu,1)$, $n=2h+1$: some corruption of $j$ points moves the median out of $[\\mu-a,\\mu+a]$ with probability \
            $$\\beta(j,a)=1-\\Pr(N_-\\le h-j,\\,N_+\\le h-j),\\qquad (N_-,N_+,\\cdot)\\sim\\mathrm{Multinomial}(n;\\Phi(-a),\\Phi(-a),1-2\\Phi(-a)).$$ For data in \
            $[\\mu_0-R,\\mu_0+R]$, $$\\Pr(|M-\\mu|>a+\\rho)\\le\\sum_{j=0}^{h+1}[\\beta(j,a)-\\beta(j-1,a)]\\min\\Big(1,\\Big(\\frac R\\rho+1\\Big)e^{-\\epsilon j/2}\\Big)\
            \\le\\min_{K}\\Big[\\beta(K-1,a)+\\Big(\\frac R\\rho+1\\Big)e^{-\\epsilon K/2}\\Big].$$",
        assumptions: "Normal data with known variance, clamped to an interval that contains $[\\mu-a,\\mu+a]$.",
        source: "derived",
        formula: "solvable_theory::aggregate::private::{median_failure, median_certificate}",
        simulator: "solvable_sim::aggregate::private::{corrupted_median_range, IntervalMechanism}",
        checks: vec![
            Box::new(probability),
            Box::new(simulated),
            Box::new(bound),
            Box::new(sharper),
            Box::new(every),
        ],
    }
}

/// `2 Pr(N_- > h - j)`, capped at 1: counts samples in which both tails are heavy twice.
fn two_tails(c: &Corruption) -> f64 {
    let (h, q) = (c.n / 2, tail(c.a));
    if c.j > h {
        return 0.9;
    }
    let log_factorial = |k: usize| lgamma(k as f64 + 1.0);
    let inside: f64 = (0..=h - c.j)
        .map(|k| {
            let log = log_factorial(c.n) - log_factorial(k) - log_factorial(c.n - k) + k as f64 * q.ln();
            (log + (c.n - k) as f64 * (-q).ln_1p()).exp()
        })
        .sum();
    (2.0 * (1.0 - inside)).min(1.0)
}

fn certified() -> Vec<Certified> {
    vec![
        Certified { n: 101, epsilon: 1.0, radius: 10.0, rho: 0.1, a: 0.8 },
        Certified { n: 41, epsilon: 2.0, radius: 5.0, rho: 0.2, a: 1.0 },
        Certified { n: 61, epsilon: 0.5, radius: 3.0, rho: 0.5, a: 1.0 },
    ]
}

/// `n eps E|M - median|` of one sample of n = 2 floor(8/eps^2) + 1, exactly, less a control of mean 0; size = 1/eps.
fn scaled_error(size: f64, seed: u64, count: u64, factor: f64) -> Result<Estimate, CheckError> {
    let epsilon = 1.0 / size;
    let n = 2 * (8.0 * size * size) as usize + 1;
    replicas(
        seed,
        (count as f64 * 32.0 / size).ceil() as u64,
        || vec![0.0; n],
        |rng, data| {
            central_order_statistics(rng, data);
            let error = private_median_error(data, factor * epsilon, 10.0);
            let control = private_median_control(data, factor * epsilon);
            Ok::<_, std::convert::Infallible>(n as f64 * epsilon * (error - control))
        },
    )
}

pub(super) fn large_samples() -> Claim {
    let check = Asymptotic::new(
        "mean absolute error",
        "$n\\epsilon\\,\\mathbb E|M-\\mathrm{med}|$ of $N(0,1)$ samples, exact for each sample, as $\\epsilon\\to0$ with $n=16/\\epsilon^2$",
        |_, _| vec![Parameters::new().with("n eps^2", 16)],
        |_: &Parameters| Ok(median_noise_scale(1.0 / (2.0 * std::f64::consts::PI).sqrt())?),
        |_, size, seed, count| scaled_error(size, seed, count, 1.0),
        // From 6 on, the ends of the interval weigh less than e^-24.
        &[6.0, 8.0, 12.0, 16.0, 24.0, 32.0],
        // The ratio's own bias is of order epsilon; curvature of the density and of the ratio come at the next order.
        &[1.0, 2.0],
        (128, 1024),
    )
    .wrong("scale 1/phi_0", |_| Ok(median_noise_scale(2.0 / (2.0 * std::f64::consts::PI).sqrt())?))
    .wrong("density at one standard deviation", |_| {
        Ok(median_noise_scale((-0.5_f64).exp() / (2.0 * std::f64::consts::PI).sqrt())?)
    })
    .broken("weights exp(-eps length)", |_, size, seed, count| scaled_error(size, seed, count, 2.0));
    Claim {
        id: "DP-11",
        chapter: Chapter::Aggregate,
        title: "Large-sample law of the private median",
        statement: "With density $\\phi_0>0$ at the population median, $\\epsilon\\to0$, $n\\epsilon\\to\\infty$, $\\rho\\ll\\frac1{n\\epsilon}$: given the data, \
            $n\\epsilon\\,(M-x_{(h+1)})$ tends to a Laplace law of scale $2/\\phi_0$; $2\\sqrt{2\\pi}$ for $N(0,1)$, so that the total error variance is about \
            $\\frac\\pi{2n}+\\frac{16\\pi}{n^2\\epsilon^2}$.",
        assumptions: "Independent data with a continuous positive density at the median.",
        source: "derived",
        formula: "solvable_theory::aggregate::private::median_noise_scale",
        simulator: "solvable_sim::aggregate::private::private_median_error",
        checks: vec![Box::new(check)],
    }
}
