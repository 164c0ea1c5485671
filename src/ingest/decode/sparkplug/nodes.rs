//! What births have told: for each edge node its session, its aliases, and the devices behind it.

use std::collections::BTreeSet;

use hashbrown::HashMap;

use crate::domain::fault::Fault;
use crate::domain::text::visible_name;
use crate::limits;

/// What an alias stands for. An empty name is one that nobody follows.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub name: Box<str>,
    pub datatype: u32,
}

#[derive(Debug, Default)]
struct Node {
    /// Whether the birth of this session was seen.
    born: bool,
    /// The number that its death will bear.
    bd_seq: Option<u64>,
    /// The last sequence number; none where the next one may be anything.
    seq: Option<u8>,
    /// How often messages had been missed when both were noted.
    interruptions: u64,
    aliases: HashMap<u64, Known>,
    devices: BTreeSet<Box<str>>,
}

impl Node {
    fn entries(&self) -> usize {
        self.aliases.len() + self.devices.len()
    }
}

/// All edge nodes heard of.
#[derive(Debug, Default)]
pub struct Nodes {
    nodes: HashMap<Box<str>, Node>,
    /// Aliases and devices of all nodes.
    entries: usize,
    interruptions: u64,
}

impl Nodes {
    /// Births and deaths may have been missed, so that a gap is nobody's fault and any death counts. The aliases are kept;
    /// nodes give them out in the same way again, and without them nothing could be read.
    pub fn interrupted(&mut self) {
        self.interruptions += 1;
    }

    /// A node's birth begins a session: what was known of the last one is forgotten. False when there is no room for it.
    pub(super) fn born(&mut self, name: &str, bd_seq: Option<u64>, seq: Option<u64>) -> bool {
        self.forget(name);
        let Some(node) = self.node(name) else { return false };
        (node.born, node.bd_seq, node.seq) = (true, bd_seq, seq.map(|seq| seq as u8));
        true
    }

    /// Takes the sequence number of a message.
    ///
    /// # Errors
    /// A gap, or a message that came twice.
    pub(super) fn follow(&mut self, name: &str, seq: Option<u64>) -> Result<(), Fault> {
        let (Some(seq), Some(node)) = (seq, self.node(name)) else { return Ok(()) };
        let seq = seq as u8;
        match node.seq.replace(seq) {
            Some(last) if last == seq => Err(Fault::Duplicate),
            Some(last) if last.wrapping_add(1) != seq => Err(Fault::SequenceGap),
            _ => Ok(()),
        }
    }

    /// Notes what an alias stands for. False when there is no room for it.
    pub(super) fn learn(&mut self, name: &str, alias: u64, metric: &str, datatype: u32) -> bool {
        let has_room = self.has_room(name);
        let Some(node) = self.node(name) else { return false };
        let is_new = !node.aliases.contains_key(&alias);
        if is_new && !has_room {
            return false;
        }
        let name = if metric.is_empty() { "".into() } else { visible_name(metric, limits::VALUE).into() };
        node.aliases.insert(alias, Known { name, datatype });
        self.entries += usize::from(is_new);
        true
    }

    /// Notes a device behind a node. False when there is no room for it.
    pub(super) fn adopt(&mut self, name: &str, device: &str) -> bool {
        let has_room = self.has_room(name);
        let Some(node) = self.node(name) else { return false };
        if node.devices.contains(device) {
            return true;
        }
        if has_room {
            node.devices.insert(device.into());
            self.entries += 1;
        }
        has_room
    }

    /// A device behind a node has died; the node lives on.
    pub(super) fn disown(&mut self, name: &str, device: &str) {
        if self.nodes.get_mut(name).is_some_and(|node| node.devices.remove(device)) {
            self.entries -= 1;
        }
    }

    /// Whether the birth of a node, or of a device behind it, has been seen.
    pub(super) fn knows(&self, name: &str, device: &str) -> bool {
        self.nodes.get(name).is_some_and(|node| node.born && (device == name || node.devices.contains(device)))
    }

    pub(super) fn alias(&self, name: &str, alias: u64) -> Option<&Known> {
        self.nodes.get(name)?.aliases.get(&alias)
    }

    /// A node's death ends the session of its number. Returns the devices behind it, which are gone with it.
    ///
    /// # Errors
    /// When it is the death of an earlier session.
    pub(super) fn died(&mut self, name: &str, bd_seq: Option<u64>) -> Result<BTreeSet<Box<str>>, Fault> {
        let born = self.nodes.get(name).filter(|node| node.interruptions == self.interruptions);
        let born = born.and_then(|node| node.bd_seq);
        if born.is_some() && born != bd_seq {
            return Err(Fault::StaleDeath);
        }
        Ok(self.forget(name).map(|node| node.devices).unwrap_or_default())
    }

    fn forget(&mut self, name: &str) -> Option<Node> {
        let node = self.nodes.remove(name)?;
        self.entries -= node.entries();
        Some(node)
    }

    fn has_room(&self, name: &str) -> bool {
        let own = self.nodes.get(name).map_or(0, Node::entries);
        own < limits::SPARKPLUG_ENTRIES_PER_NODE && self.entries < limits::SPARKPLUG_ENTRIES
    }

    fn node(&mut self, name: &str) -> Option<&mut Node> {
        if !self.nodes.contains_key(name) {
            if self.nodes.len() >= limits::SPARKPLUG_NODES {
                return None;
            }
            self.nodes.insert(name.into(), Node::default());
        }
        let node = self.nodes.get_mut(name)?;
        if node.interruptions != self.interruptions {
            (node.seq, node.bd_seq, node.interruptions) = (None, None, self.interruptions);
        }
        Some(node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_are_bounded_by_node_and_in_all() {
        let mut nodes = Nodes::default();
        assert!((0..limits::SPARKPLUG_ENTRIES_PER_NODE as u64).all(|alias| nodes.learn("n", alias, "x", 0)));
        assert!(!nodes.learn("n", u64::MAX, "x", 0));
        assert!(nodes.learn("n", 0, "known ones may change", 0));
        assert!(nodes.learn("m", 0, "x", 0));
        assert_eq!(nodes.entries, limits::SPARKPLUG_ENTRIES_PER_NODE + 1);
        nodes.born("n", None, None);
        assert_eq!(nodes.entries, 1);
        for n in 0..limits::SPARKPLUG_NODES {
            nodes.born(&n.to_string(), None, None);
        }
        assert_eq!(nodes.nodes.len(), limits::SPARKPLUG_NODES);
        assert!(!nodes.born("one more", None, None));
    }
}
