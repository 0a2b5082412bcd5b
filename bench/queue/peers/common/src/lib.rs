//! What the peers' programs share: the command line, the stopwatch and the JSON lines they print.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use cpu_time::ProcessTime;
use serde_json::{Value, json};

/// Items in one call of `enqueue-batch`, the same for every system.
pub const BATCH: usize = 100;
/// Samples of `pickup`.
pub const PICKUPS: usize = 200;

/// The command line, the same for every system.
pub struct Options {
    pub url: String,
    pub measure: String,
    /// Handlers at once (`drain`, `pairs`, `pickup`); enqueuing is done by one producer.
    pub workers: usize,
    /// Items enqueued; pairs for `pairs`.
    pub items: usize,
    /// Finished rows to be there before the clock starts.
    pub history: usize,
    /// Whether the tables are analysed before the clock starts.
    pub analyzed: bool,
}

impl Options {
    /// Reads `--url URL --measure M [--workers W] [--items N] [--history N] [--analyzed | --fresh]`.
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self> {
        let mut options = Self {
            url: String::new(),
            measure: String::new(),
            workers: 1,
            items: 1000,
            history: 0,
            analyzed: false,
        };
        while let Some(name) = arguments.next() {
            if name == "--analyzed" || name == "--fresh" {
                options.analyzed = name == "--analyzed";
                continue;
            }
            let value = arguments
                .next()
                .with_context(|| format!("{name} needs a value"))?;
            match name.as_str() {
                "--url" => options.url = value,
                "--measure" => options.measure = value,
                "--workers" => options.workers = value.parse()?,
                "--items" => options.items = value.parse()?,
                "--history" => options.history = value.parse()?,
                _ => bail!("unknown option {name}"),
            }
        }
        Ok(options)
    }

    /// Prints one result.
    pub fn print(&self, who: &Who, result: Measured) {
        let mut line = json!({
            "system": who.system,
            "database": who.database,
            "measure": result.measure,
            "workers": self.workers,
            "value": result.value,
            "unit": result.unit,
            "settings": who.settings,
            "items": self.items,
            "history": self.history,
            "analyzed": self.analyzed,
        });
        if let Some(cpu) = result.cpu_s_per_10k {
            line["cpu_s_per_10k"] = Value::from(cpu);
        }
        println!("{line}");
    }
}

/// Who prints.
pub struct Who {
    pub system: &'static str,
    pub database: &'static str,
    /// Everything that was set for speed, and whether `pairs` is atomic.
    pub settings: String,
}

/// One figure.
pub struct Measured {
    pub measure: String,
    pub value: f64,
    pub unit: &'static str,
    pub cpu_s_per_10k: Option<f64>,
}

/// Wall clock and CPU of this process since the start.
pub struct Stopwatch {
    wall: Instant,
    cpu: ProcessTime,
}

impl Stopwatch {
    pub fn start() -> Self {
        Self {
            wall: Instant::now(),
            cpu: ProcessTime::now(),
        }
    }

    /// `count` items (or pairs) per second.
    pub fn rate(&self, measure: &str, count: usize, unit: &'static str) -> Measured {
        let seconds = self.wall.elapsed().as_secs_f64();
        let cpu = self.cpu.elapsed().as_secs_f64();
        Measured {
            measure: measure.to_owned(),
            value: count as f64 / seconds,
            unit,
            cpu_s_per_10k: Some(cpu * 10_000.0 / count as f64),
        }
    }
}

/// The median and the 99th percentile, in milliseconds.
pub fn percentiles(mut samples: Vec<Duration>) -> [Measured; 2] {
    samples.sort_unstable();
    [50, 99].map(|percent| {
        let rank = (samples.len() * percent).div_ceil(100).max(1) - 1;
        Measured {
            measure: format!("pickup-p{percent}"),
            value: samples
                .get(rank)
                .map_or(f64::NAN, |sample| sample.as_secs_f64() * 1000.0),
            unit: "ms",
            cpu_s_per_10k: None,
        }
    })
}

/// Pauses of 20 to 60 ms, the same in every run.
pub fn gaps() -> impl Iterator<Item = Duration> {
    let mut state: u64 = 0x9E37_79B9_7F4A_7C15;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        Duration::from_micros(20_000 + state % 40_000)
    })
}
