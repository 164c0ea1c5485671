//! Who can reach a room's socket: by its mode, its group, and the directories on the way to it. It only tells; who may
//! come in is for the people who run the machine to say.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::socket::Place;

/// What opens a room to others, in the words of the configuration.
const MEND: &str = "[switches] socket puts it into a directory that others may enter, socket_mode says who may use it";

/// Why nobody but the operator can reach a socket, and what to do; none where somebody can.
pub(super) fn closed(place: &Place) -> Option<String> {
    let directory = place.path.parent()?;
    let own = Own {
        group: new_group(directory),
        etc_group: std::fs::read_to_string("/etc/group").unwrap_or_default(),
        passwd: std::fs::read_to_string("/etc/passwd").unwrap_or_default(),
        uid: rustix::process::getuid().as_raw(),
    };
    let way = directory.ancestors().filter_map(|path| Some((path, std::fs::metadata(path).ok()?)));
    let way: Vec<(&Path, u32, u32)> = way.map(|(path, known)| (path, known.mode(), known.gid())).collect();
    why(place.mode, &own, &way)
}

/// The group that a file gets in a directory: the directory's where it hands that down, else the process's.
fn new_group(directory: &Path) -> u32 {
    const HANDED_DOWN: u32 = 0o2000;
    let known = std::fs::metadata(directory).ok().filter(|known| known.mode() & HANDED_DOWN != 0);
    known.map_or_else(|| rustix::process::getegid().as_raw(), |known| known.gid())
}

/// The users and groups of a machine, and which are the room's own.
struct Own {
    group: u32,
    etc_group: String,
    passwd: String,
    uid: u32,
}

impl Own {
    /// The name of the socket's group, and whether it has any other member than the operator. A directory service knows
    /// more than these files; what they do not know of is not claimed.
    fn group(&self) -> (String, bool) {
        let fields = |line: &str| line.split(':').map(str::to_owned).collect::<Vec<_>>();
        let users: Vec<Vec<String>> = self.passwd.lines().map(fields).collect();
        let me = users.iter().find(|user| user.get(2) == Some(&self.uid.to_string())).map(|user| user[0].clone());
        let line = self.etc_group.lines().map(fields).find(|line| line.get(2) == Some(&self.group.to_string()));
        let Some(line) = line else { return (format!("group {}", self.group), true) };
        let members = line.get(3).map(String::as_str).unwrap_or_default();
        let mut others = members.split(',').filter(|name| !name.is_empty()).map(Some);
        let listed = others.any(|name| name != me.as_deref());
        let first = |user: &Vec<String>| user.get(3) == Some(&self.group.to_string());
        let by_login = users.iter().any(|user| first(user) && user.get(2) != Some(&self.uid.to_string()));
        (line[0].clone(), listed || by_login)
    }
}

fn why(mode: u32, own: &Own, way: &[(&Path, u32, u32)]) -> Option<String> {
    // To connect is to write.
    let (for_group, for_all) = (mode & 0o020 != 0, mode & 0o002 != 0);
    let (group, has_others) = own.group();
    let enters = |known: &&(&Path, u32, u32)| {
        let (_, mode, gid) = **known;
        mode & 0o001 != 0 || (!for_all && gid == own.group && mode & 0o010 != 0)
    };
    if let Some((path, ..)) = way.iter().find(|known| !enters(known)) {
        return Some(format!("nobody but you can enter {}: {MEND}", path.display()));
    }
    match (for_all, for_group, has_others) {
        (true, ..) | (false, true, true) => None,
        (false, true, false) => Some(format!("only {group} can reach it, and you are alone in that group: {MEND}")),
        (false, false, _) => Some(format!("socket_mode {mode:04o} lets nobody but you in: {MEND}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_cannot_get_in_is_told_why() {
        let own = |members: &str| Own {
            group: 1000,
            etc_group: format!("root:x:0:\nmira:x:1000:{members}\n"),
            passwd: "root:x:0:0::/root:/bin/sh\nmira:x:1000:1000::/home/mira:/bin/sh\n".into(),
            uid: 1000,
        };
        let (private, open) = ((Path::new("/home/mira/w"), 0o700, 1000), (Path::new("/run/w"), 0o755, 0));
        let shared = (Path::new("/srv/w"), 0o750, 1000);
        let cases = [
            (0o660, "", open, Some("only mira can reach it, and you are alone in that group")),
            (0o660, "mira", open, Some("you are alone in that group")),
            (0o660, "mira,jo", open, None),
            (0o660, "jo", private, Some("nobody but you can enter /home/mira/w")),
            (0o660, "jo", shared, None),
            (0o666, "", open, None),
            (0o666, "jo", shared, Some("nobody but you can enter /srv/w")),
            (0o600, "jo", open, Some("socket_mode 0600 lets nobody but you in")),
        ];
        for (mode, members, directory, expected) in cases {
            let told = why(mode, &own(members), &[directory, (Path::new("/"), 0o755, 0)]);
            let fits = match (&told, expected) {
                (Some(told), Some(expected)) => told.contains(expected) && told.contains("[switches] socket"),
                (None, None) => true,
                _ => false,
            };
            assert!(fits, "{mode:o} {members} {directory:?}: {told:?}");
        }
    }
}
