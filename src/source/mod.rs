//! stub
use std::borrow::Cow;
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DocumentId(pub u32);
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Step {
    Key(Cow<'static, str>),
    Index(usize),
}
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Route(Vec<Step>);
impl Route {
    pub fn root() -> Self {
        Self::default()
    }
    pub fn key(&self, key: impl Into<Cow<'static, str>>) -> Self {
        let mut r = self.clone();
        r.0.push(Step::Key(key.into()));
        r
    }
    pub fn index(&self, i: usize) -> Self {
        let mut r = self.clone();
        r.0.push(Step::Index(i));
        r
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Target {
    Key,
    Value,
}
