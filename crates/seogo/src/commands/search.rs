//! `seogo search QUERY`.

use std::process::ExitCode;

use anyhow::Result;
use search::{Hit, Indexer, Mode, Query};

use super::print_json;
use crate::app::App;
use crate::archive::Archive;
use crate::cli::SearchArgs;

pub async fn run(app: &App, arguments: SearchArgs) -> Result<ExitCode> {
    let store = app.open_existing().await?;
    let index = Archive::index(app)?;
    // A running server keeps the index up to date and holds the right to write it; alone, this does.
    let indexer = Indexer::new(std::sync::Arc::clone(&index), store);
    if let Err(error) = indexer.catch_up().await {
        tracing::info!(%error, "the index is used as it is");
    }
    let query = Query {
        text: arguments.query.join(" "),
        mode: Mode::Hybrid,
        categories: arguments.category.into_iter().collect(),
        limit: usize::from(arguments.limit),
        offset: 0,
    };
    let hits = index.search(&query)?;
    if arguments.output.json {
        print_json(&hits)?;
    } else {
        hits.hits.iter().for_each(print_hit);
        println!("{} found", hits.total);
    }
    Ok(ExitCode::SUCCESS)
}

fn print_hit(hit: &Hit) {
    let place = match (hit.page, hit.start_s) {
        (Some(page), _) => format!("  page {page}"),
        (None, Some(second)) => format!("  {}", clock(second)),
        (None, None) => String::new(),
    };
    println!("{} [{}]{place}", hit.title, hit.category);
    println!("  {}", plain(&hit.snippet));
    println!("  {}\n", hit.document_id);
}

/// `1:02:03` of a second.
fn clock(second: f64) -> String {
    let whole = second.max(0.0) as u64;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

/// The snippet without its HTML.
fn plain(snippet: &str) -> String {
    [
        ("<mark>", ""),
        ("</mark>", ""),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(snippet.replace('\n', " "), |text, (html, plain)| {
        text.replace(html, plain)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_read_as_a_clock() {
        assert_eq!(clock(62.9), "1:02");
        assert_eq!(clock(3723.0), "1:02:03");
    }

    #[test]
    fn a_snippet_reads_as_text() {
        assert_eq!(
            plain("a <mark>b</mark> &lt;c&gt; &amp;amp;"),
            "a b <c> &amp;"
        );
    }
}
