//! What may stand where a key, a value or a header's value is written.

/// Bytes or null. Implemented for byte slices, arrays and vectors, text, and an `Option` of each.
pub trait Cell {
    /// The bytes; none is null.
    fn cell(&self) -> Option<&[u8]>;
}

/// The null key or value.
pub const NULL: Option<&[u8]> = None;

macro_rules! cells {
    ($($kind:ty),*) => {$(
        impl Cell for $kind {
            #[inline]
            fn cell(&self) -> Option<&[u8]> {
                Some(self.as_ref())
            }
        }
    )*};
}

cells!([u8], str, Vec<u8>, String);

impl<const N: usize> Cell for [u8; N] {
    #[inline]
    fn cell(&self) -> Option<&[u8]> {
        Some(self)
    }
}

impl<T: Cell + ?Sized> Cell for &T {
    #[inline]
    fn cell(&self) -> Option<&[u8]> {
        (**self).cell()
    }
}

impl<T: Cell> Cell for Option<T> {
    #[inline]
    fn cell(&self) -> Option<&[u8]> {
        self.as_ref().and_then(Cell::cell)
    }
}
