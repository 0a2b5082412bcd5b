//! The engine over whisper.cpp's own test models, where the machine has them: true headers and vocabulary, no weights.

mod support;

use std::path::Path;

use serde_json::json;
use support::Service;

#[tokio::test]
async fn models_without_weights_load_and_say_nothing() {
    let models =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/whisper-test-models");
    for name in ["for-tests-ggml-tiny.bin", "for-tests-ggml-tiny.en.bin"] {
        let file = models.join(name);
        if !file.exists() {
            eprintln!(
                "{name} is not on this machine; the tiny model of the other tests stands for it"
            );
            continue;
        }
        let service = Service::with_tools().holds("audio/short.wav", "a.wav");
        std::fs::create_dir(service.dir.path().join("models")).unwrap();
        std::fs::copy(&file, service.dir.path().join("models/ggml-own.bin")).unwrap();
        let (status, body) = service
            .transcribe(json!({"filePath": "a.wav", "langs": ["ko", "en"], "beamSize": 1}))
            .await;
        assert_eq!(status, 200, "{body}");
        assert_eq!(body["text"], "", "{name}");
        assert!(
            ["ko", "en"].contains(&body["language"].as_str().unwrap()),
            "{body}"
        );
    }
}
