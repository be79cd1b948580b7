//! What the parts of a message are called, and what its codes mean, by the schema of its version or
//! of the site.

use std::path::PathBuf;
use std::sync::Arc;

use hl7::schema::map::StructureMap;
use hl7::schema::{CategoryChoice, FieldDef, PathContext, Schema, Schemas};
use hl7::{Message, Segment};
use model::Library;
use rules::Scope;

use crate::commands::production::Production;
use crate::output::Exit;

/// The version that names are taken from where a message names none that is known.
const ASSUMED: &str = "2.5.1";

/// Where names and rules come from.
#[derive(Debug, Clone, clap::Args)]
pub(in crate::commands) struct Choice {
    /// The schema, as in "2.5.1" or "ORU*=Hospital"; otherwise the version in MSH-12
    #[arg(long, value_name = "SCHEMA", default_value = "", hide_default_value = true)]
    schema: String,
    /// The production whose own schemas, lookup tables and schedules are to be known
    #[arg(long, value_name = "PRODUCTION")]
    production: Option<PathBuf>,
}

impl Choice {
    /// What expressions may name: paths, and the lookup tables and schedules of the production.
    ///
    /// # Errors
    /// When the production has errors, or the schema is none of its own.
    pub(in crate::commands) fn scope(&self) -> Result<Scope, Exit> {
        let library = self.library()?;
        let hint = match self.production {
            Some(_) => None,
            None => Some("say by --production which production defines it"),
        };
        let paths = self.book_of(&library)?.context();
        Ok(Scope { hint, ..components::message::scope(&paths, &library) })
    }

    pub(super) fn book(&self) -> Result<Book, Exit> {
        self.book_of(&self.library()?)
    }

    /// What the production defines beside its items.
    fn library(&self) -> Result<Library, Exit> {
        match &self.production {
            Some(file) => Ok(Production { file: file.clone(), overlay: Vec::new() }.checked()?.library),
            None => Ok(Library::default()),
        }
    }

    fn book_of(&self, library: &Library) -> Result<Book, Exit> {
        let schemas = (*library.get::<Schemas>()).clone();
        let wrong = |error: &hl7::schema::TextError| Exit::Usage(format!("--schema: {error}"));
        let choice: CategoryChoice = self.schema.parse().map_err(|error| wrong(&error))?;
        match choice.check(&schemas).first() {
            Some(error) => Err(wrong(error)),
            None => Ok(Book { schemas, choice }),
        }
    }
}

/// All schemas there are, and which one to take.
pub(super) struct Book {
    schemas: Schemas,
    choice: CategoryChoice,
}

impl Book {
    /// All schemas of a production, of which MSH-12 chooses.
    pub(super) fn of(schemas: &Schemas) -> Book {
        Book { schemas: schemas.clone(), choice: CategoryChoice::default() }
    }

    /// What paths by names and groups are read by.
    pub(super) fn context(&self) -> PathContext {
        PathContext::new(&self.schemas, &self.choice)
    }

    pub(super) fn words(&self, message: &Message) -> Words {
        let doc_type = self.schemas.doc_type(message, &self.choice);
        let known = self.schemas.get(&doc_type.category);
        let assumed = known.is_none();
        Words {
            doc_type: doc_type.to_string(),
            structure: doc_type.structure.to_string(),
            schema: known.or_else(|| self.schemas.get(ASSUMED)),
            assumed,
        }
    }
}

/// What is known about one field, component or subcomponent; all empty where nothing is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) name: String,
    pub(super) datatype: String,
    /// The code table, as in `0004`.
    pub(super) table: String,
}

impl Word {
    fn of(def: &FieldDef) -> Word {
        let table = def.table.as_ref().map_or_else(String::new, ToString::to_string);
        Word { name: def.name.to_string(), datatype: def.datatype.to_string(), table }
    }
}

/// The words of one message.
pub(super) struct Words {
    /// As in `2.5.1:ADT_A01`.
    pub(super) doc_type: String,
    /// As in `ADT_A01`.
    pub(super) structure: String,
    schema: Option<Arc<Schema>>,
    /// Whether the message names no schema that is known.
    assumed: bool,
}

impl Words {
    /// What the reader should know about the choice of the schema.
    pub(super) fn doubt(&self) -> Option<String> {
        self.assumed.then(|| {
            format!(
                "MSH-12 names no version that is known; names are those of {ASSUMED}, --schema takes others"
            )
        })
    }

    /// The schema it is read by.
    pub(super) fn schema(&self) -> Option<&Schema> {
        self.schema.as_deref()
    }

    /// Where the message's segments stand in its structure; none where it has none that is known.
    pub(super) fn map(&self, message: &Message) -> Option<StructureMap> {
        let structure = self.schema.as_ref()?.structure(&self.structure)?;
        Some(StructureMap::of(message, structure))
    }

    /// The name of a segment, as in `Patient Identification`.
    pub(super) fn segment(&self, id: &str) -> String {
        let def = self.schema.as_ref().and_then(|schema| schema.segment(id));
        def.map_or_else(String::new, |def| def.name.to_string())
    }

    /// How many fields a segment has at most.
    pub(super) fn fields(&self, id: &str) -> usize {
        self.schema.as_ref().and_then(|schema| schema.segment(id)).map_or(0, |def| def.fields.len())
    }

    pub(super) fn field(&self, segment: &Segment<'_>, number: usize) -> Word {
        let def = self.schema.as_ref().and_then(|schema| schema.segment(segment.id())?.field(number));
        let mut word = def.map_or_else(Word::default, Word::of);
        if word.datatype == "varies" && segment.id() == "OBX" {
            segment.field(2).unwrap_or_default().clone_into(&mut word.datatype);
        }
        word
    }

    /// A part of a value of that type.
    pub(super) fn component(&self, datatype: &str, number: usize) -> Word {
        let def = self.schema.as_ref().and_then(|schema| schema.datatype(datatype)?.component(number));
        def.map_or_else(Word::default, Word::of)
    }

    /// What stands at a place of a segment, as in `5.1`, is called.
    pub(super) fn at(&self, segment: &Segment<'_>, place: &str) -> String {
        let mut parts =
            place.split('.').map(|part| part.split('[').next().unwrap_or_default().parse().unwrap_or(0));
        let field = self.field(segment, parts.next().unwrap_or(0));
        let below = parts.fold(field, |word, number| {
            let part = self.component(&word.datatype, number);
            let name = match (word.name.is_empty(), part.name.is_empty()) {
                (false, false) => format!("{}, {}", word.name, part.name),
                _ => word.name + &part.name,
            };
            Word { name, ..part }
        });
        below.name
    }

    /// The table of a value without parts: that of its type's first component, where it has none.
    pub(super) fn table(&self, word: &Word) -> String {
        let mut word = word.clone();
        while word.table.is_empty() && !word.datatype.is_empty() {
            word = self.component(&word.datatype, 1);
        }
        word.table
    }

    /// What a code stands for.
    pub(super) fn meaning(&self, table: &str, code: &str) -> Option<String> {
        self.schema.as_ref()?.table(table)?.meaning(code).map(ToOwned::to_owned)
    }
}
