//! Counts of requests, as Prometheus reads them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;

use crate::state::AppState;

/// Upper bounds of the duration histogram, in seconds.
const BUCKETS_S: [f64; 6] = [0.005, 0.025, 0.1, 0.5, 2.5, 10.0];

/// What requests to no known route are counted under, so that made-up paths cost no memory.
const WEB_APP: &str = "web";

/// Requests so far. One small entry per route and status.
#[derive(Debug, Default)]
pub(crate) struct Metrics(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    requests: BTreeMap<(String, u16), u64>,
    durations: BTreeMap<String, Histogram>,
}

#[derive(Debug, Default)]
struct Histogram {
    /// Requests per bucket, not added up; the last is beyond all bounds.
    buckets: [u64; BUCKETS_S.len() + 1],
    sum_s: f64,
}

impl Metrics {
    fn record(&self, route: &str, status: u16, took: Duration) {
        let seconds = took.as_secs_f64();
        let bucket = BUCKETS_S.iter().position(|bound| seconds <= *bound);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts
            .requests
            .entry((route.to_owned(), status))
            .or_default() += 1;
        let histogram = counts.durations.entry(route.to_owned()).or_default();
        histogram.buckets[bucket.unwrap_or(BUCKETS_S.len())] += 1;
        histogram.sum_s += seconds;
    }

    /// The requests so far in Prometheus' text format.
    pub fn write_to(&self, text: &mut String) {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        text.push_str("# TYPE seogo_http_requests_total counter\n");
        for ((route, status), count) in &counts.requests {
            line(
                text,
                "seogo_http_requests_total",
                &[("route", route), ("status", &status.to_string())],
                *count,
            );
        }
        text.push_str("# TYPE seogo_http_request_duration_seconds histogram\n");
        for (route, histogram) in &counts.durations {
            histogram.write_to(text, route);
        }
    }
}

impl Histogram {
    fn write_to(&self, text: &mut String, route: &str) {
        const NAME: &str = "seogo_http_request_duration_seconds";
        let bounds = BUCKETS_S
            .iter()
            .map(f64::to_string)
            .chain(["+Inf".to_owned()]);
        let mut total = 0;
        for (bound, count) in bounds.zip(self.buckets) {
            total += count;
            line(
                text,
                &format!("{NAME}_bucket"),
                &[("route", route), ("le", &bound)],
                total,
            );
        }
        line(
            text,
            &format!("{NAME}_sum"),
            &[("route", route)],
            self.sum_s,
        );
        line(text, &format!("{NAME}_count"), &[("route", route)], total);
    }
}

/// Adds one sample.
pub(crate) fn line(
    text: &mut String,
    name: &str,
    labels: &[(&str, &str)],
    value: impl std::fmt::Display,
) {
    let labels: Vec<String> = labels
        .iter()
        .map(|(key, value)| format!("{key}=\"{}\"", escaped(value)))
        .collect();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{name}{{{}}} {value}", labels.join(","));
}

fn escaped(label: &str) -> String {
    label
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

/// Counts the request under its route.
pub(crate) async fn count(
    State(app): State<Arc<AppState>>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.extensions().get::<MatchedPath>();
    let route = path.map_or(WEB_APP, MatchedPath::as_str);
    let route = format!("{} {route}", request.method());
    let begun = Instant::now();
    let response = next.run(request).await;
    app.internals
        .metrics
        .record(&route, response.status().as_u16(), begun.elapsed());
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_add_up() {
        let metrics = Metrics::default();
        metrics.record("GET /a", 200, Duration::from_millis(1));
        metrics.record("GET /a", 404, Duration::from_millis(50));
        metrics.record("GET /a", 200, Duration::from_secs(60));
        let mut text = String::new();
        metrics.write_to(&mut text);
        for expected in [
            "seogo_http_requests_total{route=\"GET /a\",status=\"200\"} 2\n",
            "seogo_http_request_duration_seconds_bucket{route=\"GET /a\",le=\"0.005\"} 1\n",
            "seogo_http_request_duration_seconds_bucket{route=\"GET /a\",le=\"0.1\"} 2\n",
            "seogo_http_request_duration_seconds_bucket{route=\"GET /a\",le=\"+Inf\"} 3\n",
            "seogo_http_request_duration_seconds_count{route=\"GET /a\"} 3\n",
        ] {
            assert!(text.contains(expected), "{expected} is not in\n{text}");
        }
    }

    #[test]
    fn a_label_cannot_break_out() {
        let mut text = String::new();
        line(&mut text, "x", &[("a", "b\"\n\\")], 1);
        assert_eq!(text, "x{a=\"b\\\"\\n\\\\\"} 1\n");
    }
}
