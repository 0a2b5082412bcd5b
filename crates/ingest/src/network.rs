//! Whether a folder lies on a file system that tells nobody of changes made by another machine.

use std::path::Path;

/// `f_type` of network file systems (statfs(2)): NFS, SMB, CIFS, SMB2, 9P, AFS, Ceph, Coda.
const NETWORK_MAGIC: &[u32] = &[
    0x6969,
    0x517B,
    0xFF53_4D42,
    0xFE53_4D42,
    0x0102_1997,
    0x5346_414F,
    0x00C3_6400,
    0x7375_7245,
];

/// Whether the folder lies on a network file system; `false` where the system does not tell.
pub(crate) fn is_network(folder: &Path) -> bool {
    #[cfg(target_os = "linux")]
    {
        // The kernel's magic numbers are 32 bits wide, whatever the width of the field.
        rustix::fs::statfs(folder).is_ok_and(|stat| is_network_magic(stat.f_type as u32))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (folder, is_network_magic as fn(u32) -> bool);
        false
    }
}

fn is_network_magic(magic: u32) -> bool {
    NETWORK_MAGIC.contains(&magic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nfs_and_smb_are_polled_and_local_disks_are_not() {
        assert!(is_network_magic(0x6969));
        assert!(is_network_magic(0xFE53_4D42));
        assert!(!is_network_magic(0xEF53), "ext4");
        assert!(!is_network_magic(0x9123_683E), "btrfs");
        assert!(!is_network(&std::env::temp_dir()));
        assert!(!is_network(Path::new("/no/such/folder")));
    }
}
