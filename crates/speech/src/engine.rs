//! whisper.cpp: one loaded model, and runs over stretches of sound.
//!
//! Everything here blocks and belongs on a blocking thread.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use tokio_util::sync::CancellationToken;
use whisper_rs::{
    FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters, WhisperSegment,
    WhisperState,
};

use crate::error::SpeechError;
use crate::language::Language;
use crate::model_file::{self, ModelFileError};
use crate::words::{Piece, Word, mean_probability, words};

/// Samples a second that the engine takes.
pub const SAMPLE_RATE: usize = 16_000;
/// whisper.cpp reads nothing from less than a tenth of a second.
const MIN_SAMPLES: usize = SAMPLE_RATE / 10;
/// whisper.cpp listens to half a minute at a time.
const GLANCE: usize = 30 * SAMPLE_RATE;
/// Below this loudness (root mean square) there is only noise of the equipment; the engine would invent words for it.
const SILENCE: f32 = 1e-4;
/// Beams that whisper.cpp can follow at most.
pub const MAX_BEAM_SIZE: u8 = 8;

/// A model in memory.
pub struct Engine {
    context: WhisperContext,
    name: String,
    threads: usize,
}

/// How to transcribe.
#[derive(Clone, Debug)]
pub struct Options {
    /// The languages to choose from; empty for all that the model knows.
    pub languages: Vec<Language>,
    /// Beams to follow, 1 to [`MAX_BEAM_SIZE`].
    pub beam_size: u8,
    /// Names and terms to expect.
    pub prompt: Option<String>,
}

/// One line of the transcript; times in seconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// From the start of the recording.
    pub start: f64,
    /// From the start of the recording; not before `start`.
    pub end: f64,
    /// Without blanks around it; never empty.
    pub text: String,
    /// Its words with times.
    pub words: Vec<Word>,
    /// 0 to 1: the mean probability of its tokens.
    pub confidence: f64,
    /// 0 to 1: how likely the engine takes this for no speech at all.
    pub no_speech: f64,
}

/// How a run tells its progress and learns that it is to stop.
pub struct Hooks {
    /// Stops the run soon after it is cancelled.
    pub cancel: CancellationToken,
    /// Called now and then with the part that is done, 0 to 1.
    pub progress: Box<dyn Fn(f32) + Send + Sync>,
}

impl Engine {
    /// Loads the model file at `path`. Fails where it is no whole ggml model.
    pub fn load(path: &Path, threads: usize) -> Result<Self, ModelFileError> {
        whisper_rs::install_logging_hooks();
        model_file::check(path)?;
        let mut parameters = WhisperContextParameters::new();
        parameters.flash_attn(cfg!(any(
            feature = "cuda",
            feature = "metal",
            feature = "vulkan"
        )));
        let context = WhisperContext::new_with_params(path, parameters)
            .map_err(|_| ModelFileError::Damaged("whisper.cpp does not accept its tensors"))?;
        Ok(Self {
            context,
            name: model_name(path),
            threads: threads.max(1),
        })
    }

    /// The model's name: that of its file without `ggml-` and extension.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A workplace for one recording; holds the engine's buffers.
    pub fn start(self: &Arc<Self>) -> Result<Session, SpeechError> {
        let state = self.context.create_state().map_err(|error| {
            SpeechError::Engine(format!(
                "{error}. The model may need more memory than there is; try a smaller one."
            ))
        })?;
        Ok(Session {
            engine: self.clone(),
            state,
            language: None,
        })
    }
}

/// `/models/ggml-small-q5_1.bin` → `small-q5_1`.
pub fn model_name(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    stem.strip_prefix("ggml-").unwrap_or(&stem).to_owned()
}

/// One recording under work.
pub struct Session {
    engine: Arc<Engine>,
    state: WhisperState,
    language: Option<Language>,
}

impl Session {
    /// The language of the recording, once a stretch that was not silent has been heard.
    pub fn language(&self) -> Option<Language> {
        self.language
    }

    /// Transcribes `samples` (16 kHz mono); `offset` is where they begin in the recording, in seconds.
    pub fn run(
        &mut self,
        samples: &[f32],
        offset: f64,
        options: &Options,
        hooks: Hooks,
    ) -> Result<Vec<Segment>, SpeechError> {
        if samples.len() < MIN_SAMPLES || loudness(samples) < SILENCE {
            return Ok(Vec::new());
        }
        let language = self.find_language(samples, options)?;
        if hooks.cancel.is_cancelled() {
            return Err(SpeechError::Cancelled);
        }
        let hooks = Arc::new(hooks);
        let parameters = self.parameters(language, options, &hooks);
        let outcome = self.state.full(parameters, samples);
        if hooks.cancel.is_cancelled() {
            return Err(SpeechError::Cancelled);
        }
        outcome.map_err(|error| SpeechError::Engine(error.to_string()))?;
        Ok(self.segments(offset, samples.len() as f64 / SAMPLE_RATE as f64))
    }

    /// The language asked for, or the one heard in the loudest half minute of the first stretch with sound.
    fn find_language(
        &mut self,
        samples: &[f32],
        options: &Options,
    ) -> Result<Language, SpeechError> {
        if let Some(known) = self.language {
            return Ok(known);
        }
        let found = if !self.engine.context.is_multilingual() {
            Language::ENGLISH
        } else if let [only] = options.languages[..] {
            only
        } else {
            self.hear_language(samples, &options.languages)?
        };
        self.language = Some(found);
        Ok(found)
    }

    fn hear_language(
        &mut self,
        samples: &[f32],
        shortlist: &[Language],
    ) -> Result<Language, SpeechError> {
        let failed = |error: whisper_rs::WhisperError| SpeechError::Engine(error.to_string());
        let threads = self.engine.threads;
        self.state
            .pcm_to_mel(loudest(samples), threads)
            .map_err(failed)?;
        let (best, likelihoods) = self.state.lang_detect(0, threads).map_err(failed)?;
        let likelihood = |language: &Language| {
            likelihoods
                .get(language.id() as usize)
                .copied()
                .unwrap_or(0.0)
        };
        let of_shortlist = shortlist
            .iter()
            .copied()
            .max_by(|a, b| likelihood(a).total_cmp(&likelihood(b)));
        Ok(of_shortlist
            .or_else(|| Language::from_id(best))
            .unwrap_or(Language::ENGLISH))
    }

    fn parameters<'a>(
        &self,
        language: Language,
        options: &Options,
        hooks: &Arc<Hooks>,
    ) -> FullParams<'a, 'a> {
        let mut p = FullParams::new(strategy(options.beam_size));
        p.set_n_threads(i32::try_from(self.engine.threads).unwrap_or(1));
        p.set_language(Some(language.code()));
        p.set_token_timestamps(true);
        p.set_print_progress(false);
        p.set_print_realtime(false);
        p.set_print_special(false);
        match options
            .prompt
            .as_deref()
            .map(|prompt| prompt.replace('\0', " "))
        {
            Some(prompt) if !prompt.trim().is_empty() => p.set_initial_prompt(prompt.trim()),
            // A transcript that is fed back keeps a slip alive for minutes; each half minute stands on its own.
            _ => p.set_n_max_text_ctx(0),
        }
        set_callbacks(&mut p, hooks);
        p
    }

    fn segments(&self, offset: f64, length: f64) -> Vec<Segment> {
        let eot = self.engine.context.token_eot();
        self.state
            .as_iter()
            .filter_map(|segment| read_segment(&segment, eot, offset, length))
            .collect()
    }
}

fn strategy(beam_size: u8) -> SamplingStrategy {
    match beam_size {
        0 | 1 => SamplingStrategy::Greedy { best_of: 1 },
        beams => SamplingStrategy::BeamSearch {
            beam_size: i32::from(beams.min(MAX_BEAM_SIZE)),
            patience: -1.0,
        },
    }
}

/// whisper-rs never frees the closures given to it, so they hold the hooks weakly and nothing stays alive through them.
fn set_callbacks(parameters: &mut FullParams, hooks: &Arc<Hooks>) {
    let weak: Weak<Hooks> = Arc::downgrade(hooks);
    parameters.set_progress_callback_safe(move |percent: i32| {
        if let Some(hooks) = weak.upgrade() {
            (hooks.progress)(percent.clamp(0, 100) as f32 / 100.0);
        }
    });
    let weak = Arc::downgrade(hooks);
    let cancelled = move || {
        weak.upgrade()
            .is_none_or(|hooks| hooks.cancel.is_cancelled())
    };
    // Boxed on purpose: whisper-rs 0.16 reads the closure back as a `Box<dyn FnMut>`, which is right for no other type.
    let boxed: Box<dyn FnMut() -> bool> = Box::new(cancelled);
    parameters.set_abort_callback_safe::<_, Box<dyn FnMut() -> bool>>(boxed);
}

fn read_segment(segment: &WhisperSegment, eot: i32, offset: f64, length: f64) -> Option<Segment> {
    // Times come in hundredths of a second; the engine listens past the end, so they are held to the stretch.
    let seconds = |cs: i64| offset + (cs as f64 / 100.0).clamp(0.0, length);
    let pieces: Vec<Piece> = (0..segment.n_tokens())
        .filter_map(|index| segment.get_token(index))
        .filter(|token| token.token_id() < eot)
        .filter_map(|token| {
            let data = token.token_data();
            Some(Piece {
                bytes: token.to_bytes().ok()?.to_vec(),
                start: seconds(data.t0),
                end: seconds(data.t1),
                probability: f64::from(data.p),
            })
        })
        .collect();
    let text = segment.to_str_lossy().ok()?.trim().to_owned();
    let start = seconds(segment.start_timestamp());
    (!text.is_empty()).then(|| Segment {
        start,
        end: seconds(segment.end_timestamp()).max(start),
        text,
        words: words(&pieces),
        confidence: mean_probability(pieces.iter()),
        no_speech: f64::from(segment.no_speech_probability()),
    })
}

/// The half minute with the most sound.
fn loudest(samples: &[f32]) -> &[f32] {
    samples
        .chunks(GLANCE)
        .max_by(|a, b| energy(a).total_cmp(&energy(b)))
        .unwrap_or(samples)
}

fn energy(samples: &[f32]) -> f32 {
    samples.iter().map(|sample| sample * sample).sum()
}

/// Root mean square.
fn loudness(samples: &[f32]) -> f32 {
    (energy(samples) / samples.len().max(1) as f32).sqrt()
}

/// The path and the file of a model, to tell whether it changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelStamp {
    /// Where it is.
    pub path: PathBuf,
    /// Bytes.
    pub length: u64,
    /// When it was last written, where the file system tells.
    pub modified: Option<std::time::SystemTime>,
}

impl ModelStamp {
    /// The stamp of the file at `path`; `None` where there is no file.
    pub fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok().filter(|m| m.is_file())?;
        Some(Self {
            path: path.to_owned(),
            length: metadata.len(),
            modified: metadata.modified().ok(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tiny_model::TinyModel;
    use std::sync::Mutex;

    fn engine(tokens: &[&str]) -> Arc<Engine> {
        let file = tempfile::Builder::new()
            .prefix("ggml-own")
            .suffix(".bin")
            .tempfile()
            .unwrap();
        std::fs::write(file.path(), TinyModel::saying(tokens).to_bytes()).unwrap();
        Arc::new(Engine::load(file.path(), 1).unwrap())
    }

    fn hum(seconds: usize) -> Vec<f32> {
        (0..seconds * SAMPLE_RATE)
            .map(|i| (i as f32 * 0.05).sin() * 0.3)
            .collect()
    }

    fn options() -> Options {
        Options {
            languages: Vec::new(),
            beam_size: 1,
            prompt: None,
        }
    }

    fn hooks(cancel: &CancellationToken, progress: impl Fn(f32) + Send + Sync + 'static) -> Hooks {
        Hooks {
            cancel: cancel.clone(),
            progress: Box::new(progress),
        }
    }

    #[test]
    fn times_count_from_the_start_of_the_recording_and_end_with_the_sound() {
        let mut session = engine(&[" one", " two"]).start().unwrap();
        let quiet = hooks(&CancellationToken::new(), |_| {});
        // The model speaks until 1.5 s, but there is only one second of sound.
        let lines = session.run(&hum(1), 100.0, &options(), quiet).unwrap();
        let [line] = &lines[..] else {
            panic!("{lines:?}")
        };
        assert_eq!(
            (line.start, line.end, line.text.as_str()),
            (100.0, 101.0, "one two")
        );
        assert!(
            line.words
                .iter()
                .all(|word| (100.0..=101.0).contains(&word.start) && word.end <= 101.0)
        );
        assert_eq!(session.language().unwrap().code(), "ko");
    }

    #[test]
    fn a_cancelled_run_stops_in_the_middle_and_keeps_nothing_alive() {
        let mut session = engine(&[" one"]).start().unwrap();
        let cancel = CancellationToken::new();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (stop, told) = (cancel.clone(), seen.clone());
        let hooks = hooks(&cancel, move |part| {
            told.lock().unwrap().push(part);
            if part > 0.0 {
                stop.cancel();
            }
        });
        let outcome = session.run(&hum(150), 0.0, &options(), hooks);
        assert!(
            matches!(outcome, Err(SpeechError::Cancelled)),
            "{outcome:?}"
        );
        let last = *seen.lock().unwrap().last().unwrap();
        assert!(last > 0.0 && last < 0.9, "went on to {last}");
        assert_eq!(
            Arc::strong_count(&seen),
            1,
            "the callbacks are gone after the run"
        );
        // The session is none the worse for it.
        let again = super::Hooks {
            cancel: CancellationToken::new(),
            progress: Box::new(|_| {}),
        };
        assert_eq!(
            session.run(&hum(2), 0.0, &options(), again).unwrap().len(),
            1
        );
    }

    #[test]
    fn next_to_no_sound_is_no_speech() {
        let mut session = engine(&[" one"]).start().unwrap();
        let mut run = |samples: &[f32]| {
            let quiet = hooks(&CancellationToken::new(), |_| {});
            session.run(samples, 0.0, &options(), quiet).unwrap()
        };
        assert_eq!(run(&hum(1)[..1000]), []);
        assert_eq!(run(&vec![1e-5; 16_000]), []);
        assert_eq!(run(&[]), []);
    }

    #[test]
    fn a_prompt_with_odd_bytes_is_no_danger() {
        let mut session = engine(&[" one"]).start().unwrap();
        let prompted = Options {
            prompt: Some(format!("a\0b {}", "홍길동 ".repeat(3000))),
            ..options()
        };
        let quiet = hooks(&CancellationToken::new(), |_| {});
        assert_eq!(
            session.run(&hum(35), 0.0, &prompted, quiet).unwrap()[0].text,
            "one"
        );
    }
}
