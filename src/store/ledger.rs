//! What was found out about many contents, each of which cost a reading: small answers by content, kept together.
//!
//! A record for each content would be a file for each file of an image. Here 256 sheets are records, each with the
//! answers for the contents whose keys begin with its byte; most answers are empty.

use super::{Store, StoreError};
use crate::oci::Digest;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Answers to one question, by content.
///
/// Whoever looks for an answer gets one that this or an earlier run gave. Two runs that save at once may lose each other's
/// new answers, which then are found out again.
pub struct Ledger<'s> {
    store: &'s Store,
    kind: &'static str,
    sheets: Vec<Mutex<Option<Sheet>>>,
}

/// A sheet holds so many answers; the oldest go first. Of 256 sheets that is a few millions.
const MAX_ROWS: usize = 16_384;

/// A longer answer is none: the content is asked again.
const MAX_ANSWER: usize = 1 << 20;

#[derive(Default)]
struct Sheet {
    /// In the order in which they came.
    rows: Vec<(Digest, Vec<u8>)>,
    places: HashMap<Digest, usize>,
    changed: bool,
}

impl<'s> Ledger<'s> {
    /// The answers to the question `kind`, which consists of lower-case letters and dashes.
    pub fn open(store: &'s Store, kind: &'static str) -> Self {
        Ledger { store, kind, sheets: (0..256).map(|_| Mutex::new(None)).collect() }
    }

    /// The answer under a key: the digest of the content and of all else that decides.
    pub fn get(&self, key: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        self.with(key, |sheet| sheet.places.get(key).map(|place| sheet.rows[*place].1.clone()))
    }

    /// Keeps an answer until [`save`](Self::save).
    pub fn put(&self, key: &Digest, answer: Vec<u8>) -> Result<(), StoreError> {
        if answer.len() > MAX_ANSWER {
            return Ok(());
        }
        self.with(key, |sheet| sheet.put(*key, answer))
    }

    /// Writes the sheets that have new answers.
    pub fn save(self) -> Result<(), StoreError> {
        for (first, sheet) in self.sheets.into_iter().enumerate() {
            let sheet = sheet.into_inner().unwrap_or_else(PoisonError::into_inner);
            if let Some(sheet) = sheet.filter(|sheet| sheet.changed) {
                self.store.set_record(self.kind, &name(first), &sheet.encode())?;
            }
        }
        Ok(())
    }

    fn with<T>(&self, key: &Digest, ask: impl FnOnce(&mut Sheet) -> T) -> Result<T, StoreError> {
        let first = usize::from(key.as_bytes()[0]);
        let mut sheet = self.sheets[first].lock().unwrap_or_else(PoisonError::into_inner);
        if sheet.is_none() {
            let stored = self.store.record(self.kind, &name(first))?;
            *sheet = Some(stored.as_deref().and_then(Sheet::decode).unwrap_or_default());
        }
        Ok(ask(sheet.get_or_insert_with(Sheet::default)))
    }
}

/// What the sheet with this first byte is called.
fn name(first: usize) -> Digest {
    Digest::of(first.to_string())
}

impl Sheet {
    fn put(&mut self, key: Digest, answer: Vec<u8>) {
        self.changed = true;
        match self.places.get(&key) {
            Some(place) => self.rows[*place].1 = answer,
            None => {
                self.places.insert(key, self.rows.len());
                self.rows.push((key, answer));
            }
        }
    }

    fn encode(&self) -> Vec<u8> {
        let kept = &self.rows[self.rows.len().saturating_sub(MAX_ROWS)..];
        let mut bytes = Vec::with_capacity(kept.iter().map(|(_, answer)| 36 + answer.len()).sum());
        for (key, answer) in kept {
            bytes.extend(key.as_bytes());
            bytes.extend(u32::try_from(answer.len()).unwrap_or(u32::MAX).to_le_bytes());
            bytes.extend(answer);
        }
        bytes
    }

    /// None for what no version of this wrote.
    fn decode(mut bytes: &[u8]) -> Option<Sheet> {
        let mut sheet = Sheet::default();
        while !bytes.is_empty() {
            let (key, rest) = bytes.split_first_chunk::<32>()?;
            let (size, rest) = rest.split_first_chunk::<4>()?;
            let (answer, rest) = rest.split_at_checked(u32::from_le_bytes(*size) as usize)?;
            sheet.put(Digest::from_bytes(*key), answer.to_vec());
            bytes = rest;
        }
        sheet.changed = false;
        Some(sheet)
    }
}

#[cfg(test)]
mod tests {
    use super::{Ledger, MAX_ANSWER, MAX_ROWS, Sheet};
    use crate::oci::Digest;
    use crate::store::Store;

    #[test]
    fn answers_are_found_by_later_runs() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).expect("a store");
        let keys: Vec<Digest> = (0..1000).map(|i: u32| Digest::of(i.to_le_bytes())).collect();
        let ledger = Ledger::open(&store, "answers");
        assert_eq!(ledger.get(&keys[0]).expect("a look"), None);
        for (i, key) in keys.iter().enumerate() {
            ledger.put(key, vec![b'x'; i % 3]).expect("an answer");
        }
        ledger.put(&keys[7], b"again".to_vec()).expect("an answer");
        ledger.put(&keys[8], vec![0; MAX_ANSWER + 1]).expect("an answer that is too long");
        ledger.save().expect("saved");
        let ledger = Ledger::open(&store, "answers");
        assert_eq!(ledger.get(&keys[5]).expect("a look").as_deref(), Some(b"xx".as_slice()));
        assert_eq!(ledger.get(&keys[6]).expect("a look").as_deref(), Some(b"".as_slice()));
        assert_eq!(ledger.get(&keys[7]).expect("a look").as_deref(), Some(b"again".as_slice()));
        assert_eq!(ledger.get(&keys[8]).expect("a look").as_deref(), Some(b"xx".as_slice()));
        assert_eq!(ledger.get(&Digest::of("another")).expect("a look"), None);
        assert_eq!(Ledger::open(&store, "others").get(&keys[5]).expect("a look"), None);
    }

    #[test]
    fn the_oldest_answers_go_and_damage_is_no_answer() {
        let mut sheet = Sheet::default();
        let key = |i: usize| Digest::of(i.to_string());
        for i in 0..=MAX_ROWS {
            sheet.put(key(i), Vec::new());
        }
        let bytes = sheet.encode();
        let read = Sheet::decode(&bytes).expect("a sheet");
        assert_eq!((read.rows.len(), read.places.contains_key(&key(0))), (MAX_ROWS, false));
        assert!(read.places.contains_key(&key(MAX_ROWS)));
        assert!(Sheet::decode(&bytes[..bytes.len() - 1]).is_none());
        assert!(Sheet::decode(&[&bytes[..32], &[0xff; 4]].concat()).is_none());
    }
}
