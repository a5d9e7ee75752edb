//! How many blocks are under way at once, in all layers together: that is what bounds the memory.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// A number of permits that are taken and given back.
#[derive(Debug)]
pub(super) struct Budget {
    left: Mutex<usize>,
    returned: Condvar,
}

/// A permit; given back when dropped.
pub(super) struct Permit(Arc<Budget>);

impl Budget {
    pub(super) fn new(permits: usize) -> Arc<Self> {
        Arc::new(Budget { left: Mutex::new(permits), returned: Condvar::new() })
    }

    /// Waits until there is a permit.
    pub(super) fn take(self: &Arc<Self>) -> Permit {
        // A count is whole whatever happened to who held it.
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let mut left = self.returned.wait_while(left, |left| *left == 0).unwrap_or_else(PoisonError::into_inner);
        *left -= 1;
        Permit(self.clone())
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        *self.0.left.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.returned.notify_one();
    }
}
