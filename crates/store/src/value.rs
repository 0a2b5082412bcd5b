//! Values and rows as both databases understand them.

use crate::StoreError;

/// A bound argument or a column's value. Each kind carries its own NULL, because PostgreSQL wants a type even there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Text(Option<String>),
    Int(Option<i64>),
    Real(Option<f64>),
    Blob(Option<Vec<u8>>),
    /// An argument alone: what [`crate::dialect::Words::each`] turns into rows.
    Texts(Vec<String>),
}

macro_rules! value_from {
    ($($kind:ident: $plain:ty),*) => {$(
        impl From<$plain> for Value {
            fn from(value: $plain) -> Self {
                Self::$kind(Some(value))
            }
        }
        impl From<Option<$plain>> for Value {
            fn from(value: Option<$plain>) -> Self {
                Self::$kind(value)
            }
        }
    )*};
}

value_from!(Text: String, Int: i64, Real: f64, Blob: Vec<u8>);

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(Some(text.clone()))
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Int(Some(i64::from(flag)))
    }
}

impl From<Option<bool>> for Value {
    fn from(flag: Option<bool>) -> Self {
        Self::Int(flag.map(i64::from))
    }
}

impl From<model::Timestamp> for Value {
    fn from(time: model::Timestamp) -> Self {
        Self::Int(Some(time.0))
    }
}

impl From<Option<model::Timestamp>> for Value {
    fn from(time: Option<model::Timestamp>) -> Self {
        Self::Int(time.map(|t| t.0))
    }
}

impl From<&model::DocumentId> for Value {
    fn from(id: &model::DocumentId) -> Self {
        Self::Text(Some(id.0.clone()))
    }
}

impl From<&model::QueueItemId> for Value {
    fn from(id: &model::QueueItemId) -> Self {
        Self::Text(Some(id.0.clone()))
    }
}

/// A list of arguments, each turned into a [`Value`].
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::value::Value::from($value)),*] };
}
pub(crate) use args;

/// One row of a result, read column by column from the left.
#[derive(Debug)]
pub(crate) struct Row(std::vec::IntoIter<Value>);

impl Row {
    pub fn new(values: Vec<Value>) -> Self {
        Self(values.into_iter())
    }

    fn next(&mut self) -> Result<Value, StoreError> {
        self.0
            .next()
            .ok_or_else(|| StoreError::Unreadable("a column is missing".into()))
    }

    pub fn opt_text(&mut self) -> Result<Option<String>, StoreError> {
        match self.next()? {
            Value::Text(text) => Ok(text),
            Value::Int(None) | Value::Real(None) | Value::Blob(None) => Ok(None),
            other => Err(StoreError::Unreadable(format!("{other:?} is not text"))),
        }
    }

    pub fn opt_int(&mut self) -> Result<Option<i64>, StoreError> {
        match self.next()? {
            Value::Int(number) => Ok(number),
            Value::Text(None) | Value::Real(None) | Value::Blob(None) => Ok(None),
            other => Err(StoreError::Unreadable(format!(
                "{other:?} is not an integer"
            ))),
        }
    }

    pub fn opt_real(&mut self) -> Result<Option<f64>, StoreError> {
        match self.next()? {
            Value::Real(number) => Ok(number),
            Value::Int(number) => Ok(number.map(|n| n as f64)),
            Value::Text(None) | Value::Blob(None) => Ok(None),
            other => Err(StoreError::Unreadable(format!("{other:?} is not a number"))),
        }
    }

    pub fn opt_blob(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        match self.next()? {
            Value::Blob(bytes) => Ok(bytes),
            Value::Text(None) | Value::Int(None) | Value::Real(None) => Ok(None),
            other => Err(StoreError::Unreadable(format!("{other:?} is not bytes"))),
        }
    }

    pub fn text(&mut self) -> Result<String, StoreError> {
        self.opt_text()?.ok_or_else(unexpected_null)
    }

    pub fn int(&mut self) -> Result<i64, StoreError> {
        self.opt_int()?.ok_or_else(unexpected_null)
    }

    pub fn real(&mut self) -> Result<f64, StoreError> {
        self.opt_real()?.ok_or_else(unexpected_null)
    }

    pub fn flag(&mut self) -> Result<bool, StoreError> {
        Ok(self.int()? != 0)
    }

    pub fn time(&mut self) -> Result<model::Timestamp, StoreError> {
        Ok(model::Timestamp(self.int()?))
    }

    pub fn opt_time(&mut self) -> Result<Option<model::Timestamp>, StoreError> {
        Ok(self.opt_int()?.map(model::Timestamp))
    }

    /// Reads a column through its `FromStr`.
    pub fn parsed<T>(&mut self) -> Result<T, StoreError>
    where
        T: std::str::FromStr,
        T::Err: std::fmt::Display,
    {
        self.text()?
            .parse()
            .map_err(|error: T::Err| StoreError::Unreadable(error.to_string()))
    }
}

fn unexpected_null() -> StoreError {
    StoreError::Unreadable("a column that must have a value has none".into())
}
