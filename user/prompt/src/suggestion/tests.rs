//! The promises about suggestions.

use super::nearest;

const WORDS: [&str; 12] = [
    "cat", "date", "demo", "dmesg", "echo", "grep", "ls", "mount", "mv",
    "poweroff", "sh", "umount",
];

fn suggested(word: &str) -> Option<&'static str> {
    nearest(word, WORDS.into_iter())
}

#[test]
fn slips_are_found() {
    for (word, expected) in [
        ("sl", "ls"),
        ("lss", "ls"),
        ("gerp", "grep"),
        ("grp", "grep"),
        ("dmseg", "dmesg"),
        ("ehco", "echo"),
        ("mont", "mount"),
        ("unmount", "umount"),
        ("powerof", "poweroff"),
        ("dat", "date"),
        ("cta", "cat"),
    ] {
        assert_eq!(suggested(word), Some(expected), "{word}");
    }
}

#[test]
fn strangers_are_not() {
    for word in ["", "q", "vi", "firefox", "systemctl", "xyz", "powershell"] {
        assert_eq!(suggested(word), None, "{word}");
    }
}
