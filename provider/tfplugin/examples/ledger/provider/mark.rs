//! Function `shelf_mark`.

use tfplugin::{Function, FunctionError, Parameters, model};

model! {
    /// The mark of a place on a shelf.
    ///
    /// For example `provider::ledger::shelf_mark("attic", 7, "a", "b")` is `ATTIC-7-a-b`.
    pub(crate) struct Mark {
        /// The room.
        room: String,
        /// The number of the shelf; null for the floor.
        number: Option<u32>,
        /// What comes after it.
        rest: Vec<String>,
    }
}

impl Function for Mark {
    type Output = String;
    const NAME: &'static str = "shelf_mark";

    fn parameters() -> Parameters<Self> {
        Parameters::new().param(Self::room).param(Self::number).variadic(Self::rest)
    }

    fn call(self) -> Result<String, FunctionError> {
        if self.room.is_empty() {
            return Err(FunctionError::new("a room has a name").at(Self::room));
        }
        if let Some(index) = self.rest.iter().position(String::is_empty) {
            return Err(FunctionError::new("a part is not empty").at_index(Self::rest, index));
        }
        let place = self.number.map_or_else(|| "FLOOR".to_owned(), |number| number.to_string());
        let parts = [self.room.to_uppercase(), place].into_iter().chain(self.rest);
        Ok(parts.collect::<Vec<_>>().join("-"))
    }
}
