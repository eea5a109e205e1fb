//! Wall time and processor time of repeated runs.
use std::time::{Duration, Instant};

/// Seconds of each repetition.
#[derive(Clone, Debug, Default)]
pub struct Times {
    /// Wall clock.
    pub wall: Vec<f64>,
    /// Processor time of all threads of this process; empty where the system does not tell.
    pub cpu: Vec<f64>,
}

impl Times {
    /// Every time divided by a number of steps.
    #[must_use]
    pub fn per(mut self, steps: f64) -> Self {
        for t in self.wall.iter_mut().chain(&mut self.cpu) {
            *t /= steps;
        }
        self
    }

    /// The shortest wall time.
    #[must_use]
    pub fn wall_min(&self) -> f64 {
        self.wall.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// The median wall time.
    #[must_use]
    pub fn wall_median(&self) -> f64 {
        let mut sorted = self.wall.clone();
        sorted.sort_by(f64::total_cmp);
        let n = sorted.len();
        match n {
            0 => f64::NAN,
            _ if n % 2 == 1 => sorted[n / 2],
            _ => 0.5 * (sorted[n / 2 - 1] + sorted[n / 2]),
        }
    }

    /// The mean processor time: the system counts in steps, whose errors average out here and not in the least.
    #[must_use]
    pub fn cpu_mean(&self) -> Option<f64> {
        if self.cpu.is_empty() { None } else { Some(self.cpu.iter().sum::<f64>() / self.cpu.len() as f64) }
    }

    /// The shortest processor time.
    #[must_use]
    pub fn cpu_min(&self) -> Option<f64> {
        self.cpu.iter().copied().reduce(f64::min)
    }
}

/// Runs once to warm up, then `repetitions` times (at least once, fewer after `limit`). Runs shorter than 60 ms are
/// repeated inside one measurement until that takes as long: the system counts processor time in steps of some milliseconds.
pub fn time<T>(repetitions: usize, limit: Duration, mut run: impl FnMut() -> T) -> (T, Times) {
    let start = Instant::now();
    let mut result = run();
    let first = start.elapsed().as_secs_f64();
    let inner = (60e-3 / first.max(1e-8)).ceil().clamp(1.0, 1e5) as usize;
    let mut times = Times::default();
    let start = Instant::now();
    for _ in 0..repetitions.max(1) {
        let (cpu, wall) = (processor_seconds(), Instant::now());
        for _ in 0..inner {
            result = run();
        }
        times.wall.push(wall.elapsed().as_secs_f64() / inner as f64);
        if let (Some(before), Some(after)) = (cpu, processor_seconds()) {
            times.cpu.push((after - before) / inner as f64);
        }
        if start.elapsed() > limit {
            break;
        }
    }
    (result, times)
}

/// Processor seconds of all threads of this process that are alive (Linux).
fn processor_seconds() -> Option<f64> {
    let mut nanoseconds = 0u64;
    for task in std::fs::read_dir("/proc/self/task").ok()? {
        let text = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        nanoseconds += text.split_whitespace().next()?.parse::<u64>().ok()?;
    }
    Some(nanoseconds as f64 * 1e-9)
}
