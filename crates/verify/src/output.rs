//! Files are written whole or not at all.
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

/// A file that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}: {source}", path = path.display())]
pub struct WriteError {
    /// The file.
    pub path: PathBuf,
    /// The reason.
    #[source]
    pub source: io::Error,
}

/// Held while a file is being written.
static WRITING: Mutex<()> = Mutex::new(());

/// Waits until no file is being written; none is begun before the guard is dropped. For a process that is about to end.
pub fn between_files() -> MutexGuard<'static, ()> {
    // The lock guards no data, so a panic while it was held has spoilt nothing.
    WRITING.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Writes `bytes` to a temporary file beside `path`, then renames it: readers see the old file or the new one.
///
/// # Errors
/// [`WriteError`] naming the path.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    let fail = |source| WriteError { path: path.to_owned(), source };
    let directory = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(directory).map_err(fail)?;
    let name = path
        .file_name()
        .and_then(|n| n.to_str())
        .ok_or_else(|| fail(io::Error::new(io::ErrorKind::InvalidInput, "the path does not name a file")))?;
    let _one_at_a_time = between_files();
    let temporary = directory.join(format!(".{name}.{}.partial", std::process::id()));
    let written = fs::File::create(&temporary)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&temporary, path));
    if let Err(source) = written {
        // The original error matters more than a failure to clean up.
        let _ = fs::remove_file(&temporary);
        return Err(fail(source));
    }
    Ok(())
}
