//! Which computing devices the engine found beside the CPU.

use whisper_rs::whisper_rs_sys as sys;

/// What the engine may compute on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Devices {
    /// Built with CUDA, and a CUDA device answers.
    pub cuda: bool,
    /// Devices that are not the CPU.
    pub count: usize,
}

/// Asks ggml for its devices. The answer holds for the life of the process.
#[allow(
    unsafe_code,
    reason = "whisper-rs has no safe call for this; the three functions read ggml's list of devices, which is filled once and never freed"
)]
pub fn devices() -> Devices {
    // SAFETY: the index is below the count, and the pointer is handed straight back to ggml.
    let count = unsafe {
        (0..sys::ggml_backend_dev_count())
            .map(|index| sys::ggml_backend_dev_type(sys::ggml_backend_dev_get(index)))
            .filter(|&kind| is_gpu(kind))
            .count()
    };
    Devices {
        cuda: cfg!(feature = "cuda") && count > 0,
        count,
    }
}

fn is_gpu(kind: sys::ggml_backend_dev_type) -> bool {
    kind == sys::ggml_backend_dev_type_GGML_BACKEND_DEVICE_TYPE_GPU
        || kind == sys::ggml_backend_dev_type_GGML_BACKEND_DEVICE_TYPE_IGPU
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_without_gpu_support_claims_none() {
        if !cfg!(any(feature = "cuda", feature = "metal", feature = "vulkan")) {
            assert_eq!(
                devices(),
                Devices {
                    cuda: false,
                    count: 0
                }
            );
        }
    }
}
