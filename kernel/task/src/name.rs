//! Names of tasks, as `ps` and the log show them.

/// Bytes of a task's name, without the ending NUL (Linux `TASK_COMM_LEN`).
pub const NAME_LENGTH: usize = 15;

/// A task's name, at most [`NAME_LENGTH`] bytes of any value but NUL.
#[derive(Clone, Copy)]
pub struct Name([u8; NAME_LENGTH + 1]);

impl Name {
    /// `text`, cut to [`NAME_LENGTH`] bytes.
    pub(super) fn new(text: &[u8]) -> Self {
        let mut padded = [0; NAME_LENGTH + 1];
        let length = text.len().min(NAME_LENGTH);
        padded[..length].copy_from_slice(&text[..length]);
        Self(padded)
    }

    /// The bytes, without padding.
    pub fn as_bytes(&self) -> &[u8] {
        let end = self.0.iter().position(|&byte| byte == 0);
        &self.0[..end.unwrap_or(NAME_LENGTH)]
    }
}

impl core::fmt::Display for Name {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        for chunk in self.as_bytes().utf8_chunks() {
            f.write_str(chunk.valid())?;
            if !chunk.invalid().is_empty() {
                f.write_str("?")?;
            }
        }
        Ok(())
    }
}
