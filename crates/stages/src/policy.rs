//! What people decide about videos, and so with which stages a new document begins.

use model::{Category, Document, StageSpec};
use queue::Graph;

use crate::{convert, stt};

/// What happens to videos without being asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VideoPolicy {
    /// Those that no browser plays get a playable copy.
    pub auto_convert: bool,
    /// Their sound is transcribed.
    pub transcribe: bool,
}

impl VideoPolicy {
    /// The stages that a new document begins with. A video in quarantine begins with none unless a policy names one.
    pub fn first_stages(self, graph: &Graph, document: &Document) -> Vec<StageSpec> {
        let mut first = graph.first_stages(document);
        if document.category != Category::Video {
            return first;
        }
        first.retain(|spec| spec.name != stt::SPEC.name);
        if self.auto_convert {
            first.push(convert::SPEC);
        }
        if self.transcribe {
            first.push(stt::SPEC);
        }
        first
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::{FileType, Source, Timestamp};

    use super::*;
    use crate::testing::Bench;

    /// The first stages of a file of that name.
    async fn first(policy: VideoPolicy, name: &str) -> Vec<&'static str> {
        let bench = Bench::new().await;
        let graph = Graph::new(crate::all(&Arc::clone(&bench.context))).unwrap();
        let kind = FileType::of_name(name);
        let document = Document {
            category: kind.category,
            needs_conversion: kind.needs_conversion,
            ..Document::blank("d".into(), "d".into(), Source::Watch, Timestamp(0))
        };
        let first = policy.first_stages(&graph, &document);
        first.iter().map(|spec| spec.name).collect()
    }

    #[tokio::test]
    async fn without_a_policy_a_video_begins_with_its_thumbnail_or_waits_in_quarantine() {
        let policy = VideoPolicy::default();
        assert_eq!(first(policy, "a.mp4").await, ["thumbnail"]);
        assert_eq!(first(policy, "a.mov").await, [""; 0]);
        assert_eq!(first(policy, "a.mp3").await, ["stt"]);
        assert_eq!(first(policy, "a.pdf").await, ["extract"]);
    }

    #[tokio::test]
    async fn a_policy_adds_its_stage_to_videos_alone() {
        let policy = VideoPolicy {
            auto_convert: true,
            transcribe: true,
        };
        assert_eq!(
            first(policy, "a.mp4").await,
            ["thumbnail", "convert", "stt"]
        );
        assert_eq!(first(policy, "a.mkv").await, ["convert", "stt"]);
        assert_eq!(first(policy, "a.mp3").await, ["stt"]);
    }
}
