//! Initial value problems with published solutions at the end of their interval.
//!
//! Sources: `detest` is the Toronto non-stiff set (Hull, Enright, Fellen and Sedgwick, SIAM J. Numer. Anal. 9 (1972)
//! 603-637) with the final values of Enright and Pryce, ACM TOMS 13 (1987) 28-34, Algorithm 648; `test_set` is from the
//! Test Set for Initial Value Problem Solvers (Bari and CWI, release 2.4: HIRES, VANDERPOL, ROBER, OREGO, PLEI), whose
//! references are runs in extended precision; the Brusselator is Hairer, Norsett and Wanner I, section II.4, its final
//! value from Mathematica's NDSolveProblems at 32 digits.

/// A problem from time 0 to `end`.
pub(crate) struct Problem {
    /// Its name in the source.
    pub(crate) name: &'static str,
    /// Final time.
    pub(crate) end: f64,
    /// Initial state.
    pub(crate) initial: Vec<f64>,
    /// The field: time, state, slope.
    pub(crate) field: fn(f64, &[f64], &mut [f64]),
    /// Published final state.
    pub(crate) final_state: Vec<f64>,
    /// Errors of components smaller than this are measured absolutely, in units of it.
    pub(crate) floor: f64,
}

impl Problem {
    /// Largest error of a component of `state` against the published final state, relative to the larger of the
    /// component and the floor.
    pub(crate) fn error(&self, state: &[f64]) -> f64 {
        let relative = |(x, r): (&f64, &f64)| (x - r).abs() / r.abs().max(self.floor);
        state.iter().zip(&self.final_state).map(relative).fold(0.0, f64::max)
    }
}

fn problem(
    name: &'static str,
    end: f64,
    initial: &[f64],
    field: fn(f64, &[f64], &mut [f64]),
    final_state: &[f64],
    floor: f64,
) -> Problem {
    Problem { name, end, initial: initial.to_vec(), field, final_state: final_state.to_vec(), floor }
}

fn unit(n: usize) -> Vec<f64> {
    (0..n).map(|i| if i == 0 { 1.0 } else { 0.0 }).collect()
}

/// Perihelion of a Kepler orbit.
fn perihelion(e: f64) -> [f64; 4] {
    [1.0 - e, 0.0, 0.0, ((1.0 + e) / (1.0 - e)).sqrt()]
}

fn kepler(_: f64, x: &[f64], s: &mut [f64]) {
    let r3 = (x[0] * x[0] + x[1] * x[1]).powf(1.5);
    (s[0], s[1], s[2], s[3]) = (x[2], x[3], -x[0] / r3, -x[1] / r3);
}

fn diffusion(_: f64, x: &[f64], s: &mut [f64]) {
    let n = x.len();
    for i in 0..n {
        let left = if i == 0 { 0.0 } else { x[i - 1] };
        let right = if i + 1 == n { 0.0 } else { x[i + 1] };
        s[i] = left - 2.0 * x[i] + right;
    }
}

/// The non-stiff problems of classes A to E (without C4 and C5, larger copies of C3 and of the Pleiades).
pub(crate) fn detest() -> Vec<Problem> {
    vec![
        problem("A1", 20.0, &[1.0], |_, x, s| s[0] = -x[0], &[2.061153353012535e-9], 1.0),
        problem("A2", 20.0, &[1.0], |_, x, s| s[0] = -0.5 * x[0].powi(3), &[2.182178902359887e-1], 1.0),
        problem("A3", 20.0, &[1.0], |t, x, s| s[0] = x[0] * t.cos(), &[2.491650271850414], 1.0),
        problem(
            "A4",
            20.0,
            &[1.0],
            |_, x, s| s[0] = 0.25 * x[0] * (1.0 - x[0] / 20.0),
            &[17.73016648131483],
            1.0,
        ),
        problem("A5", 20.0, &[4.0], |t, x, s| s[0] = (x[0] - t) / (x[0] + t), &[-7.887826688964196e-1], 1.0),
        problem(
            "B1",
            20.0,
            &[1.0, 3.0],
            |_, x, s| {
                s[0] = 2.0 * (x[0] - x[0] * x[1]);
                s[1] = -(x[1] - x[0] * x[1]);
            },
            &[6.761876008576667e-1, 1.860816099640036e-1],
            1.0,
        ),
        problem(
            "B2",
            20.0,
            &[2.0, 0.0, 1.0],
            |_, x, s| {
                s[0] = -x[0] + x[1];
                s[2] = x[1] - x[2];
                s[1] = -s[0] - s[2];
            },
            &[1.000000001030576, 1.0, 9.999999989694235e-1],
            1.0,
        ),
        problem(
            "B3",
            20.0,
            &[1.0, 0.0, 0.0],
            |_, x, s| {
                let d = x[1] * x[1];
                (s[0], s[1], s[2]) = (-x[0], x[0] - d, d);
            },
            &[2.061153488557776e-9, 5.257228022048349e-2, 9.474277177183630e-1],
            1.0,
        ),
        problem(
            "B4",
            20.0,
            &[3.0, 0.0, 0.0],
            |_, x, s| {
                let d = x[0].hypot(x[1]);
                s[0] = -x[1] - x[0] * x[2] / d;
                s[1] = x[0] - x[1] * x[2] / d;
                s[2] = x[0] / d;
            },
            &[9.826950928005993e-1, 2.198447081694832, 9.129452507276399e-1],
            1.0,
        ),
        problem(
            "B5",
            20.0,
            &[0.0, 1.0, 1.0],
            |_, x, s| {
                (s[0], s[1], s[2]) = (x[1] * x[2], -x[0] * x[2], -0.51 * x[0] * x[1]);
            },
            &[-9.396570798729192e-1, -3.421177754000779e-1, 7.414126596199957e-1],
            1.0,
        ),
        problem(
            "C1",
            20.0,
            &unit(10),
            |_, x, s| {
                s[0] = -x[0];
                for i in 1..9 {
                    s[i] = x[i - 1] - x[i];
                }
                s[9] = x[8];
            },
            &[
                2.061153622240064e-9,
                4.122307244619555e-8,
                4.122307244716968e-7,
                2.748204829855288e-6,
                1.374102414941961e-5,
                5.496409659803266e-5,
                1.832136553274552e-4,
                5.234675866508716e-4,
                1.308668966628220e-3,
                9.979127409508656e-1,
            ],
            1.0,
        ),
        problem(
            "C2",
            20.0,
            &unit(10),
            |_, x, s| {
                s[0] = -x[0];
                for i in 1..9 {
                    s[i] = i as f64 * x[i - 1] - (i + 1) as f64 * x[i];
                }
                s[9] = 9.0 * x[8];
            },
            &[
                2.061153577984930e-9,
                2.061153573736588e-9,
                2.061153569488245e-9,
                2.061153565239902e-9,
                2.061153560991560e-9,
                2.061153556743217e-9,
                2.061153552494874e-9,
                2.061153548246532e-9,
                2.061153543998189e-9,
                9.999999814496180e-1,
            ],
            1.0,
        ),
        problem(
            "C3",
            20.0,
            &unit(10),
            diffusion,
            &[
                2.948119211022058e-3,
                5.635380154844266e-3,
                7.829072515926013e-3,
                9.348257908594937e-3,
                1.007943610301970e-2,
                9.982674171429909e-3,
                9.088693332766085e-3,
                7.489115195185912e-3,
                5.322964130953349e-3,
                2.762434379029886e-3,
            ],
            1.0,
        ),
        problem(
            "D1",
            20.0,
            &perihelion(0.1),
            kepler,
            &[2.198835352008397e-1, 9.427076846341813e-1, -9.787659841058176e-1, 3.287977990962036e-1],
            1.0,
        ),
        problem(
            "D2",
            20.0,
            &perihelion(0.3),
            kepler,
            &[-1.777027357140412e-1, 9.467784719905892e-1, -1.030294163192969, 1.211074890053952e-1],
            1.0,
        ),
        problem(
            "D3",
            20.0,
            &perihelion(0.5),
            kepler,
            &[-5.780432953035361e-1, 8.633840009194193e-1, -9.595083730380727e-1, -6.504915126712089e-2],
            1.0,
        ),
        problem(
            "D4",
            20.0,
            &perihelion(0.7),
            kepler,
            &[-9.538990293416394e-1, 6.907409024219432e-1, -8.212674270877433e-1, -1.539574259125825e-1],
            1.0,
        ),
        problem(
            "D5",
            20.0,
            &perihelion(0.9),
            kepler,
            &[-1.295266250987574, 4.003938963792321e-1, -6.775390924707566e-1, -1.270838154278686e-1],
            1.0,
        ),
        problem(
            "E1",
            20.0,
            &[0.79788456080286536 * 0.84147098480789651, 0.79788456080286536 * 0.11956681346419146],
            |t, x, s| {
                s[0] = x[1];
                s[1] = -(x[1] / (t + 1.0) + (1.0 - 0.25 / (t + 1.0).powi(2)) * x[0]);
            },
            &[1.456723600728308e-1, -9.883500195574063e-2],
            1.0,
        ),
        problem(
            "E2",
            20.0,
            &[2.0, 0.0],
            |_, x, s| {
                s[0] = x[1];
                s[1] = (1.0 - x[0] * x[0]) * x[1] - x[0];
            },
            &[2.008149762174948, -4.250887527320057e-2],
            1.0,
        ),
        problem(
            "E3",
            20.0,
            &[0.0, 0.0],
            |t, x, s| {
                s[0] = x[1];
                s[1] = x[0].powi(3) / 6.0 - x[0] + 2.0 * (2.78535 * t).sin();
            },
            &[-1.004178858647128e-1, 2.411400132095954e-1],
            1.0,
        ),
        problem(
            "E4",
            20.0,
            &[30.0, 0.0],
            |_, x, s| {
                s[0] = x[1];
                s[1] = 0.032 - 0.4 * x[1] * x[1];
            },
            &[33.95091444646555, 2.767822659672869e-1],
            1.0,
        ),
        problem(
            "E5",
            20.0,
            &[0.0, 0.0],
            |t, x, s| {
                s[0] = x[1];
                s[1] = (1.0 + x[1] * x[1]).sqrt() / (25.0 - t);
            },
            &[14.11797390542629, 2.400000000000002],
            1.0,
        ),
    ]
}

/// Seven masses in the plane, two near collisions.
pub(crate) fn pleiades() -> Problem {
    let initial = [
        3.0, 3.0, -1.0, -3.0, 2.0, -2.0, 2.0, 3.0, -3.0, 2.0, 0.0, 0.0, -4.0, 4.0, 0.0, 0.0, 0.0, 0.0, 0.0,
        1.75, -1.5, 0.0, 0.0, 0.0, -1.25, 1.0, 0.0, 0.0,
    ];
    problem(
        "PLEI",
        3.0,
        &initial,
        |_, x, s| {
            s[..14].copy_from_slice(&x[14..]);
            for i in 0..7 {
                let (mut a, mut b) = (0.0, 0.0);
                for j in (0..7).filter(|&j| j != i) {
                    let (dx, dy) = (x[j] - x[i], x[7 + j] - x[7 + i]);
                    let weight = (j + 1) as f64 / (dx * dx + dy * dy).powf(1.5);
                    a += weight * dx;
                    b += weight * dy;
                }
                (s[14 + i], s[21 + i]) = (a, b);
            }
        },
        &[
            0.3706139143970502,
            3.237284092057233,
            -3.222559032418324,
            0.6597091455775310,
            0.3425581707156584,
            1.562172101400631,
            -0.7003092922212495,
            -3.943437585517392,
            -3.271380973972550,
            5.225081843456543,
            -2.590612434977470,
            1.198213693392275,
            -0.2429682344935824,
            1.091449240428980,
            3.417003806314313,
            1.354584501625501,
            -2.590065597810775,
            2.025053734714242,
            -1.155815100160448,
            -0.8072988170223021,
            0.5952396354208710,
            -3.741244961234010,
            0.3773459685750630,
            0.9386858869551073,
            0.3667922227200571,
            -0.3474046353808490,
            2.344915448180937,
            -1.947020434263292,
        ],
        1.0,
    )
}

/// The two-component Brusselator, a limit cycle.
pub(crate) fn brusselator() -> Problem {
    problem(
        "Brusselator",
        20.0,
        &[1.5, 3.0],
        |_, x, s| {
            let reaction = x[0] * x[0] * x[1];
            s[0] = 1.0 + reaction - 4.0 * x[0];
            s[1] = 3.0 * x[0] - reaction;
        },
        &[0.4986370712683478, 4.596780349452011],
        1.0,
    )
}

/// Stiff problems of the test set.
pub(crate) fn test_set() -> Vec<Problem> {
    vec![
        problem(
            "HIRES",
            321.8122,
            &[1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0057],
            |_, x, s| {
                let reaction = 280.0 * x[5] * x[7];
                s[0] = -1.71 * x[0] + 0.43 * x[1] + 8.32 * x[2] + 0.0007;
                s[1] = 1.71 * x[0] - 8.75 * x[1];
                s[2] = -10.03 * x[2] + 0.43 * x[3] + 0.035 * x[4];
                s[3] = 8.32 * x[1] + 1.71 * x[2] - 1.12 * x[3];
                s[4] = -1.745 * x[4] + 0.43 * x[5] + 0.43 * x[6];
                s[5] = -reaction + 0.69 * x[3] + 1.71 * x[4] - 0.43 * x[5] + 0.69 * x[6];
                s[6] = reaction - 1.81 * x[6];
                s[7] = -s[6];
            },
            &[
                0.7371312573325668e-3,
                0.1442485726316185e-3,
                0.5888729740967575e-4,
                0.1175651343283149e-2,
                0.2386356198831331e-2,
                0.6238968252742796e-2,
                0.2849998395185769e-2,
                0.2850001604814231e-2,
            ],
            1e-4,
        ),
        problem(
            "VANDERPOL",
            2000.0,
            &[2.0, 0.0],
            |_, x, s| {
                s[0] = x[1];
                s[1] = 1e3 * (1.0 - x[0] * x[0]) * x[1] - x[0];
            },
            &[0.1706167732170469e1, -0.8928097010248125e-3],
            1e-3,
        ),
        problem(
            "ROBER",
            1e11,
            &[1.0, 0.0, 0.0],
            |_, x, s| {
                let (slow, middle, fast) = (0.04 * x[0], 1e4 * x[1] * x[2], 3e7 * x[1] * x[1]);
                s[0] = -slow + middle;
                s[1] = slow - middle - fast;
                s[2] = fast;
            },
            &[0.2083340149701255e-7, 0.8333360770334713e-13, 0.9999999791665050],
            1e-12,
        ),
        problem(
            "OREGO",
            360.0,
            &[1.0, 2.0, 3.0],
            |_, x, s| {
                s[0] = 77.27 * (x[1] + x[0] * (1.0 - 8.375e-6 * x[0] - x[1]));
                s[1] = (x[2] - (1.0 + x[0]) * x[1]) / 77.27;
                s[2] = 0.161 * (x[0] - x[2]);
            },
            &[0.1000814870318523e1, 0.1228178521549917e4, 0.1320554942846706e3],
            1.0,
        ),
    ]
}
