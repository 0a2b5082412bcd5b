//! What is ready on this installation and what is missing, for the app and for `seogo doctor`.

use api::{ProgramStatus, ServerStatus, SpeechEngine, SpeechStatus, StatusSource};
use async_trait::async_trait;
use tools::{SpeechClient, Toolbox};

/// The program that makes drafts.
const DRAFT_PROGRAM: &str = "pocketsphinx";
/// The one command that gets a speech model.
const PULL: &str = "seogo models pull";

/// Asks the tools and the speech service.
pub struct Installation {
    /// Programs in the fence.
    pub tools: Toolbox,
    /// The speech service.
    pub speech: SpeechClient,
}

#[async_trait]
impl StatusSource for Installation {
    async fn status(&self) -> ServerStatus {
        let programs: Vec<_> = self.tools.programs().into_iter().map(program).collect();
        let drafts = programs
            .iter()
            .any(|program| program.name.starts_with(DRAFT_PROGRAM) && program.found);
        ServerStatus {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            speech: self.speech_status(drafts).await,
            programs,
        }
    }
}

impl Installation {
    async fn speech_status(&self, drafts: bool) -> SpeechStatus {
        let engine = if drafts {
            SpeechEngine::Draft
        } else {
            SpeechEngine::None
        };
        match self.speech.ready().await {
            Ok(ready) if ready.ready => SpeechStatus {
                ready: true,
                model: ready.model,
                engine: SpeechEngine::Whisper,
                message: None,
                command: None,
            },
            Ok(_) => SpeechStatus {
                ready: false,
                model: None,
                engine,
                message: Some(without_model(drafts).to_owned()),
                command: Some(PULL.to_owned()),
            },
            Err(error) => SpeechStatus {
                ready: false,
                model: None,
                engine,
                message: Some(format!("The speech service does not answer: {error}")),
                command: None,
            },
        }
    }
}

fn without_model(drafts: bool) -> &'static str {
    if drafts {
        "There is no speech model yet: transcripts are drafts, of English only. They are made anew when a model is there."
    } else {
        "There is no speech model yet: recordings wait until one is there."
    }
}

fn program(program: tools::Program) -> ProgramStatus {
    let found = program.found.is_some();
    ProgramStatus {
        name: program.name.to_string(),
        found,
        needed_for: program.needed_for.to_string(),
        mend: (!found).then(|| program.mend.to_string()),
    }
}
