//! The lines of a file, found once: an installation of ten thousand services is read in one pass.

/// Where each line begins.
#[derive(Debug)]
pub(super) struct Lines(Vec<usize>);

impl Lines {
    /// Finds the lines of a text.
    pub(super) fn of(text: &str) -> Self {
        let after_breaks = memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1);
        Self(std::iter::once(0).chain(after_breaks).collect())
    }

    /// The line of a byte, counted from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        self.0.partition_point(|begin| *begin <= at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_stands_in_the_line_that_began_last_before_it() {
        let lines = Lines::of("a\n\nbc\n");
        let found: Vec<usize> = [0, 1, 2, 3, 4, 5, 6, 99].map(|at| lines.line(at)).into();
        assert_eq!(found, [1, 1, 2, 3, 3, 3, 4, 4]);
    }
}
