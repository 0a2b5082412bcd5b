//! What encodes H.264 on this machine: its graphics hardware where that really does, else the processor.

use tokio_util::sync::CancellationToken;

use crate::toolbox::Work;
use crate::{Fence, Toolbox};

/// Address space of a run on hardware, in MiB: drivers map the card's memory and more, which costs none of the machine's.
const HARDWARE_MEMORY_MIB: u64 = 256 << 10;

/// An encoder of H.264 and how ffmpeg is told of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Encoder {
    /// Options before the input.
    device: &'static [&'static str],
    /// Filters that bring pictures to where it takes them.
    pub(crate) filter: &'static str,
    /// Options of the output.
    options: &'static [&'static str],
    /// Needs more address space than programs get.
    is_hardware: bool,
}

/// On the processor: there everywhere.
pub(crate) const SOFTWARE: Encoder = Encoder {
    device: &[],
    filter: "format=yuv420p",
    options: &["-c:v", "libx264", "-preset", "veryfast", "-crf", "22"],
    is_hardware: false,
};

/// NVIDIA, Intel and AMD on Linux, Apple; tried in this order.
const HARDWARE: &[Encoder] = &[
    Encoder {
        device: &[],
        filter: "format=yuv420p",
        options: &["-c:v", "h264_nvenc", "-preset", "p4", "-cq", "24"],
        is_hardware: true,
    },
    Encoder {
        device: &["-vaapi_device", "/dev/dri/renderD128"],
        filter: "format=nv12,hwupload",
        options: &["-c:v", "h264_vaapi", "-qp", "23"],
        is_hardware: true,
    },
    Encoder {
        device: &[],
        filter: "format=yuv420p",
        options: &["-c:v", "h264_videotoolbox", "-q:v", "60"],
        is_hardware: true,
    },
];

impl Encoder {
    /// The options before the input.
    pub(crate) fn open(&self, fence: Fence) -> Fence {
        fence.args(self.device)
    }

    /// The options of the output.
    pub(crate) fn encode(&self, fence: Fence) -> Fence {
        fence.args(self.options)
    }

    /// The limits of a run with it.
    pub(crate) fn work(&self, work: Work) -> Work {
        if !self.is_hardware {
            return work;
        }
        Work {
            memory_mib: work.memory_mib.max(HARDWARE_MEMORY_MIB),
            ..work
        }
    }
}

impl Toolbox {
    /// The hardware that encodes; `None` where there is none. Found out once, by letting each encode a few pictures: that
    /// ffmpeg knows an encoder says nothing of the machine.
    pub(crate) async fn hardware_encoder(
        &self,
        cancel: &CancellationToken,
    ) -> Option<&'static Encoder> {
        let find = async {
            for encoder in HARDWARE {
                if self.encodes(encoder, cancel).await {
                    return Some(encoder);
                }
            }
            None
        };
        *self.hardware().get_or_init(|| find).await
    }

    /// Whether a real trial of the encoder goes well.
    async fn encodes(&self, encoder: &Encoder, cancel: &CancellationToken) -> bool {
        let work = encoder.work(self.limits().thumbnail);
        let fence = self.fence("ffmpeg", work, 0.0);
        let fence = encoder
            .open(fence.args(["-nostdin", "-v", "error"]))
            .args([
                "-f",
                "lavfi",
                "-i",
                "color=size=640x360:rate=25:duration=0.2",
            ])
            .args(["-vf", encoder.filter]);
        let trial = encoder.encode(fence).args(["-f", "null", "-"]);
        trial.run(cancel).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ToolboxSettings;

    fn tools() -> Toolbox {
        Toolbox::new(ToolboxSettings::new("/nonexistent".into(), "/tmp".into()))
    }

    #[tokio::test]
    async fn the_trial_is_real() {
        let cancel = CancellationToken::new();
        assert!(tools().encodes(&SOFTWARE, &cancel).await);
        let unknown = Encoder {
            options: &["-c:v", "h264_of_no_machine"],
            ..SOFTWARE
        };
        assert!(!tools().encodes(&unknown, &cancel).await);
    }

    #[tokio::test]
    async fn what_is_chosen_encodes() {
        let (tools, cancel) = (tools(), CancellationToken::new());
        if let Some(found) = tools.hardware_encoder(&cancel).await {
            assert!(found.is_hardware && tools.encodes(found, &cancel).await);
        }
    }
}
