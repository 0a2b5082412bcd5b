//! The stages, one file each, and the list of them.
//!
//! Adding a stage is adding its file and its line in [`all`]. No stage knows another: what follows what is in their specs.

mod chunk;
mod classify;
mod context;
mod convert;
mod embed;
mod extract;
mod policy;
mod preview;
#[cfg(test)]
mod stopping;
mod storyboard;
mod stt;
mod subtitles;
mod summarize;
#[cfg(test)]
mod testing;
mod thumbnail;

use std::sync::Arc;

pub use context::{Library, StageContext, WAIT_SPEECH_MODEL, WAIT_SPEECH_SERVICE};
pub use policy::VideoPolicy;
use queue::Stage;

/// Every stage, each after those it follows.
pub fn all(context: &Arc<StageContext>) -> Vec<Arc<dyn Stage>> {
    let c = || Arc::clone(context);
    vec![
        Arc::new(extract::Extract(c())),
        Arc::new(stt::Stt(c())),
        Arc::new(convert::Convert(c())),
        Arc::new(thumbnail::Thumbnail(c())),
        Arc::new(storyboard::MakeStoryboard(c())),
        Arc::new(classify::Classify(c())),
        Arc::new(preview::Preview(c())),
        Arc::new(embed::Embed),
        Arc::new(chunk::Chunk(c())),
        Arc::new(summarize::Summarize(c())),
    ]
}
